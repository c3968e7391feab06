"""Long sessions: past results move to disk, histories are bounded, large forms are sent rarely."""

import gc
import io
import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from IPython.utils.capture import capture_output
from PIL import Image

from hfwidgets.panels.conversation import MAX_UNDO, Conversation
from hfwidgets.panels.document import outputs
from hfwidgets.panels.document.outputs import DisplayOutputs, StaticForm
from hfwidgets.panels.shelf import Results, Shelf, measure_size
from hfwidgets.panels.task_panel import TaskPanel
from hfwidgets.testing import answers
from tests.panels.conftest import Chat, page, say, settled
from tests.plugins.shells import open_shell
from tests.plugins.waiting import until

IMAGE_SIZE = 100 * 100 * 4


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder in which temporary files are created."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def count_files(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


def paint(request: Any) -> Image.Image:
    return Image.new("RGB", (100, 100), (request.options["seed"], 0, 0))


def test_older_images_are_on_disk_and_still_there(folder: Path) -> None:
    with answers(text_to_image=paint):
        panel = TaskPanel("text-to-image", prompt="red")
        panel.memory_limit = 3 * IMAGE_SIZE
        for _ in range(30):
            panel.run()
        assert [image.getpixel((5, 5)) for image in panel.results] == [
            (seed, 0, 0) for seed in range(1, 31)
        ]
    assert repr(panel.results) in ("<30 results, 2 in memory>", "<30 results, 3 in memory>")
    assert panel.results[4].meta.task == "text-to-image"
    assert len(panel.results[2:5]) == 3
    assert panel.result is panel.results[-1]
    assert sum(path.is_dir() for path in folder.iterdir()) == 2
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o700}
    # The page shows an image of long ago again, and fetches it.
    say(panel, k="do", do="show", number=9)
    view = page(panel).doc["result"]
    assert view["n"] == 9
    found = panel._hfw_find_media(view["id"])
    assert found is not None
    with Image.open(io.BytesIO(found[0])) as image:
        assert image.convert("RGB").getpixel((5, 5)) == (9, 0, 0)
    assert panel._hfw_find_media(page(panel).doc["gallery"][-1]["id"]) is not None
    assert panel._hfw_find_media("r2.0") is None  # of a result that the page no longer offers
    panel.close()
    del panel
    until(lambda: gc.collect() >= 0 and count_files(folder) == 0, "the files are deleted")


def test_the_latest_result_stays_in_memory(folder: Path) -> None:
    results = Results()
    results.shelf.limit = 0
    for number in range(3):
        results.append([number])
        results.shelf.shrink()
    assert results == [[0], [1], [2]]
    assert results[-1] is results[2]
    assert results[0] is not results[0]
    assert count_files(folder) == 2


def test_what_cannot_be_stored_stays_in_memory_with_one_warning(folder: Path) -> None:
    shelf = Shelf[Any](limit=0)
    locks = [shelf.add(threading.Lock()) for _ in range(3)]
    with pytest.warns(UserWarning, match="stays in memory") as caught:
        shelf.shrink()
    assert len(caught) == 1
    assert all(item.is_in_memory for item in locks)


def test_a_discarded_object_leaves_no_file(folder: Path) -> None:
    shelf = Shelf[Any](limit=0)
    items = [shelf.add(number) for number in range(3)]
    shelf.shrink()
    assert count_files(folder) == 2
    for item in items:
        shelf.discard(item)
    assert count_files(folder) == 0


@pytest.mark.parametrize(
    ("value", "least"),
    [
        (b"x" * 1000, 1000),
        ("x" * 1000, 1000),
        (np.zeros(250, np.float32), 1000),
        (Image.new("L", (40, 25)), 1000),
        (Image.new("RGB", (25, 10)), 1000),
        ({"a": [{"blob": b"x" * 1000}]}, 1000),
        (type("Holder", (), {"__init__": lambda self: setattr(self, "a", b"x" * 1000)})(), 1000),
    ],
)
def test_sizes(value: object, least: int) -> None:
    assert least <= measure_size(value) <= least + 500


def test_an_object_that_contains_itself_has_a_size() -> None:
    value: list[Any] = []
    value.append(value)
    assert measure_size(value) < 1000


def test_a_conversation_remembers_its_last_changes() -> None:
    conversation = Conversation()
    for number in range(MAX_UNDO + 50):
        entry = conversation.new_entry({"role": "user", "content": str(number)})
        conversation.replace_entries([*conversation.entries, entry])
    while conversation.can_undo:
        conversation.undo()
    assert len(conversation.entries) == 50
    conversation.redo()
    assert len(conversation.entries) == 51


def test_a_long_conversation_keeps_its_messages_apart_from_the_user_s(chat: Chat) -> None:
    panel = chat(messages=[{"role": "user", "content": str(at)} for at in range(50)])
    panel.messages[3]["content"] = "changed"
    panel.send("hello")
    settled(panel)
    assert panel.messages[3]["content"] == "3"
    assert len(page(panel).doc["turns"]) == 52


def test_a_large_static_form_is_sent_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "LARGE_INTERVAL", 0.3)
    large = "x" * outputs.LARGE_STATIC
    shown = DisplayOutputs()
    with open_shell(), capture_output() as captured:
        shown.show({})
        for number in range(20):
            shown.update_static(StaticForm(f"{large}{number}", ""))

        def sent() -> list[str]:
            forms = [output.data["text/html"] for output in captured.outputs]
            return [form for form in forms if large in form]

        until(lambda: f"{large}19" in sent()[-1], "the last form is shown")
        assert len(sent()) <= 10, "at most half of the changes, on a slow machine too"
        for number in range(5):
            shown.update_static(StaticForm(str(number), ""))
        assert ">4</div>" in captured.outputs[-1].data["text/html"]
