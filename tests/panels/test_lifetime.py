"""Panels end quietly: with a script that ends first, and without staying in memory."""

import gc
import subprocess
import sys
import weakref

import hfwidgets as hf
from tests.browser.talker import Talker

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
    panel._current_run.wait(30)

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
    kept = [weakref.ref(panel), weakref.ref(panel._mirror)]
    panel.close()
    del panel
    gc.collect()
    assert [ref() for ref in kept] == [None, None]
