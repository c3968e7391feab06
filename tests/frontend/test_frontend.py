"""The TypeScript half under its own tools: `tsc --strict` and the unit tests on node's runner."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

FRONTEND = Path(__file__).parents[2] / "hfwidgets" / "frontend"


@pytest.fixture(scope="module")
def npm() -> str:
    """npm, with the packages of the lock file installed, those for tests included."""
    found = shutil.which("npm")
    if found is None:
        pytest.skip("npm is not installed: the front end is built by the wheel of node here")
    if not (FRONTEND / "node_modules" / "jsdom").is_dir():
        subprocess.run(
            [found, "ci", "--ignore-scripts"], cwd=FRONTEND, check=True, capture_output=True
        )
    return found


def run(npm: str, script: str) -> str:
    command = [npm, "run", "--silent", script]
    done = subprocess.run(command, cwd=FRONTEND, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_types(npm: str) -> None:
    run(npm, "check")


def test_units(npm: str) -> None:
    passed = re.search(r"(?:#|ℹ) pass (\d+)", run(npm, "test"))
    assert passed
    assert int(passed[1]) > 80


def test_no_text_passes_through_html() -> None:
    sinks = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    )
    sources = list(FRONTEND.glob("src/**/*.ts"))
    assert len(sources) > 15
    assert [path.name for path in sources if sinks.search(path.read_text())] == []


def test_the_lock_file_names_no_registry() -> None:
    assert '"resolved"' not in (FRONTEND / "package-lock.json").read_text()
