"""Take screenshots of all panels in one kernel: each state, wide and narrow, in both themes."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from hfwidgets.tasks import TASKS, examples
from tests.browser.conftest import set_theme
from tests.browser.jupyter import CHROMIUM, CHROMIUM_ARGS, Notebook, serve
from tests.browser.stage import Stage
from tests.plugins.loopback import Loopback
from tests.plugins.sample_media import encode_image

THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
WIDTHS = {"wide": 1000, "narrow": 400}
COMPARED = (
    "text-classification",
    "object-detection",
    "translation",
    "automatic-speech-recognition",
)
FOUND = """hf.evaluate(
    "text-classification",
    [{"text": f"It was {word}, {n}.", "mood": word} for n, word in enumerate(["good", "bad"] * 3)],
    [
        hf.Candidate(lambda text: text.split()[2].strip(","), name="keyword"),
        hf.Candidate(lambda _: "good", name="constant"),
    ],
    label="mood", column="text", progress=False,
)"""
SOURCE = """code => window.jupyterapp.shell.currentWidget.content.model.cells.get(0)
  .sharedModel.setSource(code)"""
RESIZE = "(node, width) => { node.parentElement.style.width = `${width}px`; }"


class Camera:
    """Take every screenshot of a panel's state: `panel-<name>-<state>-<width>-<theme>.png`."""

    def __init__(self, book: Notebook, stage: Stage, folder: Path) -> None:
        self.book = book
        self.stage = stage
        self.folder = folder

    def show(self, code: str) -> None:
        """Show the panel that an expression makes."""
        self.book.page.evaluate(SOURCE, f"import hfwidgets as hf\n\npanel = hf.{code}\npanel")
        self.book.run(0)
        self.book.panel.wait_for()

    def take(self, name: str) -> None:
        page, panel = self.book.page, self.book.panel
        page.mouse.move(5, 5)
        for theme, setting in THEMES.items():
            set_theme(page, setting)
            for width, pixels in WIDTHS.items():
                panel.evaluate(RESIZE, pixels)
                panel.screenshot(path=self.folder / f"panel-{name}-{width}-{theme}.png")
        panel.evaluate(RESIZE, WIDTHS["wide"])

    def finish(self, name: str) -> None:
        """Wait for the result and its images, and take them."""
        panel = self.book.panel
        expect(panel.locator(".hfw-is-done")).to_be_visible(timeout=60_000)
        for image in panel.locator(".hfw-view img").all():
            expect(image).not_to_have_js_property("naturalWidth", 0)
        self.take(f"{name}-done")

    def take_task(self, task: str) -> None:
        """Take the states of a task in the order a user meets them."""
        panel = self.book.panel
        make = "playground(task=" if task == "chat-completion" else "panel("
        self.show(f"{make}{task!r}, base_url={self.stage.url(task)!r})")
        self.take(f"{task}-empty")
        panel.locator(".hfw-example").first.click()
        self.finish(task)
        if task == "chat-completion":
            return
        self._change_input()
        expect(panel.locator(".hfw-stale-note")).to_be_visible(timeout=60_000)
        self.take(f"{task}-stale")
        self.stage.failing = True
        panel.locator(".hfw-run").click()
        expect(panel.get_by_role("alert")).to_be_visible(timeout=60_000)
        self.stage.failing = False
        self.take(f"{task}-failed")

    def _change_input(self) -> None:
        panel = self.book.panel
        texts = panel.locator(".hfw-form :is(textarea, input:not([type])):visible")
        if texts.count():
            texts.first.fill("Ada Lovelace moved to Turin.")
            texts.first.blur()  # the next in order is an example, which previews itself
            return
        audio = panel.locator("audio").count() > 0
        file = ("tone.wav", "audio/wav", bytes(examples.noise()))
        if not audio:
            file = ("boat.png", "image/png", encode_image(examples.harbor().rotate(180)))
        name, kind, data = file
        panel.locator("input[type=file]").first.set_input_files(
            {"name": name, "mimeType": kind, "buffer": data}
        )

    def take_comparison(self, task: str) -> None:
        models = [f"{self.stage.url(task)}?{model}" for model in ("first", "second")]
        if task == "chat-completion":
            self.show(f"compare({models!r}, 'Waves?')")
            self.book.panel.locator(".hfw-run").click()
        else:
            self.show(f"compare({models!r}, task={task!r})")
            self.book.panel.locator(".hfw-example").first.click()
        self.finish(f"compare-{task}")

    def take_evaluation(self) -> None:
        self.show(f"browse({FOUND})")
        self.take("evaluation-done")

    def take_banner(self) -> None:
        self.show("vision()")
        expect(self.book.panel.get_by_role("note")).to_be_visible()
        self.take("banner")


@contextmanager
def studio(folder: Path) -> Iterator[Camera]:
    """Open a notebook of one cell, and a camera in front of it."""
    loopback = Loopback()
    with (
        tempfile.TemporaryDirectory() as home,
        serve(Path(home, "lab")) as jupyter,
        sync_playwright() as play,
    ):
        browser = play.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        page: Page = browser.new_page(viewport={"width": 1400, "height": 1400})
        book = Notebook(jupyter, page, "panels.ipynb")
        book.write([""])
        book.open()
        yield Camera(book, Stage(loopback), folder)
        book.shutdown()
        browser.close()
    loopback.close()


def take(folder: Path, only: Sequence[str]) -> None:
    """Take the panels whose names contain one of the words; all without words."""
    with studio(folder) as camera:
        shots: dict[str, Callable[[], None]] = {
            **{task: lambda task=task: camera.take_task(task) for task in TASKS},
            **{
                f"compare-{task}": lambda task=task: camera.take_comparison(task)
                for task in ("chat-completion", *COMPARED)
            },
            "evaluation": camera.take_evaluation,
            "banner": camera.take_banner,
        }
        for name, shoot in shots.items():
            if not only or any(word in name for word in only):
                shoot()
