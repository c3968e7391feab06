"""Give the front end's packages, with those that only tests need, to all processes of a run."""

import shutil
import subprocess
from pathlib import Path

import pytest
from filelock import FileLock

FRONTEND = Path(__file__).parents[2] / "hfwidgets" / "frontend"
AXE = FRONTEND / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="session")
def npm(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return npm, after installing the packages of the lock file, with those for tests."""
    found = shutil.which("npm")
    if found is None:
        pytest.skip("npm is not installed: the front end is built with Node from a wheel")
    # The folder above the base folder is the same for all processes of a run. Only one of them may
    # install: npm begins by deleting what is there.
    with FileLock(tmp_path_factory.getbasetemp().parent / "npm.lock"):
        if not AXE.is_file():
            subprocess.run(
                [found, "ci", "--ignore-scripts"], cwd=FRONTEND, check=True, capture_output=True
            )
    return found
