"""Every benchmark works: each is run at its smallest size."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.__main__ import PARTS
from tests.benchmarks.measure import SMALLEST_VARIABLE


@pytest.mark.parametrize("part", PARTS)
def test_smallest_size(part: str, light_weights: Path) -> None:
    command = [sys.executable, "-m", "tests.benchmarks", "--smallest", part]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    head, rule, *rows = done.stdout.splitlines()
    assert head.startswith("| figure ")
    assert rows
    assert all(row.count("|") == rule.count("|") for row in rows)


def test_full_size_is_the_default() -> None:
    environment = {name: value for name, value in os.environ.items() if name != SMALLEST_VARIABLE}
    code = "from tests.benchmarks import engine; print(engine.TOKENS, engine.ROUNDS)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.split() == ["128", "7"]


def test_unknown_part() -> None:
    command = [sys.executable, "-m", "tests.benchmarks", "engines"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Unknown part engines" in done.stderr
