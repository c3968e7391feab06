"""What all tests share: the played server, the embedded engine, and the order in one process."""

import os

import pytest

pytest_plugins = [
    *("tests.plugins.waiting", "tests.plugins.loopback", "tests.plugins.internet"),
    *("tests.plugins.engine", "tests.plugins.kernels"),
    *("tests.plugins.clients", "tests.plugins.asker"),
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: sync Playwright keeps an event loop running once it has started."""
    items.sort(key=lambda item: "browser" in item.path.parts)


@pytest.fixture(autouse=True)
def _no_token_of_this_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No test sees the tokens or the settings of whoever runs it."""
    for name in list(os.environ):
        if name.startswith(("HF_", "HUGGING_FACE_HUB_")) or name == "HFWIDGETS_PROVIDER":
            monkeypatch.delenv(name)
    monkeypatch.setenv("HF_HOME", str(tmp_path_factory.getbasetemp() / "hf-home"))
