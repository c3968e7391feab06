"""Secrets are of a type that shows nothing, and no error of a call holds one."""

import asyncio
import copy
import dataclasses
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
import pytest

import hfwidgets as hf
from hfwidgets import AsyncInferenceClient, InferenceClient, errors, providers
from hfwidgets.calls.prepared_request import PreparedRequest
from hfwidgets.calls.route import Route
from hfwidgets.core.auth import Token
from hfwidgets.core.flow import Infer, Send
from hfwidgets.errors.secrets import MASK, Secret, SecretUrl, hide_url, reveal
from hfwidgets.providers import Address
from tests.plugins.loopback import Answer, Loopback, Seen, chat_answer, chat_events, events

KEY = "opaque-0123456789-sentinel"
URL_KEY = "urlkey-0123456789"
HEADER = "header-0123456789"
COOKIE = "cookie-0123456789"
PASSWORD = "passw0rd-of-url"
ALL = (KEY, URL_KEY, HEADER, COOKIE, PASSWORD)
HELLO = [{"role": "user", "content": "Hello"}]


def test_a_secret_shows_dots_and_is_its_value_as_an_argument() -> None:
    secret = Secret(KEY)
    shown = [str(secret), repr(secret), f"{secret}", f"{secret:>5}", f"{secret}"]
    shown += ["%s" % secret, repr([secret]), repr({"a": secret}), str(Secret(secret))]  # noqa: UP031
    assert all(KEY not in text and MASK in text for text in shown)
    assert secret == KEY
    assert hash(secret) == hash(KEY)
    assert secret.encode() == KEY.encode()
    assert reveal(secret) == reveal(Secret(secret)) == KEY
    assert type(reveal(secret)) is str
    assert copy.deepcopy(secret) is copy.copy(secret) is secret
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(secret)
    assert httpx.Headers({"x-key": secret})["x-key"] == KEY


def test_an_address_with_a_key_shows_the_rest() -> None:
    url = hide_url(f"https://host/path?api_key={KEY}&v=2")
    assert type(url) is SecretUrl
    assert str(url) == repr(url).strip("'") == f"https://host/path?api_key={MASK}&v=2"
    assert httpx.URL(url).params["api_key"] == KEY
    assert type(hide_url("https://host/path?v=2")) is str


def test_steps_of_a_call_show_no_key_of_their_addresses() -> None:
    url = f"https://user:{PASSWORD}@host/?api_key={URL_KEY}"
    endpoint = providers.get("endpoint")
    steps = (
        Send("GET", url, headers={"authorization": Secret(KEY)}),
        Infer("x", model=url, base=url),
        Route(endpoint, url, url, url),
        PreparedRequest("GET", url, {"x-api-key": KEY}),
        Address(url, {"x-api-key": KEY}),
    )
    for step in steps:
        assert "host/" in repr(step)
        assert not [secret for secret in ALL if secret in repr(step)]


def make_client(loopback: Loopback, kind: type[Any] = InferenceClient, **more: Any) -> Any:
    url = loopback.url.replace("http://", f"http://user:{PASSWORD}@")
    return kind(
        f"{url}/?code={URL_KEY}",
        token=None,
        headers={"X-My-Credential": HEADER, "X-Api-Key": KEY, "X-Plain": "shown"},
        cookies={"c": COOKIE},
        max_retries=0,
        **more,
    )


def test_nothing_of_a_client_shows_a_secret(loopback: Loopback) -> None:
    loopback.route("POST", "/", Answer(json=[{"label": "A", "score": 1.0}]))
    client = make_client(loopback)
    client.text_classification("x")
    settings = client._caller.settings
    own = InferenceClient(token=KEY)._caller.settings
    address = Address("http://x", {"authorization": f"Bearer {KEY}"})
    shown = [repr(client), client.explain("text_classification", text="x")]
    for thing in (settings, own, address, Token(KEY, "a test"), *settings.addresses.values()):
        values: dict[str, Any] = {name: getattr(thing, name) for name in thing.__slots__}
        values["keys"] = [*values["addresses"]] if "addresses" in values else []
        shown += [repr(thing), str(thing), values, dataclasses.asdict(thing)]
    text = " ".join(f"{part!s} {part!r}" for part in shown)
    for secret in ALL:
        assert secret not in text, text[max(0, text.index(secret) - 300) :][:600]
    assert "shown" in text
    [request] = loopback.requests
    assert request.headers["x-my-credential"] == HEADER
    assert request.headers["x-api-key"] == KEY
    assert request.headers["cookie"] == f"c={COOKIE}"
    assert request.query == {"code": [URL_KEY]}


def echo(seen: Seen) -> str:
    """Return everything that a request says, as a careless or hostile server does."""
    return json.dumps([dict(seen.headers), seen.query, list(ALL)])


def echo_error(status: int) -> Callable[[Seen], Answer]:
    return lambda seen: Answer(
        status, json={"error": echo(seen)}, headers={"x-request-id": KEY, "x-error-message": KEY}
    )


def echo_shape(seen: Seen) -> Answer:
    return Answer(json={"unexpected": echo(seen)}, headers={"x-request-id": KEY})


def echo_page(seen: Seen) -> Answer:
    return Answer(body=echo(seen).encode(), headers={"content-type": "text/plain", "x-own": KEY})


def echo_short(seen: Seen) -> Answer:
    """Put the secret where a message is cut."""
    return Answer(json={"unexpected": "x" * 175 + KEY})


REPLIES: dict[str, Any] = {
    **{f"status {status}": echo_error(status) for status in (400, 401, 403, 404, 429, 500, 503)},
    "another shape": echo_shape,
    "not JSON": echo_page,
    "cut": echo_short,
}


def everything_of(error: BaseException) -> str:
    """Return all that can be seen of an error, its causes and its frames' locals included."""
    with_locals = traceback.TracebackException.from_exception(error, capture_locals=True)
    parts: list[Any] = list(with_locals.format())
    seen: list[BaseException] = []
    left: list[BaseException | None] = [error]
    while left:
        one = left.pop()
        if one is not None and one not in seen:
            seen.append(one)
            parts += [str(one), repr(one), repr(vars(one)), repr(one.args)]
            response = getattr(one, "response", None)
            parts += [response and (response.text, dict(response.headers))]
            meta = getattr(one, "meta", None)
            parts += [meta and (repr(vars(meta)), meta.request_id)]
            left += [one.__cause__, one.__context__]
    parts.append(pickle.dumps(error).decode("latin-1"))
    return " ".join(map(str, parts))


def assert_clean(error: BaseException) -> None:
    text = everything_of(error)
    for secret in ALL:
        assert secret not in text, text[max(0, text.index(secret) - 300) :][:600]


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
@pytest.mark.parametrize("task", ["chat_completion", "text_classification"])
def test_no_error_of_an_echoing_server_holds_a_secret(
    loopback: Loopback, reply: Any, task: str
) -> None:
    for path in ("/", "/chat/completions", "/v1/chat/completions"):
        loopback.route("POST", path, reply)
    with pytest.raises(errors.HfWidgetsError) as caught:
        getattr(make_client(loopback), task)(HELLO if task == "chat_completion" else "x")
    assert_clean(caught.value)


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
def test_nor_one_of_the_async_client(loopback: Loopback, reply: Any) -> None:
    loopback.route("POST", "/", reply)

    async def run() -> None:
        async with make_client(loopback, AsyncInferenceClient) as client:
            await client.text_classification("x")

    with pytest.raises(errors.HfWidgetsError) as caught:
        asyncio.run(run())
    assert_clean(caught.value)


def test_nor_one_of_a_call_with_keys_of_its_own(loopback: Loopback) -> None:
    """Headers and parameters of one call are secrets of that call."""
    loopback.route("POST", "/v1/chat/completions", echo_error(400))
    client = InferenceClient(base_url=f"{loopback.url}/v1", max_retries=0)
    with pytest.raises(errors.BadRequestError) as caught:
        client.chat_completion(
            HELLO, extra_headers={"X-Api-Key": HEADER}, extra_query={"api_key": URL_KEY, "v": "2"}
        )
    [request] = [seen for seen in loopback.requests if seen.method == "POST"]
    assert request.headers["x-api-key"] == HEADER
    assert request.query == {"api_key": [URL_KEY], "v": ["2"]}
    text = str(caught.value)
    assert HEADER not in text
    assert URL_KEY not in text


def test_nor_one_inside_a_stream(loopback: Loopback) -> None:
    def answer(seen: Seen) -> Answer:
        error = json.dumps({"error": {"message": echo(seen)}})
        chunks = [*(chat_events("Hi", done=False).chunks or ()), f"data: {error}\n\n".encode()]
        headers = {"content-type": "text/event-stream", "x-request-id": KEY}
        return Answer(headers=headers, chunks=chunks)

    for path in ("/", "/chat/completions", "/v1/chat/completions"):
        loopback.route("POST", path, answer)
    with pytest.raises(errors.HfWidgetsError) as caught:
        list(make_client(loopback).chat_completion(HELLO, stream=True))
    assert_clean(caught.value)


@pytest.mark.parametrize("kind", [InferenceClient, AsyncInferenceClient])
def test_nor_one_of_a_connection_that_fails(loopback: Loopback, kind: type[Any]) -> None:
    """What HTTP libraries raise holds the request, and their frames hold its bytes."""
    loopback.close()

    def run_blocking() -> None:
        make_client(loopback).text_classification("x")

    def run_async() -> None:
        async def run() -> None:
            async with make_client(loopback, AsyncInferenceClient) as client:
                await client.text_classification("x")

        asyncio.run(run())

    call = run_async if kind is AsyncInferenceClient else run_blocking
    with pytest.raises(errors.ConnectError) as caught:
        call()
    assert_clean(caught.value)


@pytest.mark.parametrize(
    "arguments",
    [
        {"token": KEY, "api_key": KEY},
        {"token": f"{KEY} {KEY}"},
        {"token": KEY, "provider": "nobody"},
        {"token": KEY, "headers": {"X-Api-Key": f"{HEADER}\n"}},
        {"token": KEY, "cookies": {"a": f"{COOKIE}\n"}},
        {"token": KEY, "timeout": "soon"},
        {"base_url": f"https://host/?api_key={URL_KEY}", "provider": "together"},
        {"base_url": f"https://user:{PASSWORD}@host/", "model": "m"},
        {"base_url": f"ftp://user:{PASSWORD}@host/?api_key={URL_KEY}"},
    ],
)
def test_nor_one_of_a_client_with_wrong_arguments(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - each has its own text
        InferenceClient(**arguments)
    # The frames of this test hold the arguments themselves.
    own = [step for step in traceback.walk_tb(caught.value.__traceback__) if is_ours(step[0])]
    assert own
    frames = traceback.StackSummary.extract(iter(own), capture_locals=True)
    text = f"{''.join(frames.format())} {caught.value!s} {caught.value!r}"
    assert not [secret for secret in ALL if secret in text]


def is_ours(frame: FrameType) -> bool:
    return Path(frame.f_code.co_filename).is_relative_to(Path(errors.__file__).parents[1])


def test_no_log_of_an_echoing_server_shows_a_secret(
    loopback: Loopback, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"X-HF-Warning": f"echo; the key {KEY} is old \x1b[31m"}
    loopback.route("POST", "/", Answer(json=[], headers=headers))
    with caplog.at_level(logging.WARNING, logger="hfwidgets"):
        make_client(loopback).text_classification("x")
    assert [record.message for record in caplog.records] == ["the key … is old "]


def test_a_reply_of_the_right_shape_is_untouched(loopback: Loopback) -> None:
    loopback.answer(chat_answer(f"My key is {KEY}"))
    client = InferenceClient(base_url=loopback.url, token=KEY)
    assert client.chat_completion(HELLO).text == f"My key is {KEY}"


def test_a_panel_does_not_hold_its_token_as_a_plain_text(loopback: Loopback) -> None:
    loopback.route("POST", "/", Answer(json=[{"label": "A", "score": 1.0}]))
    url = f"{loopback.url}/?code={URL_KEY}"
    panel = hf.panel("text-classification", base_url=url, token=KEY, text="x")
    try:
        panel.run()
        panel._hfw_do_key(KEY)
        assert not [key for key in (KEY, URL_KEY) if key in repr(vars(panel))]
    finally:
        panel.close()
    assert {seen.headers["authorization"] for seen in loopback.requests} == {f"Bearer {KEY}"}


@pytest.mark.parametrize("kind", [InferenceClient, AsyncInferenceClient])
def test_the_locals_of_a_broken_stream_hold_nothing_that_came(
    loopback: Loopback, kind: type[Any]
) -> None:
    choice = {"index": 0, "delta": {"content": f"a {KEY}"}}
    loopback.answer(events({"choices": [choice]}, {"error": "late"}))

    async def read_async() -> None:
        stream = await AsyncInferenceClient(loopback.url, token=KEY).chat_completion(
            HELLO, stream=True
        )
        async for _ in stream:
            pass

    def read() -> None:
        for _ in InferenceClient(loopback.url, token=KEY).chat_completion(HELLO, stream=True):
            pass

    with pytest.raises(errors.HfWidgetsError) as caught:
        read() if kind is InferenceClient else asyncio.run(read_async())
    frames = [frame for frame, _ in traceback.walk_tb(caught.tb)]
    shown = [repr(f.f_locals) for f in frames if f.f_code.co_filename.endswith("core/streams.py")]
    assert shown
    assert not [text for text in shown if KEY in text]
