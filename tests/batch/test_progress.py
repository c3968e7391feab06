"""Progress of a run in terminals, notebooks and functions."""

import io
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from hfwidgets import InferenceClient
from hfwidgets.batch import Progress, _progress
from hfwidgets.batch._progress import NotebookTable, format_duration, open_display
from hfwidgets.testing import answers


class Publisher:
    """A notebook's display."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, str, bool]] = []

    def __call__(self, bundle: Mapping[str, str], name: str, there: bool) -> None:
        self.shown.append((bundle["text/html"], name, there))


def test_a_notebook_gets_one_table_that_is_updated(monkeypatch: pytest.MonkeyPatch) -> None:
    publisher = Publisher()
    monkeypatch.setattr(_progress, "find_publisher", lambda: publisher)
    with answers(text_classification=[{"label": "A", "score": 1.0}]):
        InferenceClient().map("text-classification", [*"abc", None])
    assert [there for *_, there in publisher.shown] == [False] + [True] * (len(publisher.shown) - 1)
    assert len({name for _, name, _ in publisher.shown}) == 1
    last = publisher.shown[-1][0]
    for fact in ("3 of 4", "failed", "took"):
        assert fact in last
    assert "<progress" not in last
    assert "finished" not in last


def test_a_terminal_gets_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", terminal)
    with answers(text_classification=[{"label": "A", "score": 1.0}]):
        InferenceClient().map("text-classification", [*"abc", None])
    assert "done 3 of 4" in terminal.getvalue()
    assert "failed 1" in terminal.getvalue()


def test_a_stream_without_a_terminal_gets_no_bar(capfd: pytest.CaptureFixture[str]) -> None:
    with answers(text_classification=[{"label": "A", "score": 1.0}]):
        InferenceClient().map("text-classification", ["a"])
        InferenceClient().map("text-classification", ["a"], progress=False)
    assert capfd.readouterr() == ("", "")


def test_a_running_kernel_is_found_without_importing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    published: list[dict[str, Any]] = []

    class Shell:
        kernel = object()

        class display_pub:  # noqa: N801 - the shell's own name
            @staticmethod
            def publish(**message: Any) -> None:
                published.append(message)

    module = type(sys)("IPython")
    module.get_ipython = lambda: Shell  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", module)
    place = open_display(Progress(3), True)
    assert isinstance(place, NotebookTable)
    place.show(Progress(3))
    place.show(Progress(3))
    first, second = published
    assert not first["update"]
    assert second["update"]
    assert first["transient"] == second["transient"]
    Shell.kernel = None  # type: ignore[assignment]
    assert not isinstance(open_display(Progress(3), True), NotebookTable)


def test_server_text_is_escaped() -> None:
    publisher = Publisher()
    progress = Progress(None)
    progress.note_wait("loading <script>", 20)
    NotebookTable(publisher).show(progress)
    assert "loading &lt;script&gt;, 20 s" in publisher.shown[0][0]


def test_facts() -> None:
    progress = Progress(10)
    progress.done = progress.stored = 4
    assert progress.facts()["done"] == "4 of 10"
    assert progress.facts()["from earlier runs"] == "4"
    assert progress.seconds_left is None
    progress.pause = 12.4
    assert str(progress).endswith("the server asks for a pause, 12 s")
    assert Progress(None).facts()["done"] == "0"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0002, "1 ms"),
        (0.043, "43 ms"),
        (0.21, "0.2 s"),
        (42.4, "42 s"),
        (59.6, "1 min 0 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
    ],
)
def test_durations_in_words(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
