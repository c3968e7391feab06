"""The notebooks as they are committed and shipped: for readers, in the form of the save command."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from hfwidgets.engine_process import EngineState
from tests.save_notebooks import NOTEBOOKS, WITH_OUTPUTS, clean

ROOT = NOTEBOOKS.parent
NAMES = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))


def read(name: str) -> Any:
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


def code_cells(name: str) -> Iterator[Any]:
    """Yield the code cells."""
    yield from (cell for cell in read(name).cells if cell.cell_type == "code")


@pytest.mark.parametrize("name", NAMES)
def test_saved_by_the_command(name: str) -> None:
    saved = (NOTEBOOKS / f"{name}.ipynb").read_text("utf-8")
    cleaned = clean(read(name), outputs=name in WITH_OUTPUTS)
    assert nbformat.writes(cleaned) == saved.rstrip("\n"), "python -m tests.save_notebooks"
    assert "widget-view" not in saved
    assert len(saved) < 400_000


@pytest.mark.parametrize("name", WITH_OUTPUTS)
def test_saved_outputs_are_those_of_one_run_without_errors(name: str) -> None:
    cells = list(code_cells(name))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    kinds = {output.output_type for cell in cells for output in cell.outputs}
    assert "error" not in kinds
    assert kinds & {"execute_result", "display_data"}


@pytest.mark.parametrize("name", NAMES)
def test_written_for_readers(name: str) -> None:
    assert read(name).cells[0].source.startswith("# ")
    for cell in code_cells(name):
        assert "assert " not in cell.source
        assert not re.search(r"(from|import) hfwidgets\.", cell.source), "a public name is missing"


@pytest.mark.parametrize("name", NAMES)
def test_exported_as_a_script(name: str) -> None:
    from nbconvert import ScriptExporter

    source, resources = ScriptExporter().from_notebook_node(read(name))
    assert resources["output_extension"] == ".py"
    # Magics are calls. A cell may await, as notebooks let it.
    compile(source, name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_the_wheel_has_the_notebooks_and_nothing_else() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    shipped = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert shipped == {
        f"notebooks/{name}.ipynb": f"hfwidgets/_notebooks/{name}.ipynb" for name in NAMES
    }


def test_no_helper_files_next_to_the_notebooks() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "notebooks"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    files = {Path(line) for line in listed.stdout.split() if Path(line).parent.name == "notebooks"}
    assert {file.name for file in files} - {"index.md"} == {f"{name}.ipynb" for name in NAMES}


def test_the_tour_leads_to_all_others() -> None:
    text = "\n".join(cell.source for cell in read("tour").cells)
    assert set(re.findall(r"\]\((\w+)\.ipynb\)", text)) == set(NAMES) - {"tour"}


def test_the_engines_notebook_runs_every_task_that_it_serves(
    engine: EngineState, full_weights: Path
) -> None:
    from hfwidgets import InferenceClient

    source = "\n".join(cell.source for cell in code_cells("engine"))
    called = {name.replace("_", "-") for name in re.findall(r"client\.(\w+)\(", source)}
    with InferenceClient(provider="local") as client:
        served = {task for model in client.models(provider="local") for task in model.tasks}
    assert served - called == set()
