"""Images, audio and video in task panels, without a browser."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from hfwidgets.notebook import background_loop
from hfwidgets.panels.task_panel import TaskPanel
from hfwidgets.results.audio import Audio
from hfwidgets.tasks import examples
from tests.browser.stage import Stage
from tests.panels.conftest import Open, page, say, settled
from tests.plugins.loopback import Answer, Loopback
from tests.plugins.sample_media import encode_image


def view(opened: TaskPanel) -> dict[str, Any]:
    found: dict[str, Any] = page(opened).doc["result"]
    return found


@pytest.fixture
def boat(tmp_path: Path) -> Path:
    path = tmp_path / "boat.png"
    path.write_bytes(encode_image(examples.harbor()))
    return path


def test_each_image_gets_another_seed(panel: Open, stage: Stage) -> None:
    opened = panel("text-to-image", prompt="A boat")
    opened.run()
    opened.run()
    assert [one["seed"] for one in page(opened).doc["gallery"]] == [2, 1]
    opened.run()
    opened.parameters = {"seed": 40}
    opened.run()
    opened.run()
    say(opened, k="do", do="vary")
    settled(opened)
    assert [one["seed"] for one in page(opened).doc["gallery"]] == [41, 40, 40, 3, 2, 1]
    assert "seed" not in opened.parameters
    sent = [request.json() for request in stage.loopback.requests]
    assert [body["parameters"]["seed"] for body in sent] == [1, 2, 3, 40, 40, 41]


def test_vary_seed_off_sends_no_seed(panel: Open, stage: Stage) -> None:
    panel("text-to-image", prompt="A boat", vary_seed=False).run()
    panel("text-generation", prompt="A boat").run()
    assert "seed" not in str([request.body for request in stage.loopback.requests])


def test_auto_run_runs_when_media_arrive(panel: Open, stage: Stage, boat: Path) -> None:
    opened = panel("object-detection")
    say(opened, k="do", do="address", name="image", value=str(boat))
    assert opened._hfw_current_run is None
    say(opened, k="do", do="auto", on=True)
    assert (opened.auto_run, page(opened).doc["auto"]) == (True, True)
    say(opened, k="do", do="address", name="image", value=str(boat))
    settled(opened)
    assert view(opened)["kind"] == "boxes"
    say(opened, k="do", do="address", name="image", value="")
    assert len(stage.loopback.requests) == 1
    asks = panel("visual-question-answering", auto_run=True)
    say(asks, k="do", do="address", name="image", value=str(boat))
    assert (asks._hfw_current_run, page(asks).doc["state"]["failure"]) == (None, None)


def test_trim_keeps_part_of_the_audio(panel: Open) -> None:
    opened = panel("audio-classification", audio=examples.tone())
    background_loop.submit(opened._hfw_trim_audio("audio", 0.5, 1.25)).result(5)
    part = opened.inputs["audio"]
    assert isinstance(part, Audio)
    assert part.seconds == pytest.approx(0.75)
    assert page(opened).doc["inputs"]["audio"]["about"].endswith("0.50 to 1.25 s")


def test_a_path_is_shown_by_its_content(panel: Open, boat: Path, tmp_path: Path) -> None:
    tone = tmp_path / "tone.wav"
    tone.write_bytes(examples.tone())
    changed = panel("image-to-image", image=str(boat))
    changed.run()
    before = view(changed)["before"]
    assert changed._hfw_find_media(before) == (boat.read_bytes(), "image/png")
    heard = panel("automatic-speech-recognition", audio=str(tone))
    heard.run()
    assert view(heard)["audio"]["seconds"] == pytest.approx(2, abs=0.01)
    for opened, tag in ((changed, "<img"), (heard, "<audio")):
        body, plain, _ = opened._hfw_render_static()
        assert tag in body
        assert str(tmp_path) not in body + plain


def test_the_input_audio_is_a_track_too(panel: Open) -> None:
    opened = panel("audio-to-audio", audio=examples.noise())
    opened.run()
    assert [track["label"] for track in view(opened)["tracks"]] == ["input", "clean", "noise"]
    saves = [save for track in view(opened)["tracks"] for save in track.get("saves", ())]
    assert [(save["label"], save["name"]) for save in saves] == [
        ("clean WAV", "clean.wav"),
        ("noise WAV", "noise.wav"),
    ]
    assert view(opened)["saves"] == []


def test_an_empty_result_names_the_threshold(panel: Open, loopback: Loopback) -> None:
    opened = panel("object-detection", image=examples.harbor(), threshold=0.9)
    loopback.route("POST", "/object-detection", Answer(json=[]))
    opened.run()
    assert view(opened)["text"] == "No objects above the threshold of 0.9."
    assert "No objects above the threshold of 0.9." in opened._hfw_render_static()[0]
    opened.parameters = {}
    opened.run()
    assert view(opened)["text"] == ""
    assert "No objects were found in this image." in opened._hfw_render_static()[0]


def test_answers_are_boxed_at_their_words(panel: Open, loopback: Loopback) -> None:
    words = [
        ["Total", [50, 600, 150, 640]],
        ["100", [700, 600, 750, 640]],
        ["€", [760, 610, 780, 650]],
    ]
    answer = Answer(json=[{"answer": "100 €", "score": 0.9, "start": 1, "end": 2}])
    loopback.route("POST", "/document-question-answering", answer)
    opened = panel("document-question-answering", image=examples.invoice(), question="Total?")
    opened.run()
    assert view(opened)["kind"] == "bars"
    opened.parameters = {"word_boxes": words}
    opened.run()
    assert view(opened)["kind"] == "boxes"
    assert view(opened)["rows"][0]["box"] == pytest.approx([448, 288, 499.2, 312])
    opened.parameters = {"word_boxes": ["Total", "100", "€"]}
    opened.run()
    assert view(opened)["kind"] == "bars"


def test_an_answer_is_not_marked_in_its_question(panel: Open, loopback: Loopback) -> None:
    loopback.route(
        "POST", "/visual-question-answering", Answer(json=[{"answer": "boat", "score": 1}])
    )
    opened = panel("visual-question-answering", image=examples.harbor(), question="A boat?")
    opened.run()
    assert view(opened)["kind"] == "bars"


def test_annotations_are_saved_as_an_image(panel: Open) -> None:
    opened = panel("object-detection", image=examples.harbor())
    opened.run()
    saves = {save["label"]: save["id"] for save in view(opened)["saves"]}
    assert list(saves) == ["PNG", "CSV", "JSON"]
    content, kind = opened._hfw_find_media(saves["PNG"]) or (b"", "")
    assert (content[:4], kind) == (b"\x89PNG", "image/png")


def test_another_panel_is_offered_as_a_variable(
    panel: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hfwidgets.panels.form import variables

    drawn, spoken = panel("text-to-image", prompt="A boat"), panel("text-to-speech", text="Hello")
    monkeypatch.setattr(variables, "namespace", lambda: {"drawn": drawn, "spoken": spoken})
    opened = panel("object-detection")
    say(opened, k="do", do="names", name="image")
    assert page(opened).doc["names"]["image"] == []
    drawn.run()
    spoken.run()
    say(opened, k="do", do="names", name="image")
    assert page(opened).doc["names"]["image"] == [
        {"name": "drawn", "about": "result of text-to-image"}
    ]
    say(opened, k="do", do="variable", name="image", variable="drawn")
    assert opened.inputs["image"] is drawn.result


def test_the_first_frame_of_a_video_is_kept(panel: Open) -> None:
    opened = panel("text-to-video", prompt="A boat")
    opened.run()
    assert "<img" not in opened._hfw_render_static()[0]
    background_loop.submit(opened._hfw_store_poster(1, b"not an image")).result(5)
    assert "<img" not in opened._hfw_render_static()[0]
    still = encode_image(examples.harbor())
    background_loop.submit(opened._hfw_store_poster(1, still)).result(5)
    body = opened._hfw_render_static()[0]
    assert body.index("<video controls") < body.index("<img") < body.index("</video>")
    background_loop.submit(opened._hfw_store_poster(7, still)).result(5)


@pytest.mark.parametrize("task", ["object-detection", "image-segmentation", "text-to-image"])
def test_documents_without_html_get_the_result_as_an_image(
    panel: Open, stage: Stage, boat: Path, task: str
) -> None:
    given = {"prompt": "A boat"} if task == "text-to-image" else {"image": boat}
    opened = panel(task, **given)
    opened.run()
    png = opened._hfw_render_static().png
    assert png is not None
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        assert max(image.size) <= 800
    assert panel("summarization")._hfw_render_static().png is None
