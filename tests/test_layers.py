"""Imports point one way, and what is imported stays light; the source is parsed, not run."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "hfwidgets"

ORDER = {
    "base": {
        *("auth", "controls", "decode", "engine", "errors", "examples", "failures", "flow"),
        *("hints", "markdown", "media", "refused", "results", "streams", "warned"),
    },
    "tasks": {"tasks"},
    "providers": {"providers"},
    "client": {"client", "endpoints", "mcp", "recorder", "batch", "testing"},
    "runtime": {"runtime", "snippets"},
    "panels": {"panels"},
    "session": {"session"},
    "magics": {"magics"},
    "local": {"local"},
    "cli": {"cli", "__main__"},
}

MAY_SEE = {
    "base": {"base"},
    "tasks": {"base", "tasks"},
    "providers": {"base", "tasks", "providers"},
    "client": {"base", "tasks", "providers", "client"},
    "runtime": {"base", "tasks", "providers", "client", "runtime"},
    "panels": {"base", "tasks", "client", "runtime", "panels"},
    "session": {"base", "tasks", "providers", "client", "runtime", "panels", "session"},
    "magics": {"base", "tasks", "client", "runtime", "panels", "session", "magics"},
    "local": {"base", "tasks", "local"},
    "cli": {"base", "tasks", "local", "session", "cli"},
}

NOTEBOOK = {"ipywidgets", "anywidget", "IPython", "traitlets", "ipykernel"}
MAY_SEE_NOTEBOOKS = {"panels", "magics", "session"}


def room(module: str) -> str:
    first = module.split(".")[1] if "." in module else ""
    return next((name for name, members in ORDER.items() if first in members), "")


def imports(path: Path) -> set[str]:
    """Every module that a file imports, wherever in the file; for type checkers only left out."""
    tree = ast.parse(path.read_text())
    hidden = {
        id(node)
        for check in ast.walk(tree)
        if isinstance(check, ast.If) and "TYPE_CHECKING" in ast.unparse(check.test)
        for node in ast.walk(check)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


MODULES = sorted(
    p for p in ROOT.rglob("*.py") if "node_modules" not in p.parts and p.parent != ROOT / "frontend"
)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_imports_only_what_its_room_may_see(path: Path) -> None:
    name = ".".join(["hfwidgets", *path.relative_to(ROOT).with_suffix("").parts])
    if name == "hfwidgets.__init__":
        return
    mine = room(name)
    assert mine, f"{name} stands in no room: give it one here and in the design"
    for found in imports(path):
        if found.startswith("hfwidgets.") and room(found):
            assert room(found) in MAY_SEE[mine], f"{name} imports {found}"
        if found.split(".")[0] in NOTEBOOK:
            assert mine in MAY_SEE_NOTEBOOKS, f"{name} imports {found}"


HEAVY = ["ipywidgets", "anywidget", "IPython", "numpy", "PIL", "soundfile", "matplotlib", "pandas"]


@pytest.mark.parametrize(
    "line",
    [
        "import hfwidgets",
        "from hfwidgets import InferenceClient",
        "import hfwidgets.notebook.background_loop",
    ],
)
def test_importing_the_client_loads_nothing_heavy(line: str) -> None:
    code = f"{line}\nimport sys\nprint([name for name in {HEAVY} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_modules_stay_readable() -> None:
    long = {
        str(p.relative_to(ROOT)): n for p in MODULES if (n := len(p.read_text().splitlines())) > 500
    }
    assert not long
