"""Panels without a browser: their messages are recorded, and a page's messages simulated."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import comm
import pytest

from hfwidgets.panels.base_panel import Panel
from hfwidgets.panels.chat_panel import ChatPanel
from hfwidgets.panels.task_panel import TaskPanel
from tests.browser.stage import Stage
from tests.browser.talker import Talker
from tests.plugins.loopback import Loopback

Chat = Callable[..., ChatPanel]
Open = Callable[..., TaskPanel]


class Replica:
    """A page's copy of a panel's document, built from the messages it received."""

    def __init__(self) -> None:
        self.seq = 0
        self.doc: dict[str, Any] = {}
        self.shape: dict[str, Any] = {}
        self.messages: list[dict[str, Any]] = []
        self.buffers: list[list[Any]] = []
        self.lost = False

    def open(self, start: dict[str, Any]) -> None:
        self.doc, self.shape = copy.deepcopy(start["doc"]), start["shape"]

    def take(self, content: dict[str, Any], buffers: list[Any]) -> None:
        self.messages.append(copy.deepcopy(content))
        self.buffers.append(list(buffers or []))
        if content["k"] == "doc":
            self.doc, self.seq = copy.deepcopy(content["doc"]), content["seq"]
        elif content["k"] == "ops" and content["ops"]:
            assert content["seq"] == self.seq + 1, "patches must be numbered without gaps"
            self.seq += 1
            for op in content["ops"]:
                self.apply(op)

    def apply(self, op: list[Any]) -> None:
        kind, path, *rest = copy.deepcopy(op)
        node = self.doc
        for key in path[:-1]:
            node = node[key]
        last = path[-1]
        if kind == "=" and isinstance(node, list) and last == len(node):
            node.append(rest[0])
        elif kind == "=":
            node[last] = rest[0]
        elif kind == "+":
            assert len(node[last].encode("utf-16-le")) // 2 == rest[0]
            node[last] += rest[1]
        else:
            del node[last][rest[0] :]


class Wire(comm.base_comm.BaseComm):
    """A comm whose other end is a Replica."""

    replicas: list[Replica]

    def publish_msg(
        self,
        msg_type: str,
        data: Any = None,
        metadata: Any = None,
        buffers: Any = None,
        **keys: Any,
    ) -> None:
        if msg_type == "comm_open":
            self.replica = Replica()
            self.opened = copy.deepcopy(data["state"])
            if "_hfw_start" in data["state"]:
                self.replica.open(data["state"]["_hfw_start"])
        elif msg_type == "comm_msg" and data["method"] == "custom":
            self.replica.take(data["content"], buffers)


@pytest.fixture(autouse=True)
def wire(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comm, "create_comm", Wire)


@pytest.fixture
def talker(loopback: Loopback) -> Talker:
    return Talker(loopback)


@pytest.fixture
def chat(talker: Talker) -> Iterator[Chat]:
    """Return `chat(...)`, which opens a panel on the simulated service."""
    made: list[ChatPanel] = []

    def make(**settings: Any) -> ChatPanel:
        panel = ChatPanel(base_url=talker.url, **settings)
        made.append(panel)
        return panel

    yield make
    for panel in made:
        panel.stop()
        panel.close()


@pytest.fixture
def stage(loopback: Loopback) -> Stage:
    return Stage(loopback)


@pytest.fixture
def panel(stage: Stage) -> Iterator[Open]:
    """Return `panel(task)`, which opens a task's panel on the simulated service."""
    made: list[TaskPanel] = []

    def make(task: str, **settings: Any) -> TaskPanel:
        opened = TaskPanel(task, base_url=stage.url(task), **settings)
        made.append(opened)
        return opened

    yield make
    for one in made:
        one.stop()
        one.close()


def page(panel: Panel) -> Replica:
    """Return the page's copy of the document, up to date."""
    panel._hfw_mirror.flush()
    found: Replica = panel.comm.replica
    return found


def say(panel: Panel, buffers: Any = (), **message: Any) -> None:
    """Send a panel a message as its page does."""
    panel._handle_custom_msg(message, list(buffers))


def settled(panel: Panel) -> None:
    """Wait until the panel's run is over."""
    assert panel._hfw_current_run is not None
    panel._hfw_current_run.wait(30)


def attach(panel: ChatPanel, name: str, data: bytes) -> None:
    """Upload a file as the page does, in pieces of 1 MiB."""
    size = 1 << 20
    for at in range(0, len(data), size):
        piece = {"name": name, "id": f"u-{name}", "at": at, "total": len(data)}
        say(panel, [data[at : at + size]], k="do", do="upload", **piece)
        assert page(panel).doc["uploads"][name]["got"] == min(len(data), at + size)
