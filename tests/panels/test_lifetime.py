"""Panels leave nothing behind: no traceback, no memory, no difference between identical runs."""

import gc
import subprocess
import sys
import threading
import weakref
from typing import Any

import pytest
from IPython.utils.capture import capture_output

import hfwidgets as hf
from hfwidgets.panels.chat_panel import ChatPanel
from hfwidgets.panels.document.flusher import flusher
from hfwidgets.panels.task_panel import TaskPanel
from hfwidgets.tasks import TASKS
from tests.browser.stage import Stage
from tests.browser.talker import Talker
from tests.panels.conftest import Chat, Open
from tests.plugins.shells import open_shell
from tests.plugins.waiting import until

SCRIPT = """
import socket, threading
import hfwidgets as hf

def answer():
    connection, _ = server.accept()
    connection.recv(65536)
    threading.main_thread().join()  # the script has ended
    body = b'[{"label": "calm", "score": 0.5}]'
    head = b"HTTP/1.1 200 OK\\r\\ncontent-length: %d\\r\\n\\r\\n"
    connection.sendall(head % len(body) + body)
    panel._hfw_current_run.wait(30)

server = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=answer).start()
url = f"http://127.0.0.1:{server.getsockname()[1]}/x"
panel = hf.panel("text-classification", base_url=url, text="fine")
panel.start()
"""


def test_a_script_that_ends_during_a_run_prints_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_closed_panel_is_freed(talker: Talker) -> None:
    panel = hf.chat(base_url=talker.url)
    panel.run("hello")
    kept = [weakref.ref(panel), weakref.ref(panel._hfw_mirror)]
    panel.close()
    del panel
    until(lambda: gc.collect() >= 0 and not any(ref() for ref in kept), "both are freed")


def test_a_closed_panel_can_be_freed_while_the_flusher_works(chat: Chat) -> None:
    panel = chat()
    panel.close()
    freeing = threading.Thread(target=panel.close, daemon=True)  # as its finalizer does
    with flusher._lock:
        freeing.start()
        freeing.join(30)
        assert not freeing.is_alive()


def displayed_html(panel: ChatPanel | TaskPanel, *run: Any) -> list[str]:
    """Display and run a panel; return the HTML of its outputs, with all updates."""
    with open_shell(), capture_output() as captured:
        panel._ipython_display_()
        panel.run(*run)
    return [output.data["text/html"] for output in captured.outputs]


@pytest.mark.parametrize("task", [name for name in TASKS if name != "chat-completion"])
def test_identical_runs_of_a_task_save_the_same_bytes(panel: Open, stage: Stage, task: str) -> None:
    saved = []
    for _ in range(2):
        opened = panel(task)
        opened.example()
        saved.append(displayed_html(opened))
    assert saved[0] == saved[1]
    assert "hfw-static" in saved[0][-1]


def test_identical_chats_save_the_same_bytes(chat: Chat) -> None:
    saved = [displayed_html(chat(), "rich") for _ in range(2)]
    assert saved[0] == saved[1]
    assert "math.cos" in saved[0][-1]
