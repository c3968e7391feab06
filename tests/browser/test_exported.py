"""Executed notebooks as exported pages: what is read without a kernel, a script or a network."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from playwright.sync_api import Browser, Page, expect
from traitlets.config import Config

from hfwidgets.engine_process import EngineState
from tests.browser.stage import SHOWN, Stage
from tests.plugins.kernels import run_kernel
from tests.plugins.loopback import Loopback
from tests.save_notebooks import WITH_OUTPUTS

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
PANELS = {"audio": 2, "tabular": 1, "tour": 1}
"""The panels in some of them. The last two are committed with their outputs."""

SETUP = """import hfwidgets as hf
from hfwidgets.tasks.examples import make_arguments
from hfwidgets.tasks import find"""
TASKS = (
    *("object-detection", "image-segmentation", "text-to-image", "text-to-speech"),
    *("token-classification", "table-question-answering", "tabular-regression"),
    *("feature-extraction", "automatic-speech-recognition"),
)
MERGED = Config({"CoalesceStreamsPreprocessor": {"enabled": True}})
"""Notebook pages merge what is printed piece by piece; a runner without a page does not."""


def executed(notebook: Any) -> Any:
    """The notebook with its outputs and, as runners do by default, its widgets' states."""
    with run_kernel() as manager:
        return NotebookClient(notebook, timeout=300, km=manager).execute()


@pytest.fixture
def exported(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """`exported(notebook)` is the notebook's HTML in a page without scripts and network."""
    context = browser.new_context(java_script_enabled=False, offline=True)

    def make(notebook: Any) -> Page:
        html, _ = HTMLExporter(config=MERGED).from_notebook_node(notebook)
        path = tmp_path / "exported.html"
        path.write_text(html)
        page = context.new_page()
        page.goto(path.as_uri())
        return page

    yield make
    context.close()


def expect_readable(page: Page) -> None:
    """Every panel stands there as its result, and as nothing else."""
    text = page.locator("body").inner_text()
    for sign in ("Error creating widget", "Loading widget", "Panel(", "run this cell", "Traceback"):
        assert sign not in text
    for static in page.locator(".hfw-static").all():
        expect(static).to_be_visible()
        assert static.locator("script, iframe, link, [src^=http], [onclick]").count() == 0
    for image in page.locator("img").all():
        expect(image).not_to_have_js_property("naturalWidth", 0)


def test_panels(exported: Callable[..., Page], loopback: Loopback) -> None:
    stage = Stage(loopback)
    cells = [SETUP]
    for task in TASKS:
        opened = f"hf.panel({task!r}, base_url={stage.url(task)!r})"
        cells += [
            f"panel = {opened}\npanel",
            f"panel.run(**make_arguments(find({task!r}).example));",
        ]
    models = [f"{stage.url('chat-completion')}?{name}" for name in ("first", "second")]
    cells += [f"panel = hf.compare({models!r})\npanel", "panel.run('Describe waves.');"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    page = exported(executed(notebook))
    expect(page.locator(".hfw-static")).to_have_count(len(TASKS) + 1)
    expect_readable(page)
    for at, task in enumerate(TASKS):
        static = page.locator(".hfw-static").nth(at)
        if SHOWN[task] not in ("2.00 s", "640 × 420", "151.50"):
            expect(static).to_contain_text(SHOWN[task])
    for at, kind in enumerate(("img", "img", "img", "audio", "mark", "td", "td")):
        expect(page.locator(".hfw-static").nth(at).locator(kind).first).to_be_visible()
    compared = page.locator(".hfw-static").last
    expect(compared).to_contain_text("Waves come and go.")
    place = compared.get_by_role("rowheader", name="provider").bounding_box()
    assert place
    assert place["width"] > 60


@pytest.mark.parametrize("name", PANELS)
def test_notebooks(
    exported: Callable[..., Page], engine: EngineState, full_weights: Path, name: str
) -> None:
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    page = exported(notebook if name in WITH_OUTPUTS else executed(notebook))
    expect(page.locator(".hfw-static")).to_have_count(PANELS[name])
    expect_readable(page)
