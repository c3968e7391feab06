"""Test that the page's types are those of the document that Python declares."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

import hfwidgets as hf
from hfwidgets.panels.document.protocol import PanelDocument
from hfwidgets.panels.views.registry import registered_views
from tests.plugins.frontend import FRONTEND


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """Load the generator, which is outside the package."""
    path = FRONTEND / "generate_types.py"
    spec = importlib.util.spec_from_file_location("generate_types", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_types_are_generated_from_the_document(generator: ModuleType) -> None:
    advice = "run python hfwidgets/frontend/generate_types.py"
    assert Path(generator.TARGET).read_text() == generator.write_types(), advice


def test_every_panel_keeps_parts_that_are_declared() -> None:
    declared = set(PanelDocument.__struct_encode_fields__)
    for panel in (hf.chat(), hf.vision(), hf.compare(["a", "b"])):
        assert set(panel._hfw_mirror.get()) <= declared
        panel.close()


def test_every_view_is_registered_once_in_the_front_end() -> None:
    sources = [path.read_text() for path in FRONTEND.glob("src/views/*.tsx")]
    for view in registered_views():
        call = f'registerView("{view.kind.__struct_config__.tag}"'
        assert sum(text.count(call) for text in sources) == 1, call


def test_the_front_end_is_no_larger_than_allowed() -> None:
    """The loader is stored in every notebook with a panel; the rest passes through the kernel."""
    static = FRONTEND.parent / "static"
    assert (static / "panel.js").stat().st_size < 4_000
    assert sum(path.stat().st_size for path in static.glob("*.js")) < 668_000
