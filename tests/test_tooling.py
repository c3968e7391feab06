"""The tools that hold the code: ruff, mypy, pyright, also on what users' type checkers see."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

CHECKS = {
    "ruff check": [sys.executable, "-m", "ruff", "check", "."],
    "ruff format": [sys.executable, "-m", "ruff", "format", "--check", "."],
    "mypy": [sys.executable, "-m", "mypy"],
    "mypy, as users see it": [sys.executable, "-m", "mypy", "tests/typing"],
    "pyright": [sys.executable, "-m", "pyright", "--pythonpath", sys.executable],
}


@pytest.mark.parametrize("command", CHECKS.values(), ids=CHECKS.keys())
def test_tool(command: list[str]) -> None:
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env=dict(os.environ, NO_COLOR="1")
    )
    assert done.returncode == 0, done.stdout + done.stderr


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name]


REGISTRIES = re.compile(
    r"https?://(registry\.npmjs\.org|pypi\.org/simple|files\.pythonhosted\.org)"
)
TOKENS = re.compile(r"\bhf_[A-Za-z0-9]{30,}\b")
MACHINE_PATHS = re.compile(r"(/home/[a-z]\w+/|/Users/[A-Za-z]\w+/|/root/)")


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("a package registry", REGISTRIES),
        ("a token", TOKENS),
        ("a path of a machine", MACHINE_PATHS),
    ],
)
def test_no_tracked_file_names(what: str, pattern: re.Pattern[str]) -> None:
    mine = Path(__file__)
    for path in tracked():
        if path == mine or not path.is_file():
            continue
        found = pattern.search(path.read_bytes().decode("utf-8", "ignore"))
        assert found is None, f"{path.relative_to(ROOT)} names {what}: {found[0]}"
