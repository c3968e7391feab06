"""The engine's capabilities: how they are found, and what the list of models shows of them."""

import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from hfwidgets import InferenceClient, engine_process, notebook
from hfwidgets.engine import registry
from hfwidgets.engine.registry import builtin_capabilities, list_served_tasks
from hfwidgets.results.catalogue import Catalog


@pytest.fixture(scope="module")
def catalog(engine: engine_process.EngineState) -> Catalog:
    with InferenceClient() as client:
        return client.models(provider="local")


def test_models_list_their_declarations(catalog: Catalog) -> None:
    usable = [one for one in builtin_capabilities() if one.why_unavailable() is None]
    assert {model.id for model in catalog} == {one.model for one in usable}
    assert {task for model in catalog for task in model.tasks} == set(list_served_tasks())
    for model in catalog:
        declared = [one for one in usable if one.model == model.id]
        assert model.tasks == [task for one in declared for task in one.serves]
        assert model.task == model.tasks[0]
        assert model.providers == ["local"]
        assert (model.languages, model.license) == (
            list(declared[0].languages),
            declared[0].license,
        )
        assert model.limits == declared[0].limits
        assert model.installed is not any(one.missing_weights for one in declared)


def test_models_are_shown_without_prices(catalog: Catalog) -> None:
    text, html = repr(catalog), catalog._repr_mimebundle_()["text/html"]
    assert text.splitlines()[0].split() == ["model", "tasks", "languages", "license", "installed"]
    for rendered in (text, html):
        assert "snakers4/silero-vad" in rendered
        assert "audio-classification" in rendered
        assert "Prices" not in rendered


def test_models_by_task_or_name(engine: engine_process.EngineState) -> None:
    with InferenceClient() as client:
        chat = client.models("chat-completion", provider="local")
        found = client.models(provider="local", search="WHISPER")
    assert [(one.id, one.tasks) for one in chat] == [
        ("HuggingFaceTB/SmolLM2-135M-Instruct", ["chat-completion"]),
        ("Qwen/Qwen2.5-Coder-0.5B-Instruct", ["chat-completion"]),
    ]
    assert [one.id for one in found] == ["openai/whisper-base"]


def test_notebook_lists_the_same_models(
    catalog: Catalog, engine: engine_process.EngineState
) -> None:
    assert notebook.models(provider="local") == catalog  # %hf models --provider local


@pytest.fixture
def plugin_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory on sys.path where a test installs packages."""
    monkeypatch.syspath_prepend(tmp_path)
    registry.plugin_capabilities.cache_clear()
    yield tmp_path
    registry.plugin_capabilities.cache_clear()


def install_plugin(directory: Path, module: str, code: str) -> None:
    """Write a module and the metadata of a package that names its CAPABILITY."""
    (directory / f"{module}.py").write_text(code)
    metadata = directory / f"{module}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        f"[hfwidgets.capabilities]\n{module} = {module}:CAPABILITY\n"
    )


def docstring_example() -> str:
    """The plug-in module that the registry's docstring shows."""
    assert registry.__doc__
    example = registry.__doc__.partition("in whole:\n")[2].partition("\nA model")[0]
    return textwrap.dedent(example)


def test_plugin_of_another_package(plugin_directory: Path) -> None:
    install_plugin(plugin_directory, "acme_shout", docstring_example())
    capability, task = registry.choose_capability("acme/shout", None)
    assert task == "text-generation"
    answer = capability.serves[task](None, "well done", marks=2)
    assert answer == [{"generated_text": "WELL DONE!!"}]
    # Installing a package does not change who answers by default.
    assert registry.find_capabilities(task)[0].model != "acme/shout"


def test_broken_plugin_leaves_the_others(
    plugin_directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    install_plugin(plugin_directory, "acme_broken", "raise ImportError('no libacme')")
    install_plugin(plugin_directory, "acme_wrong", "CAPABILITY = 'shout'")
    install_plugin(plugin_directory, "acme_shout", docstring_example())
    assert [one.model for one in registry.plugin_capabilities()] == ["acme/shout"]
    assert "acme_broken" in caplog.text
    assert "acme_wrong" in caplog.text


def test_every_task_has_one_builtin_capability() -> None:
    standard = [one for one in registry.builtin_capabilities() if not one.is_upgrade]
    served = [task for one in standard for task in one.serves]
    assert len(served) == len(set(served))
    upgraded = {task for one in registry.builtin_capabilities() for task in one.serves}
    assert upgraded == set(served), "an upgrade replaces the answers of others, and adds no task"
