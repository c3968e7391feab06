"""Errors name who answered what and what to do next; never HTML, never a token."""

import asyncio
import logging
import pickle
import socket
from typing import Any

import pytest

from hfwidgets import AsyncInferenceClient, InferenceClient, InferenceTimeoutError, errors
from hfwidgets.errors import advice
from hfwidgets.errors.server_message import MAX_MESSAGE_CHARS, find_server_message
from tests.plugins.loopback import Answer, Loopback, chat_answer
from tests.plugins.waiting import LIMIT

HELLO = [{"role": "user", "content": "Hello"}]
TOKEN = "hf_" + "sentinel" * 4
MODEL = "org/model"


def routed(loopback: Loopback, provider: str = "together", **more: Any) -> InferenceClient:
    """Return a client whose calls go through a loopback router."""
    hosts = {"hub": loopback.url, "router": loopback.url}
    mapping = {MODEL: {provider: "theirs/model"}}
    settings = {"token": TOKEN, "max_retries": 0, **more}
    return InferenceClient(provider=provider, hosts=hosts, mapping=mapping, **settings)


def refused(loopback: Loopback, answer: Answer, **more: Any) -> errors.HfWidgetsError:
    """Return the error of a routed chat call with this answer."""
    loopback.answer(answer)
    with pytest.raises(errors.HfWidgetsError) as caught:
        routed(loopback, **more).chat_completion(HELLO, model=MODEL)
    return caught.value


CASES = [
    (400, {"error": "bad parameter"}, errors.BadRequestError, "bad parameter", "parameters"),
    (400, {"error": ["Error in `inputs.context`: field required"], "warnings": ["w"]},
     errors.BadRequestError, "field required", "parameters"),
    (401, {"error": "Invalid credentials in Authorization header"},
     errors.AuthenticationError, "Invalid credentials", "token came from the argument"),
    (402, {"error": "You have exceeded your monthly included credits"},
     errors.PaymentRequiredError, "exceeded your monthly", "bill_to="),
    (403, {"error": "This authentication method does not have sufficient permissions"},
     errors.PermissionDeniedError, "sufficient permissions", "Make calls to Inference Providers"),
    (404, {"error": "Model not found"}, errors.NotFoundError, "Model not found", "client.explain"),
    (410, {"error": "gone"}, errors.HfHubHTTPError, "gone", "no longer served"),
    (413, {"message": "Payload too large"}, errors.BadRequestError, "too large", "smaller"),
    (422, {"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048",
           "error_type": "validation"},
     errors.BadRequestError, "must be <= 2048", "fewer new tokens"),
    (422, {"detail": [{"loc": ["body", "prompt"], "msg": "field required", "type": "missing"}]},
     errors.BadRequestError, "body.prompt: field required", "parameters"),
    (424, {"error": "Request failed during generation", "error_type": "generation"},
     errors.HfHubHTTPError, "failed during generation", ""),
    (429, {"error": {"message": "Rate limit reached", "code": "rate_limit"}},
     errors.RateLimitError, "Rate limit reached", "send fewer requests"),
    (500, {"error": "Model too busy, unable to get response in less than 60 second(s)"},
     errors.ServerError, "too busy", "try again later"),
    (501, {"error": "not here"}, errors.NotServedError, "not here", "another provider="),
    (503, {"error": "Service Unavailable"}, errors.ServerError, "Unavailable", "try again"),
    (504, {"error": "upstream request timeout"}, errors.ServerError, "timeout", "stream=True"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "kind", "message", "advice"), CASES)
def test_each_status_has_its_class_and_advice(
    loopback: Loopback, status: int, body: Any, kind: type, message: str, advice: str
) -> None:
    error = refused(loopback, Answer(status, json=body, headers={"x-request-id": "req-1"}))
    assert type(error) is kind
    text = str(error)
    assert text.startswith(f"together, model {MODEL} answered {status}: ")
    assert message in text
    assert advice in text
    assert "(request req-1)" in text
    assert isinstance(error, errors.HfHubHTTPError)
    assert (error.status_code, error.request_id) == (status, "req-1")
    assert message in (error.server_message or "")
    assert error.meta.provider == "together"
    assert error.meta.model == MODEL


@pytest.mark.parametrize(("status", "body", "kind", "message", "advice"), CASES[:6])
def test_the_async_client_raises_the_same(
    loopback: Loopback, status: int, body: Any, kind: type, message: str, advice: str
) -> None:
    loopback.answer(*[Answer(status, json=body, headers={"x-request-id": "r"})] * 2)
    blocking = routed(loopback)
    settings: dict[str, Any] = {"token": TOKEN, "max_retries": 0}
    settings["mapping"] = {MODEL: {"together": "t"}}
    hosts = {"hub": loopback.url, "router": loopback.url}

    async def run() -> BaseException:
        async with AsyncInferenceClient(provider="together", hosts=hosts, **settings) as client:
            with pytest.raises(kind) as caught:
                await client.chat_completion(HELLO, model=MODEL)
            return caught.value

    with pytest.raises(kind) as caught:
        blocking.chat_completion(HELLO, model=MODEL)
    assert str(asyncio.run(run())) == str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        b"<html><head><title>504 Gateway Time-out</title></head><body>nginx</body></html>",
        b"<!DOCTYPE html><body class='x'>oops</body>",
        b'{"error": "<html><body>inner page</body></html>"}',
    ],
)
def test_html_is_never_shown(loopback: Loopback, body: bytes) -> None:
    error = refused(loopback, Answer(504, body=body))
    assert "<" not in str(error)
    assert "nothing readable" in str(error)


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ({"x-error-message": "from the header"}, {}, "from the header"),
        ({"x-error-message": "same"}, {"error": "same"}, "same"),
        ({}, {"error": "first", "error_description": "second"}, "first; second"),
        ({}, {"errors": [{"message": "a"}, {"message": "b"}]}, "a; b"),
        ({}, {"error": {"message": "openai's", "type": "t", "code": 1}}, "openai's"),
        ({}, {"message": "plain"}, "plain"),
        ({}, {"detail": "fastapi's"}, "fastapi's"),
        ({}, {"detail": {"error": "nested"}}, "nested"),
        ({}, ["one", {"error": "two"}], "one; two"),
        ({}, {}, None),
    ],
)
def test_the_server_s_message_in_all_its_shapes(
    headers: dict[str, str], body: Any, expected: str | None
) -> None:
    import json

    from hfwidgets.core.flow import Reply

    assert find_server_message(Reply(400, headers, json.dumps(body).encode())) == expected


def test_plain_text_is_read_and_long_text_is_cut() -> None:
    from hfwidgets.core.flow import Reply

    message = find_server_message(Reply(422, {}, b"Failed to deserialize: " + b"x" * 9000))
    assert message is not None
    assert message.startswith("Failed to deserialize")
    assert len(message) <= MAX_MESSAGE_CHARS


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("GatedRepo", 403, errors.GatedRepoError),
        ("RepoNotFound", 404, errors.RepositoryNotFoundError),
        ("RevisionNotFound", 404, errors.RevisionNotFoundError),
        ("EntryNotFound", 404, errors.EntryNotFoundError),
    ],
)
def test_the_hub_s_error_codes(loopback: Loopback, code: str, status: int, kind: type) -> None:
    error = refused(loopback, Answer(status, json={"error": "no"}, headers={"X-Error-Code": code}))
    assert type(error) is kind


def test_gated_is_also_not_found_and_names_the_model_s_page(loopback: Loopback) -> None:
    answer = Answer(403, json={"error": "Access denied"}, headers={"X-Error-Code": "GatedRepo"})
    error = refused(loopback, answer)
    assert isinstance(error, (errors.RepositoryNotFoundError, errors.PermissionDeniedError))
    assert f"https://huggingface.co/{MODEL}" in str(error)


def test_text_generation_keeps_the_server_s_own_types(loopback: Loopback) -> None:
    client = InferenceClient(base_url=loopback.url, max_retries=0)
    types = {
        "validation": (422, errors.ValidationError),
        "generation": (424, errors.GenerationError),
        "overloaded": (429, errors.OverloadedError),
        "incomplete_generation": (500, errors.IncompleteGenerationError),
    }
    for name, (status, kind) in types.items():
        loopback.answer(Answer(status, json={"error": f"{name}!", "error_type": name}))
        with pytest.raises(kind, match=f"{name}!") as caught:
            client.text_generation("Hi")
        assert isinstance(caught.value, errors.TextGenerationError)
        assert caught.value.server_message == f"{name}!"


def test_a_token_in_the_server_s_message_is_masked(loopback: Loopback) -> None:
    error = refused(loopback, Answer(401, json={"error": f"Invalid token {TOKEN}"}))
    assert TOKEN not in str(error)
    assert TOKEN not in repr(error)
    assert TOKEN not in (getattr(error, "server_message", "") or "")


def test_rate_limits_name_the_reset_time(loopback: Loopback) -> None:
    headers = {"RateLimit": '"api";r=0;t=187', "RateLimit-Policy": '"fixed";q=500;w=300'}
    error = refused(loopback, Answer(429, json={"error": "slow down"}, headers=headers))
    assert isinstance(error, errors.RateLimitError)
    assert error.retry_after == 188
    assert "Wait 188 s" in str(error)


def test_a_long_retry_after_is_reported_and_not_slept(
    loopback: Loopback, waits: list[tuple[str, float]]
) -> None:
    answer = Answer(429, json={"error": "quota"}, headers={"Retry-After": "3600"})
    error = refused(loopback, answer, max_retries=3)
    assert isinstance(error, errors.RateLimitError)
    assert error.retry_after == 3600
    assert waits == []
    assert len(loopback.requests) == 1


@pytest.mark.usefixtures("long_pauses")
def test_loading_past_the_budget_is_a_timeout_with_the_reason(loopback: Loopback) -> None:
    loading = Answer(503, json={"error": "Model x is currently loading", "estimated_time": 0.01})
    loopback.answer(loading, loading)
    client = InferenceClient(base_url=loopback.url, timeout=30)
    with pytest.raises(InferenceTimeoutError, match="timeout of 30 s while loading") as caught:
        client.chat_completion(HELLO)
    assert isinstance(caught.value, TimeoutError)


@pytest.mark.parametrize("stream", [False, True])
def test_a_silent_server_is_a_timeout_in_both_clients(loopback: Loopback, stream: bool) -> None:
    import threading

    release = threading.Event()

    def silent(_: Any) -> Answer:
        release.wait(LIMIT)
        return chat_answer("late")

    loopback.answer(silent, silent)
    try:
        with pytest.raises(InferenceTimeoutError):
            InferenceClient(base_url=loopback.url, timeout=0.2).chat_completion(
                HELLO, stream=stream
            )

        async def run() -> None:
            async with AsyncInferenceClient(base_url=loopback.url, timeout=0.2) as client:
                await client.chat_completion(HELLO, stream=stream)

        with pytest.raises(InferenceTimeoutError):
            asyncio.run(run())
    finally:
        release.set()


def test_a_connection_that_is_not_accepted_in_time_is_a_timeout() -> None:
    """Connect to a socket whose queue is full, which makes further ones wait."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for queued in waiting:
            queued.setblocking(False)
            queued.connect_ex(server.getsockname())
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(InferenceTimeoutError, match=r"timeout of 0\.3 s"):
            InferenceClient(base_url=url, timeout=0.3).chat_completion(HELLO)

        async def run() -> None:
            async with AsyncInferenceClient(base_url=url, timeout=0.3) as client:
                await client.chat_completion(HELLO)

        with pytest.raises(InferenceTimeoutError, match=r"timeout of 0\.3 s"):
            asyncio.run(run())
        for queued in waiting:
            queued.close()


def test_no_server_is_a_connection_error_with_the_host() -> None:
    client = InferenceClient(base_url="http://127.0.0.1:9", max_retries=0)
    with pytest.raises(errors.ConnectError, match=r"127\.0\.0\.1:9") as caught:
        client.chat_completion(HELLO)
    assert isinstance(caught.value, ConnectionError)


def test_a_warning_header_is_logged_once_per_topic(
    loopback: Loopback, caplog: pytest.LogCaptureFixture
) -> None:
    for warning in ("Deprecation; v1 ends soon", "Deprecation; v1 ends soon", "Other; look"):
        answer = chat_answer("Hi")
        answer.headers = {"X-HF-Warning": warning}
        loopback.answer(answer)
    client = InferenceClient(base_url=loopback.url)
    with caplog.at_level(logging.WARNING, logger="hfwidgets"):
        for _ in range(3):
            client.chat_completion(HELLO)
    assert [record.message for record in caplog.records] == ["v1 ends soon", "look"]


def test_redirects_in_circles_end(loopback: Loopback) -> None:
    loopback.route("POST", "/", Answer(307, headers={"location": "/"}))
    with pytest.raises(errors.ConnectError, match="circles"):
        InferenceClient(base_url=loopback.url + "/").text_classification("x")


def test_every_error_is_in_the_docstring_s_tree() -> None:
    named = {line.strip(" │├└─").split(" ")[0] for line in (errors.__doc__ or "").splitlines()}
    classes = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    ours = [kind for kind in classes if issubclass(kind, errors.HfWidgetsError)]
    assert {kind.__name__ for kind in ours} <= named


def test_an_unknown_status_has_no_advice() -> None:
    assert advice.find_advice(advice.ErrorContext(418)).text == ""


def test_the_fields_survive_pickling() -> None:
    action = errors.Action("retry", {"seconds": "5"})
    error = errors.RateLimitError("Too many.", advice="Wait.", action=action, request_id="r1")
    error.retry_after = 5.0
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) == "Too many. Wait. (request r1)"
    assert (again.reason, again.advice, again.action) == ("Too many.", "Wait.", action)
    assert again.retry_after == 5.0


def test_reasons_and_advice_can_be_added() -> None:
    error = errors.InputError("One.")
    assert error.action is None
    error.add_reason("Two.")
    error.add_advice("Three.")
    error.add_advice("Four.", errors.Action("sign_in"))
    assert str(error) == "One. Two. Three. Four."
    assert (error.reason, error.advice) == ("One. Two.", "Three. Four.")
    assert error.action == errors.Action("sign_in")
    assert errors.InputError("x").action is None
    assert str(errors.InputError()) == ""
