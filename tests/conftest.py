"""Share servers and the embedded engine among tests, and spread a whole run over two processes."""

import functools
import os
from pathlib import Path
from typing import Any

import pytest

pytest_plugins = [
    *("tests.plugins.waiting", "tests.plugins.loopback", "tests.plugins.internet"),
    *("tests.plugins.engine", "tests.plugins.kernels"),
    *("tests.plugins.clients", "tests.plugins.asker", "tests.plugins.frontend"),
]


GROUPS = ("browser", "engine", "test_benchmarks.py", "test_tooling.py", "notebooks")
"""What takes longest runs first, each in one process: folders that share a browser or an engine."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Run everything in two processes, and the files that a developer names in this one."""
    return 2 if config.args_source == config.ArgsSource.TESTPATHS else 0


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the tests of a group, else of a file, in one process."""
    from xdist.scheduler import LoadScopeScheduling

    class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]
        # xdist has marks for groups, but they have no effect with pytest 9.2.
        def _split_scope(self, nodeid: str) -> str:
            return find_group(nodeid.partition("::")[0])

    return GroupScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the longest groups."""
    ranks = {group: rank for rank, group in enumerate(GROUPS)}
    items.sort(key=lambda item: ranks.get(find_group(item.nodeid.partition("::")[0]), len(GROUPS)))


@functools.cache
def find_group(file: str) -> str:
    """Return the group of a test file, else the file itself."""
    return next((group for group in GROUPS if group in Path(file).parts), file)


@pytest.fixture(autouse=True)
def _hide_tokens(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Hide the tokens and settings of this machine from all tests."""
    for name in list(os.environ):
        if name.startswith(("HF_", "HUGGING_FACE_HUB_")) or name == "HFWIDGETS_PROVIDER":
            monkeypatch.delenv(name)
    monkeypatch.setenv("HF_HOME", str(tmp_path_factory.getbasetemp() / "hf-home"))
