"""Where an answer appears while it arrives: one cell output, a terminal, or nowhere."""

import sys
import time
import unicodedata
from collections.abc import Callable
from typing import Any, Protocol
from uuid import uuid4

from IPython.display import publish_display_data

from hfwidgets.magics.media_files import Bundle

MIN_INTERVAL = 0.1
"""Seconds between two updates of a short text."""

BYTES_PER_SECOND = 40_000
"""Updates become rarer as the text grows, so that about this much is sent a second."""


class Output(Protocol):
    """Takes an answer as it grows, and at its end the view that stays.

    Attributes:
        pictures: whether it can show pictures and play sounds; else they are kept as files.
    """

    supports_media: bool

    def is_due(self, text: str, note: str | None) -> bool:
        """Whether it is time to show this text and note."""
        ...

    def update(self, text: str, bundle: Bundle) -> None:
        """Show the text so far."""
        ...

    def finish(self, bundle: Bundle, metadata: dict[str, Any]) -> None:
        """Show what stays."""
        ...


class CellOutput:
    """One output of a notebook cell, replaced at most ten times a second."""

    supports_media = True

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._id = uuid4().hex
        self._is_published = False
        self._last_content: tuple[str, str | None] = ("", None)
        self._next_update = clock() + 5 * MIN_INTERVAL

    def is_due(self, text: str, note: str | None) -> bool:
        if (text, note) == self._last_content and self._is_published:
            return False
        now = self._clock()
        started = bool(text) and not self._last_content[0]
        if now < self._next_update and not started:
            return False
        self._last_content = (text, note)
        self._next_update = now + max(MIN_INTERVAL, len(text) / BYTES_PER_SECOND)
        return True

    def update(self, text: str, bundle: Bundle) -> None:
        self._publish(bundle, {})

    def finish(self, bundle: Bundle, metadata: dict[str, Any]) -> None:
        self._publish(bundle, metadata)

    def _publish(self, bundle: Bundle, metadata: dict[str, Any]) -> None:
        shown, self._is_published = self._is_published, True
        identity = {"display_id": self._id}
        publish_display_data(bundle, metadata, transient=identity, update=shown)  # type: ignore[no-untyped-call]


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
        """Never due."""

    def finish(self, bundle: Bundle, metadata: dict[str, Any]) -> None:
        if metadata["hfwidgets"].get("stopped"):
            self._output.finish(bundle, metadata)


class SilentOutput:
    """Shows nothing at all."""

    supports_media = True

    def is_due(self, text: str, note: str | None) -> bool:
        return False

    def update(self, text: str, bundle: Bundle) -> None:
        """Never due."""

    def finish(self, bundle: Bundle, metadata: dict[str, Any]) -> None:
        """Shows nothing."""


def choose_output(shell: Any) -> Output:
    """The output for this front end: a cell's where there is a kernel, else the terminal's."""
    return CellOutput() if hasattr(shell, "kernel") else TerminalOutput()


def _write_stdout(text: str) -> None:
    sys.stdout.write(strip_control_characters(text))
    sys.stdout.flush()


def shorten_traceback(error: BaseException) -> None:
    """Have an error shown as one message, without frames, wherever it is raised."""
    message = strip_control_characters(str(error)) or "stopped; what had arrived is kept."
    shown = f"\x1b[31m{type(error).__name__}\x1b[0m: {message}"
    error._render_traceback_ = lambda: [shown]  # type: ignore[attr-defined]


def strip_control_characters(text: str) -> str:
    """A text without the control characters with which it could take over a terminal."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc")
