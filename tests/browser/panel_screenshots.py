"""Take screenshots of all task panels in one theme: empty, done, stale, failed; wide and narrow."""

import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from hfwidgets.tasks import TASKS
from tests.browser.jupyter import CHROMIUM, CHROMIUM_ARGS, Jupyter, Notebook, serve
from tests.browser.stage import Stage
from tests.plugins.loopback import Loopback

WIDTHS = {"wide": 1180, "narrow": 480}


def take(folder: Path, theme: str, setting: str) -> None:
    """Write `panel-<task>-<state>-<width>-<theme>.png` for each task, and some of other panels."""
    loopback = Loopback()
    stage = Stage(loopback)
    with (
        tempfile.TemporaryDirectory() as home,
        serve(Path(home, "lab"), theme=setting) as jupyter,
        sync_playwright() as play,
    ):
        browser = play.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        page = browser.new_page(viewport={"width": WIDTHS["wide"], "height": 1400})
        for task in TASKS:
            make = "playground(task=" if task == "chat-completion" else "panel("
            code = f"panel = hf.{make}{task!r}, base_url={stage.url(task)!r})"
            book = _opened(jupyter, page, task, code)
            _take_widths(book, folder / f"panel-{task}-empty-{theme}.png")
            book.panel.locator(".hfw-example").first.click()
            _finish(book, folder / f"panel-{task}-done-{theme}.png")
            if task == "token-classification":
                _take_stale_and_failed(book, stage, folder / f"panel-{task}-{theme}.png")
            book.shutdown()
        models = [f"{stage.url('chat-completion')}?{model}" for model in ("first", "second")]
        book = _opened(jupyter, page, "compare", f"panel = hf.compare({models!r}, 'Waves?')")
        book.panel.locator(".hfw-run").click()
        _finish(book, folder / f"panel-compare-{theme}.png")
        book.shutdown()
        for task in ("text-classification", "object-detection", "translation"):
            models = [f"{stage.url(task)}?{model}" for model in ("first", "second")]
            code = f"panel = hf.compare({models!r}, task={task!r})"
            book = _opened(jupyter, page, f"compare-{task}", code)
            book.panel.locator(".hfw-example").first.click()
            _finish(book, folder / f"panel-compare-{task}-{theme}.png")
            book.shutdown()
        book = _opened(jupyter, page, "banner", "panel = hf.vision()")
        expect(book.panel.get_by_role("note")).to_be_visible()
        _take_widths(book, folder / f"panel-banner-{theme}.png")
        book.shutdown()
        browser.close()
    loopback.close()


def _opened(jupyter: Jupyter, page: Page, name: str, code: str) -> Notebook:
    book = Notebook(jupyter, page, f"{name}.ipynb")
    book.write([f"import hfwidgets as hf\n\n{code}\npanel"])
    book.open()
    book.run(0)
    book.panel.wait_for()
    return book


def _take_stale_and_failed(book: Notebook, stage: Stage, path: Path) -> None:
    book.panel.get_by_label("Text", exact=True).fill("Ada Lovelace went to Turin, and")
    expect(book.panel.locator(".hfw-stale-note")).to_be_visible()
    _take_widths(book, path.with_stem(f"{path.stem}-stale"))
    stage.failing = True
    book.panel.locator(".hfw-run").click()
    expect(book.panel.get_by_role("alert")).to_be_visible()
    stage.failing = False
    _take_widths(book, path.with_stem(f"{path.stem}-failed"))


def _finish(book: Notebook, path: Path) -> None:
    expect(book.panel.locator(".hfw-is-done")).to_be_visible(timeout=10_000)
    for image in book.panel.locator(".hfw-view img").all():
        expect(image).not_to_have_js_property("naturalWidth", 0)
    _take_widths(book, path)


def _take_widths(book: Notebook, path: Path) -> None:
    book.page.mouse.move(5, 5)
    for name, width in WIDTHS.items():
        book.page.set_viewport_size({"width": width, "height": 1400})
        book.panel.screenshot(path=path.with_stem(f"{path.stem}-{name}"))
    book.page.set_viewport_size({"width": WIDTHS["wide"], "height": 1400})
