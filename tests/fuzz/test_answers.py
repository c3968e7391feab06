"""Whatever a server sends, a call ends in a whole result that can be shown, or in our error."""

import asyncio
import contextlib
import json
import random
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import msgspec
import pytest

from hfwidgets import AsyncInferenceClient, InferenceClient, errors
from hfwidgets.panels.views.history import History
from hfwidgets.panels.views.static_html import render_static_html
from hfwidgets.results import Elements, Record
from hfwidgets.results.record import TextRecord
from hfwidgets.tasks import find
from tests.fuzz.answers import (
    CONTENT_TYPES,
    ERROR_BODIES,
    ODD_VALUES,
    PLAYED,
    Played,
    encode,
    mutate,
    odd_body,
    odd_stream,
)
from tests.plugins.loopback import Answer, Loopback

SEED = 20261127
CASES = 50
"""Cases per task and client."""

STATUSES = [400, 401, 402, 403, 404, 409, 413, 415, 422, 429, 500, 501, 504, 300, 304]

ODD_HEADERS: list[dict[str, Any]] = [
    {},
    {"x-compute-time": "soon", "x-queue-time": "-1", "x-inference-time": "1e999"},
    {"retry-after": "nan", "ratelimit": '"api";t=x'},
    {"x-request-id": "a\tb", "x-error-message": "busy <b>", "x-error-code": "GatedRepo"},
    {"x-hf-warning": ";;", "x-inference-provider": ""},
    {"content-length-of": "5", "x-total-time": b"\xff"},
]

URL = "http://fuzz.test"


class Stream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in pieces."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


class Server:
    """Answers every request with what the present case says."""

    def __init__(self) -> None:
        self.answer = httpx.Response(200)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        return self.answer


class Fuzzed:
    """Both clients against one played server."""

    def __init__(self) -> None:
        self.server = Server()
        settings: dict[str, Any] = {"base_url": URL, "max_retries": 0, "timeout": 20}
        transport = httpx.MockTransport(self.server)
        self.sync = InferenceClient(**settings, http_client=httpx.Client(transport=transport))

        async def answer(request: httpx.Request) -> httpx.Response:
            return self.server(request)

        self._async_http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
        self.awaited = AsyncInferenceClient(**settings, http_client=self._async_http)
        self.runner = asyncio.Runner()

    def ask(self, name: str, arguments: Any, kind: str) -> Any:
        """Make a call and return its result."""
        method = find(name).method
        if kind == "sync":
            return getattr(self.sync, method)(**arguments)
        return self.runner.run(self._ask(method, arguments))

    async def _ask(self, method: str, arguments: Any) -> Any:
        return await getattr(self.awaited, method)(**arguments)

    def ask_streamed(self, name: str, arguments: Any, kind: str) -> tuple[Any, list[Any]]:
        """Make a streamed call and return its result and its items."""
        method = find(name).method
        if kind == "sync":
            stream = getattr(self.sync, method)(**arguments, stream=True)
            items = []
            try:
                items.extend(stream)
            finally:
                check_shown(stream.result)
            return stream.result, items
        return self.runner.run(self._ask_streamed(method, arguments))

    async def _ask_streamed(self, method: str, arguments: Any) -> tuple[Any, list[Any]]:
        stream = await getattr(self.awaited, method)(**arguments, stream=True)
        try:
            items = [item async for item in stream]
        finally:
            check_shown(stream.result)
        return stream.result, items


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[Fuzzed]:
    opened = Fuzzed()
    yield opened
    opened.sync.close()
    opened.runner.run(opened.awaited.close())
    opened.runner.run(opened._async_http.aclose())
    opened.runner.close()


def check_shown(result: Any) -> None:
    """Read a result in every way that a user or a notebook reads one."""
    repr(result), str(result)
    if hasattr(result, "_repr_mimebundle_"):
        bundle = result._repr_mimebundle_()
        for text in (bundle["text/plain"], bundle["text/html"]):
            text.encode()
    for item in result if isinstance(result, list) else [result]:
        if isinstance(item, Record):
            repr(item.raw), dir(item)
            for name in list(item):
                getattr(item, name, None)
        text = item.text if isinstance(item, TextRecord) else ""
        assert isinstance(text, str)
        text.encode()
    if isinstance(result, Elements):
        with contextlib.suppress(errors.HfWidgetsError):
            result.to_pandas()


def check_message(error: errors.HfWidgetsError) -> None:
    """Fail for an error without a message, or with one that cannot be printed."""
    assert str(error).strip()
    str(error).encode()


def check_whole(result: Any, played: Played) -> None:
    """Fail for a record without what its task promises."""
    for record in result if isinstance(result, list) else [result]:
        for group in record if isinstance(record, list) else [record]:
            if isinstance(group, Record):
                for name in played.required:
                    assert group.get(name) is not None, f"{name} is missing in {group!r}"


def run_case(
    fuzzed: Fuzzed, name: str, kind: str, number: int, body: bytes | None, counts: Counter[str]
) -> None:
    rng = random.Random(f"{SEED} {name} {kind} {number}")
    played = PLAYED[name]
    status = 200 if rng.random() < 0.8 else rng.choice(STATUSES)
    headers: dict[str, Any] = {"content-type": rng.choice(CONTENT_TYPES)}
    headers |= rng.choice(ODD_HEADERS)
    content = odd_body(rng, played) if body is None else body
    fuzzed.server.answer = httpx.Response(status, headers=headers, content=content)
    try:
        result = fuzzed.ask(name, played.arguments, kind)
    except errors.HfWidgetsError as error:
        check_message(error)
        counts["error"] += 1
        return
    assert status < 400
    check_whole(result, played)
    check_shown(result)
    counts["result"] += 1


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("name", PLAYED)
def test_odd_answers(fuzzed: Fuzzed, name: str, kind: str) -> None:
    counts: Counter[str] = Counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(CASES):
            run_case(fuzzed, name, kind, number, None, counts)
    assert counts["error"] > 5, counts


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("name", ["chat-completion", "text-generation"])
def test_odd_streams(fuzzed: Fuzzed, name: str, kind: str) -> None:
    played = PLAYED[name]
    counts: Counter[str] = Counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(8 * CASES):
            rng = random.Random(f"{SEED} stream {name} {kind} {number}")
            headers = {"content-type": rng.choice(CONTENT_TYPES)}
            pieces = odd_stream(rng, played)
            fuzzed.server.answer = httpx.Response(200, headers=headers, stream=Stream(pieces))
            arguments = {**played.arguments, "details": rng.random() < 0.5}
            if name == "chat-completion":
                del arguments["details"]
            try:
                result, items = fuzzed.ask_streamed(name, arguments, kind)
            except errors.HfWidgetsError as error:
                check_message(error)
                counts["error"] += 1
                continue
            assert items, f"case {number}: an empty success of {pieces!r:.300}"
            counts["result"] += 1
            check_shown(result)
    assert min(counts["error"], counts["result"]) > 50, counts


@pytest.mark.parametrize("name", [name for name in PLAYED if name != "chat-completion"])
def test_panels_show_what_odd_answers_are_read_as(fuzzed: Fuzzed, name: str) -> None:
    played, task, shown = PLAYED[name], find(name), 0
    inputs = {key: value for key, value in played.arguments.items() if key in task.inputs}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(CASES):
            rng = random.Random(f"{SEED} panels {name} {number}")
            body = encode(mutate(rng, played.answer, rng.choice([0, 1, 1, 2])))
            fuzzed.server.answer = httpx.Response(200, content=body)
            with contextlib.suppress(errors.HfWidgetsError):
                result = fuzzed.ask(name, played.arguments, "sync")
                item = History().add(result, task, inputs, {})
                json.loads(msgspec.json.encode(item.view))
                html, plain, _ = render_static_html(task, item, "panel")
                (html + plain).encode()
                shown += 1
    assert shown


def test_good_answers_are_results(fuzzed: Fuzzed) -> None:
    for name, played in PLAYED.items():
        for kind in ("sync", "async"):
            headers = {"content-type": "application/json"}
            body = encode(played.answer)
            fuzzed.server.answer = httpx.Response(200, headers=headers, content=body)
            result = fuzzed.ask(name, played.arguments, kind)
            check_whole(result, played)
            check_shown(result)


@pytest.mark.parametrize("body", [*ERROR_BODIES[:-1], {}, [{}], "a text", 5, True, None], ids=repr)
@pytest.mark.parametrize("name", [n for n, p in PLAYED.items() if p.required])
def test_what_is_not_an_answer_is_an_error_that_shows_it(
    fuzzed: Fuzzed, name: str, body: Any
) -> None:
    content = encode(body)
    fuzzed.server.answer = httpx.Response(200, content=content)
    with pytest.raises(errors.HfWidgetsError) as caught:
        fuzzed.ask(name, PLAYED[name].arguments, "sync")
    words = "busy" if b"busy" in content else content.decode().strip('"')[:40]
    assert words in str(caught.value) or body is True


def test_the_same_over_a_real_connection(loopback: Loopback) -> None:
    rng, shown = random.Random(SEED), 0
    with warnings.catch_warnings(), InferenceClient(loopback.url, max_retries=0) as client:
        warnings.simplefilter("ignore")
        for _ in range(150):
            name = rng.choice(sorted(PLAYED))
            played = PLAYED[name]
            body = (
                encode(mutate(rng, played.answer)) if rng.random() < 0.5 else odd_body(rng, played)
            )
            loopback.answer(Answer(body=body, headers={"content-type": rng.choice(CONTENT_TYPES)}))
            try:
                result = getattr(client, find(name).method)(**played.arguments)
            except errors.HfWidgetsError:
                continue
            check_whole(result, played)
            check_shown(result)
            shown += 1
    assert 20 < shown < 130


ODD_ARGUMENTS = [
    *ODD_VALUES,
    object(),
    lambda: None,
    b"bytes",
    {1, 2},
    range(3),
    Exception("x"),
    InferenceClient,
    float,
    10**5000,
]


@pytest.mark.parametrize("name", PLAYED)
def test_odd_arguments(fuzzed: Fuzzed, name: str) -> None:
    played, task = PLAYED[name], find(name)
    fuzzed.server.answer = httpx.Response(200, content=encode(played.answer))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for parameter in task.signature.parameters:
            if parameter in ("model", "stream", "extra", "kwargs", "target_size"):
                continue
            for value in ODD_ARGUMENTS:
                fuzzed.server.answer = httpx.Response(200, content=encode(played.answer))
                try:
                    fuzzed.ask(name, {**played.arguments, parameter: value}, "sync")
                except errors.HfWidgetsError as error:
                    check_message(error)
