"""A loopback server with an OpenAI-shaped chat route, and kernels to run cells in."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import RichOutput
from IPython.utils.io import capture_output
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

from tests.plugins.kernels import run_kernel
from tests.plugins.loopback import LoopbackServer
from tests.plugins.shells import open_shell

USAGE = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}


@dataclass
class Loopback:
    """What the server answers, and what it saw.

    Attributes:
        pieces: the answer, piece by piece.
        pause: seconds between two pieces.
        status: what it answers with; above 399 the answer is an error.
        answer: the JSON of every route but chat, or a function of path and body that returns it.
        refuses: a field of a request that it answers with 400.
        hold: set, the server waits after the first piece until it is cleared or the client leaves.
        most: how many requests are answered, None for all; the others wait for `released`.
        requests: path and body of each request, read where it is JSON.
        seen: set when the first piece of a stream was sent.
        left: set when a client went away in the middle of a stream.
    """

    url: str = ""
    pieces: list[str] = field(default_factory=lambda: ["Hello", ", ", "**world**", "."])
    pause: float = 0.0
    status: int = 200
    answer: Any = None
    refuses: str | None = None
    hold: bool = False
    most: int | None = None
    released: threading.Event = field(default_factory=threading.Event)
    requests: list[tuple[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    seen: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def bodies(self) -> list[Any]:
        return [body for _, body in self.requests]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    loopback: Loopback

    def log_message(self, *_: Any) -> None:
        """Keep the tests' output clean."""

    def do_POST(self) -> None:
        body = self.sent()
        self.loopback.requests.append((self.path, body))
        self.loopback.headers.append({k.lower(): v for k, v in self.headers.items()})
        if self.loopback.most is not None and len(self.loopback.requests) > self.loopback.most:
            self.loopback.released.wait(30)
        if self.loopback.status >= 400:
            self.reply({"error": "the server is on strike"}, self.loopback.status)
        elif self.loopback.refuses and self.loopback.refuses in body:
            self.reply({"error": f"unknown field: {self.loopback.refuses}"}, 400)
        elif isinstance(self.loopback.answer, bytes):
            self.send(self.loopback.answer, 200, "application/octet-stream")
        elif not self.path.endswith("/chat/completions"):
            answer = self.loopback.answer
            self.reply(answer(self.path, body) if callable(answer) else answer, 200)
        elif body.get("stream"):
            self.stream()
        else:
            message = {"role": "assistant", "content": self.loopback.text}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            self.reply({"model": "loop", "choices": [choice], "usage": USAGE}, 200)

    def sent(self) -> Any:
        data = self.rfile.read(int(self.headers["content-length"]))
        plain = self.headers.get("content-type", "").startswith("application/json")
        return json.loads(data) if plain else data

    def reply(self, value: Any, status: int) -> None:
        self.send(json.dumps(value).encode(), status, "application/json")

    def send(self, data: bytes, status: int, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def stream(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        try:
            for piece in self.loopback.pieces:
                self.event(
                    {"model": "loop", "choices": [{"index": 0, "delta": {"content": piece}}]}
                )
                self.loopback.seen.set()
                time.sleep(self.loopback.pause)
                while (
                    self.loopback.hold
                ):  # a comment line every 20 ms finds out whether anyone reads
                    self.chunk(b": waiting\n\n")
                    time.sleep(0.02)
            last = {"index": 0, "delta": {}, "finish_reason": "stop"}
            self.event({"model": "loop", "choices": [last], "usage": USAGE})
            self.chunk(b"data: [DONE]\n\n")
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True
            self.loopback.left.set()

    def event(self, value: Any) -> None:
        self.chunk(f"data: {json.dumps(value)}\n\n".encode())

    def chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    """A server on this machine that speaks chat; in this folder it takes the place of the other."""
    state = Loopback()
    server = LoopbackServer(("127.0.0.1", 0), type("Bound", (Handler,), {"loopback": state}))
    state.url = f"http://127.0.0.1:{server.server_port}/model"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield state
    state.hold = False
    state.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


Notebook = Callable[..., Any]


@pytest.fixture(scope="module")
def kernel_manager() -> Iterator[KernelManager]:
    """A kernel that the tests of a module share: its start takes longer than most of them."""
    with run_kernel() as manager:
        yield manager


FRESH_STATE = """
%reset -f
%cd -q {folder}
import hfwidgets.notebook
hfwidgets.notebook.current_session.cache_clear()
%reload_ext hfwidgets
"""
"""What makes a used kernel one in which nothing was run: no names, no session, no settings."""


@pytest.fixture
def notebook(kernel_manager: KernelManager, tmp_path: Path) -> Notebook:
    """Return a function that runs cells as Run All does and returns the executed notebook."""

    def run(*sources: str, **settings: Any) -> Any:
        fresh = FRESH_STATE.format(folder=tmp_path)
        cells = [nbformat.v4.new_code_cell(source) for source in (fresh, *sources)]
        book = nbformat.v4.new_notebook(cells=cells)
        return NotebookClient(book, km=kernel_manager, timeout=60, **settings).execute()

    return run


def last_output(shell: InteractiveShell, line: str, prompt: str | None = None) -> RichOutput:
    """Return the output that a front end would store of %%infer, or of %infer without prompt."""
    with capture_output() as captured:
        shell.kernel = None  # a shell with a kernel gets bundles in place of printed text
        try:
            # Statements of their own: where code uses the value, nothing is shown.
            if prompt is None:
                shell.run_line_magic("infer", line)
            else:
                shell.run_cell_magic("infer", line, prompt)
        finally:
            del shell.kernel
    last: RichOutput = captured.outputs[-1]
    return last


@pytest.fixture
def shell(capsys: Any) -> Iterator[InteractiveShell]:
    """An IPython shell without a front end, with the magics loaded."""
    from hfwidgets import notebook

    notebook.current_session.cache_clear()
    notebook.current_session().listed_tasks = {}  # not what this machine has ever listed
    with open_shell() as shell:
        shell.run_line_magic("load_ext", "hfwidgets")
        yield shell
    notebook.current_session.cache_clear()
