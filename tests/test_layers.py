"""Imports point one way, without circles, and importing the client stays light.

The source is parsed, not run: imports inside functions and those for type checkers count too.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "hfwidgets"

LAYERS = (
    ("hfwidgets", "__main__"),  # the public face
    ("cli",),
    ("magics",),
    ("panels",),
    ("notebook",),
    ("endpoints", "evaluation", "mcp", "testing"),
    ("client",),
    ("batch",),
    ("recorder",),
    ("calls",),
    ("providers",),
    ("engine",),
    ("tasks",),
    ("results",),
    ("media",),
    ("core",),
    ("engine_process",),
    ("errors",),
    ("_version",),
)
"""The package's folders and top modules, highest first: each imports from those below it only.

Those in one row do not import each other.
"""

MAY_IMPORT_ENGINE = {"engine", "cli"}
"""The engine runs in a process of its own: everything else reaches it through HTTP."""

NOTEBOOK_PACKAGES = {"ipywidgets", "anywidget", "IPython", "traitlets", "ipykernel"}
IN_NOTEBOOKS = {"panels", "magics", "notebook"}

LEVELS = {name: level for level, row in enumerate(LAYERS) for name in row}

PATHS = sorted(p for p in ROOT.rglob("*.py") if "frontend" not in p.parts)


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in PATHS}


def room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else parts[0]


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in MODULES else str(node.module)


GRAPH = {name: set(imports(path)) - {name} for name, path in MODULES.items()}


def own_imports(name: str) -> set[str]:
    return GRAPH[name] & MODULES.keys()


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_only_from_the_layers_below(name: str) -> None:
    mine = room(name)
    assert mine in LEVELS, f"{name} has no layer: add it to LAYERS"
    for found in own_imports(name):
        target = room(found)
        assert target == mine or LEVELS[target] > LEVELS[mine], f"{name} imports {found}"
        assert target != "engine" or mine in MAY_IMPORT_ENGINE, f"{name} imports {found}"


@pytest.mark.parametrize("name", MODULES)
def test_a_private_module_is_imported_in_its_folder_only(name: str) -> None:
    for found in own_imports(name):
        *_, last = found.split(".")
        if last.startswith("_") and last != "_version":
            assert MODULES[name].parent == MODULES[found].parent, f"{name} imports {found}"


def find_circle(graph: dict[str, set[str]]) -> list[str]:
    """Return one circle of imports, its first module repeated at the end; empty without any."""
    finished: set[str] = set()

    def visit(name: str, trail: list[str]) -> list[str]:
        if name in trail:
            return [*trail[trail.index(name) :], name]
        if name in finished:
            return []
        for found in sorted(graph[name] & graph.keys()):
            if circle := visit(found, [*trail, name]):
                return circle
        finished.add(name)
        return []

    return next((circle for name in graph if (circle := visit(name, []))), [])


def test_modules_import_each_other_without_a_circle() -> None:
    assert find_circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert find_circle(GRAPH) == []


@pytest.mark.parametrize("name", MODULES)
def test_only_notebook_code_imports_notebook_packages(name: str) -> None:
    if room(name) not in IN_NOTEBOOKS:
        assert not {found.split(".")[0] for found in GRAPH[name]} & NOTEBOOK_PACKAGES


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
    long = {name: n for name, p in MODULES.items() if (n := len(p.read_text().splitlines())) > 500}
    assert not long
