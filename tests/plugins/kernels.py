"""Kernels of other versions, each in a folder that goes before the installed packages.

def test_it(ipykernel6):
    manager.start_kernel(env={**os.environ, "PYTHONPATH": str(ipykernel6)})
"""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def ipykernel6(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ipykernel 6, which needs no other packages than 7 but one."""
    folder = tmp_path_factory.mktemp("ipykernel6")
    packages = ["ipykernel>=6.30,<7", "nest-asyncio"]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    done = subprocess.run(
        [*command, "--target", str(folder), *packages], capture_output=True, text=True, timeout=120
    )
    if done.returncode:
        pytest.fail(
            "ipykernel 6 could not be installed beside the installed one, so nothing was tested "
            f"on it. Is the package registry reachable? pip says:\n{done.stderr[-2000:]}",
            pytrace=False,
        )
    return folder
