"""Measure a streamed answer between the kernel and the page: bytes, delay, long tasks.

The bytes are those of all WebSocket frames that the page receives from sending a message until the
static HTML is complete, divided by the bytes of the answer's text.
"""

import base64
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from playwright.sync_api import CDPSession, Page, sync_playwright

from tests.benchmarks.measure import Figure, choose_size
from tests.browser.jupyter import CHROMIUM, CHROMIUM_ARGS, Notebook, serve
from tests.browser.talker import END, Talker, tokens
from tests.browser.ten import CAP, LISTEN, TEN, busiest
from tests.plugins.loopback import Loopback

LIMITS = {None: 3.0, 200.0: 12.0}
"""The upper bounds of bytes per byte of text, at full speed and at 200 tokens/s."""

ANSWERS = choose_size(
    ((2000, None), (8000, None), (2000, 200.0), (8000, 200.0)), ((40, None), (40, 200.0))
)
TEN_TOKENS, TEN_RATE = choose_size(1000, 20), 50

PEERS = {
    (2000, 200.0): "; HTML.value += at 200/s: 1,172x, quadratic",
    (8000, 200.0): "; HTML.value += at 200/s: 4,211x, text lost",
}

_WATCH = """end => {
  window.seen = window.last = window.ends = 0; window.long = [];
  new PerformanceObserver(list => window.long.push(...list.getEntries().map(e => e.duration)))
    .observe({ entryTypes: ['longtask'] });
  const ended = () => {
    window.ends++; window.last = Date.now() / 1000; window.seen ||= window.last; };
  for (const log of document.querySelectorAll('.hfw-log')) {
    const watch = new MutationObserver(changes => {
      for (const { target, addedNodes } of changes)
        for (const node of [target.nodeType === 3 ? target : null, ...addedNodes])
          if (node && node.textContent.includes(end)) { watch.disconnect(); ended(); return; }
    });
    watch.observe(log, { childList: true, subtree: true, characterData: true });
  }
}"""


@dataclass
class StreamMeasurement:
    """The measurements of one answer."""

    tokens: int
    rate: float | None
    text_bytes: int
    frame_bytes: int
    frames: int
    late: float
    long_tasks: list[float]
    complete: bool

    def figures(self) -> Iterator[Figure]:
        """Yield the rows of the table."""
        pace = f"at {self.rate:.0f} tokens/s" if self.rate else "at full speed"
        label = f"{self.tokens:,} tokens {pace}"
        note = f"{self.frames} frames, {'nothing lost' if self.complete else 'TEXT LOST'}"
        ratio = self.frame_bytes / self.text_bytes
        peer = PEERS.get((self.tokens, self.rate), "")
        yield Figure(
            f"bytes to the browser, {label}", ratio, LIMITS[self.rate], note=f"{note}{peer}"
        )
        yield Figure(f"last token to its appearance, {label}", self.late, 0.2, "s")
        longest = f"longest {max(self.long_tasks):.0f} ms" if self.long_tasks else ""
        count = len(self.long_tasks)
        yield Figure(f"main-thread tasks over 50 ms, {label}", count, 0, "tasks", note=longest)


@dataclass
class ParallelMeasurement:
    """The measurements of ten concurrent answers, in ten panels of one notebook."""

    late: float
    busiest: int
    long_tasks: list[float]
    complete: bool

    def figures(self) -> Iterator[Figure]:
        """Yield the rows of the table."""
        label = f"ten panels, {TEN_TOKENS} tokens at {TEN_RATE} tokens/s each"
        lost = "nothing lost" if self.complete else "TEXT LOST"
        yield Figure(f"messages in the busiest second, {label}", self.busiest, CAP, "", note=lost)
        yield Figure(f"last token to its appearance, {label}", self.late, 0.3, "s")
        count, total = len(self.long_tasks), sum(self.long_tasks)
        longest = f"longest {max(self.long_tasks, default=0):.0f} ms, {total:.0f} ms in total"
        yield Figure(f"main-thread tasks over 50 ms, {label}", count, 5, "tasks", note=longest)


class FrameCounter:
    """Count the WebSocket frames that a page receives, and their bytes."""

    def __init__(self, cdp: CDPSession) -> None:
        self.bytes = self.count = 0
        cdp.on("Network.webSocketFrameReceived", self._count_frame)
        cdp.send("Network.enable")

    def _count_frame(self, event: dict[str, dict[str, dict[str, str | int]]]) -> None:
        frame = event["response"]
        payload = str(frame["payloadData"])
        binary = frame["opcode"] == 2
        self.bytes += len(base64.b64decode(payload)) if binary else len(payload.encode())
        self.count += 1


@contextmanager
def open_notebook() -> Iterator[tuple[Notebook, Page, Talker]]:
    """Open an empty notebook in Chromium."""
    loopback = Loopback()
    talker = Talker(loopback)
    with (
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as play,
        serve(Path(folder, "lab")) as jupyter,
    ):
        browser = play.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        page = browser.new_page(viewport={"width": 1180, "height": 900})
        yield Notebook(jupyter, page, "bench.ipynb"), page, talker
        browser.close()
    loopback.close()


def measure_answer(
    book: Notebook, page: Page, talker: Talker, count: int, rate: float | None
) -> StreamMeasurement:
    """Stream one answer into a new panel."""
    book.write([f"import hfwidgets as hf\npanel = hf.chat(base_url={talker.url!r})\npanel"])
    book.open()
    book.run(0)
    book.panel.wait_for()
    send_message(book, "rich")  # loads the page's Markdown, formula and highlighting modules
    wait_for_static(page, "Quoted")
    page.locator(".hfw pre .hljs-keyword").first.wait_for()
    page.locator(".hfw math").first.wait_for()
    page.get_by_role("button", name="Clear the conversation").click()
    page.locator(".hfw-empty").wait_for()
    page.evaluate(_WATCH, END)
    frames = FrameCounter(page.context.new_cdp_session(page))
    send_message(book, f"tokens {count} at {rate}" if rate else f"tokens {count}")
    wait_for_static(page, END)
    frame_bytes, frame_count = frames.bytes, frames.count
    text = "".join(tokens(count - 1)) + f"\n\n{END}"
    appeared = page.evaluate("window.seen")
    long_tasks = page.evaluate("window.long")
    value = page.evaluate("document.querySelector('.hfw-log').innerText")
    book.shutdown()
    return StreamMeasurement(
        tokens=count,
        rate=rate,
        text_bytes=len(text.encode()),
        frame_bytes=frame_bytes,
        frames=frame_count,
        late=appeared - talker.last_sent,
        long_tasks=long_tasks,
        complete=END in value,
    )


def send_message(book: Notebook, text: str) -> None:
    """Send a message from the panel."""
    box = book.panel.get_by_role("textbox", name="Message")
    box.fill(text)
    box.press("Enter")


def wait_for_static(page: Page, text: str) -> None:
    """Wait until the panel's static HTML contains the text."""
    page.wait_for_function(
        "text => document.querySelector('.hfw-static')?.textContent.includes(text)",
        arg=text,
        timeout=120_000,
        polling=100,
    )


def measure_ten(book: Notebook, page: Page, talker: Talker) -> ParallelMeasurement:
    """Stream ten concurrent answers into one notebook."""
    start = f"for panel in panels: panel.send('tokens {TEN_TOKENS} at {TEN_RATE}')"
    book.write([TEN.format(url=talker.url), "for panel in panels: panel.run('rich')", start])
    book.open()
    book.run(0)
    book.panel.last.wait_for()
    book.run(1)  # loads the page's Markdown, formula and highlighting modules
    page.locator(".hfw math").last.wait_for()
    page.evaluate(_WATCH, END)
    page.evaluate(LISTEN)
    book.run(2)
    is_done = "() => document.querySelectorAll('.hfw-is-done').length === 10 && window.ends === 10"
    page.wait_for_function(is_done, timeout=120_000, polling=100)
    sent = page.evaluate("window.sent")
    texts = book.panel.locator(".hfw-log").all_inner_texts()
    late, long_tasks = page.evaluate("[window.last, window.long]")
    book.shutdown()
    return ParallelMeasurement(
        late=late - talker.last_sent,
        busiest=busiest([datetime.fromisoformat(date).timestamp() for _, date in sent]),
        long_tasks=long_tasks,
        complete=all(END in text for text in texts),
    )


def measure_all() -> Iterator[StreamMeasurement | ParallelMeasurement]:
    """Yield all measurements of the table."""
    with open_notebook() as (book, page, talker):
        for count, rate in ANSWERS:
            yield measure_answer(book, page, talker, count, rate)
        yield measure_ten(book, page, talker)


def figures() -> Iterator[Figure]:
    """Yield all figures of the browser."""
    for measurement in measure_all():
        yield from measurement.figures()
