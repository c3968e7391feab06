"""Every public path in an environment that holds the package's dependencies and nothing else.

The environment is a virtual one whose packages are links to the installed ones, so that it is there
in a second and needs no package registry.
"""

import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]

WALKS = Path(__file__).parent / "walks"


def required_distributions() -> dict[str, importlib.metadata.Distribution]:
    """The distributions that `pip install .` brings, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    found: dict[str, importlib.metadata.Distribution] = {}
    waiting = [Requirement(text) for text in project["dependencies"]]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        extras = [*requirement.extras, ""]
        if name in found or not any(
            requirement.marker is None or requirement.marker.evaluate({"extra": extra})
            for extra in extras
        ):
            continue
        distribution = importlib.metadata.distribution(name)
        found[name] = distribution
        waiting += [
            one
            for one in map(Requirement, distribution.requires or ())
            if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras)
        ]
    return found


def top_level_paths(distribution: importlib.metadata.Distribution) -> Iterator[Path]:
    """The files and folders that a distribution puts into site-packages."""
    names = {file.parts[0] for file in distribution.files or () if file.parts[0] != ".."}
    for name in names - {"__pycache__"}:
        yield Path(str(distribution.locate_file(name)))


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the dependencies only."""
    folder = tmp_path_factory.mktemp("bare")
    venv.EnvBuilder(symlinks=True, with_pip=False).create(folder)
    [packages] = folder.glob("lib/python*/site-packages")
    for distribution in required_distributions().values():
        for path in top_level_paths(distribution):
            if not (packages / path.name).exists():
                (packages / path.name).symlink_to(path)
    (packages / "hfwidgets").symlink_to(ROOT / "hfwidgets")
    return folder / "bin" / "python"


def run(python: Path, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the bare interpreter, apart from this process's paths and settings."""
    keep = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG")}
    return subprocess.run(
        [python, "-I", "-W", "error::ResourceWarning", *arguments],
        env={**keep, "HOME": str(folder), "HF_HOME": str(folder), "MPLCONFIGDIR": str(folder)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_environment_lacks_what_is_optional(bare_python: Path, tmp_path: Path) -> None:
    for name in ("pandas", "polars", "tqdm", "pytest", "mcp", "tokenizers", "huggingface_hub"):
        found = run(bare_python, tmp_path, "-c", f"import {name}")
        assert "ModuleNotFoundError" in found.stderr, name
    assert run(bare_python, tmp_path, "-c", "import hfwidgets, numpy, PIL").returncode == 0


@pytest.mark.parametrize("walk", sorted(WALKS.glob("*.py")), ids=lambda path: path.stem)
def test_public_paths_work_or_say_what_to_install(
    bare_python: Path, tmp_path: Path, walk: Path
) -> None:
    done = run(bare_python, tmp_path, str(walk))
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert re.search(r"^walked \d+", done.stdout, re.MULTILINE), done.stdout


@pytest.mark.parametrize(
    "arguments", [("--help",), ("serve", "--help"), ("doctor",), ("--version",), ("demo", "--help")]
)
def test_the_command_works(bare_python: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = run(bare_python, tmp_path, "-m", "hfwidgets", *arguments)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", [("serve",), ("demo",)])
def test_a_command_that_needs_more_says_what_to_install(
    bare_python: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    done = run(bare_python, tmp_path, "-m", "hfwidgets", *arguments)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode != 0
    assert "hfwidgets[" in done.stderr + done.stdout


def third_party_imports() -> dict[str, set[str]]:
    """The packages that the package's modules import, wherever in the file, by module."""
    import ast

    found: dict[str, set[str]] = {}
    for path in (ROOT / "hfwidgets").rglob("*.py"):
        if {"frontend", "engine"} & set(path.relative_to(ROOT / "hfwidgets").parts):
            continue  # the engine is an extra, with a message of its own
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            for name in names:
                root = name.partition(".")[0]
                if root not in sys.stdlib_module_names and root != "hfwidgets":
                    found.setdefault(root, set()).add(str(path.relative_to(ROOT)))
    return found


OPTIONAL = {
    "pandas": "to_pandas(), and objects that are pandas' own",
    "pyarrow": "objects that are pyarrow's own",
    "mcp": "the extra [mcp]",
    "httpx2": "comes with mcp",
    "filelock": "the extra [local]",
    "tqdm": "the extra [local], for downloads of the command",
    **dict.fromkeys(("jiwer", "pycocotools", "sacrebleu", "scipy"), "the extra [eval]"),
    "whisper_normalizer": "the extra [eval]",
    "pytest": "the plugin of pytest",
    "_typeshed": "for type checkers only",
}
"""Packages outside the dependencies, and what needs them; the walk `extras` reads the errors."""


def test_imports_outside_the_dependencies_are_known() -> None:
    provided = {
        path.stem for dist in required_distributions().values() for path in top_level_paths(dist)
    }
    unknown = {
        name: places
        for name, places in third_party_imports().items()
        if name not in provided and name not in OPTIONAL
    }
    assert not unknown
