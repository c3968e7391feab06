"""A real HTTP server on loopback that plays a service: it records what comes and answers
as told.

    def test_it(loopback):
        loopback.answer(Answer(json=[{"label": "A", "score": 1}]))
        InferenceClient(base_url=loopback.url).text_classification("x")
        assert loopback.requests[0].json() == {...}

Answers given with `answer` are used up in their order; those given with `route` hold for a path. A
callable is shown the request and returns the answer.
"""

import gzip
import json
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest


@dataclass
class Seen:
    """A request as it came; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    """An answer. `chunks` makes a chunked stream; `cut` breaks the connection after it."""

    status: int = 200
    json: Any = None
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: Iterable[bytes] | None = None
    cut: bool = False
    gzipped: bool = False

    def whole(self) -> tuple[dict[str, str], bytes]:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.body if self.body is not None else b""
        if self.json is not None:
            headers.setdefault("content-type", "application/json")
            body = json.dumps(self.json).encode()
        if self.gzipped:
            headers["content-encoding"] = "gzip"
            body = gzip.compress(body)
        return headers, body


Made = Answer | Callable[[Seen], Answer]


def events(*items: Any, done: bool = True) -> Answer:
    """Return an event stream of JSON items, each in its own HTTP chunk."""
    data = [b"data: " + json.dumps(item).encode() + b"\n\n" for item in items]
    return Answer(
        headers={"content-type": "text/event-stream"},
        chunks=[*data, b"data: [DONE]\n\n"] if done else data,
    )


def chat_events(*texts: str, done: bool = True, usage: Mapping[str, int] | None = None) -> Answer:
    """Return a streamed chat answer, one chunk per text."""
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "played"}
    deltas = [{"role": "assistant", "content": text} for text in texts]
    items: list[Any] = [
        {**head, "choices": [{"index": 0, "delta": d, "finish_reason": None}]} for d in deltas
    ]
    items.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    if usage:
        items.append({**head, "choices": [], "usage": dict(usage)})
    return events(*items, done=done)


def chat_answer(text: str) -> Answer:
    """Return a whole chat answer."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    return Answer(
        json={
            "id": "c1",
            "object": "chat.completion",
            "created": 1,
            "model": "played",
            "choices": [choice],
            "usage": usage,
        }
    )


class LoopbackServer(ThreadingHTTPServer):
    """A server that many clients may reach at once; a full queue delays connections by a second."""

    daemon_threads = True
    request_queue_size = 512


class Loopback:
    """The server, its log of requests and what it will answer."""

    def __init__(self) -> None:
        self.requests: list[Seen] = []
        self.connections = 0
        self.gone = threading.Event()
        """Set when a client closed its connection while an answer was being sent."""
        self._queue: deque[Made] = deque()
        self._routes: dict[tuple[str, str], Made] = {}
        self._lock = threading.Lock()
        self._server = LoopbackServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()

    def answer(self, *answers: Made) -> None:
        """Use these, each once, for requests that no route takes."""
        self._queue.extend(answers)

    def route(self, method: str, path: str, answer: Made) -> None:
        """Use this for every request of a method and path (without its query)."""
        self._routes[method, path] = answer

    def clear(self) -> None:
        """Forget requests, routes and answers."""
        self.requests.clear()
        self._queue.clear()
        self._routes.clear()
        self.gone.clear()
        self.connections = 0

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _next(self, seen: Seen) -> Answer:
        with self._lock:
            self.requests.append(seen)
            made = self._routes.get((seen.method, seen.path))
            if made is None:
                made = self._queue.popleft() if self._queue else None
        if made is None:
            return Answer(404, json={"error": f"nothing is played at {seen.method} {seen.target}"})
        return made(seen) if callable(made) else made

    def _handler(self) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - one class in a closure
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                with loopback._lock:
                    loopback.connections += 1
                    self.number = loopback.connections

            def log_message(self, *_: Any) -> None:
                """Print nothing."""

            def _body(self) -> bytes:
                if self.headers.get("transfer-encoding", "").lower() == "chunked":
                    return b"".join(self._pieces())
                return self.rfile.read(int(self.headers.get("content-length") or 0))

            def _pieces(self) -> Iterator[bytes]:
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    yield self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()

            def _serve(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                seen = Seen(self.command, self.path, headers, self._body(), self.number)
                answer = loopback._next(seen)
                try:
                    self._send(answer)
                except (BrokenPipeError, ConnectionResetError):
                    loopback.gone.set()
                    self.close_connection = True

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815

            def _send(self, answer: Answer) -> None:
                headers, body = answer.whole()
                self.send_response(answer.status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if answer.chunks is None:
                    if "content-length" not in headers:
                        self.send_header("content-length", str(len(body)))
                    self.end_headers()
                    if self.command != "HEAD":
                        self.wfile.write(body)
                else:
                    self._stream(answer)
                if answer.cut:
                    self.close_connection = True

            def _stream(self, answer: Answer) -> None:
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                for chunk in answer.chunks or ():
                    self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
                    self.wfile.flush()
                if not answer.cut:
                    self.wfile.write(b"0\r\n\r\n")

        return Handler


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    server = Loopback()
    yield server
    server.close()
