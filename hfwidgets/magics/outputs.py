"""Shows an answer while it arrives: in one cell output, in a terminal, or nowhere."""

import sys
import time
import unicodedata
from collections.abc import Callable
from typing import Any, Protocol
from uuid import uuid4

from IPython.display import publish_display_data

from hfwidgets.core.display_updates import can_update_displays
from hfwidgets.magics.media_files import Bundle

MIN_INTERVAL = 0.1
"""The least time between two updates, in seconds."""

BYTES_PER_SECOND = 40_000
"""The rate of updates: as a text grows, they become rarer, since each one sends all of it."""


class Output(Protocol):
    """A place for an answer as it grows, and at its end for the view that stays.

    Attributes:
        supports_media: True if it can show images and play audio; else these are saved as files.
    """

    supports_media: bool

    def is_due(self, text: str, note: str | None) -> bool:
        """True if it is time to show this text and note."""
        ...

    def update(self, text: str, bundle: Bundle) -> None:
        """Show the text so far."""
        ...

    def finish(self, bundle: Bundle, metadata: dict[str, Any]) -> None:
        """Show the view that stays."""
        ...


class CellOutput:
    """One output of a notebook cell, replaced at most ten times per second."""

    supports_media = True

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._id = uuid4().hex
        self._is_published = False
        self._last_content: tuple[str, str | None] = ("", None)
        # An answer that comes within half a second appears at once, without a placeholder before.
        self._next_update = clock() + 5 * MIN_INTERVAL

    def is_due(self, text: str, note: str | None) -> bool:
        # True obliges the caller to update at once: the content counts as published from here on.
        if (text, note) == self._last_content and self._is_published:
            return False
        now = self._clock()
        is_first_text = bool(text) and not self._last_content[0]
        if now < self._next_update and not is_first_text:
            return False
        self._last_content = (text, note)
        self._next_update = now + max(MIN_INTERVAL, len(text) / BYTES_PER_SECOND)
        return True

    def update(self, text: str, bundle: Bundle) -> None:
        self._publish(bundle, {})

    def finish(self, bundle: Bundle, metadata: dict[str, Any]) -> None:
        self._publish(bundle, metadata)

    def _publish(self, bundle: Bundle, metadata: dict[str, Any]) -> None:
        is_update, self._is_published = self._is_published, True
        # Front ends do not save what is transient, so the random id stays out of the notebook.
        identity = {"display_id": self._id}
        publish_display_data(bundle, metadata, transient=identity, update=is_update)  # type: ignore[no-untyped-call]


class FinalOutput:
    """An output that cannot be updated, so the answer appears once, in its final form."""

    supports_media = True

    def is_due(self, text: str, note: str | None) -> bool:
        return False

    def update(self, text: str, bundle: Bundle) -> None:
        """Do nothing: no update is due."""

    def finish(self, bundle: Bundle, metadata: dict[str, Any]) -> None:
        publish_display_data(bundle, metadata)  # type: ignore[no-untyped-call]


class TerminalOutput:
    """Plain text on standard output, piece by piece, without control characters."""

    supports_media = False

    def __init__(self) -> None:
        self._printed_text = ""
        self._note: str | None = None

    def is_due(self, text: str, note: str | None) -> bool:
        return len(text) > len(self._printed_text) or (bool(note) and note != self._note)

    def update(self, text: str, bundle: Bundle) -> None:
        if not text:
            self._note = bundle["text/plain"]
            _write_stdout(f"({self._note})\n")
            return
        _write_stdout(text[len(self._printed_text) :])
        self._printed_text = text

    def finish(self, bundle: Bundle, metadata: dict[str, Any]) -> None:
        # What a terminal has printed stays, so only the rest of the same text follows.
        plain = bundle["text/plain"]
        if self._printed_text and plain.startswith(self._printed_text):
            plain = plain[len(self._printed_text) :]
        elif self._printed_text:
            plain = f"\n{plain}"
        _write_stdout(plain.rstrip("\n") + "\n")


class DeferredOutput:
    """Shows nothing of an answer that goes into a variable, unless it was stopped."""

    supports_media = True

    def __init__(self, output: Output) -> None:
        self._output = output

    def is_due(self, text: str, note: str | None) -> bool:
        return False

    def update(self, text: str, bundle: Bundle) -> None:
        """Do nothing: no update is due."""

    def finish(self, bundle: Bundle, metadata: dict[str, Any]) -> None:
        if metadata["hfwidgets"].get("stopped"):
            self._output.finish(bundle, metadata)


class SilentOutput:
    """Shows nothing at all."""

    supports_media = True

    def is_due(self, text: str, note: str | None) -> bool:
        return False

    def update(self, text: str, bundle: Bundle) -> None:
        """Do nothing: no update is due."""

    def finish(self, bundle: Bundle, metadata: dict[str, Any]) -> None:
        """Show nothing."""


def choose_output(shell: object) -> Output:
    """Return the output of this front end, or the one that `%%capture` collects."""
    if not hasattr(shell, "kernel"):
        return TerminalOutput()
    return CellOutput() if can_update_displays(shell) else FinalOutput()


def _write_stdout(text: str) -> None:
    sys.stdout.write(strip_control_characters(text))
    sys.stdout.flush()


def shorten_traceback(error: BaseException) -> None:
    """Make IPython show an error as one message, without frames, wherever it is raised."""
    message = strip_control_characters(str(error)) or "stopped; what had arrived is kept."
    shown = f"\x1b[31m{type(error).__name__}\x1b[0m: {message}"
    # The hook that IPython looks for on an exception. The error is still raised, so that Run All
    # stops at the cell.
    error._render_traceback_ = lambda: [shown]  # type: ignore[attr-defined]


def strip_control_characters(text: str) -> str:
    """Return a text without the control characters that could take over a terminal."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc")
