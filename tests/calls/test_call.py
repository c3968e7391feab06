"""Calls as generators: advanced by hand, without network, loop or patching."""

from collections.abc import Mapping
from typing import Any

import pytest

from hfwidgets import errors
from hfwidgets.calls.call import Call
from hfwidgets.calls.prepared_request import PreparedRequest
from hfwidgets.calls.settings import Settings
from hfwidgets.core import auth
from hfwidgets.core.flow import Blocking, Flow, Infer, Reply, Sleep
from hfwidgets.tasks import TASKS

URL = "https://me.endpoints.huggingface.cloud/x"


def classify(settings: Settings | None = None, **options: Any) -> tuple[Call, Flow[Any]]:
    task = TASKS["text-classification"]
    settings = settings or Settings(model=URL, token=auth.explicit_token("secret"))
    call = Call(settings, task)
    return call, call.drive(task.flow(None, "Fine!", **options))


def ok(value: bytes = b'[{"label":"A","score":1.0}]', **headers: str) -> Reply:
    return Reply(200, headers, value)


def no(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(status, headers or {}, body)


def finish(flow: Flow[Any], outcome: Any) -> Any:
    with pytest.raises(StopIteration) as done:
        flow.send(outcome)
    return done.value.value


def test_a_task_asks_and_makes_a_typed_result() -> None:
    flow = TASKS["text-classification"].flow(None, "Fine!", top_k=2)
    ask = next(flow)
    assert isinstance(ask, Infer)
    assert (ask.inputs, ask.parameters) == ("Fine!", {"top_k": 2})
    result = finish(flow, [[{"label": "A", "score": 0.5}]])
    assert result[0].score == 0.5


def test_a_call_becomes_one_request() -> None:
    call, flow = classify()
    wire = next(flow)
    assert isinstance(wire, PreparedRequest)
    assert (wire.method, wire.url) == ("POST", URL)
    assert wire.content == b'{"inputs":"Fine!","parameters":{}}'
    assert wire.headers["authorization"] == "Bearer secret"
    assert finish(flow, ok())[0].label == "A"
    assert call.meta().provider == "endpoint"


def test_a_found_token_stays_with_the_hubs_hosts() -> None:
    for url, sent in (
        (URL, True),
        ("https://elsewhere.example/x", False),
        ("http://hf.co/x", False),
    ):
        _, flow = classify(Settings(model=url))
        assert isinstance(next(flow), Blocking)
        wire = flow.send(auth.Token("hf_found_on_the_machine", "a test"))
        assert ("authorization" in wire.headers) is sent


def test_a_loading_model_is_waited_for_and_the_wait_says_why() -> None:
    _, flow = classify()
    next(flow)
    pause = flow.send(no(503, b'{"error":"loading","estimated_time":20.0}'))
    assert isinstance(pause, Sleep)
    assert "loading" in pause.reason
    assert "20 s" in pause.reason
    assert isinstance(flow.send(None), PreparedRequest)
    assert finish(flow, ok())


def test_retries_are_bounded_and_end_in_the_servers_own_words() -> None:
    _, flow = classify(Settings(model=URL, token=auth.explicit_token("secret"), max_retries=2))
    busy = no(429, b'{"error":"too many"}', {"retry-after": "3"})
    next(flow)
    for _ in range(2):
        pause = flow.send(busy)
        assert isinstance(pause, Sleep)
        assert pause.seconds == 3.0
        assert isinstance(flow.send(None), PreparedRequest)
    with pytest.raises(errors.RateLimitError, match="too many") as caught:
        flow.send(busy)
    assert caught.value.retry_after == 3.0


def test_a_pause_that_is_too_long_is_told_instead_of_waited() -> None:
    _, flow = classify()
    next(flow)
    with pytest.raises(errors.RateLimitError) as caught:
        flow.send(no(429, b"{}", {"retry-after": "3600"}))
    assert caught.value.retry_after == 3600.0


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422, 500, 501, 504])
def test_what_does_not_pass_is_not_tried_again(status: int) -> None:
    _, flow = classify()
    next(flow)
    with pytest.raises(errors.HfHubHTTPError) as caught:
        flow.send(no(status, b'{"error":"because"}', {"x-request-id": "r-1"}))
    assert caught.value.status_code == status
    assert caught.value.request_id == "r-1"
    assert "because" in str(caught.value)


def test_a_lost_connection_is_tried_again() -> None:
    _, flow = classify()
    next(flow)
    pause = flow.throw(errors.ConnectError("gone"))
    assert isinstance(pause, Sleep)
    assert isinstance(flow.send(None), PreparedRequest)
    assert finish(flow, ok())


def test_a_redirect_within_the_host_keeps_the_credentials() -> None:
    _, flow = classify()
    next(flow)
    wire = flow.send(no(307, headers={"location": "/moved"}))
    assert wire.url.endswith("huggingface.cloud/moved")
    assert wire.headers["authorization"] == "Bearer secret"


def test_a_redirect_to_another_host_gets_neither_body_nor_credentials() -> None:
    _, flow = classify()
    next(flow)
    with pytest.raises(errors.ConnectError, match=r"elsewhere\.example"):
        flow.send(no(307, headers={"location": "https://elsewhere.example/x"}))


def test_values_that_are_not_json_are_refused_before_sending() -> None:
    _, flow = classify(top_k=float("nan"))
    with pytest.raises(errors.InputError, match="JSON"):
        next(flow)
