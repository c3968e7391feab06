"""Several images at once: a run for each, through the page and from Python."""

from typing import Any

import pytest

from hfwidgets import errors
from hfwidgets.panels.task_panel import TaskPanel
from tests.browser.stage import Stage
from tests.panels.conftest import Open, page, say
from tests.plugins.loopback import Answer, Seen
from tests.plugins.sample_media import encode_image, make_image
from tests.plugins.waiting import until

TASK = "image-classification"
IMAGES = [encode_image(make_image().resize((n, n))) for n in (8, 9, 10)]


def states(panel: TaskPanel) -> list[str]:
    found = page(panel).doc["several"]
    return [image["state"] for image in found["images"]] if found else []


def upload(panel: TaskPanel, name: str, data: bytes, file: str) -> None:
    piece = {"name": name, "id": f"u-{name}", "at": 0, "total": len(data), "file": file}
    say(panel, [data], k="do", do="upload", **piece)


def drop(panel: TaskPanel, images: list[bytes]) -> None:
    names = [f"image.{at}" for at in range(len(images))]
    for at, (name, data) in enumerate(zip(names, images, strict=True)):
        upload(panel, name, data, f"{at}.png")
    say(panel, k="do", do="each", name="image", uploads=names)


def test_each_image_is_a_run_with_a_result_of_its_own(panel: Open) -> None:
    opened = panel(TASK)
    opened.start_each(IMAGES)
    until(lambda: states(opened) == ["done"] * 3, "all images have results")
    assert len(opened.results) == 3
    views = [image["result"] for image in page(opened).doc["several"]["images"]]
    assert [view["n"] for view in views] == [1, 2, 3]
    assert opened.inputs["image"] == IMAGES[-1]


def test_dropped_images_run_with_the_form_and_are_shown_by_choice(panel: Open) -> None:
    opened = panel(TASK)
    drop(opened, IMAGES)
    assert states(opened) == ["", "", ""]
    assert not opened.results
    say(opened, k="do", do="run", inputs={}, n=1)
    until(lambda: states(opened) == ["done"] * 3, "all images have results")
    say(opened, k="do", do="pick", at=1)
    doc = page(opened).doc
    assert (doc["several"]["shown"], doc["result"]["n"]) == (1, 2)
    assert doc["inputs"] == doc["answered"], "the result is not marked as stale"
    assert doc["inputs"]["image"]["about"] == "1.png"
    content, mime = opened._hfw_find_media(doc["several"]["images"][2]["id"]) or (b"", "")
    assert content
    assert mime.startswith("image/")


def test_a_failed_run_does_not_end_the_others(panel: Open, stage: Stage) -> None:
    labels = Answer(json=[{"label": "boat", "score": 0.9}])

    def answer(seen: Seen) -> Answer:
        return Answer(400, json={"error": "bad"}) if seen.body == IMAGES[1] else labels

    stage.loopback.route("POST", f"/{TASK}", answer)
    opened = panel(TASK)
    opened.start_each(IMAGES)
    until(lambda: states(opened) == ["done", "failed", "done"], "all images were tried")
    assert len(opened.results) == 2


def test_stop_ends_the_waiting_runs(panel: Open, stage: Stage) -> None:
    stage.hold()
    opened = panel(TASK)
    opened.start_each(IMAGES)
    until(lambda: states(opened) == ["running", "waiting", "waiting"], "the first runs")
    # A page may still have the number of the run before.
    say(opened, k="do", do="stop", run=0)
    until(lambda: states(opened) == ["", "", ""], "all runs have ended")
    stage.let_go()
    assert not opened.results


def test_another_image_leaves_them(panel: Open) -> None:
    opened = panel(TASK)
    drop(opened, IMAGES)
    upload(opened, "image", IMAGES[0], "one.png")
    assert page(opened).doc["several"] is None
    say(opened, k="do", do="run", inputs={}, n=1)
    until(lambda: opened.status == "done", "it has run")
    assert len(opened.results) == 1


def test_a_missing_input_is_named_before_anything_runs(panel: Open) -> None:
    opened = panel("visual-question-answering")
    with pytest.raises(errors.InputError, match="Question is missing"):
        opened.start_each(IMAGES)
    assert states(opened) == ["", "", ""]


@pytest.mark.parametrize(("task", "images"), [("text-classification", IMAGES), (TASK, [])])
def test_what_cannot_run_with_several_images_is_refused(
    panel: Open, task: str, images: list[Any]
) -> None:
    with pytest.raises(errors.InputError, match="images"):
        panel(task).start_each(images)
