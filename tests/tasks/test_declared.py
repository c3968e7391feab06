"""A task is declared once: one method and its record, here in a test, are all that it takes."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

import hfwidgets as hf
from hfwidgets import AsyncInferenceClient, InferenceClient, errors, notebook, testing
from hfwidgets.results import Elements, Record
from hfwidgets.results.record import TextRecord
from hfwidgets.tasks import Flow, Infer, find, task, to_record, to_records, unregister
from hfwidgets.tasks.controls import Slider
from tests.magics.conftest import last_output, shell
from tests.panels.conftest import page, wire
from tests.plugins.loopback import Answer, Loopback

__all__ = ["shell", "wire"]


class Emotion(Record):
    """An emotion, its score between 0 and 1, and why it was found."""

    label: str
    score: float
    explanation: str | None


class Verdict(TextRecord):
    """A verdict with its grounds."""

    text_field = "verdict"

    verdict: str
    grounds: list[str]


class Reading(Record):
    """A record of fields that no view was made for."""

    pulse: float
    history: list[int]


def declare() -> None:
    class NewTasks:
        """Tasks that hfwidgets does not have."""

        @task("Emotion detection", {"text": "What a day!"}, threshold=Slider(0.0, 1.0))
        def emotion_detection(
            self, text: str, *, model: str | None = None, threshold: float | None = None
        ) -> Flow[Elements[Emotion]]:
            """Name the emotions in a text.

            Args:
                text: The text.
                model: The model's id on the Hub, or the URL of an endpoint.
                threshold: The least score, between 0 and 1.
            """
            return to_records(Emotion, (yield Infer(text, model, {"threshold": threshold})))

        @task("Verdict", {"text": "A claim."})
        def verdict(self, text: str, *, model: str | None = None) -> Flow[Verdict]:
            """Judge a claim."""
            return to_record(Verdict, (yield Infer(text, model)))

        @task("Reading", {"text": "60, 61"})
        def pulse_reading(self, text: str, *, model: str | None = None) -> Flow[Reading]:
            """Read a pulse."""
            return to_record(Reading, (yield Infer(text, model)))


EMOTIONS = [
    {"label": "joy", "score": 0.75, "explanation": "an exclamation", "valence": "high-7"},
    {"label": "fear", "score": 0.25, "valence": None},
]
ANSWERS: dict[str, Any] = {
    "emotion-detection": EMOTIONS,
    "verdict": {"verdict": "Mostly true", "grounds": ["two sources"], "judge": "panel-3"},
    "pulse-reading": {"pulse": 61.5, "history": [60, 63], "unit": "per minute"},
}
VALUES: dict[str, tuple[str, ...]] = {
    "emotion-detection": ("joy", "0.75", "fear", "an exclamation", "high-7"),
    "verdict": ("Mostly true", "two sources", "panel-3"),
    "pulse-reading": ("61.5", "60, 63", "per minute"),
}
"""Of each answer, what every view must show."""


@pytest.fixture(autouse=True)
def declared() -> Iterator[None]:
    """The tasks, declared for one test."""
    declare()
    yield
    for name in ANSWERS:
        unregister(name)


@pytest.fixture
def serve(loopback: Loopback) -> Loopback:
    """The server as an endpoint, as hf-inference and as the Hub."""
    for name, answer in ANSWERS.items():
        loopback.route("POST", f"/{name}", Answer(json=answer))
        loopback.route("POST", f"/models/org/{name}", Answer(json=answer))
        about = {"id": f"org/{name}", "pipeline_tag": name, "tags": []}
        loopback.route("GET", f"/api/models/org/{name}", Answer(json=about))
    return loopback


def at_hf_inference(loopback: Loopback, name: str) -> dict[str, Any]:
    hosts = {"hf-inference": loopback.url, "hub": loopback.url}
    return {"provider": "hf-inference", "hosts": hosts, "model": f"org/{name}", "token": "hf_x"}


def at_endpoint(loopback: Loopback, name: str) -> dict[str, Any]:
    return {"base_url": f"{loopback.url}/{name}"}


PLACES = {"hf-inference": at_hf_inference, "endpoint": at_endpoint}

everywhere = pytest.mark.parametrize("place", PLACES)
each_task = pytest.mark.parametrize("name", ANSWERS)


@everywhere
@each_task
def test_both_clients_ask_it(serve: Loopback, place: str, name: str) -> None:
    settings = PLACES[place](serve, name)
    method = find(name).method
    with InferenceClient(**settings) as client:
        found = getattr(client, method)("Hi")
    assert (found, found.meta.task, found.meta.provider) == (ANSWERS[name], name, place)
    sent = serve.requests[-1].json()
    assert sent == {"inputs": "Hi", "parameters": {}}

    async def ask() -> Any:
        async with AsyncInferenceClient(**settings) as client:
            return await getattr(client, method)(text="Hi")

    assert asyncio.run(ask()) == ANSWERS[name]
    assert serve.requests[-1].json() == sent


@everywhere
def test_its_parameters_are_sent_and_checked(serve: Loopback, place: str) -> None:
    with InferenceClient(**PLACES[place](serve, "emotion-detection")) as client:
        client.emotion_detection("Hi", threshold=0.5)  # type: ignore[attr-defined]
        assert serve.requests[-1].json()["parameters"] == {"threshold": 0.5}
        with pytest.raises(errors.UnknownParameterError, match="Did you mean 'threshold'"):
            client.emotion_detection("Hi", treshold=0.5)  # type: ignore[attr-defined]


@everywhere
def test_a_dry_run_shows_its_request(serve: Loopback, place: str) -> None:
    mapping = {"org/verdict": {"hf-inference": "org/verdict"}}  # else it shows the Hub's look-up
    with InferenceClient(**PLACES[place](serve, "verdict"), mapping=mapping) as client:
        told = client.explain("verdict", text="Hi")
    assert (told.provider, told.method) == (place, "POST")
    assert told.content == b'{"inputs":"Hi","parameters":{}}'
    assert [seen for seen in serve.requests if seen.method == "POST"] == []


@each_task
def test_infer_shows_every_field(serve: Loopback, shell: InteractiveShell, name: str) -> None:
    made = last_output(shell, f"{serve.url}/{name} --task {name}", "Hi").data
    for value in VALUES[name]:
        assert value in made["text/plain"]
        assert value in made["text/html"]


@everywhere
@each_task
def test_a_batch_asks_it(serve: Loopback, place: str, name: str) -> None:
    with InferenceClient(**PLACES[place](serve, name)) as client:
        out = hf.map(name, ["a", "b"], client=client, progress=False)
    assert [row.result for row in out] == [ANSWERS[name]] * 2


@everywhere
@each_task
def test_a_panel_shows_every_field(serve: Loopback, place: str, name: str) -> None:
    opened = hf.panel(name, text="Hi", **PLACES[place](serve, name))
    try:
        opened.run()
        view = repr(page(opened).doc["result"])
        html, plain, _ = opened._hfw_render_static()
        for value in VALUES[name]:
            assert value in view
            assert value in html
            assert value in plain
        assert page(opened).doc["banner"] is None
        assert page(opened).doc["form"]["label"] == find(name).label
    finally:
        opened.close()


def test_a_panel_names_the_services_that_have_it() -> None:
    opened = hf.panel("verdict", token="hf_x")
    try:
        assert page(opened).doc["banner"] is None
        assert {"hf-inference", "local", "endpoint"} == set(notebook.list_providers("verdict"))
    finally:
        opened.close()


@each_task
def test_its_results_show_every_field(serve: Loopback, name: str) -> None:
    with InferenceClient(**at_endpoint(serve, name)) as client:
        bundle = getattr(client, find(name).method)("Hi")._repr_mimebundle_()
    for value in VALUES[name]:
        assert value in bundle["text/plain"]
        assert value in bundle["text/html"]


def test_canned_answers_stand_for_it() -> None:
    with testing.answers(emotion_detection=EMOTIONS), InferenceClient() as client:
        found = client.emotion_detection("Hi")  # type: ignore[attr-defined]
    assert found[0].explanation == "an exclamation"


def test_a_declaration_may_be_run_again_but_replaces_nothing_of_ours() -> None:
    before = find("verdict")
    declare()
    assert find("verdict") is not before
    with pytest.raises(errors.ConfigurationError, match="has text_classification already"):

        @task("Mine", {"text": "x"})
        def text_classification(self: Any, text: str) -> Flow[Any]:
            return (yield Infer(text))

    with pytest.raises(errors.ConfigurationError, match="has close already"):

        @task("Mine", {"text": "x"})
        def close(self: Any, text: str) -> Flow[Any]:
            return (yield Infer(text))


def test_a_declaration_with_annotations_as_texts_is_read(serve: Loopback) -> None:
    source = '''
from __future__ import annotations
from hfwidgets.results import Elements, Record
from hfwidgets.tasks import Flow, Infer, task, to_records

class Mood(Record):
    label: str
    score: float
    note: str | None

@task("Mood", {"text": "x"})
def mood_detection(self, text: str, *, top_k: int | None = None) -> Flow[Elements[Mood]]:
    """Name a mood."""
    return to_records(Mood, (yield Infer(text, None, {"top_k": top_k})))
'''
    scope: dict[str, Any] = {"__name__": "moods"}
    exec(compile(source, "moods", "exec"), scope)
    try:
        declared = find("mood-detection")
        assert declared.signature.return_annotation == Elements[scope["Mood"]]
        assert declared.text_inputs == {"text"}
        with InferenceClient(f"{serve.url}/emotion-detection") as client:
            assert client.mood_detection("Hi") == EMOTIONS  # type: ignore[attr-defined]
            serve.route("POST", "/emotion-detection", Answer(json=[{"label": "joy"}]))
            with pytest.raises(errors.OutputError, match="'score'"):
                client.mood_detection("Hi")  # type: ignore[attr-defined]
    finally:
        unregister("mood-detection")
