"""Timeouts cover every byte of a call; each kind of body has a limit, counted after decoding."""

import asyncio
import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest

from hfwidgets import AsyncInferenceClient, InferenceClient, errors
from tests.plugins.loopback import Answer, Loopback

pytestmark = pytest.mark.usefixtures("each_transport")

PAUSE = 0.02
PIECES = 3000  # a minute of drops: a call that is not ended fails for another reason


class Dripping:
    """A server that sends its answer in drops, and notes when its client has gone."""

    def __init__(self, start: bytes, drop: bytes) -> None:
        self._start, self._drop = start, drop
        self._stop = threading.Event()
        self.gone = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/x"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._drip, args=(connection,), daemon=True).start()

    def _drip(self, connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(65536)
                connection.sendall(self._start)
                for _ in range(PIECES):
                    if self._stop.wait(PAUSE):
                        return
                    connection.sendall(self._drop)
            except OSError:
                self.gone.set()

    def close(self) -> None:
        self._stop.set()
        self._socket.close()


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
SLOW = {
    "headers in drops": (b"HTTP/1.1 200 OK\r\nx-slow: ", b"a"),
    "endless headers": (b"HTTP/1.1 200 OK\r\n", b"x-more: 1\r\n"),
    "interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "early hints": (b"", b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"),
    "a status line in drops": (b"HTTP/1.1 2", b"0"),
    "a body in drops": (HEAD + b"content-length: 99999\r\n\r\n", b" "),
    "chunks in drops": (HEAD + b"transfer-encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "an error's body in drops": (
        b"HTTP/1.1 400 Bad Request\r\ncontent-length: 99999\r\n\r\n",
        b" ",
    ),
}


def call_both(kind: str, url: str, **settings: object) -> object:
    if kind == "sync":
        with InferenceClient(base_url=url, max_retries=0, **settings) as client:
            return client.text_classification("x")

    async def awaited() -> object:
        async with AsyncInferenceClient(base_url=url, max_retries=0, **settings) as client:
            return await client.text_classification("x")

    return asyncio.run(awaited())


USERS = {
    "sync": None,
    "async": None,
    "sync, a client": httpx.Client,
    "sync, a transport": httpx.HTTPTransport,
    "async, a client": httpx.AsyncClient,
}


@pytest.mark.parametrize("http", USERS)
@pytest.mark.parametrize("what", SLOW)
def test_the_timeout_covers_an_answer_in_drops(http: str, what: str) -> None:
    server = Dripping(*SLOW[what])
    make = USERS[http]
    with pytest.raises(errors.InferenceTimeoutError, match="longer than its timeout"):
        call_both(
            http.partition(",")[0], server.url, timeout=0.3, http_client=make() if make else None
        )
    assert server.gone.wait(30), "the connection is closed, not left to the server"
    server.close()


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_connection_that_was_slow_once_is_as_good_as_new(kind: str, loopback: Loopback) -> None:
    loopback.route("POST", "/", Answer(json=[{"label": "A", "score": 1.0}]))
    assert call_both(kind, loopback.url, timeout=30)
    assert call_both(kind, loopback.url)


def endless(piece: bytes) -> Iterator[bytes]:
    while True:
        yield piece


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HFWIDGETS_MAX_JSON_MB", "0.5")
    monkeypatch.setenv("HFWIDGETS_MAX_STREAM_MB", "0.25")


BIG = json.dumps([{"label": "A" * (1 << 20), "score": 1.0}]).encode()
JSON = {"content-type": "application/json"}


@pytest.mark.usefixtures("small_limits")
@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize(
    "answer",
    [
        lambda: Answer(body=BIG, headers=JSON),
        lambda: Answer(headers=JSON, chunks=endless(b" " * 4096)),
        lambda: Answer(
            body=gzip.compress(b" " * (8 << 20)), headers={**JSON, "content-encoding": "gzip"}
        ),
        lambda: Answer(body=b"x" * (1 << 20), headers={"content-type": "text/html"}),
    ],
)
def test_json_has_a_limit_that_a_variable_raises(
    kind: str, answer: Callable[[], Answer], loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    loopback.answer(answer())
    with pytest.raises(errors.OutputError, match="HFWIDGETS_MAX_JSON_MB"):
        call_both(kind, loopback.url)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_higher_limit_lets_it_through(
    kind: str, loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HFWIDGETS_MAX_JSON_MB", "2")
    loopback.answer(Answer(body=BIG, headers=JSON))
    assert call_both(kind, loopback.url)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_an_endless_error_is_cut_and_its_start_shown(kind: str, loopback: Loopback) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"the model is on fire " * 10
        yield from endless(b"x" * 65536)

    loopback.answer(Answer(400, chunks=chunks()))
    with pytest.raises(errors.BadRequestError, match="the model is on fire"):
        call_both(kind, loopback.url)


@pytest.mark.usefixtures("small_limits")
def test_a_stream_has_a_limit_and_keeps_what_came(loopback: Loopback) -> None:
    event = b'data: {"choices": [{"index": 0, "delta": {"content": "waves "}}]}\n\n'
    kind = {"content-type": "text/event-stream"}
    loopback.answer(Answer(headers=kind, chunks=endless(event)))
    loopback.answer(Answer(headers=kind, chunks=endless(event)))
    hello = [{"role": "user", "content": "Hello"}]
    stream = InferenceClient(base_url=loopback.url).chat_completion(hello, stream=True)
    with pytest.raises(errors.OutputError, match="HFWIDGETS_MAX_STREAM_MB"):
        list(stream)
    assert stream.text.startswith("waves waves")

    async def main() -> str:
        async with AsyncInferenceClient(base_url=loopback.url) as client:
            stream = await client.chat_completion(hello, stream=True)
            with pytest.raises(errors.OutputError, match="HFWIDGETS_MAX_STREAM_MB"):
                async for _ in stream:
                    pass
            return stream.text

    assert asyncio.run(main()).startswith("waves waves")


@pytest.mark.parametrize("value", ["none", "-1", "0", "nan", "1e999"])
def test_a_limit_that_is_not_a_number_is_named(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HFWIDGETS_MAX_JSON_MB", value)
    with pytest.raises(errors.ConfigurationError, match="HFWIDGETS_MAX_JSON_MB"):
        InferenceClient()


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_junk_under_a_content_encoding_is_said_to_be_that(
    kind: str, encoding: str, loopback: Loopback
) -> None:
    loopback.answer(Answer(body=b"not compressed", headers={"content-encoding": encoding}))
    with pytest.raises(errors.OutputError, match="content-encoding") as caught:
        call_both(kind, loopback.url)
    assert not isinstance(caught.value, errors.ConnectError)
