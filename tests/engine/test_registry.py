"""What is listed of the engine's models is what its capabilities declare."""

import pytest

from hfwidgets import InferenceClient, notebook
from hfwidgets import engine_process as room
from hfwidgets.engine.registry import CAPABILITIES, list_served_tasks
from hfwidgets.results.catalogue import Catalog


@pytest.fixture(scope="module")
def listed(engine: room.EngineState) -> Catalog:
    with InferenceClient() as client:
        return client.models(provider="local")


def test_all_models_with_what_they_declare(listed: Catalog) -> None:
    usable = [one for one in CAPABILITIES if one.why_unavailable() is None]
    assert {model.id for model in listed} == {one.model for one in usable}
    assert {task for model in listed for task in model.tasks} == set(list_served_tasks())
    for model in listed:
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


def test_they_are_shown_without_prices(listed: Catalog) -> None:
    text, html = repr(listed), listed._repr_mimebundle_()["text/html"]
    assert text.splitlines()[0].split() == ["model", "tasks", "languages", "license", "installed"]
    for shown in (text, html):
        assert "snakers4/silero-vad" in shown
        assert "audio-classification" in shown
        assert "Prices" not in shown


def test_of_one_task_or_by_name(engine: room.EngineState) -> None:
    with InferenceClient() as client:
        chat = client.models("chat-completion", provider="local")
        found = client.models(provider="local", search="WHISPER")
    assert [(one.id, one.tasks) for one in chat] == [
        ("HuggingFaceTB/SmolLM2-135M-Instruct", ["chat-completion"])
    ]
    assert [one.id for one in found] == ["openai/whisper-tiny.en"]


def test_the_magic_lists_them_too(listed: Catalog, engine: room.EngineState) -> None:
    assert notebook.models(provider="local") == listed  # %hf models --provider local
