"""What a streamed answer costs between the kernel and the page: bytes, delay, long tasks.

Bytes are those of all WebSocket frames that the page receives from the moment of sending until the
static form is there, against the bytes of the answer's text. `python -m tests.benchmarks browser`
prints the table.
"""

import base64
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from playwright.sync_api import CDPSession, Page, sync_playwright

from tests.benchmarks.measure import Figure
from tests.browser.jupyter import CHROMIUM, CHROMIUM_ARGS, Notebook, serve
from tests.browser.talker import END, Talker, tokens
from tests.browser.ten import CAP, LISTEN, TEN, busiest
from tests.plugins.loopback import Loopback

LIMITS = {None: 3.0, 200.0: 12.0}
"""The most bytes for each byte of text, by rate: as fast as it comes, and at 200 tokens/s."""

TEN_TOKENS, TEN_RATE = 1000, 50

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
class Streamed:
    """One answer: its size, its pace, and what it cost."""

    tokens: int
    rate: float | None
    text_bytes: int
    frame_bytes: int
    frames: int
    late: float
    long_tasks: list[float]
    complete: bool

    def figures(self) -> Iterator[Figure]:
        """The lines of the table."""
        pace = f"at {self.rate:.0f} tokens/s" if self.rate else "as fast as it comes"
        what = f"{self.tokens:,} tokens {pace}"
        note = f"{self.frames} frames, {'nothing lost' if self.complete else 'TEXT LOST'}"
        ratio = self.frame_bytes / self.text_bytes
        peer = PEERS.get((self.tokens, self.rate), "")
        yield Figure(
            f"bytes to the browser, {what}", ratio, LIMITS[self.rate], note=f"{note}{peer}"
        )
        yield Figure(f"last token to its appearance, {what}", self.late, 0.2, "s")
        longest = f"longest {max(self.long_tasks):.0f} ms" if self.long_tasks else ""
        count = len(self.long_tasks)
        yield Figure(f"main-thread tasks over 50 ms, {what}", count, 0, "tasks", note=longest)


@dataclass
class Together:
    """Ten answers at once, in ten panels of one notebook."""

    late: float
    busiest: int
    long_tasks: list[float]
    complete: bool

    def figures(self) -> Iterator[Figure]:
        """The lines of the table."""
        what = f"ten panels, {TEN_TOKENS} tokens at {TEN_RATE} tokens/s each"
        lost = "nothing lost" if self.complete else "TEXT LOST"
        yield Figure(f"messages in the busiest second, {what}", self.busiest, CAP, "", note=lost)
        yield Figure(f"last token to its appearance, {what}", self.late, 0.3, "s")
        count, spent = len(self.long_tasks), sum(self.long_tasks)
        longest = f"longest {max(self.long_tasks, default=0):.0f} ms, {spent:.0f} ms in all"
        yield Figure(f"main-thread tasks over 50 ms, {what}", count, 5, "tasks", note=longest)


class Frames:
    """Counts what a page receives over its sockets."""

    def __init__(self, cdp: CDPSession) -> None:
        self.bytes = self.count = 0
        cdp.on("Network.webSocketFrameReceived", self._seen)
        cdp.send("Network.enable")

    def _seen(self, event: dict[str, dict[str, dict[str, str | int]]]) -> None:
        frame = event["response"]
        payload = str(frame["payloadData"])
        binary = frame["opcode"] == 2
        self.bytes += len(base64.b64decode(payload)) if binary else len(payload.encode())
        self.count += 1


@contextmanager
def bench() -> Iterator[tuple[Notebook, Page, Talker]]:
    """A notebook open in a Chromium, with nothing in it yet."""
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


def answer(book: Notebook, page: Page, talker: Talker, count: int, rate: float | None) -> Streamed:
    """Stream one answer into a panel of its own."""
    book.write([f"import hfwidgets as hf\npanel = hf.chat(base_url={talker.url!r})\npanel"])
    book.open()
    book.run(0)
    book.panel.wait_for()
    ask_in(book, "rich")  # Markdown, formulas and highlighter come once a page, not once an answer
    settle(page, "Quoted")
    page.locator(".hfw pre .hljs-keyword").first.wait_for()
    page.locator(".hfw math").first.wait_for()
    page.get_by_role("button", name="Clear the conversation").click()
    page.locator(".hfw-empty").wait_for()
    page.evaluate(_WATCH, END)
    frames = Frames(page.context.new_cdp_session(page))
    ask_in(book, f"tokens {count} at {rate}" if rate else f"tokens {count}")
    settle(page, END)
    spent = (frames.bytes, frames.count)
    text = "".join(tokens(count - 1)) + f"\n\n{END}"
    shown = page.evaluate("window.seen")
    long_tasks = page.evaluate("window.long")
    value = page.evaluate("document.querySelector('.hfw-log').innerText")
    book.shutdown()
    return Streamed(
        tokens=count,
        rate=rate,
        text_bytes=len(text.encode()),
        frame_bytes=spent[0],
        frames=spent[1],
        late=shown - talker.last_sent,
        long_tasks=long_tasks,
        complete=END in value,
    )


def ask_in(book: Notebook, text: str) -> None:
    box = book.panel.get_by_role("textbox", name="Message")
    box.fill(text)
    box.press("Enter")


def settle(page: Page, text: str) -> None:
    """Wait until the panel's static form holds the text."""
    page.wait_for_function(
        "text => document.querySelector('.hfw-static')?.textContent.includes(text)",
        arg=text,
        timeout=120_000,
        polling=100,
    )


def together(book: Notebook, page: Page, talker: Talker) -> Together:
    """Stream ten answers at once into one notebook."""
    start = f"for panel in panels: panel.send('tokens {TEN_TOKENS} at {TEN_RATE}')"
    book.write([TEN.format(url=talker.url), "for panel in panels: panel.run('rich')", start])
    book.open()
    book.run(0)
    book.panel.last.wait_for()
    book.run(1)  # Markdown, formulas and highlighter come once a page
    page.locator(".hfw math").last.wait_for()
    page.evaluate(_WATCH, END)
    page.evaluate(LISTEN)
    book.run(2)
    over = "() => document.querySelectorAll('.hfw-is-done').length === 10 && window.ends === 10"
    page.wait_for_function(over, timeout=120_000, polling=100)
    sent = page.evaluate("window.sent")
    shown = book.panel.locator(".hfw-log").all_inner_texts()
    late, long_tasks = page.evaluate("[window.last, window.long]")
    book.shutdown()
    return Together(
        late=late - talker.last_sent,
        busiest=busiest([datetime.fromisoformat(date).timestamp() for _, date in sent]),
        long_tasks=long_tasks,
        complete=all(END in text for text in shown),
    )


def measure() -> Iterator[Streamed | Together]:
    """All answers of the table."""
    with bench() as (book, page, talker):
        for count, rate in ((2000, None), (8000, None), (2000, 200.0), (8000, 200.0)):
            yield answer(book, page, talker, count, rate)
        yield together(book, page, talker)


def figures() -> Iterator[Figure]:
    """This part of the table."""
    for streamed in measure():
        yield from streamed.figures()
