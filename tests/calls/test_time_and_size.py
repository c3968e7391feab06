"""Timeouts cover every byte of a call; each kind of body has a limit, counted after decoding."""

import asyncio
import gzip
import io
import json
import socket
import threading
import wave
import zlib
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


ANSWER = json.dumps([{"label": "A", "score": 1.0}]).encode()
RAW_DEFLATE = zlib.compressobj(wbits=-zlib.MAX_WBITS)


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(ANSWER[:9]) + gzip.compress(ANSWER[9:])),
        ("X-GZIP, identity", gzip.compress(ANSWER) + b"\0\0"),
        ("deflate", zlib.compress(ANSWER)),
        ("deflate", RAW_DEFLATE.compress(ANSWER) + RAW_DEFLATE.flush()),
        ("identity", ANSWER),
        ("", ANSWER),
    ],
    # gzip's bytes hold the time, and two processes must find tests of the same names.
    ids=["members", "padded", "deflate", "raw deflate", "identity", "empty"],
)
def test_compressed_answers_are_read_whole_in_any_cut(
    kind: str, encoding: str, body: bytes, loopback: Loopback
) -> None:
    bytes_alone = [body[at : at + 1] for at in range(len(body))]
    loopback.answer(Answer(headers={**JSON, "content-encoding": encoding}, chunks=bytes_alone))
    assert call_both(kind, loopback.url) == [{"label": "A", "score": 1.0}]


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_compressed_answer_that_ends_early_is_not_taken_for_whole(
    kind: str, loopback: Loopback
) -> None:
    body = gzip.compress(ANSWER)[:-9]
    loopback.answer(Answer(body=body, headers={**JSON, "content-encoding": "gzip"}))
    with pytest.raises(errors.OutputError, match="content-encoding says: it ends early"):
        call_both(kind, loopback.url)


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "zstd"])
def test_only_encodings_that_were_asked_for_are_decoded(
    kind: str, encoding: str, loopback: Loopback
) -> None:
    # Each gzip inside a gzip makes a body a thousand times as large at once.
    body = gzip.compress(gzip.compress(ANSWER))
    headers = {**JSON, "content-encoding": encoding}
    loopback.answer(Answer(body=body, headers=headers), Answer(400, body=body, headers=headers))
    with pytest.raises(errors.OutputError, match=f"{encoding}' is not supported, only gzip"):
        call_both(kind, loopback.url)
    with pytest.raises(errors.BadRequestError):
        call_both(kind, loopback.url)


def compress_blanks(megabytes: int) -> bytes:
    stream = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    blanks = b" " * (1 << 20)
    return b"".join(stream.compress(blanks) for _ in range(megabytes)) + stream.flush()


def call_stream(kind: str, url: str, **settings: object) -> object:
    hello = [{"role": "user", "content": "Hello"}]
    if kind == "sync":
        return list(InferenceClient(url, **settings).chat_completion(hello, stream=True))

    async def awaited() -> object:
        async with AsyncInferenceClient(url, **settings) as client:
            return [item async for item in await client.chat_completion(hello, stream=True)]

    return asyncio.run(awaited())


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("call", [call_both, call_stream])
def test_the_timeout_covers_decompression(
    call: Callable[..., object], kind: str, loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HFWIDGETS_MAX_JSON_MB", "100000")
    monkeypatch.setenv("HFWIDGETS_MAX_STREAM_MB", "100000")
    body = compress_blanks(300)
    loopback.answer(Answer(body=body, headers={**JSON, "content-encoding": "gzip"}))
    with pytest.raises(errors.InferenceTimeoutError, match="longer than its timeout"):
        call(kind, loopback.url, timeout=0.1)


@pytest.fixture
def release() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def run_both(
    kind: str, use: Callable[..., object], release: threading.Event, **settings: object
) -> None:
    if kind == "sync":
        use(InferenceClient(**settings))
        return

    async def awaited() -> None:
        async with AsyncInferenceClient(**settings) as client:
            try:
                await use(client)
            finally:
                release.set()  # the loop waits for its threads when it ends

    asyncio.run(awaited())


class SlowFile(io.BytesIO):
    """A file whose start is read at once, and its rest once that is released."""

    def __init__(self, release: threading.Event) -> None:
        super().__init__()
        with wave.open(self, "wb") as audio:
            audio.setparams((1, 2, 16000, 0, "NONE", ""))
            audio.writeframes(bytes(1 << 20))
        self.seek(0)
        self._release = release

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() > 1 << 16:
            self._release.wait()
        return super().read(size)


@pytest.mark.parametrize("http", USERS)
def test_the_timeout_covers_an_upload_from_a_slow_file(
    http: str, loopback: Loopback, release: threading.Event
) -> None:
    kind, make = http.partition(",")[0], USERS[http]
    settings = {"timeout": 0.3, "http_client": make() if make else None}
    file = SlowFile(release)
    with pytest.raises(errors.InferenceTimeoutError, match="longer than its timeout"):
        run_both(kind, lambda c: c.post(data=file), release, base_url=loopback.url, **settings)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_the_timeout_covers_reading_an_input(
    kind: str, loopback: Loopback, release: threading.Event
) -> None:
    class Pipe(SlowFile):
        def seekable(self) -> bool:
            return False

        def read(self, size: int | None = -1) -> bytes:
            release.wait()
            return b""

    pipe = Pipe(release)
    with pytest.raises(errors.InferenceTimeoutError, match="while preparing the request"):
        run_both(
            kind,
            lambda client: client.automatic_speech_recognition(pipe),
            release,
            base_url=loopback.url,
            timeout=0.3,
        )


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("place", ["the server", "a result"])
def test_the_timeout_covers_a_slow_name_server(
    kind: str,
    place: str,
    loopback: Loopback,
    release: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = socket.getaddrinfo

    def look_up(host: str, *args: object, **options: object) -> object:
        if "slow.test" in str(host):
            release.wait()
            raise socket.gaierror("released")
        return real(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    image = {"data": [{"url": "https://slow.test/image.png"}]}
    loopback.route("POST", "/v1/images/generations", Answer(json=image))
    url = loopback.url if place == "a result" else "http://slow.test"
    with pytest.raises(errors.InferenceTimeoutError, match="longer than its timeout"):
        run_both(
            kind,
            lambda client: client.text_to_image("a cat", model="m"),
            release,
            base_url=f"{url}/v1",
            timeout=0.3,
            max_retries=0,
        )
