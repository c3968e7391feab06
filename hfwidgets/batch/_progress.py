"""Measures a run's progress and shows it: as a line in terminals, as a table in notebooks.

This module imports no notebook library. `find_publisher` finds the kernel's display where one
runs; a program with its own display replaces it, or passes a function as `progress=`.
"""

import shutil
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TextIO

from hfwidgets.core.display_updates import can_update_displays
from hfwidgets.core.meta import Meta
from hfwidgets.results import html_table
from hfwidgets.results.show import RESULT_CLASSES, escape_html

UPDATE_INTERVAL = 0.25
"""The least time between two updates, in seconds."""

RATE_WINDOW = 10.0
"""The period over which the rate is averaged, in seconds."""

FINISHED = "finished"
"""How a run ends that processed all rows; what took place says more than this word."""

Publish = Callable[[Mapping[str, str], str, bool], None]
"""Shows a MIME bundle in the display of a name; the flag says whether it was published before."""

ProgressCallback = Callable[["Progress"], object]


class Progress:
    """A run's progress.

    Attributes:
        total: The number of rows, None while it is unknown.
        done: Rows with an answer, those of earlier runs included.
        failed: Rows that ended without an answer.
        stored: How many of the rows done were stored by an earlier run.
        unstored: Rows that ended but could not be written to the `resume` file.
        running: Calls under way.
        tokens: The tokens that servers counted in this run.
        cost: US dollars so far, None where no price is known.
        pause: The seconds for which a server still asks to send nothing.
        ended: How the run ended, None while it runs.
    """

    def __init__(self, total: int | None) -> None:
        self.total = total
        self.done = self.failed = self.stored = self.unstored = self.running = self.tokens = 0
        self.cost: float | None = None
        self.pause = 0.0
        self.ended: str | None = None
        self._note = ""
        self._start_time = time.monotonic()
        self._samples: deque[tuple[float, int]] = deque([(self._start_time, 0)])

    @property
    def processed_rows(self) -> int:
        """Return the number of rows that ended in this run."""
        return self.done + self.failed - self.stored

    @property
    def seconds(self) -> float:
        """Return the run's duration so far."""
        return time.monotonic() - self._start_time

    @property
    def rate(self) -> float:
        """Return the rows per second over the last ten seconds."""
        now, processed = time.monotonic(), self.processed_rows
        # The window slides by samples, of which at least two must remain to compute a rate.
        if now - self._samples[-1][0] >= UPDATE_INTERVAL:
            self._samples.append((now, processed))
        while len(self._samples) > 2 and now - self._samples[0][0] > RATE_WINDOW:
            self._samples.popleft()
        then, before = self._samples[0]
        return (processed - before) / (now - then) if now > then else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Return the seconds until the end at this rate; None where that is unknown."""
        rate = self.rate
        if self.total is None or rate <= 0:
            return None
        return (self.total - self.done - self.failed) / rate

    def note_wait(self, reason: str, seconds: float) -> None:
        """Note why a call waits, and for how long."""
        self._note = f"{reason}, {seconds:.0f} s" if seconds >= 1 else ""

    def count_answer(self, meta: Meta | None) -> None:
        """Count an answer with its tokens and cost."""
        self.done += 1
        self._note = ""
        self.tokens += getattr(getattr(meta, "usage", None), "total_tokens", None) or 0
        cost = meta.cost if meta is not None else None
        # None until a price is known: a cost of zero would read as free of charge.
        self.cost = self.cost if cost is None else (self.cost or 0.0) + cost

    @property
    def note(self) -> str:
        """Return what the run waits for, an empty text while it does not wait."""
        return f"the server asks for a pause, {self.pause:.0f} s" if self.pause else self._note

    @property
    def ended_note(self) -> str:
        """Return how the run ended early, an empty text for a run that finished."""
        return "" if self.ended in (None, FINISHED) else str(self.ended)

    def facts(self) -> dict[str, str]:
        """Return the numbers to show, as texts by name."""
        total = f" of {self.total:,}" if self.total is not None else ""
        found = {"done": f"{self.done:,}{total}", "failed": f"{self.failed:,}"}
        found |= {"from earlier runs": f"{self.stored:,}"} if self.stored else {}
        found |= {"not stored": f"{self.unstored:,}"} if self.unstored else {}
        if self.ended is None:
            left = self.seconds_left
            found |= {"rate": f"{self.rate:,.1f} rows/s"}
            found |= {"left": format_duration(left)} if left is not None else {}
        else:
            found |= {"took": format_duration(self.seconds)}
        found |= {"tokens": f"{self.tokens:,}"} if self.tokens else {}
        found |= {"cost": f"${self.cost:,.4f}"} if self.cost is not None else {}
        return found

    def __str__(self) -> str:
        facts = ", ".join(f"{name} {value}" for name, value in self.facts().items())
        return "; ".join(filter(None, [facts, self.ended_note or self.note]))


def format_duration(seconds: float) -> str:
    """Return a duration for people: 40 ms, 12 s, 3 min 20 s, 2 h 5 min."""
    if 0 < seconds < 0.1:
        return f"{max(1, round(1000 * seconds))} ms"
    # Rounded first: 59.7 seconds are 1 min 0 s, and not 60 s.
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


class ProgressDisplay(Protocol):
    """A place where progress is shown."""

    def show(self, progress: Progress) -> None:
        """Show the progress of a run that goes on."""

    def end(self, progress: Progress) -> None:
        """Show how the run ended."""


class NoDisplay:
    """Shows nothing."""

    def show(self, progress: Progress) -> None:
        """Show nothing."""

    end = show


class CallbackDisplay:
    """Passes the progress to the user's function."""

    def __init__(self, callback: ProgressCallback) -> None:
        self._callback = callback

    def show(self, progress: Progress) -> None:
        """Call the function."""
        self._callback(progress)

    end = show


class TerminalLine:
    """Rewrites one line of the error stream; shows nothing where that is not a terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream if stream.isatty() else None
        self._width = 0

    def show(self, progress: Progress) -> None:
        """Rewrite the line."""
        self._write(str(progress), end="")

    def end(self, progress: Progress) -> None:
        """Rewrite the line for the last time and leave it."""
        self._write(str(progress), end="\n")

    def _write(self, text: str, end: str) -> None:
        if self._stream is None:
            return
        # A line that wraps could not be rewritten, so it is cut to the terminal's width.
        columns = shutil.get_terminal_size().columns - 1
        line = text if len(text) <= columns else f"{text[: columns - 1]}…"
        self._stream.write(f"\r{line.ljust(self._width)}{end}")
        self._stream.flush()
        self._width = len(line)


class NotebookTable:
    """A table in the notebook's cell, which stays when the run has ended.

    Args:
        publish: Shows a MIME bundle.
        can_update: False where a display cannot be replaced; the table then appears at the end.
    """

    def __init__(self, publish: Publish, *, can_update: bool = True) -> None:
        import uuid  # only a notebook needs a name for its display

        self._publish = publish
        self._can_update = can_update
        self._name = uuid.uuid4().hex
        self._is_published = False

    def show(self, progress: Progress) -> None:
        """Show or update the table."""
        if self._can_update:
            self.end(progress)

    def end(self, progress: Progress) -> None:
        """Show the table's last form."""
        bundle = {"text/plain": str(progress), "text/html": _render_html(progress)}
        self._publish(bundle, self._name, self._is_published)
        self._is_published = True


def _render_html(progress: Progress) -> str:
    facts = progress.facts()
    table = html_table.to_html_table(list(facts), [list(facts.values())])
    share = (progress.done + progress.failed) / progress.total if progress.total else None
    bar = f'<progress max="1" value="{share:.3f}" aria-label="rows"></progress>' if share else ""
    text = progress.ended_note or progress.note
    note = f"<div>{escape_html(text)}</div>" if text else ""
    return (
        f'<div class="{RESULT_CLASSES}">{bar if progress.ended is None else ""}{table}{note}</div>'
    )


def _find_shell() -> Any:
    """Return the IPython shell of the kernel that this code runs in; None outside of one.

    IPython is looked up, never imported: where it runs, it is loaded.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell if getattr(shell, "kernel", None) is not None else None


def _find_kernel_publisher() -> Publish | None:
    """Return the display of the kernel that this code runs in; None outside of one."""
    shell = _find_shell()
    if shell is None:
        return None

    def publish(bundle: Mapping[str, str], name: str, is_update: bool) -> None:
        shell.display_pub.publish(
            data=dict(bundle), metadata={}, transient={"display_id": name}, update=is_update
        )

    return publish


find_publisher: Callable[[], Publish | None] = _find_kernel_publisher
"""Finds the notebook's display."""


def open_display(progress: Progress, wanted: bool | ProgressCallback) -> ProgressDisplay:
    """Return the place where a run's progress is shown."""
    if wanted is False:
        return NoDisplay()
    if callable(wanted):
        return CallbackDisplay(wanted)
    publish = find_publisher()
    if publish is None:
        return TerminalLine(sys.stderr)
    shell = _find_shell()
    return NotebookTable(publish, can_update=shell is None or can_update_displays(shell))


class Ticker:
    """Limits how often progress is shown."""

    def __init__(self, progress: Progress, display: ProgressDisplay) -> None:
        self._progress, self._display = progress, display
        self._next_time = 0.0

    def tick(self) -> None:
        """Show the progress if an update is due."""
        now = time.monotonic()
        if now >= self._next_time:
            self._next_time = now + UPDATE_INTERVAL
            self._display.show(self._progress)

    def end(self, outcome: str) -> None:
        """Show how the run ended."""
        self._progress.ended = outcome
        self._display.end(self._progress)
