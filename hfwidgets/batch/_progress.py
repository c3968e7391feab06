"""How far a run is, and where that is shown: a bar in terminals, a table in notebooks.

This room knows no notebook. `publisher` finds one that runs already; whoever has a display of its
own puts another in its place, or passes a function as `progress=`.
"""

import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from html import escape
from typing import Protocol

from hfwidgets.core.meta import Meta
from hfwidgets.results import html_table

UPDATE_INTERVAL = 0.25
"""The least time between two updates, in seconds."""

RATE_WINDOW = 10.0
"""The rate is that of the last so many seconds."""

Publish = Callable[[Mapping[str, str], str, bool], None]
"""Shows a MIME bundle under a display's name; the flag says whether it is there already."""


class Progress:
    """How far a run is.

    Attributes:
        total: the number of rows, None where nobody knows before the end.
        done, failed: rows with an answer, and without one for good.
        kept: how many of those done were on disk already.
        running: calls under way.
        tokens: counted by the servers so far, in this run.
        cost: US dollars so far, None where no price is known.
        pause: the seconds that a server still wants to be left alone.
        ended: how the run ended, None while it runs.
    """

    def __init__(self, total: int | None) -> None:
        self.total = total
        self.done = self.failed = self.kept = self.running = self.tokens = 0
        self.cost: float | None = None
        self.pause = 0.0
        self.ended: str | None = None
        self._note = ""
        self._start_time = time.monotonic()
        self._samples: deque[tuple[float, int]] = deque([(self._start_time, 0)])

    @property
    def processed_rows(self) -> int:
        """Rows that have ended in this run."""
        return self.done + self.failed - self.kept

    @property
    def seconds(self) -> float:
        """How long the run has taken."""
        return time.monotonic() - self._start_time

    @property
    def rate(self) -> float:
        """Rows a second, lately."""
        now, asked = time.monotonic(), self.processed_rows
        if now - self._samples[-1][0] >= UPDATE_INTERVAL:
            self._samples.append((now, asked))
        while len(self._samples) > 2 and now - self._samples[0][0] > RATE_WINDOW:
            self._samples.popleft()
        then, before = self._samples[0]
        return (asked - before) / (now - then) if now > then else 0.0

    @property
    def seconds_left(self) -> float | None:
        """The seconds until the end at this rate; None where nobody can say."""
        rate = self.rate
        if self.total is None or rate <= 0:
            return None
        return (self.total - self.done - self.failed) / rate

    def note_wait(self, reason: str, seconds: float) -> None:
        """Take note of why a call waits."""
        self._note = f"{reason}, {seconds:.0f} s" if seconds >= 1 else ""

    def count_answer(self, meta: Meta | None) -> None:
        """Take note of an answer."""
        self.done += 1
        self._note = ""
        self.tokens += getattr(getattr(meta, "usage", None), "total_tokens", None) or 0
        cost = meta.cost if meta is not None else None
        self.cost = self.cost if cost is None else (self.cost or 0.0) + cost

    @property
    def note(self) -> str:
        """What the run waits for, an empty text while it does not."""
        return f"the server asks for a pause, {self.pause:.0f} s" if self.pause else self._note

    def facts(self) -> dict[str, str]:
        """What a user wants to know, by name."""
        of = f" of {self.total:,}" if self.total is not None else ""
        found = {"done": f"{self.done:,}{of}", "failed": f"{self.failed:,}"}
        found |= {"kept from before": f"{self.kept:,}"} if self.kept else {}
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
        told = ", ".join(f"{name} {value}" for name, value in self.facts().items())
        return "; ".join(filter(None, [told, self.ended or self.note]))


def format_duration(seconds: float) -> str:
    """A time for people: 12 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


class ProgressDisplay(Protocol):
    """Where progress is shown."""

    def show(self, progress: Progress) -> None:
        """Show how far the run is."""

    def end(self, progress: Progress) -> None:
        """Show how the run ended."""


class NoDisplay:
    """Shows nothing."""

    def show(self, progress: Progress) -> None:
        """Show nothing."""

    end = show


class CallbackDisplay:
    """Hands the progress to a function of the caller's."""

    def __init__(self, tell: Callable[[Progress], object]) -> None:
        self._callback = tell

    def show(self, progress: Progress) -> None:
        """Call the function."""
        self._callback(progress)

    end = show


class TerminalBar:
    """A bar of tqdm's on the error stream; nothing where that is no terminal."""

    def __init__(self, progress: Progress) -> None:
        from tqdm import tqdm

        self._bar = tqdm(total=progress.total, unit="row", disable=None, dynamic_ncols=True)

    def show(self, progress: Progress) -> None:
        """Move the bar."""
        if self._bar.n == 0 and progress.kept:
            self._bar.initial = progress.kept
        self._bar.n = progress.done + progress.failed
        names = ("failed", "tokens", "cost")
        told = [f"{n} {v}" for n, v in progress.facts().items() if n in names and v != "0"]
        self._bar.set_postfix_str("; ".join([*told, *filter(None, [progress.note])]), refresh=True)

    def end(self, progress: Progress) -> None:
        """Leave the bar as it is now."""
        self.show(progress)
        self._bar.close()


class NotebookTable:
    """A table in the notebook's cell, which stays when the run has ended."""

    def __init__(self, publish: Publish) -> None:
        import uuid

        self._publish = publish
        self._name = uuid.uuid4().hex
        self._is_published = False

    def show(self, progress: Progress) -> None:
        """Show or update the table."""
        plain, html = str(progress), _render_html(progress)
        bundle = {"text/plain": plain, "text/html": html}
        self._publish(bundle, self._name, self._is_published)
        self._is_published = True

    end = show


def _render_html(progress: Progress) -> str:
    facts = progress.facts()
    table = html_table.to_html_table(list(facts), [list(facts.values())])
    share = (progress.done + progress.failed) / progress.total if progress.total else None
    bar = f'<progress max="1" value="{share:.3f}" aria-label="rows"></progress>' if share else ""
    note = f"<div>{escape(progress.ended or progress.note)}</div>"
    return f'<div class="hfw-result">{bar if progress.ended is None else ""}{table}{note}</div>'


def _find_kernel_publisher() -> Publish | None:
    """The display of the kernel that this code runs in; None outside of one.

    IPython is looked up, never imported: where it runs, it is there.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if getattr(shell, "kernel", None) is None:
        return None

    def publish(bundle: Mapping[str, str], name: str, there: bool) -> None:
        shell.display_pub.publish(  # type: ignore[union-attr]
            data=dict(bundle), metadata={}, transient={"display_id": name}, update=there
        )

    return publish


find_publisher: Callable[[], Publish | None] = _find_kernel_publisher
"""Finds the notebook's display."""


def open_display(
    progress: Progress, wanted: bool | Callable[[Progress], object]
) -> ProgressDisplay:
    """Where a run's progress is shown."""
    if wanted is False:
        return NoDisplay()
    if callable(wanted):
        return CallbackDisplay(wanted)
    publish = find_publisher()
    return TerminalBar(progress) if publish is None else NotebookTable(publish)


class Ticker:
    """Shows progress now and then, however often it is asked to."""

    def __init__(self, progress: Progress, place: ProgressDisplay) -> None:
        self._progress, self._display = progress, place
        self._next_time = 0.0

    def tick(self) -> None:
        """Show how far the run is, if it is time."""
        now = time.monotonic()
        if now >= self._next_time:
            self._next_time = now + UPDATE_INTERVAL
            self._display.show(self._progress)

    def end(self, how: str) -> None:
        """Show how the run ended."""
        self._progress.ended = how
        self._display.end(self._progress)
