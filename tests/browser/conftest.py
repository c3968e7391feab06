"""JupyterLab in a headless Chromium: one server and page for all tests, a notebook and kernel each.

To start JupyterLab takes several times as long as to open a notebook in it.
"""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    Error,
    Locator,
    Page,
    Request,
    ViewportSize,
    WebSocket,
    expect,
    sync_playwright,
)

from tests.browser.jupyter import CHROMIUM, CHROMIUM_ARGS, Jupyter, Notebook, serve
from tests.browser.talker import Talker
from tests.plugins.loopback import Loopback
from tests.plugins.waiting import LIMIT

# What is waited for ends the wait; the limit is only for what never comes, on a busy machine too.
expect.set_options(timeout=LIMIT * 1000)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Run the system's Chromium for the tests of this folder.

    Playwright's event loop runs until the browser closes: no later test could run one of its own.
    """
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        yield chromium
        chromium.close()


SIZE: ViewportSize = {"width": 1180, "height": 900}


def open_page(browser: Browser) -> Page:
    """Open an empty page with a clipboard, in a context of its own."""
    context = browser.new_context(viewport=SIZE, permissions=["clipboard-read", "clipboard-write"])
    context.set_default_timeout(LIMIT * 1000)
    return context.new_page()


class Shared:
    """The page that tests use in turn, until one of them fails."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._page: Page | None = None

    def get(self) -> Page:
        if self._page is None:
            self._page = open_page(self._browser)
        self._page.set_viewport_size(SIZE)
        self._page.mouse.move(2, 2)
        return self._page

    def discard(self) -> None:
        if self._page is not None:
            self._page.context.close()
        self._page = None


@pytest.fixture(scope="package")
def shared(browser: Browser) -> Iterator[Shared]:
    made = Shared(browser)
    yield made
    made.discard()


@pytest.fixture
def own_page() -> None:
    """Give a test that changes the functions of its page one that no other test uses."""


@pytest.fixture
def page(request: pytest.FixtureRequest, browser: Browser, shared: Shared) -> Iterator[Page]:
    """The page of all tests with notebooks, or an empty one."""
    if "notebook" not in request.fixturenames or "own_page" in request.fixturenames:
        own = open_page(browser)
        yield own
        own.context.close()
        return
    failed = request.session.testsfailed
    yield shared.get()
    if request.session.testsfailed > failed:
        shared.discard()


@pytest.fixture(scope="package")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    with serve(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture
def talker(loopback: Loopback) -> Talker:
    return Talker(loopback)


class Gate:
    """Cells that occupy the kernel until the test opens the gate, then print "cell over"."""

    def __init__(self, file: Path) -> None:
        self._file = file
        wait = f"import asyncio, pathlib, time\nwhile not pathlib.Path({str(file)!r}).exists():\n"
        self.blocking = f"{wait}    time.sleep(0.05)\nprint('cell over')"
        self.awaiting = f"{wait}    await asyncio.sleep(0.05)\nprint('cell over')"

    def open(self) -> None:
        self._file.touch()


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path / "open")


Open = Callable[..., Notebook]


@pytest.fixture
def notebook(jupyter: Jupyter, page: Page, request: pytest.FixtureRequest) -> Iterator[Open]:
    """`notebook([source, ...])` opens a notebook and runs it; its kernel ends with the test.

    The page may fail in nothing, reach its own server only, and hold no frames.
    """
    failures: list[str] = []
    foreign: list[str] = []
    own = (jupyter.url, jupyter.url.replace("http:", "ws:"), "data:", "blob:")

    def note_request(seen: Request | WebSocket) -> None:
        if not seen.url.startswith(own):
            foreign.append(seen.url)

    def note_failure(error: Error) -> None:
        failures.append(str(error))

    page.on("request", note_request)
    page.on("websocket", note_request)
    opened: list[Notebook] = []

    def make(cells: list[str], run: bool = True) -> Notebook:
        made = Notebook(jupyter, page, f"{request.node.name.partition('[')[0]}.ipynb")
        made.write(cells)
        if page.url.startswith(jupyter.url):
            made.show()
        else:
            made.open()
        page.on("pageerror", note_failure)
        opened.append(made)
        if run:
            made.run()
        return made

    yield make
    frames = [frame.url for frame in page.frames[1:]]
    for one in opened:
        one.shutdown()
        page.remove_listener("pageerror", note_failure)
    page.remove_listener("request", note_request)
    page.remove_listener("websocket", note_request)
    assert (failures, foreign, frames) == ([], [], [])


@pytest.fixture
def chat(notebook: Open, talker: Talker) -> Callable[..., Notebook]:
    """A notebook with a chat panel on the played service, and more cells after it."""

    def make(*cells: str, settings: str = "") -> Notebook:
        given = ", ".join(filter(None, [f"base_url={talker.url!r}", settings]))
        first = f"import hfwidgets as hf\npanel = hf.chat({given})\npanel"
        made = notebook([first, *cells], run=False)
        made.run(0)
        error = made.page.locator("[data-mime-type$=stderr]")
        made.panel.or_(error).first.wait_for()
        assert made.panel.count() == 1, error.inner_text()
        return made

    return make


OVER = ":is(.hfw-is-idle, .hfw-is-done, .hfw-is-stopped, .hfw-is-failed)"


def ask(panel: Notebook | Locator, text: str) -> None:
    """Type a message and send it with Enter, once the panel is free."""
    panel = panel.panel if isinstance(panel, Notebook) else panel
    expect(panel.locator(OVER).first).to_be_attached()
    box = panel.get_by_role("textbox", name="Message")
    box.fill(text)
    box.press("Enter")


def copied(page: Page, start: str) -> str:
    """The clipboard's text, once it begins so."""
    script = """async ([start, ms]) => {
      for (const until = performance.now() + ms; performance.now() < until;) {
        const text = await navigator.clipboard.readText();
        if (text.startsWith(start)) return text;
        await new Promise(done => setTimeout(done, 20));
      }
      throw new Error('the clipboard does not hold ' + start);
    }"""
    return str(page.evaluate(script, [start, 20_000]))


def set_theme(page: Page, theme: str) -> None:
    """Change the theme of the page and its server; it is there when this returns."""
    change = "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"
    page.evaluate(change, theme)
    expect(page.locator("body")).to_have_attribute("data-jp-theme-name", theme)
    expect(page.locator("#jupyterlab-splash")).to_have_count(0)


@pytest.fixture
def light_again(notebook: Open, page: Page) -> Iterator[None]:
    """Leave the light theme to the tests that come after."""
    yield
    set_theme(page, "JupyterLab Light")


SAVE_STATE = "@jupyter-widgets/jupyterlab-manager:saveWidgetState"


@contextlib.contextmanager
def saving_state(page: Page) -> Iterator[None]:
    """Let Lab save widget states for a while; the setting is the server's, so it is put back."""
    page.evaluate("name => window.jupyterapp.commands.execute(name)", SAVE_STATE)
    assert page.evaluate("name => window.jupyterapp.commands.isToggled(name)", SAVE_STATE)
    try:
        yield
    finally:
        page.evaluate("name => window.jupyterapp.commands.execute(name)", SAVE_STATE)
