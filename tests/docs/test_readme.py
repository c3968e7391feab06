"""The README: every code block runs, and the images are there and small."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.cbook import get_sample_data
from PIL import Image

from hfwidgets.engine_process import EngineState
from tests.docs.documents import ROOT, code_blocks, split_cells
from tests.plugins.shells import open_shell

README = ROOT / "README.md"
BLOCKS = list(code_blocks(README, "python", "ipython"))


@pytest.fixture(scope="module")
def shell(engine: EngineState, full_weights: Path) -> Iterator[InteractiveShell]:
    """Keep one shell for all blocks: a reader runs them in this order."""
    with open_shell() as opened:
        yield opened


@pytest.mark.parametrize("code", BLOCKS, ids=range(len(BLOCKS)))
def test_a_block_runs(
    code: str, shell: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Image.open(get_sample_data("grace_hopper.jpg", asfileobj=False)) as photo:
        photo.save("photo.jpg")
    for cell in split_cells(code):
        shell.run_cell(cell).raise_error()


def test_the_blocks_left_their_results(shell: InteractiveShell) -> None:
    names = shell.user_ns
    assert "Paris" in names["answer"].text or "lighthouse" in names["answer"].text
    assert names["panel"].result[0].label == "face"


def test_all_tests_run_by_the_documented_command() -> None:
    _, tests = code_blocks(README, "sh")
    assert (ROOT / ".ci" / "run").read_text("utf-8").endswith(f"\n{tests}")


def test_the_images_are_small() -> None:
    found = set(re.findall(r'"(notebooks/docs/_static/[^"]+)"', README.read_text("utf-8")))
    assert found == {f"notebooks/docs/_static/panel-{theme}.webp" for theme in ("light", "dark")}
    for name in found:
        assert (ROOT / name).stat().st_size < 150_000
        with Image.open(ROOT / name) as image:
            assert min(image.size) > 1000
