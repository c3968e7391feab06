"""Panels in real kernels of several versions, without a browser: only their messages."""

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

from tests.browser.talker import Talker
from tests.panels.conftest import Replica
from tests.plugins.kernels import run_kernel

VERSIONS = {"6": "ipykernel6", "7.0": "ipykernel70", "installed": None}


class Page:
    """A front end of one kernel with one panel, whose document it mirrors."""

    def __init__(self, manager: KernelManager) -> None:
        self.manager = manager
        self.client = manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)
        self.panel = Replica()
        self.comm = ""
        self.seen: list[dict[str, Any]] = []

    def until(self, there: Callable[[], Any], seconds: float = 60) -> None:
        """Process the kernel's messages until a condition holds."""
        end = time.monotonic() + seconds
        while not there():
            assert time.monotonic() < end, [m["msg_type"] for m in self.seen[-20:]]
            if self.client.iopub_channel.msg_ready():
                self._take(self.client.get_iopub_msg(timeout=1))
            else:
                time.sleep(0.01)

    def _take(self, message: dict[str, Any]) -> None:
        self.seen.append(message)
        content = message["content"]
        data = content.get("data", {})
        if message["msg_type"] == "comm_open" and "_hfw_start" in data["state"]:
            self.comm = content["comm_id"]
            self.panel.open(data["state"]["_hfw_start"])
        elif message["msg_type"] == "comm_msg" and content["comm_id"] == self.comm:
            if data["method"] == "custom":
                self.panel.take(data["content"], message["buffers"])
            else:  # the one trait that changes while a panel lives
                assert set(data.get("state", {})) <= {"completed_runs"}

    def start(self, code: str) -> str:
        return str(self.client.execute(code))

    def idle(self, cell: str) -> list[dict[str, Any]]:
        def own() -> list[dict[str, Any]]:
            return [m for m in self.seen if m["parent_header"].get("msg_id") == cell]

        self.until(lambda: any(m["content"].get("execution_state") == "idle" for m in own()))
        return own()

    def printed(self, code: str) -> str:
        cell = self.start(code)
        return "".join(m["content"]["text"] for m in self.idle(cell) if m["msg_type"] == "stream")

    def act(self, name: str, **more: Any) -> None:
        """Send the message of a click."""
        content = {"k": "do", "do": name, **more}
        data = {"method": "custom", "content": content}
        message = self.client.session.msg("comm_msg", {"comm_id": self.comm, "data": data})
        self.client.shell_channel.send(message)

    def static(self) -> str:
        """Return the static form next to the panel, as last updated."""
        updates = (m for m in reversed(self.seen) if m["msg_type"] == "update_display_data")
        return next((str(m["content"]["data"]["text/html"]) for m in updates), "")

    def status(self) -> str:
        return str(self.panel.doc["state"]["status"])

    def answer(self) -> str:
        turns = self.panel.doc["turns"]
        return str(turns[-1]["text"]).strip() if turns and turns[-1]["role"] != "user" else ""


@pytest.fixture(params=VERSIONS)
def front(request: pytest.FixtureRequest, talker: Talker) -> Iterator[Page]:
    environment = dict(os.environ)
    if name := VERSIONS[request.param]:
        before = [str(request.getfixturevalue(name)), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, before))
    with run_kernel(env=environment) as manager:
        made = Page(manager)
        if name:
            version = made.printed("import ipykernel\nprint(ipykernel.__version__)")
            assert version.startswith(request.param)
        opened = f"import hfwidgets as hf\npanel = hf.chat(base_url={talker.url!r})\npanel"
        assert not [m for m in made.idle(made.start(opened)) if m["msg_type"] == "error"]
        yield made
        made.client.stop_channels()


def words(count: int) -> str:
    return " ".join(f"w{at}" for at in range(count))


def test_a_panel_runs_stops_and_is_interrupted(front: Page, talker: Talker) -> None:
    front.act("send", text="count 60 by 10")
    front.until(lambda: front.answer() == words(10))
    front.act("stop", run=1)
    front.until(lambda: front.status() == "stopped")
    assert front.printed("print(panel.status, panel.value)") == f"stopped {words(10)} \n"

    front.act("send", text="count 20 by 5")
    front.until(lambda: front.answer() == words(5))
    talker.let_go()
    front.until(lambda: front.status() == "done")
    front.until(lambda: "w19" in front.static())

    cell = front.start("panel.run('count 400 by 8')")
    front.until(lambda: front.panel.doc["state"]["inCell"] and front.answer() == words(8))
    front.manager.interrupt_kernel()
    errors = [m["content"]["ename"] for m in front.idle(cell) if m["msg_type"] == "error"]
    assert errors == ["KeyboardInterrupt"]
    assert front.printed("print(panel.status, panel.value)") == f"stopped {words(8)} \n"
