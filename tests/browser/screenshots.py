"""Take screenshots of the panels in both themes: `python -m tests.browser.screenshots [WORD ...]`.

With words, only the panels whose names contain one of them: a task's, `compare`,
`evaluation`, `banner`, `chat-panel`.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.browser import panel_screenshots
from tests.browser.conftest import ask
from tests.browser.jupyter import CHROMIUM, CHROMIUM_ARGS, Notebook, serve
from tests.browser.talker import Talker
from tests.plugins.loopback import Loopback

FOLDER = Path(__file__).parents[2] / "screenshots"
THEMES = panel_screenshots.THEMES


class Camera:
    """Take screenshots of one panel, named by theme."""

    def __init__(self, page: Page, theme: str) -> None:
        self.page = page
        self.theme = theme

    def take(self, name: str) -> None:
        self.page.mouse.move(5, 5)
        self.page.screenshot(path=FOLDER / f"chat-{name}-{self.theme}.png")


@contextmanager
def studio(theme: str) -> Iterator[tuple[Notebook, Camera]]:
    """A notebook with a chat panel on the played service."""
    loopback = Loopback()
    talker = Talker(loopback)
    with (
        tempfile.TemporaryDirectory() as folder,
        serve(Path(folder, "lab"), theme=THEMES[theme]) as jupyter,
        sync_playwright() as play,
    ):
        browser = play.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        page = browser.new_page(viewport={"width": 1180, "height": 900})
        book = Notebook(jupyter, page, "chat.ipynb")
        book.write([f"import hfwidgets as hf\n\npanel = hf.chat(base_url={talker.url!r})\npanel"])
        book.open()
        book.run(0)
        book.panel.wait_for()
        yield book, Camera(page, theme)
        book.shutdown()
        browser.close()
    loopback.close()


def take_chat_screenshots(book: Notebook, camera: Camera) -> None:
    """Every state of the chat panel, in the order a user meets them."""
    panel, status = book.panel, book.panel.locator(".hfw-status")
    camera.take("1-empty")
    ask(book, "rich")
    expect(panel.locator("math")).to_have_count(3)
    expect(panel.locator(".hljs-keyword").first).to_be_visible()
    camera.take("2-answer")
    panel.get_by_role("button", name="Parameters").click()
    panel.get_by_label("Temperature", exact=True).fill("0.7")
    panel.get_by_text("More parameters").click()
    camera.take("3-parameters")
    panel.get_by_role("button", name="Parameters").click()
    for count, question in enumerate(("think", "tool"), start=2):
        ask(book, question)
        expect(panel.locator(".hfw-turn-answer")).to_have_count(count)
        expect(panel.locator(".hfw-is-done")).to_be_visible()
    camera.take("4-reasoning-and-tools")
    ask(book, "count 400 at 40")
    expect(panel.locator(".hfw-md").last).to_contain_text("w40 ")
    camera.take("5-streaming")
    panel.get_by_role("button", name="Stop").click()
    expect(status).to_contain_text("Stopped")
    camera.take("6-stopped")
    ask(book, "refuse")
    expect(panel.get_by_role("alert")).to_be_visible()
    camera.take("7-error")
    book.page.set_viewport_size({"width": 640, "height": 900})
    camera.take("8-narrow")
    book.page.set_viewport_size({"width": 1180, "height": 900})
    book.save()
    book.shutdown()
    book.open()
    expect(book.page.locator(".hfw-static h1")).to_be_visible()
    camera.take("9-reopened")


def main(*only: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    for theme in THEMES:
        if not only or any(word in "chat-panel" for word in only):
            with studio(theme) as (book, camera):
                take_chat_screenshots(book, camera)
    panel_screenshots.take(FOLDER, only)
    print(f"{len(list(FOLDER.glob('*.png')))} screenshots in {FOLDER}")


if __name__ == "__main__":
    main(*sys.argv[1:])
