"""Take screenshots of all task panels with their examples' results, in one theme."""

import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from hfwidgets.tasks import TASKS
from tests.browser.jupyter import CHROMIUM, CHROMIUM_ARGS, Jupyter, Notebook, serve
from tests.browser.stage import Stage
from tests.plugins.loopback import Loopback


def take(folder: Path, theme: str, setting: str) -> None:
    """Write `panel-<task>-<theme>.png` for each task, and one of the comparison."""
    loopback = Loopback()
    stage = Stage(loopback)
    with (
        tempfile.TemporaryDirectory() as home,
        serve(Path(home, "lab"), theme=setting) as jupyter,
        sync_playwright() as play,
    ):
        browser = play.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        page = browser.new_page(viewport={"width": 1000, "height": 1400})
        for task in TASKS:
            make = "playground(task=" if task == "chat-completion" else "panel("
            code = f"panel = hf.{make}{task!r}, base_url={stage.url(task)!r})"
            book = _opened(jupyter, page, task, code)
            book.panel.get_by_role("button", name="Try the example").click()
            _finish(book, folder / f"panel-{task}-{theme}.png")
        models = [f"{stage.url('chat-completion')}?{model}" for model in ("first", "second")]
        book = _opened(jupyter, page, "compare", f"panel = hf.compare({models!r}, 'Waves?')")
        book.panel.get_by_role("button", name="Run").click()
        _finish(book, folder / f"panel-compare-{theme}.png")
        for task in ("text-classification", "object-detection", "translation"):
            models = [f"{stage.url(task)}?{model}" for model in ("first", "second")]
            book = _opened(
                jupyter, page, f"c-{task}", f"panel = hf.compare({models!r}, task={task!r})"
            )
            book.panel.get_by_role("button", name="Try the example").click()
            _finish(book, folder / f"panel-compare-{task}-{theme}.png")
        book = _opened(jupyter, page, "banner", "panel = hf.vision()")
        expect(book.panel.get_by_role("note")).to_be_visible()
        book.panel.screenshot(path=folder / f"panel-banner-{theme}.png")
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


def _finish(book: Notebook, path: Path) -> None:
    expect(book.panel.locator(".hfw-is-done")).to_be_visible(timeout=10_000)
    for image in book.panel.locator(".hfw-view img").all():
        expect(image).not_to_have_js_property("naturalWidth", 0)
    book.page.mouse.move(5, 5)
    book.panel.screenshot(path=path)
    book.shutdown()
