"""Stop before the first byte of an answer closes the connection, which frees the server."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

import hfwidgets as hf
from hfwidgets.panels.base_panel import Panel
from hfwidgets.tasks import TASKS
from tests.plugins.waiting import until


class SilentServer:
    """A server that reads requests and never answers.

    Attributes:
        asked: set when a connection has sent something.
        left: set when a connection that had sent something was closed.
    """

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.left = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._read, args=(connection,), daemon=True).start()

    def _read(self, connection: socket.socket) -> None:
        with connection:
            while True:
                try:
                    data = connection.recv(1 << 16)
                except ConnectionResetError:
                    data = b""
                if not data:
                    break
                self.asked.set()
        self.left.set()

    def close(self) -> None:
        with contextlib.suppress(OSError):  # macOS: not connected
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes `accept`, which a close does not
        self._listener.close()


@pytest.fixture
def server() -> Iterator[SilentServer]:
    server = SilentServer()
    yield server
    server.close()


def check_stop(panel: Panel, server: SilentServer) -> None:
    run = panel._hfw_current_run
    assert run is not None
    until(lambda: server.asked.is_set() or run.is_done, f"asked; {panel.status}")
    assert server.asked.is_set(), run.error
    panel.stop()
    assert server.left.wait(30)
    run.wait(30)
    assert (panel.status, panel.results) == ("stopped", [])
    panel.close()


@pytest.mark.parametrize("task", [name for name in TASKS if name != "chat-completion"])
def test_stop_closes_the_connection_of_a_task(server: SilentServer, task: str) -> None:
    panel = hf.panel(task, base_url=server.url)
    panel.example()
    panel.start()
    check_stop(panel, server)


def test_stop_closes_the_connection_of_a_chat(server: SilentServer) -> None:
    panel = hf.chat(base_url=server.url)
    panel.send("hello")
    check_stop(panel, server)
    assert panel.messages == []


def test_stop_closes_the_connections_of_a_comparison(server: SilentServer) -> None:
    panel = hf.compare([f"{server.url}/a", f"{server.url}/b"], "Hello")
    panel.start("Hello")
    run = panel._hfw_current_run
    assert run is not None
    until(lambda: server.asked.is_set() or run.is_done, f"asked; {panel.status}")
    assert server.asked.is_set(), run.error
    panel.stop()
    assert server.left.wait(30)
    panel.close()
