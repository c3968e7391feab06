"""Properties of all tasks with files: routes, examples, tables, figures."""

import builtins
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hfwidgets import InferenceClient, errors, providers
from hfwidgets.results import Elements
from hfwidgets.results.audio import Audio
from hfwidgets.results.vision import ImageClassificationOutputElement
from hfwidgets.tasks import TASKS, examples
from hfwidgets.tasks.examples import Example
from tests.plugins.loopback import Answer, Loopback
from tests.plugins.sample_media import encode_image, make_mask_base64, make_wav

DOMAINS = ("vision", "audio", "multimodal", "tabular")
OURS = [task for task in TASKS.values() if task.domain in DOMAINS]
BOX = {"xmin": 1, "ymin": 1, "xmax": 5, "ymax": 5}
ANSWERS: dict[str, Answer] = {
    "audio-to-audio": Answer(body=make_wav(0.1)),
    "automatic-speech-recognition": Answer(json={"text": "hi"}),
    "image-segmentation": Answer(json=[{"label": "a", "mask": make_mask_base64()}]),
    "image-to-image": Answer(body=encode_image()),
    "image-to-text": Answer(json=[{"generated_text": "a boat"}]),
    "image-to-video": Answer(body=b"\x00\x00\x00 ftypisom"),
    "object-detection": Answer(json=[{"label": "a", "score": 1.0, "box": BOX}]),
    "text-to-image": Answer(body=encode_image()),
    "text-to-speech": Answer(body=make_wav(0.1)),
    "text-to-video": Answer(body=b"\x00\x00\x00 ftypisom"),
    "zero-shot-object-detection": Answer(json=[{"label": "a", "score": 1.0, "box": BOX}]),
    "tabular-classification": Answer(json=["a", "b"]),
    "tabular-regression": Answer(json=[1, 2]),
}
LABELS = Answer(json=[{"label": "a", "score": 1.0, "answer": "a"}])


def test_the_number_of_tasks() -> None:
    assert len(OURS) == 18
    assert len(TASKS) == 30


@pytest.mark.parametrize("task", OURS, ids=lambda task: task.name)
def test_every_example_runs(task: Any, loopback: Loopback) -> None:
    loopback.answer(ANSWERS.get(task.name, LABELS))
    with InferenceClient(base_url=loopback.url) as client:
        found = getattr(client, task.method)(**examples.make_arguments(task.example))
    assert found.meta.task == task.name
    assert len(loopback.requests) == 1


@pytest.mark.parametrize("task", OURS, ids=lambda task: task.name)
def test_every_parameter_is_described(task: Any) -> None:
    described = dict(task.parameters)
    assert set(described) == {name for name in task.signature.parameters if name != "self"}
    assert all(text.endswith(".") for text in described.values())
    assert set(task.hints) <= set(task.signature.parameters)
    assert set(task.example) <= set(task.signature.parameters)


def test_hf_inference_posts_to_the_model(loopback: Loopback) -> None:
    hosts = {"hf-inference": loopback.url, "hub": loopback.url}
    with InferenceClient(provider="hf-inference", hosts=hosts) as client:
        for task in OURS:
            if not providers.get("hf-inference").serves_task(task.name):
                assert task.name in ("image-to-video", "text-to-video")
                continue
            loopback.clear()
            model = f"org/{task.name}"
            loopback.route("POST", f"/models/{model}", ANSWERS.get(task.name, LABELS))
            about = {"id": model, "pipeline_tag": task.name, "tags": []}
            loopback.route("GET", f"/api/models/{model}", Answer(json=about))
            getattr(client, task.method)(**examples.make_arguments(task.example), model=model)
            posted = [seen.path for seen in loopback.requests if seen.method == "POST"]
            assert posted == [f"/models/{model}"]


def test_the_engine_and_endpoints_serve_every_task() -> None:
    assert all(map(providers.get("local").serves_task, (task.name for task in OURS)))
    assert all(map(providers.get("endpoint").serves_task, (task.name for task in OURS)))


def test_examples_are_made_when_they_are_needed() -> None:
    values = {"image": examples.HARBOR, "question": "What?"}
    arguments = examples.make_arguments(values)
    assert arguments["image"].size == (640, 420)
    assert arguments["question"] == "What?"
    assert {example.name for example in _examples()} <= set(examples.MAKERS)
    assert isinstance(examples.TONE.make(), Audio)
    assert examples.NOISE.make() == examples.NOISE.make()


def _examples() -> list[Example]:
    return [value for value in vars(examples).values() if isinstance(value, Example)]


SCORES = Elements(
    ImageClassificationOutputElement(label=label, score=score)
    for label, score in (("boat $x$", 0.9), ("sea", 0.1))
)


def test_scores_are_saved(tmp_path: Path) -> None:
    assert SCORES.save(tmp_path / "a.csv").read_text().split() == [
        "label,score",
        "boat",
        "$x$,0.9",
        "sea,0.1",
    ]
    assert json.loads(SCORES.save(tmp_path / "a.json").read_text()) == list(SCORES)
    with pytest.raises(errors.ConfigurationError, match=r"\.json or \.csv"):
        SCORES.save(tmp_path / "a.xlsx")


def test_scores_become_a_dataframe() -> None:
    assert SCORES.to_pandas().columns.tolist() == ["label", "score"]


def test_the_error_without_pandas_names_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = builtins.__import__

    def without(name: str, *more: Any, **options: Any) -> Any:
        if name == "pandas":
            raise ImportError(name)
        return real(name, *more, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match="pip install pandas"):
        SCORES.to_pandas()


@pytest.mark.parametrize(
    "make_figure",
    [
        lambda: SCORES.plot(),
        lambda: Elements([0.1, 0.5]).plot(),
        lambda: Audio(make_wav(0.1)).plot(),
    ],
)
def test_figures_display_as_png(make_figure: Callable[[], Any]) -> None:
    assert make_figure()._repr_png_().startswith(b"\x89PNG")


def test_results_without_scores_cannot_be_plotted() -> None:
    with pytest.raises(errors.ConfigurationError, match="cannot be plotted"):
        Elements([{"answer": "x"}]).plot()
