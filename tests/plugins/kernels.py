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
    """A folder with ipykernel 6, whose callbacks all wait for the running cell."""
    return install_kernel(tmp_path_factory.mktemp("ipykernel6"), "ipykernel>=6.30,<7")


@pytest.fixture(scope="session")
def ipykernel70(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ipykernel 7.0, whose callbacks may come on a subshell's thread."""
    return install_kernel(tmp_path_factory.mktemp("ipykernel70"), "ipykernel==7.0.1")


def install_kernel(folder: Path, requirement: str) -> Path:
    """Install an ipykernel into a folder; it needs no packages but the installed ones and one."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    done = subprocess.run(
        [*command, "--target", str(folder), requirement, "nest-asyncio"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.returncode:
        pytest.fail(
            f"{requirement} could not be installed in a folder, so nothing was tested "
            f"on it. Is the package registry reachable? pip says:\n{done.stderr[-2000:]}",
            pytrace=False,
        )
    return folder
