"""A separate session per test, on a machine without a token, with a simulated internet."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hfwidgets import notebook
from hfwidgets.notebook import background_loop
from hfwidgets.recorder import recordings
from tests.plugins.internet import Internet
from tests.plugins.shells import open_shell


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder of tokens and caches, also the working folder."""
    for name in ("HF_TOKEN_PATH", "HFWIDGETS_RECORDINGS", "HFWIDGETS_PROVIDER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("HFWIDGETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    notebook.current_session.cache_clear()
    yield tmp_path
    notebook.current_session.cache_clear()
    recordings.off()


@pytest.fixture
def net(internet: Internet) -> Iterator[Internet]:
    """Return the simulated internet, which the shared clients use too."""
    background_loop.forget_clients()
    yield internet
    background_loop.forget_clients()


@pytest.fixture
def shell() -> Iterator[Any]:
    """Return an IPython shell without a front end, with the magics loaded."""
    with open_shell() as shell:
        shell.run_line_magic("load_ext", "hfwidgets")
        yield shell
