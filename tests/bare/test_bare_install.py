"""Every public path in an environment that holds the package's dependencies and nothing else."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugins.linked_environment import (
    make_environment,
    required_distributions,
    top_level_paths,
)

ROOT = Path(__file__).parents[2]

WALKS = Path(__file__).parent / "walks"


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the dependencies only."""
    return make_environment(tmp_path_factory.mktemp("bare"))


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
    "shiny": "widgets made within a session of Shiny",
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
