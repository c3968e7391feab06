"""A call's rules, advanced by hand: its requests, its pauses, what it remembers and reports."""

import time
from typing import Any

import pytest

from hfwidgets import errors
from hfwidgets.calls.call import MAX_LOADING_WAIT, Call, Deadline, join_url
from hfwidgets.calls.offers import manual_mapping
from hfwidgets.calls.prepared_request import PreparedCancel, PreparedRequest
from hfwidgets.calls.settings import Settings
from hfwidgets.core import auth
from hfwidgets.core.flow import Blocking, CancelOnExit, Flow, Infer, Reply, Send, Sleep
from hfwidgets.engine_process import EngineState
from hfwidgets.tasks import TASKS

URL = "https://me.example/x"
KEY = "own-secret-key"


def settings(**more: Any) -> Settings:
    return Settings(**{"model": URL, "token": auth.explicit_token(KEY), **more})


def start(known: Settings | None = None, text: str = "Fine!") -> tuple[Call, Flow[Any]]:
    """Return a call that has sent its first request."""
    task = TASKS["text-classification"]
    call = Call(known or settings(), task)
    flow = call.drive(task.flow(None, text))
    assert isinstance(next(flow), PreparedRequest)
    return call, flow


def ready(known: Settings | None = None) -> Call:
    """Return a call whose address is known."""
    return start(known)[0]


def send(call: Call, step: Send, *replies: Reply | Exception) -> tuple[list[Any], Any]:
    """Perform a request with these replies; return the steps and the result."""
    flow, steps = call.send_with_retries(step), []
    steps.append(next(flow))
    left = list(replies)
    try:
        while True:
            if isinstance(steps[-1], PreparedRequest):
                reply = left.pop(0)
                failed = isinstance(reply, Exception)
                steps.append(flow.throw(reply) if failed else flow.send(reply))  # type: ignore[arg-type]
            else:
                steps.append(flow.send(None))
    except StopIteration as done:
        return steps, done.value


@pytest.mark.parametrize(
    ("base", "path", "query", "url"),
    [
        ("https://h/a", "b", {}, "https://h/a/b"),
        ("https://h/a/", "/b", None, "https://h/a/b"),
        ("https://h/a", "", {}, "https://h/a"),
        ("https://h/a/", "", {}, "https://h/a/"),
        ("https://h/a?k=1", "b", {}, "https://h/a/b?k=1"),
        ("https://h/a/?k=1", "/b?w=2", {"q": "3 4"}, "https://h/a/b?k=1&w=2&q=3+4"),
        ("https://h/a?k=1", "", {"q": "3"}, "https://h/a?k=1&q=3"),
        ("https://h/a", "b?w=2", {}, "https://h/a/b?w=2"),
        ("https://h/a", "b?w=2", {"q": "3"}, "https://h/a/b?w=2&q=3"),
        ("https://h/a", "", {"q": "3"}, "https://h/a?q=3"),
    ],
)
def test_a_path_is_joined_to_its_base(base: str, path: str, query: Any, url: str) -> None:
    assert join_url(base, path, query) == url


def test_a_request_has_its_body_and_its_headers() -> None:
    call = ready(settings(headers={"X-Mine": "1", "Accept": "text/plain"}, query={"q": "z"}))
    wire = call.prepare_request(
        Send("POST", "", json={"a": "ü"}, headers={"ACCEPT": "image/png", "X-Task": "2"})
    )
    assert (wire.method, wire.url, wire.content) == ("POST", f"{URL}?q=z", '{"a":"ü"}'.encode())
    assert wire.headers["content-type"] == "application/json"
    assert wire.headers["authorization"] == f"Bearer {KEY}"
    # The user's own headers win over the task's, whatever their case.
    names = {name.lower(): value for name, value in wire.headers.items()}
    assert (names["accept"], names["x-mine"], names["x-task"]) == ("text/plain", "1", "2")
    assert len(names) == len(wire.headers)
    other = call.prepare_request(Send("POST", "", json={}))
    ids = {one.headers["x-request-id"] for one in (wire, other)}
    assert len(ids) == 2
    assert {len(one) for one in ids} == {32}


def test_a_foreign_address_gets_nothing_of_the_user_s() -> None:
    call = ready(settings(headers={"X-Mine": "1"}, query={"q": "z"}, cookies={"c": "v"}))
    wire = call.prepare_request(Send("GET", "https://cdn.example/f", headers={"X-Mine": "3"}))
    assert wire.url == "https://cdn.example/f"
    assert wire.headers["x-mine"] == "3"
    assert {"authorization", "cookie", "content-type"}.isdisjoint(wire.headers)
    assert wire.headers["user-agent"].startswith("hfwidgets/")


class Sized:
    size = 7

    def __iter__(self) -> Any:
        return iter((b"content",))


def test_a_body_s_length_is_sent_where_it_is_known() -> None:
    call = ready()
    sized = Sized()
    wire = call.prepare_request(Send("POST", "", content=sized))
    assert (wire.content, wire.headers["content-length"]) == (sized, "7")
    assert "content-type" not in wire.headers
    assert "content-length" not in call.prepare_request(Send("POST", "", content=b"x")).headers
    limits = Send("GET", "y", stream=True, limit=5, max_wait=2.0)
    wire = call.prepare_request(limits)
    assert (wire.stream, wire.limit, wire.max_wait) == (True, 5, 2.0)
    assert wire.content is None


def test_offline_a_foreign_address_of_the_hub_is_not_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    call = ready()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(errors.OfflineModeIsEnabled):
        call.prepare_request(Send("GET", "https://huggingface.co/x"))
    assert call.prepare_request(Send("GET", "https://cdn.example/x"))


LOADING = '{"error": "loading", "estimated_time": %s}'


@pytest.mark.parametrize(
    ("estimate", "pause", "told"),
    [(0, 1.0, 1), (0.4, 1.0, 1), (2, 1.0, 2), (5, 2.5, 5), (20, 10.0, 20), (900, 10.0, 900)],
)
def test_half_of_a_loading_time_is_waited_between_one_and_ten_seconds(
    estimate: float, pause: float, told: int
) -> None:
    _, flow = start(settings(max_retries=0))
    wait = flow.send(Reply(503, {}, (LOADING % estimate).encode()))
    assert (wait.seconds, wait.counts) == (pause, False)
    assert wait.reason == f"loading the model, about {told} s"


def test_a_loading_model_uses_up_no_tries_but_its_time() -> None:
    call, flow = start(settings(max_retries=0))
    for _ in range(5):
        assert isinstance(flow.send(Reply(503, {}, (LOADING % 1).encode())), Sleep)
        assert isinstance(flow.send(None), PreparedRequest)
    assert MAX_LOADING_WAIT == 900
    call.start_time = time.perf_counter() - 900
    with pytest.raises(errors.HfHubHTTPError, match="loading"):
        flow.send(Reply(503, {}, (LOADING % 1).encode()))


@pytest.mark.parametrize(
    ("status", "headers", "seconds", "reason"),
    [
        (429, {"retry-after": "3"}, 3.0, "endpoint asks for a pause"),
        (429, {"retry-after": "60"}, 60.0, "endpoint asks for a pause"),
        (503, {"retry-after": "2.5"}, 2.5, "endpoint answered 503"),
    ],
)
def test_a_pause_says_who_asks_for_it(
    status: int, headers: dict[str, str], seconds: float, reason: str
) -> None:
    _, flow = start()
    wait = flow.send(Reply(status, headers, b"{}"))
    assert (wait.seconds, wait.reason, wait.counts) == (seconds, reason, True)


@pytest.mark.parametrize("max_retries", [0, 1, 3])
@pytest.mark.parametrize("is_lost", [True, False])
def test_as_many_tries_as_allowed_each_after_a_longer_pause(
    max_retries: int, is_lost: bool
) -> None:
    _, flow = start(settings(max_retries=max_retries))

    def fail() -> Any:
        if is_lost:
            return flow.throw(errors.ConnectError("gone"))
        return flow.send(Reply(502, {}, b"{}"))

    for tries in range(max_retries):
        wait = fail()
        assert 0.8 * 2**tries <= wait.seconds <= 1.2 * 2**tries
        assert wait.reason == ("the connection failed" if is_lost else "endpoint answered 502")
        assert isinstance(flow.send(None), PreparedRequest)
    with pytest.raises(errors.ConnectError if is_lost else errors.HfHubHTTPError):
        fail()


def test_a_stream_that_broke_is_not_asked_for_again() -> None:
    _, flow = start()
    with pytest.raises(errors.StreamBrokenError):
        flow.throw(errors.StreamBrokenError("gone"))


def test_a_request_may_have_tries_of_its_own() -> None:
    busy, fine = Reply(429, {"retry-after": "2"}, b"{}"), Reply(200, {}, b"{}")
    steps, _ = send(ready(settings(max_retries=0)), Send("GET", "y", tries=1), busy, fine)
    assert [type(step) for step in steps] == [PreparedRequest, Sleep, PreparedRequest]
    with pytest.raises(errors.RateLimitError):
        send(ready(), Send("GET", "y", tries=0), busy)
    # Neither a loading model is waited for.
    with pytest.raises(errors.HfHubHTTPError):
        send(ready(), Send("GET", "y", tries=0), Reply(503, {}, (LOADING % 1).encode()))


def test_a_body_that_is_used_up_is_sent_once() -> None:
    for body, is_sent_again in ((iter([b"x"]), False), (Sized(), True), (b"x", True)):
        step = Send("POST", "", content=body)
        replies = Reply(429, {"retry-after": "2"}, b"{}"), Reply(200, {}, b"{}")
        if is_sent_again:
            assert len(send(ready(), step, *replies)[0]) == 3
        else:
            with pytest.raises(errors.RateLimitError):
                send(ready(), step, *replies)


def test_a_redirect_is_followed_or_returned_as_the_flow_wants() -> None:
    moved, fine = Reply(307, {"location": "/z"}, b""), Reply(204, {}, b"")
    steps, reply = send(ready(), Send("POST", "y", content=b"x"), moved, fine)
    assert [step.url for step in steps] == [f"{URL}/y", "https://me.example/z"]
    assert reply is fine
    steps, reply = send(ready(), Send("POST", "y", content=b"x", follow=False), moved)
    assert reply is moved
    not_modified = Reply(304, {}, b"")
    assert send(ready(), Send("GET", "y"), not_modified)[1] is not_modified
    with pytest.raises(errors.HfHubHTTPError):
        send(ready(), Send("GET", "y"), Reply(400, {}, b"{}"))


def test_a_download_s_headers_say_nothing_about_the_call() -> None:
    call, flow = start()
    with pytest.raises(StopIteration):
        flow.send(Reply(200, {"x-request-id": "r-1"}, b"[]"))
    assert call.meta().request_id == "r-1"
    send(call, Send("GET", "https://cdn.example/f"), Reply(200, {"x-request-id": "r-2"}))
    assert (call.meta().request_id, call.meta().status_code) == ("r-1", 200)
    send(call, Send("GET", "y"), Reply(204, {"x-request-id": "r-3"}))
    assert (call.meta().request_id, call.meta().status_code) == ("r-3", 204)


def test_the_result_knows_who_gave_it() -> None:
    known = settings(prices={"m": {"endpoint": (1.0, 2.0)}})
    call = Call(known, TASKS["text-classification"])
    empty = call.meta()
    assert (empty.task, empty.provider, empty.model) == ("text-classification", "", None)
    assert (dict(empty.headers), empty.status_code, empty.price) == ({}, None, None)
    flow = call.drive(TASKS["text-classification"].flow(None, "Fine!", model="m:fast"))
    next(flow)
    with pytest.raises(StopIteration) as done:
        flow.send(Reply(200, {"x-compute-type": "cpu"}, b'[{"label":"A","score":1.0}]'))
    result = call.attach_meta(done.value.value)
    meta = result.meta
    assert (meta.task, meta.provider, meta.model) == ("text-classification", "endpoint", "m:fast")
    assert (meta.compute_type, meta.status_code, meta.price) == ("cpu", 200, (1.0, 2.0))
    assert 0 < meta.seconds < 600
    assert call.attach_meta(3) == 3


def test_an_error_knows_the_call_it_ended() -> None:
    call, flow = start()
    with pytest.raises(errors.NotFoundError) as caught:
        flow.send(Reply(404, {"x-request-id": "r-1"}, b'{"error": "no"}', url=URL))
    error = caught.value
    assert error.meta.provider == "endpoint"
    assert error.meta.request_id == "r-1"
    assert "me.example" in str(error)
    assert error.__cause__ is None
    assert call.collect_secrets() == (KEY, f"Bearer {KEY}")


@pytest.mark.parametrize(("key", "is_routed"), [("hf_0123456789", True), (KEY, False)])
def test_an_error_s_advice_is_of_who_was_paid(key: str, is_routed: bool) -> None:
    known = Settings(
        provider="together",
        token=auth.explicit_token(key),
        mapping=manual_mapping({"org/m": {"together": "x"}}),
    )
    task = TASKS["text-to-image"]
    flow = Call(known, task).drive(task.flow(None, "a boat", model="org/m"))
    assert ("router.huggingface.co" in next(flow).url) is is_routed
    with pytest.raises(errors.HfHubHTTPError) as caught:
        flow.send(Reply(402, {}, b'{"error": "no"}'))
    assert ("huggingface.co" in caught.value.advice) is is_routed


def test_a_call_without_a_task_names_none() -> None:
    call = Call(settings(), None)
    assert (call.meta().task, call.meta().provider) == ("", "")
    error = call.build_error(Reply(404, {}, b'{"error": "no"}', url=URL))
    assert isinstance(error, errors.NotFoundError)
    assert error.meta.task == ""


def test_an_answer_that_no_task_expects_is_named_with_its_start() -> None:
    _, flow = start()
    with pytest.raises(errors.OutputError) as caught:
        flow.send(Reply(200, {"x-request-id": "r-1"}, b"<p>no answer</p>"))
    assert "no answer" in str(caught.value)
    assert caught.value.meta.request_id == "r-1"


def test_the_password_of_a_url_is_a_secret_of_the_call() -> None:
    url = "https://ada:lovelace-1815@me.example/x?api_key=opaque-9"
    call = ready(settings(model=url, token=None, auth_rule="none"))
    assert {"lovelace-1815", "opaque-9"} <= set(call.collect_secrets())
    error = errors.ConnectError("lovelace-1815 and opaque-9")
    call.mask_error(error)
    assert "lovelace" not in str(error)
    assert "opaque-9" not in str(error)


def test_the_password_of_a_call_s_own_url_is_a_secret_each_time() -> None:
    known, task = settings(model=None), TASKS["text-classification"]
    for _ in range(2):  # the second time the route is remembered
        call = Call(known, task)
        url = "https://ada:lovelace-1815@me.example/x"
        next(call.drive(task.flow(None, "Fine!", model=url)))
        assert "lovelace-1815" in call.collect_secrets()


def test_an_endpoint_that_sleeps_is_waited_for() -> None:
    url = "https://me.endpoints.huggingface.cloud/x"
    _, flow = start(settings(model=url, max_retries=0))
    wait = flow.send(Reply(503, {}, b"", url=url))
    assert (wait.seconds, wait.counts) == (5.0, False)
    assert "is scaled to zero" in wait.reason


def test_an_early_end_cancels_the_job() -> None:
    call = ready()
    [step] = call.cancel_on_exit(CancelOnExit(Send("DELETE", "job/1")))
    assert isinstance(step, PreparedCancel)
    assert step.request is not None
    assert (step.request.method, step.request.url) == ("DELETE", f"{URL}/job/1")
    [step] = call.cancel_on_exit(CancelOnExit(None))
    assert step == PreparedCancel(None)


def test_a_deadline_is_the_earlier_of_two() -> None:
    none, long, short = Deadline(None), Deadline(100.0), Deadline(5.0)
    assert none.remaining_seconds("x") is None
    assert 99 < (long.remaining_seconds("x") or 0) <= 100
    assert none.shorten_to(3.0).timeout == 3.0
    assert long.shorten_to(3.0).timeout == 3.0
    assert short.shorten_to(30.0) is short
    over = Deadline(-0.5)
    with pytest.raises(errors.InferenceTimeoutError, match=r"timeout of -0.5 s while polling\."):
        over.remaining_seconds("polling")
    with pytest.raises(errors.InferenceTimeoutError):
        Deadline(0.0).remaining_seconds("polling")


def test_a_route_is_remembered_by_all_that_decides_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    known = settings()
    now = time.monotonic()
    start(known)
    [(key, route)] = known.routes.items()
    assert key == ("text-classification", None, URL, None)
    assert route.is_final
    assert now + 59 < route.expires < now + 120
    start(known)
    assert known.routes[key] is route
    # Expired: it is chosen again.
    known.routes[key] = type(route)(route.route, route.address, route.handler, now - 1, True)
    start(known)
    assert known.routes[key].expires > now
    task = TASKS["summarization"]
    next(Call(known, task).drive(task.flow(None, "Fine!")))
    assert len(known.routes) == 2


def test_without_a_token_a_login_takes_effect_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "https://me.endpoints.huggingface.cloud/x"
    known = Settings(model=url)
    task = TASKS["text-classification"]

    def first_request() -> PreparedRequest:
        flow = Call(known, task).drive(task.flow(None, "Fine!"))
        step = next(flow)
        while not isinstance(step, PreparedRequest):
            step = flow.send(step.call())
        return step

    assert "authorization" not in first_request().headers
    [route] = known.routes.values()
    assert not route.is_final
    monkeypatch.setenv("HF_TOKEN", "hf_" + "a" * 30)
    assert first_request().headers["authorization"] == "Bearer hf_" + "a" * 30
    [route] = known.routes.values()
    assert route.is_final


def test_what_an_address_has_taught_is_its_own() -> None:
    known = settings()
    start(known)
    known.memory[URL]["x"] = 1
    start(known)
    other = "https://other.example/x"
    task = TASKS["text-classification"]
    next(Call(known, task).drive(task.flow(None, "Fine!", model=other)))
    assert known.memory == {URL: {"x": 1}, other: {}}


def test_an_engine_that_was_restarted_is_asked_again_at_its_new_address() -> None:
    known = Settings(provider="local")
    task = TASKS["text-classification"]
    flow = Call(known, task).drive(task.flow(None, "Fine!"))

    def find(step: Any, port: int) -> PreparedRequest:
        """Answer the search for the engine."""
        assert isinstance(step, Blocking)
        wire = flow.send(EngineState(f"http://127.0.0.1:{port}", f"key-{port}", 1, "1", 0.0))
        assert isinstance(wire, PreparedRequest)
        assert wire.url.startswith(f"http://127.0.0.1:{port}/")
        assert wire.headers["authorization"] == f"Bearer key-{port}"
        return wire

    first = find(next(flow), 1111)
    second = find(flow.throw(errors.ConnectError("gone")), 2222)
    assert second.content == first.content
    # Once only: after that it is tried as any other server.
    assert isinstance(flow.throw(errors.ConnectError("gone")), Sleep)
    assert isinstance(flow.send(None), PreparedRequest)


class Canned:
    """Answers in place of providers."""

    def __init__(self, blocks_requests: bool) -> None:
        self.blocks_requests = blocks_requests
        self.asked: list[Infer] = []

    def intercept(self, call: Any, ask: Infer) -> Flow[Any]:
        self.asked.append(ask)
        if ask.inputs == "pass on":
            return (yield from call.ask_provider(ask))
        return [[{"label": "canned", "score": 1.0}]]

    def blocked_error(self, method: str, url: str) -> Exception:
        return errors.NotRecordedError(f"{method}: {url}")


def test_an_interceptor_answers_in_place_of_the_provider() -> None:
    canned = Canned(blocks_requests=False)
    task = TASKS["text-classification"]
    call = Call(settings(recordings=canned), task)
    with pytest.raises(StopIteration) as done:
        next(call.drive(task.flow(None, "Fine!")))
    assert done.value.value[0].label == "canned"
    assert call.raw_answer == [[{"label": "canned", "score": 1.0}]]
    assert (canned.asked[0].task, canned.asked[0].output) == ("text-classification", "")
    flow = call.drive(task.flow(None, "pass on"))
    assert isinstance(next(flow), PreparedRequest)
    with pytest.raises(StopIteration) as done:
        flow.send(Reply(200, {}, b'[{"label":"provider\'s","score":1.0}]'))
    assert done.value.value[0].label == "provider's"
    assert call.prepare_request(Send("GET", "y")).url == f"{URL}/y"


def test_an_interceptor_may_forbid_all_requests() -> None:
    canned = Canned(blocks_requests=True)
    task = TASKS["text-classification"]
    call = Call(settings(recordings=canned), task)
    with pytest.raises(errors.NotRecordedError, match="a request: ") as caught:
        next(call.drive(task.flow(None, "pass on")))
    assert caught.value.meta.task == "text-classification"
    with pytest.raises(errors.NotRecordedError, match="GET: https://h/x"):
        call.prepare_request(Send("GET", "https://h/x"))
