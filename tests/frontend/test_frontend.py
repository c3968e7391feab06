"""Run the front end's own checks: `tsc --strict` and the unit tests on Node's test runner."""

import re
import subprocess

from tests.plugins.frontend import FRONTEND


def run_script(npm: str, script: str) -> str:
    """Run a script of package.json; return its output."""
    command = [npm, "run", "--silent", script]
    done = subprocess.run(command, cwd=FRONTEND, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_types(npm: str) -> None:
    run_script(npm, "check")


def test_units(npm: str) -> None:
    passed = re.search(r"(?:#|ℹ) pass (\d+)", run_script(npm, "test"))
    assert passed
    assert int(passed[1]) > 120


def test_no_source_writes_html() -> None:
    sinks = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    )
    sources = list(FRONTEND.glob("src/**/*.ts*"))
    assert len(sources) > 15
    assert [path.name for path in sources if sinks.search(path.read_text())] == []


def test_the_lock_file_names_no_registry() -> None:
    assert '"resolved"' not in (FRONTEND / "package-lock.json").read_text()
