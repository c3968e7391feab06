"""Connections to servers: every framing in every cut; no answer is taken for another's."""

import asyncio
import contextlib
import gc
import itertools
import json
import socket
import ssl
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import h11
import httpx
import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hfwidgets import AsyncInferenceClient, InferenceClient, errors
from hfwidgets.calls.http1 import ResponseReader, write_head
from tests.plugins.loopback import Answer, Loopback, Seen, chat_events

LABELS = json.dumps([{"label": "A", "score": 1.0}]).encode()
LENGTH = b"content-length: %d\r\n" % len(LABELS)
CHUNKS = b"%x\r\n%s\r\n%x\r\n%s\r\n" % (9, LABELS[:9], len(LABELS) - 9, LABELS[9:])
OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
CERTIFICATE = Path(__file__).with_name("localhost.pem")


class Scripted:
    """A server that sends fixed bytes: one script per connection, one part per request."""

    def __init__(self, *scripts: Sequence[bytes], is_tls: bool = False) -> None:
        self._scripts = iter(scripts)
        self._context: ssl.SSLContext | None = None
        if is_tls:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(CERTIFICATE)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.url = f"{'https' if is_tls else 'http'}://127.0.0.1:{self.port}/x"
        self.connections = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            script = next(self._scripts)
            threading.Thread(target=self._answer, args=(connection, script), daemon=True).start()

    def _answer(self, connection: socket.socket, script: Sequence[bytes]) -> None:
        try:
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection:
                for part in script:
                    if not read_request(connection):
                        return
                    connection.sendall(part)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass  # until the client has closed its side
        except OSError:
            return

    def close(self) -> None:
        self._socket.close()


def read_request(connection: socket.socket) -> bool:
    """Read a request with a length; False if the client has gone."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return False
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    return True


@pytest.fixture(params=["sync", "async"])
def classify(request: pytest.FixtureRequest) -> Callable[..., list[str]]:
    """Classify texts one after the other with one client: `classify(url, count)`."""

    def blocking(url: str, count: int = 1) -> list[str]:
        with InferenceClient(base_url=url, max_retries=0, timeout=30) as client:
            return [client.text_classification("x")[0].label for _ in range(count)]

    async def awaited(url: str, count: int = 1) -> list[str]:
        async with AsyncInferenceClient(base_url=url, max_retries=0, timeout=30) as client:
            return [(await client.text_classification("x"))[0].label for _ in range(count)]

    if request.param == "sync":
        return blocking
    return lambda *args: asyncio.run(awaited(*args))


@pytest.fixture
def scripted() -> Iterator[Callable[..., Scripted]]:
    """Start servers that send fixed bytes."""
    servers: list[Scripted] = []

    def start(*scripts: Sequence[bytes], is_tls: bool = False) -> Scripted:
        servers.append(Scripted(*scripts, is_tls=is_tls))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


FRAMINGS = {
    "length": OK + LENGTH + b"\r\n" + LABELS,
    "the same length twice": OK + LENGTH + LENGTH + b"\r\n" + LABELS,
    "chunks": OK + b"transfer-encoding: chunked\r\n\r\n" + CHUNKS + b"0\r\n\r\n",
    "a chunk's extension": OK
    + b"Transfer-Encoding: Chunked\r\n\r\n"
    + CHUNKS.replace(b"9\r\n", b"9 ;a=b\r\n", 1)
    + b"000\r\n\r\n",
    "trailers": OK
    + b"transfer-encoding: chunked\r\n\r\n"
    + CHUNKS
    + b"0\r\nx-time: 1\r\nx-end: 2\r\n\r\n",
    "the connection's end": OK + b"\r\n" + LABELS,
    "HTTP/1.0": OK.replace(b"1.1", b"1.0") + b"\r\n" + LABELS,
    "no reason": OK.replace(b" OK", b"") + LENGTH + b"\r\n" + LABELS,
    "bare line feeds": (OK + LENGTH + b"\r\n").replace(b"\r\n", b"\n") + LABELS,
    "a folded header": OK + b"x-long: a\r\n  b\r\n" + LENGTH + b"\r\n" + LABELS,
    "a header outside ASCII": OK + b"x-name: \xe9\xff\r\n" + LENGTH + b"\r\n" + LABELS,
    "interim answers": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hint\r\nlink: </a>\r\n\r\n"
    + OK
    + LENGTH
    + b"\r\n"
    + LABELS,
}


@pytest.mark.parametrize("framing", FRAMINGS)
def test_every_framing_is_read(classify, scripted, framing: str) -> None:
    assert classify(scripted([FRAMINGS[framing]]).url) == ["A"]


def read_whole(data: bytes, cuts: Sequence[int] = ()) -> tuple[int, bytes, bool]:
    """Return the status, the body and whether it is complete, from bytes in pieces."""
    reader = ResponseReader("POST")
    edges = [0, *sorted(cuts), len(data)]
    pieces = [data[start:end] for start, end in itertools.pairwise(edges)]
    body = b"".join([reader.feed(piece) for piece in pieces if piece])
    return reader.status, body, reader.is_done


@pytest.mark.parametrize("framing", FRAMINGS)
def test_every_cut_gives_the_same_answer(framing: str) -> None:
    data = FRAMINGS[framing]
    whole = read_whole(data)
    assert whole[:2] == (200, LABELS)
    assert all(read_whole(data, [cut]) == whole for cut in range(1, len(data)))
    assert read_whole(data, range(1, len(data))) == whole


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.lists(st.binary(min_size=1, max_size=40), max_size=6),
    st.lists(st.integers(1, 400), max_size=8),
    st.booleans(),
)
def test_answers_are_read_as_h11_writes_them(
    parts: list[bytes], cuts: list[int], is_chunked: bool
) -> None:
    server = h11.Connection(h11.SERVER)
    server.receive_data(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    server.next_event()
    body = b"".join(parts)
    length = ("content-length", str(len(body)))
    headers = [("transfer-encoding", "chunked") if is_chunked else length]
    events = [h11.Response(status_code=200, headers=headers), *map(h11.Data, parts)]
    data = b"".join(server.send(event) or b"" for event in [*events, h11.EndOfMessage()])
    assert read_whole(data, [cut for cut in cuts if cut < len(data)]) == (200, body, True)


MALFORMED = {
    "not HTTP": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "HTTP/2": b"HTTP/2 200\r\n\r\n",
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "a header without a name": OK + b": x\r\n\r\n",
    "a header without a colon": OK + b"x\r\n\r\n",
    "a space in a name": OK + b"content length: 4\r\n\r\n",
    "two lengths": OK + LENGTH + b"content-length: 3\r\n\r\n" + LABELS,
    "a negative length": OK + b"content-length: -1\r\n\r\n",
    "an endless length": OK + b"content-length: " + b"9" * 5000 + b"\r\n\r\n",
    "an unknown encoding": OK + b"transfer-encoding: gzip, chunked\r\n\r\n",
    "a chunk without a size": OK + b"transfer-encoding: chunked\r\n\r\nxy\r\n",
    "a size with a sign": OK + b"transfer-encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n",
    "a chunk that is too long": OK + b"transfer-encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
    "an endless size": OK + b"transfer-encoding: chunked\r\n\r\n" + b"1" * 50_000,
    "endless headers": OK + b"x-more: 1\r\n" * 20_000,
    "endless trailers": OK + b"transfer-encoding: chunked\r\n\r\n0\r\n" + b"a: b\r\n" * 9000,
    "a body that is cut": OK + b"content-length: 999\r\n\r\n" + LABELS,
    "chunks that are cut": OK + b"transfer-encoding: chunked\r\n\r\n" + CHUNKS,
    "a head that is cut": OK,
    "nothing": b"",
}


@pytest.mark.parametrize("answer", MALFORMED)
def test_what_is_not_http_is_a_clear_error(classify, scripted, answer: str) -> None:
    with pytest.raises(errors.ConnectError, match=r"No connection to 127\.0\.0\.1"):
        classify(scripted([MALFORMED[answer]]).url)


WHOLE = FRAMINGS["length"]


def test_calls_share_a_connection(classify, scripted) -> None:
    server = scripted([WHOLE, FRAMINGS["chunks"], WHOLE])
    assert classify(server.url, 3) == ["A"] * 3
    assert server.connections == 1


STRAY = WHOLE.replace(b'"A"', b'"B"')


@pytest.mark.parametrize(
    "first",
    [
        WHOLE + STRAY,
        FRAMINGS["chunks"] + STRAY,
        FRAMINGS["trailers"] + b"x",
        OK + b"connection: Close\r\n" + LENGTH + b"\r\n" + LABELS,
        FRAMINGS["the connection's end"],
        WHOLE.replace(b"1.1", b"1.0"),
        OK + LENGTH + b"transfer-encoding: chunked\r\n\r\n" + CHUNKS + b"0\r\n\r\n",
    ],
)
def test_a_connection_with_anything_left_is_not_used_again(classify, scripted, first) -> None:
    server = scripted([first], [WHOLE])
    assert classify(server.url, 2) == ["A", "A"]
    assert server.connections == 2


def test_encrypted_connections_check_certificates(classify, scripted, monkeypatch) -> None:
    for name in ("SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    server = scripted([WHOLE, WHOLE], [WHOLE], is_tls=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    assert classify(server.url, 2) == ["A", "A"]
    assert server.connections == 1
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(errors.ConnectError, match="certificate verify failed"):
        classify(server.url)


@pytest.mark.usefixtures("each_transport")
def test_a_large_body_arrives_whole_in_both_ways(classify, loopback: Loopback) -> None:
    """A body of many reads, and one that its server reads slowly."""
    label = "A" * (3 << 20)

    def echo(seen: Seen) -> Answer:
        assert len(seen.body) > 3 << 20
        return Answer(json=[{"label": seen.json()["inputs"], "score": 1.0}])

    loopback.answer(echo)

    async def awaited() -> str:
        async with AsyncInferenceClient(base_url=loopback.url) as client:
            return (await client.text_classification(label))[0].label

    assert asyncio.run(awaited()) == label


HANGING = """
import {module}, sys
from hfwidgets import {kind}InferenceClient
hello = [{{"role": "user", "content": "Hello"}}]
client = {kind}InferenceClient(base_url=sys.argv[1])
{code}
"""

SYNC = "stream = client.chat_completion(hello, stream=True); print(next(stream).choices[0].index)"
ASYNC = """
async def main():
    global stream
    stream = await client.chat_completion(hello, stream=True)
    print((await anext(stream)).choices[0].index)
asyncio.run(main())
"""


@pytest.mark.parametrize(
    "code",
    [
        HANGING.format(module="os", kind="", code=SYNC),
        HANGING.format(module="asyncio", kind="Async", code=ASYNC),
    ],
)
def test_the_interpreter_ends_quietly_with_a_stream_open(loopback: Loopback, code: str) -> None:
    loopback.answer(chat_events("Hel", "lo", done=False))
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", code, loopback.url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n", "")


def test_other_loops_use_httpx(loopback: Loopback) -> None:
    loopback.answer(Answer(json=[{"label": "A", "score": 1.0}]))

    async def main() -> str:
        async with AsyncInferenceClient(base_url=loopback.url) as client:
            return (await client.text_classification("x"))[0].label

    assert trio.run(main) == "A"


@pytest.mark.parametrize("closed_by", ["with", "aclose"])
def test_a_stream_left_early_leaves_no_generator_open(
    loopback: Loopback, tmp_path: Path, closed_by: str
) -> None:
    loopback.route("POST", "/v1/chat/completions", chat_events("Hel", "lo", "!"))
    texts: list[str | None] = []

    async def main() -> None:
        async with AsyncInferenceClient(base_url=loopback.url, recordings=tmp_path) as client:
            for is_read_whole in (False, True, False):  # not recorded, recorded, replayed
                question = [{"role": "user", "content": "Hi"}]
                stream = await client.chat_completion(question, stream=True)
                async with stream if closed_by == "with" else contextlib.nullcontext():
                    async for chunk in stream:
                        texts.append(chunk.choices[0].delta.content)
                        if not is_read_whole:
                            break
                if closed_by == "aclose":
                    await stream.aclose()

    # trio warns of a generator that was left to the garbage collector; httpcore has such ones.
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trio.run(main)
        gc.collect()
    assert [str(found.message) for found in caught if "hfwidgets" in str(found.message)] == []
    assert texts == ["Hel", "Hel", "lo", "!", None, "Hel"]
    assert len(loopback.requests) == 2


def test_an_illegal_header_is_named() -> None:
    for headers in ([(b"a b", b"c")], [(b"a", b"b\r\nc: d")], [(b"a", b"b\0")]):
        with pytest.raises(httpx.LocalProtocolError, match="Illegal header"):
            write_head(httpx.Request("GET", "http://a/", headers=headers))
