"""Hosts keep marks on widgets: a panel's private names have a prefix that no host uses."""

import anywidget
import pytest

import hfwidgets as hf
from hfwidgets.panels.base_panel import Panel
from hfwidgets.panels.chat_panel import ChatPanel
from hfwidgets.panels.compare_panel import ComparePanel
from hfwidgets.panels.task_panel import TaskPanel
from tests.browser.talker import Talker

MARKS = (
    *("_document", "_doc", "_model", "_models", "_view", "_views", "_root", "_parent"),
    *("_session", "_client", "_lock", "_state", "_mirror"),
)
"""Attributes that hosts set on widgets, or might."""


@pytest.mark.parametrize("kind", [ChatPanel, ComparePanel, TaskPanel])
def test_private_names_have_our_prefix(kind: type[Panel]) -> None:
    ours = {name for one in kind.__mro__ if "hfwidgets" in one.__module__ for name in vars(one)}
    private = {name for name in ours if name.startswith("_") and not name.endswith("_")}
    theirs = set(dir(type("Plain", (anywidget.AnyWidget,), {"_esm": "", "_css": ""})()))
    assert {name for name in private - theirs if not name.startswith("_hfw_")} == set()


def test_a_panel_works_with_marks_of_its_host(talker: Talker) -> None:
    panel = hf.chat(base_url=talker.url)
    before = set(vars(panel))
    for mark in MARKS:
        setattr(panel, mark, object())
    assert panel.run("hello").text == "You said: hello"
    assert not before & set(MARKS)
    panel.close()
