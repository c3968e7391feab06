"""Where an answer appears while it arrives: one cell output, a terminal, or nowhere."""

import sys
import time
import unicodedata
from collections.abc import Callable
from typing import Any, Protocol
from uuid import uuid4

from IPython.display import publish_display_data

from hfwidgets.magics.media_files import Bundle

FASTEST = 0.1
"""Seconds between two updates of a short text."""

BYTES_A_SECOND = 40_000
"""Updates become rarer as the text grows, so that about this much is sent a second."""


class Output(Protocol):
    """Takes an answer as it grows, and at its end the view that stays.

    Attributes:
        pictures: whether it can show pictures and play sounds; else they are kept as files.
    """

    pictures: bool

    def due(self, text: str, note: str | None) -> bool:
        """Whether it is time to show this text and note."""
        ...

    def update(self, text: str, bundle: Bundle) -> None:
        """Show the text so far."""
        ...

    def finish(self, bundle: Bundle, metadata: dict[str, Any]) -> None:
        """Show what stays."""
        ...


class Cell:
    """One output of a notebook cell, replaced at most ten times a second."""

    pictures = True

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._id = uuid4().hex
        self._shown = False
        self._last: tuple[str, str | None] = ("", None)
        self._next = clock() + 5 * FASTEST

    def due(self, text: str, note: str | None) -> bool:
        if (text, note) == self._last and self._shown:
            return False
        now = self._clock()
        started = bool(text) and not self._last[0]
        if now < self._next and not started:
            return False
        self._last = (text, note)
        self._next = now + max(FASTEST, len(text) / BYTES_A_SECOND)
        return True

    def update(self, text: str, bundle: Bundle) -> None:
        self._publish(bundle, {})

    def finish(self, bundle: Bundle, metadata: dict[str, Any]) -> None:
        self._publish(bundle, metadata)

    def _publish(self, bundle: Bundle, metadata: dict[str, Any]) -> None:
        shown, self._shown = self._shown, True
        identity = {"display_id": self._id}
        publish_display_data(bundle, metadata, transient=identity, update=shown)  # type: ignore[no-untyped-call]


class Terminal:
    """Plain text on standard output, piece by piece, without control characters."""

    pictures = False

    def __init__(self) -> None:
        self._written = ""
        self._note: str | None = None

    def due(self, text: str, note: str | None) -> bool:
        return len(text) > len(self._written) or (bool(note) and note != self._note)

    def update(self, text: str, bundle: Bundle) -> None:
        if not text:
            self._note = bundle["text/plain"]
            _write(f"({self._note})\n")
            return
        _write(text[len(self._written) :])
        self._written = text

    def finish(self, bundle: Bundle, metadata: dict[str, Any]) -> None:
        plain = bundle["text/plain"]
        if self._written and plain.startswith(self._written):
            plain = plain[len(self._written) :]
        elif self._written:
            plain = f"\n{plain}"
        _write(plain.rstrip("\n") + "\n")


class Late:
    """Shows nothing of an answer that goes into a variable, unless it was stopped."""

    pictures = True

    def __init__(self, output: Output) -> None:
        self._output = output

    def due(self, text: str, note: str | None) -> bool:
        return False

    def update(self, text: str, bundle: Bundle) -> None:
        """Never due."""

    def finish(self, bundle: Bundle, metadata: dict[str, Any]) -> None:
        if metadata["hfwidgets"].get("stopped"):
            self._output.finish(bundle, metadata)


class Silent:
    """Shows nothing at all."""

    pictures = True

    def due(self, text: str, note: str | None) -> bool:
        return False

    def update(self, text: str, bundle: Bundle) -> None:
        """Never due."""

    def finish(self, bundle: Bundle, metadata: dict[str, Any]) -> None:
        """Shows nothing."""


def fitting(shell: Any) -> Output:
    """The output for this front end: a cell's where there is a kernel, else the terminal's."""
    return Cell() if hasattr(shell, "kernel") else Terminal()


def _write(text: str) -> None:
    sys.stdout.write(harmless(text))
    sys.stdout.flush()


def shorten(error: BaseException) -> None:
    """Have an error shown as one message, without frames, wherever it is raised."""
    message = harmless(str(error)) or "stopped; what had arrived is kept."
    shown = f"\x1b[31m{type(error).__name__}\x1b[0m: {message}"
    error._render_traceback_ = lambda: [shown]  # type: ignore[attr-defined]


def harmless(text: str) -> str:
    """A text without the control characters with which it could take over a terminal."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc")
