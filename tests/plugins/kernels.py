"""Kernels, also of other versions, each in a folder that goes before the installed packages.

def test_it(ipykernel6):
    with run_kernel(env={**os.environ, "PYTHONPATH": str(ipykernel6)}) as manager:
        client = manager.client()
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager


@contextmanager
def run_kernel(**options: Any) -> Iterator[KernelManager]:
    """Run a kernel; its sockets are files, since others may take a port before it is bound.

    Args:
        options: `env` and `cwd` of its process.
    """
    # Paths of sockets have at most 107 bytes, too few for the folders of the tests.
    with tempfile.TemporaryDirectory(prefix="kernel-", dir="/tmp") as folder:
        manager = KernelManager(kernel_name="python3", transport="ipc", ip=f"{folder}/socket")
        manager.start_kernel(**options)
        try:
            yield manager
        finally:
            manager.shutdown_kernel(now=True)


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
