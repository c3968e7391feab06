"""Task panels without a browser: forms, views, runs, inputs, errors and static forms."""

import asyncio
import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
import pytest
import traitlets
from PIL import Image

import hfwidgets as hf
from hfwidgets import errors
from hfwidgets.core.flow import Flow, Infer
from hfwidgets.panels.task_panel import TaskPanel
from hfwidgets.results import Record
from hfwidgets.results.audio import Audio
from hfwidgets.results.files import extract_image
from hfwidgets.tasks import TASKS, examples, unregister
from hfwidgets.tasks.controls import MediaInput, Slider
from hfwidgets.tasks.declaration import task as declared
from tests.browser.stage import SHOWN, Stage
from tests.panels.conftest import Open, page, say, settled
from tests.plugins.loopback import Answer, Loopback
from tests.plugins.sample_media import encode_image
from tests.plugins.self_contained import find_outside
from tests.plugins.waiting import until


def files(view: Any) -> Iterator[str]:
    """Yield the ids of all files that a view names."""
    if isinstance(view, dict):
        for name, value in view.items():
            if name in ("id", "image", "mask", "before", "thumb", "raw") and value:
                yield value
            yield from files(value)
    elif isinstance(view, list):
        for item in view:
            yield from files(item)


def view_text(view: dict[str, Any]) -> str:
    """Join the texts of a view: of its rows, cells and values."""
    rows = [f"{row['label']} {row['score'] or 0:.3f}" for row in view.get("rows", ())]
    values = [f"{v:.2f}" if isinstance(v, float) else v for v in view.get("values", ())]
    texts = [view.get("text"), view.get("answer"), *rows, *values]
    return " ".join(text for text in texts if text)


@pytest.mark.parametrize("task", TASKS)
def test_each_example_runs_and_is_shown(panel: Open, task: str) -> None:
    opened = panel(task)
    opened.example()
    result = opened.run()
    assert opened.status == "done"
    assert opened.result is result
    view = page(opened).doc["result"]
    assert view["n"] == 1
    if view_text(view):
        assert SHOWN[task] in view_text(view)
    else:
        assert view["kind"] in ("image", "video", "audio", "embedding")
    for name in set(files(view)):
        content, kind = opened._hfw_find_media(name) or (b"", "")
        assert content, name
        assert "/" in kind
    body, plain, _ = opened._hfw_render_static()
    assert TASKS[task].label in body
    assert plain.startswith("TaskPanel(")
    assert find_outside(body) == []
    for save in view["saves"]:
        assert opened._hfw_find_media(save["id"])


@pytest.mark.parametrize("task", TASKS)
def test_each_form_shows_every_parameter(panel: Open, task: str) -> None:
    form = page(panel(task)).doc["form"]
    shown = [field["name"] for part in ("inputs", "basics", "fields") for field in form[part]]
    assert len(shown) == len(set(shown))
    left = set(TASKS[task].controls) - set(shown)
    known = {"labels", "stop_sequences", "encoding_format", "details", "parameters"}
    assert left <= known | {"n", "stream_options", "tool_prompt"}
    assert form["inputs"]
    assert len(form["basics"]) <= 3
    assert form["empty"].endswith(".")


class Depth(Record):
    """A depth map."""

    predicted_depth: list[list[float]]
    depth: Any


def declare_depth_estimation() -> Any:
    """Declare a task that no panel was written for."""

    class More:
        @declared(
            "Depth estimation",
            {"image": examples.HARBOR},
            image=MediaInput("image"),
            sharpness=Slider(0.0, 1.0, 0.1),
        )
        def depth_estimation(
            self, image: Any, *, model: str | None = None, sharpness: float | None = None
        ) -> Flow[Depth]:
            """Estimate the distance of each part of an image.

            Args:
                image: The image.
                model: The model's id on the Hub, or the URL of an endpoint.
                sharpness: How sharp edges are.
            """
            from hfwidgets import media

            picture = yield from media.load(image, "image")
            raw = yield Infer(picture, model, {"sharpness": sharpness}, task="image-classification")
            return Depth(depth=extract_image(raw[0]["mask"]), predicted_depth=[[1.0, 2.0]])

    return vars(More)["depth_estimation"]


@pytest.fixture
def depth() -> Iterator[None]:
    """Declare a task for one test."""
    declare_depth_estimation()
    yield
    unregister("depth-estimation")


def test_a_new_task_has_a_panel_from_its_declaration(depth: None, loopback: Loopback) -> None:
    drawn = base64.b64encode(encode_image(Image.new("L", (64, 42), 90))).decode()
    loopback.answer(Answer(json=[{"label": "depth", "mask": drawn}]))
    opened = hf.panel("depth-estimation", base_url=loopback.url)
    form = page(opened).doc["form"]
    assert [field["control"]["kind"] for field in form["inputs"]] == ["image"]
    assert [field["name"] for field in form["basics"]] == ["sharpness"]
    opened.example()
    result = opened.run()
    assert result.depth.size == (64, 42)
    view = page(opened).doc["result"]
    assert view["kind"] == "parts"
    assert view["parts"][0]["view"]["kind"] == "image"
    assert "<img" in opened._hfw_render_static()[0]
    opened.close()


def test_missing_inputs_are_reported_before_sending(panel: Open, stage: Stage) -> None:
    opened = panel("object-detection")
    with pytest.raises(errors.InputError, match="Image is missing: choose a file"):
        opened.run()
    say(opened, k="do", do="run", inputs={})
    assert "Image is missing" in page(opened).doc["state"]["failure"]["text"]
    opened = panel("zero-shot-image-classification", image=examples.harbor())
    with pytest.raises(errors.InputError, match="at least 2"):
        opened.run(candidate_labels=["one"])
    assert stage.loopback.requests == []


def test_inputs_are_passed_in_order_as_to_a_client(panel: Open, stage: Stage) -> None:
    opened = panel("question-answering")
    opened.run("Where is the boat?", context="The boat is in the harbor.")
    assert opened.inputs["question"] == "Where is the boat?"
    for wrong in (
        lambda: opened.run("a", "b", "c"),
        lambda: opened.start("a", question="b"),
        lambda: asyncio.run(opened.arun("a", txt="b")),
    ):
        with pytest.raises(errors.HfWidgetsError, match=r"2 inputs|passed twice|Unknown input"):
            wrong()
    assert len(stage.loopback.requests) == 1


@pytest.mark.parametrize("value", [5, b"text", ["a"], {"a": 1}, object(), examples.harbor()])
def test_a_text_input_takes_texts_only(panel: Open, stage: Stage, value: Any) -> None:
    with pytest.raises(errors.InputError, match=r"must be a text; it is an? "):
        panel("text-classification").run(value)
    assert stage.loopback.requests == []


def test_unknown_names_are_refused(panel: Open) -> None:
    with pytest.raises(errors.UnknownParameterError, match="top_k"):
        panel("text-classification", top_kk=3)
    with pytest.raises(errors.UnknownParameterError, match="text"):
        panel("text-classification").inputs["txt"] = "x"


def test_stop_and_error(panel: Open, stage: Stage) -> None:
    opened = panel("object-detection", image=examples.harbor())
    stage.hold()
    opened.start()
    assert opened.busy
    with pytest.raises(errors.InputError, match="still"):
        opened.start()
    opened.stop()
    settled(opened)
    assert opened.status == "stopped"
    stage.let_go()
    stage.failing = True
    with pytest.raises(errors.BadRequestError):
        opened.run()
    failure = page(opened).doc["state"]["failure"]
    assert "refused this input" in failure["text"]
    stage.failing = False
    say(opened, k="do", do="retry")
    settled(opened)
    assert opened.status == "done"


async def _both(first: TaskPanel, second: TaskPanel) -> list[Any]:
    return list(await asyncio.gather(first.arun(text="a"), second.arun(text="b")))


def test_awaited_runs_and_observers(panel: Open) -> None:
    first, second = panel("summarization"), panel("translation")
    label = ipywidgets.Label()
    traitlets.dlink((first, "value"), (label, "value"), str)
    seen: list[Any] = []
    first.on_result(seen.append)
    results = asyncio.run(_both(first, second))
    assert [str(result) for result in results] == [SHOWN["summarization"], SHOWN["translation"]]
    assert label.value == SHOWN["summarization"]
    assert seen == [results[0]]


def test_a_result_becomes_another_panels_input(panel: Open) -> None:
    speech = panel("text-to-speech", text="The ferry leaves at noon.")
    heard = panel("automatic-speech-recognition")
    with pytest.raises(errors.InputError, match="Run the other panel first"):
        heard.use(speech)
    speech.run()
    heard.use(speech)
    assert isinstance(heard.inputs["audio"], Audio)
    assert heard.run().text == "The ferry leaves at noon."
    words = panel("summarization")
    words.use(heard)
    assert words.inputs["text"] == "The ferry leaves at noon."
    found = panel("object-detection", image=examples.harbor())
    found.run()
    labels = panel("image-classification")
    labels.inputs["image"] = found.result[0]
    assert labels.inputs["image"].size == found.result[0].crop.size
    with pytest.raises(errors.InputError, match="No input"):
        labels.use(3.5)


def test_media_arrive_in_pieces_and_not_as_traits(panel: Open) -> None:
    opened = panel("image-classification")
    data = encode_image(examples.harbor())
    half = len(data) // 2
    piece = {"k": "do", "do": "upload", "name": "image", "id": "u1", "total": len(data)}
    say(opened, [data[:half]], **piece, at=0, file="boat.png")
    assert page(opened).doc["uploads"]["image"] == {"id": "u1", "got": half, "total": len(data)}
    assert opened.inputs["image"] is None
    say(opened, [data[half:]], **piece, at=half, file="boat.png")
    assert opened.inputs["image"] == data
    shown = page(opened).doc["inputs"]["image"]
    assert shown["about"] == "boat.png"
    content, kind = opened._hfw_find_media(shown["id"]) or (b"", "")
    assert kind.startswith("image/")
    assert content
    opened.run()
    doc = json.dumps(page(opened).doc)
    assert len(doc) < 20_000
    assert "base64" not in doc


def test_a_superseded_upload_is_dropped(panel: Open) -> None:
    opened = panel("image-classification")
    piece = {"k": "do", "do": "upload", "name": "image", "total": 8, "file": "x"}
    say(opened, [b"1234"], **piece, id="a", at=0)
    say(opened, [b"abcd"], **piece, id="b", at=0)
    say(opened, [b"5678"], **piece, id="a", at=4)
    assert opened.inputs["image"] is None
    say(opened, [b"efgh"], **piece, id="b", at=4)
    assert opened.inputs["image"] == b"abcdefgh"


def test_variables_of_the_notebook(
    panel: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import pandas as pd

    from hfwidgets.panels.form import variables

    path = tmp_path / "boat.png"
    path.write_bytes(encode_image(examples.harbor()))
    scope = {
        "boat": examples.harbor(),
        "array": np.zeros((4, 6, 3), np.uint8),
        "path": str(path),
        "frame": pd.DataFrame({"a": [1, 2]}),
        "sound": examples.tone(),
        "other": 3,
        "_hidden": examples.harbor(),
    }
    monkeypatch.setattr(variables, "namespace", lambda: scope)
    opened = panel("image-classification")
    say(opened, k="do", do="names", name="image")
    found = {item["name"]: item["about"] for item in page(opened).doc["names"]["image"]}
    assert found == {
        "boat": "image, 640 × 420", "array": "array, 4 × 6 × 3", "path": "file boat.png"
    }  # fmt: skip
    say(opened, k="do", do="variable", name="image", variable="boat")
    assert opened.inputs["image"] is scope["boat"]
    table = panel("tabular-classification")
    say(table, k="do", do="names", name="table")
    assert [item["name"] for item in page(table).doc["names"]["table"]] == ["frame"]
    say(table, k="do", do="variable", name="table", variable="frame")
    assert page(table).doc["inputs"]["table"]["value"] == {"a": ["1", "2"]}


def test_cells_become_numbers(panel: Open, stage: Stage) -> None:
    opened = panel("tabular-classification")
    cells = {"a": ["5.1", "7"], "b": ["red", ""], "c": ["nan", "1e3"], "d": ["9" * 400, "0"]}
    say(opened, k="do", do="run", inputs={"table": cells})
    settled(opened)
    sent = stage.loopback.requests[-1].json()
    assert "5.1" in json.dumps(sent)
    assert opened.inputs["table"] == {
        "a": [5.1, 7],
        "b": ["red", None],
        "c": ["nan", 1000.0],
        "d": ["9" * 400, 0],
    }


def test_the_banner_shows_before_the_form_is_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = hf.panel("text-classification")
    banner = page(opened).doc["banner"]
    assert (banner["why"], banner["local"]) == ("key", True)
    say(opened, k="do", do="set", provider="local")
    assert page(opened).doc["banner"] is None
    opened.provider = None
    say(opened, k="do", do="endpoint", url="https://example.org/x")
    assert opened.model == "https://example.org/x"
    assert page(opened).doc["banner"] is None
    say(opened, k="do", do="endpoint", url="nonsense")
    assert "not a URL" in page(opened).doc["state"]["failure"]["text"]
    opened.model = None
    say(opened, k="do", do="key", value="hf_" + "x" * 30)
    assert page(opened).doc["banner"] is None
    assert "hf_x" not in json.dumps(page(opened).doc)


def test_the_banner_names_the_providers_that_serve_the_task() -> None:
    opened = hf.panel("summarization", provider="groq", token="hf_" + "x" * 34)
    banner = page(opened).doc["banner"]
    assert banner["why"] == "unserved"
    assert banner["text"] == ("groq does not serve this task (Summarization). Choose hf-inference.")
    assert banner["services"] == ["hf-inference"]
    opened.provider = "hf-inference"
    assert page(opened).doc["banner"] is None
    opened.close()


def test_code_has_no_token(panel: Open, stage: Stage) -> None:
    opened = panel("text-classification", text="It was fine.", top_k=2, token="sk-secret-123456")
    say(opened, k="do", do="code")
    changed = until(lambda: page(opened).doc["code"])
    assert "client.text_classification(" in changed["python"]
    assert "text='It was fine.'" in changed["python"]
    assert changed["magic"].startswith("%%infer -t text-classification")
    assert changed["magic"].endswith("It was fine.")
    assert "curl -X POST" in changed["curl"]
    assert "sk-secret" not in json.dumps(changed)
    scope: dict[str, Any] = {}
    exec(changed["python"], scope)
    assert scope["result"][0].label == "calm"


def test_a_domain_switches_between_its_tasks(stage: Stage) -> None:
    opened = hf.text(base_url=stage.url("summarization"))
    tasks = {item["name"] for item in page(opened).doc["form"]["tasks"]}
    assert tasks == {name for name, task in TASKS.items() if task.domain == "text"}
    opened.inputs["text"] = "A long story."
    opened.parameters = {"top_k": 3}
    say(opened, k="do", do="switch", task="summarization")
    doc = page(opened).doc
    assert (opened.task, doc["form"]["label"]) == ("summarization", "Summarization")
    assert opened.inputs["text"] == "A long story."
    assert opened.parameters == {}
    assert opened.run().text == SHOWN["summarization"]
    opened.close()


@pytest.mark.parametrize("name", ["text", "vision", "audio", "multimodal", "tabular", "playground"])
def test_domains(name: str) -> None:
    opened = getattr(hf, name)(provider="local")
    choices = page(opened).doc["form"]["tasks"]
    wanted = [n for n, task in TASKS.items() if name in (task.domain, "playground")]
    assert [item["name"] for item in choices] == wanted
    for choice in wanted:
        opened.switch(choice)
        assert page(opened).doc["form"]["task"] == choice
    opened.close()


SHORT_NAMES = {
    "sentiment": "text-classification",
    "ner": "token-classification",
    "asr": "automatic-speech-recognition",
    "tts": "text-to-speech",
    "ocr": "image-to-text",
    "embeddings": "feature-extraction",
}


@pytest.mark.parametrize("name", SHORT_NAMES)
def test_short_names_open_panels_and_are_explained_by_clients(name: str) -> None:
    opened = hf.panel(name, provider="local")
    assert opened.task == SHORT_NAMES[name]
    with pytest.raises(AttributeError, match=r"use client\."):
        getattr(hf.InferenceClient(), name)
    opened.close()


@pytest.mark.parametrize("name", ["text", "vision", "audio", "multimodal", "tabular"])
def test_panel_opens_a_domain(name: str) -> None:
    opened, same = hf.panel(name, provider="local"), getattr(hf, name)(provider="local")
    assert page(opened).doc["form"] == page(same).doc["form"]
    assert len(page(opened).doc["form"]["tasks"]) > 1
    opened.close()
    same.close()


def test_past_images_can_be_shown_again(panel: Open) -> None:
    opened = panel("text-to-image", prompt="A boat", seed=7)
    opened.run()
    opened.parameters = {"seed": 8}
    opened.run()
    doc = page(opened).doc
    assert [(one["n"], one["seed"]) for one in doc["gallery"]] == [(2, 8), (1, 7)]
    say(opened, k="do", do="show", number=1)
    assert page(opened).doc["result"]["n"] == 1
    assert len(opened.results) == 2


def test_large_images_are_scaled_down_for_display(panel: Open) -> None:
    opened = panel("image-classification", image=Image.new("RGB", (5000, 100), "red"))
    content, _ = opened._hfw_find_media(page(opened).doc["inputs"]["image"]["id"]) or (b"", "")
    assert max(Image.open(io.BytesIO(content)).size) == 1600


def test_hostile_texts_are_escaped_in_the_static_form(panel: Open, stage: Stage) -> None:
    evil = '<img src=x onerror="alert(1)">'
    path = "/text-classification"
    stage.loopback.route("POST", path, Answer(json=[{"label": evil, "score": 0.5}]))
    opened = panel("text-classification", text=evil)
    opened.run()
    assert "<img" not in opened._hfw_render_static()[0]
    assert "&lt;img" in opened._hfw_render_static()[0]


def test_models_side_by_side(stage: Stage) -> None:
    url = stage.url("chat-completion")
    opened = hf.compare([f"{url}?a", f"{url}?b", "http://127.0.0.1:9/none"], "Hello", max_retries=0)
    result = opened.run()
    assert [row.answer for row in result] == ["Waves come and go."] * 2 + [None]
    assert result[2].error
    frame = result.to_pandas()
    assert list(frame["error"].isna()) == [True, True, False]
    columns = page(opened).doc["columns"]
    assert [column["state"] for column in columns] == ["done", "done", "failed"]
    assert columns[0]["text"] == "Waves come and go."
    assert opened.value[:2] == ["Waves come and go."] * 2
    assert "Waves come" in opened._hfw_render_static()[0]
    with pytest.raises(errors.ConfigurationError, match="at least two"):
        hf.compare(["one"])
    opened.close()


@pytest.mark.parametrize("trait", ["model", "provider"])
def test_a_text_widget_can_be_linked(panel: Open, trait: str) -> None:
    opened = panel("text-classification")
    setattr(opened, trait, None)
    box = ipywidgets.Text()
    ipywidgets.link((opened, trait), (box, "value"))
    assert (getattr(opened, trait), box.value) == ("", "")
    box.value = "local"
    assert getattr(opened, trait) == "local"
    box.value = ""
    assert opened.run(text="one") is not None


@pytest.mark.parametrize("task", TASKS)
def test_each_form_says_what_its_button_does_and_what_will_be_shown(panel: Open, task: str) -> None:
    form = page(panel(task)).doc["form"]
    assert form["verb"].istitle() or form["verb"] == "Fill in"
    assert form["outcome"].endswith(" will appear here.")
    assert not set(form["providers"]) & set(form["unserved"])


def test_a_result_is_shown_with_the_inputs_that_it_answers(panel: Open) -> None:
    opened = panel("text-classification", text="calm seas")
    assert page(opened).doc["answered"] is None
    opened.run()
    opened.inputs["text"] = "rough seas"
    doc = page(opened).doc
    assert doc["answered"] == {"text": {"kind": "plain", "value": "calm seas"}}
    assert doc["inputs"]["text"]["value"] == "rough seas"


def test_clear_empties_the_form_and_keeps_the_results(panel: Open) -> None:
    opened = panel("text-classification", text="calm seas")
    result = opened.run()
    say(opened, k="do", do="clear")
    doc = page(opened).doc
    assert (doc["inputs"], doc["result"], doc["answered"]) == ({"text": None}, None, None)
    assert (doc["state"]["status"], doc["state"]["stats"]) == ("idle", None)
    assert opened.results == [result]


def test_values_of_odd_types_end_in_errors_of_ours() -> None:
    for labels in (5, len, str):
        panel = hf.panel("zero-shot-classification", text="x", candidate_labels=labels)
        with pytest.raises(errors.InputError, match="Candidate labels"):
            panel.run()
        panel.close()
    hf.panel("text-classification", text="x", top_k=np.zeros(2)).close()
    for task in (["text"], {"a": 1}, None):
        with pytest.raises(errors.HfWidgetsError):
            hf.panel(task)  # type: ignore[arg-type]
    for messages in (None, 5, len):
        with pytest.raises(errors.InputError, match="messages must be a list"):
            hf.chat(messages=messages)
