"""The panel that walks through the rows of an evaluation."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import hfwidgets as hf
from hfwidgets import errors
from hfwidgets.evaluation import Evaluation
from hfwidgets.panels.rows_panel import RowsPanel
from tests.panels.conftest import page, say
from tests.plugins.loopback import Answer, Loopback

WORDS = ["good", "bad"] * 4
ROWS = [{"text": f"{word} {at}", "mood": word} for at, word in enumerate(WORDS)]


def perfect(text: str) -> str:
    return text.split()[0]


def constant(text: str) -> str:
    return "good"


def evaluate(**options: Any) -> Evaluation:
    options = {"label": "mood", "column": "text", "progress": False, **options}
    return hf.evaluate("text-classification", ROWS, [perfect, constant], **options)


@pytest.fixture
def panel() -> RowsPanel:
    return hf.browse(evaluate())


def shown(panel: Any) -> dict[str, Any]:
    row: dict[str, Any] = page(panel).doc["row"]
    return row


def test_it_begins_with_the_rows_on_which_models_differ(panel: RowsPanel) -> None:
    doc = page(panel).doc
    assert [(one["label"], one["count"]) for one in doc["filters"]] == [
        ("models differ, or one is wrong", 4),
        ("constant is wrong", 4),
        ("constant: good for bad", 4),
        ("all rows", 8),
    ]
    assert (doc["row"]["index"], doc["row"]["answer"]) == (1, "bad")
    assert doc["row"]["inputs"][0]["view"]["text"] == "bad 1"
    assert [column["mark"] for column in doc["result"]["columns"]] == [
        "✓ right (read as bad)",
        "✗ wrong (read as good)",
    ]
    assert doc["row"]["spoken"].startswith("Row 1, 1 of 4: perfect ✓ right")


def test_it_walks_and_filters(panel: RowsPanel) -> None:
    say(panel, k="do", do="go", at=2)
    assert shown(panel)["index"] == panel.row.index == 5
    say(panel, k="do", do="go", at=99)
    assert shown(panel)["index"] == 7
    say(panel, k="do", do="filter", which=3)
    assert (shown(panel)["index"], shown(panel)["count"]) == (0, 8)
    panel.show_row(6)
    assert shown(panel)["index"] == 6
    with pytest.raises(errors.ConfigurationError, match="Row 99"):
        panel.show_row(99)


def test_a_wrong_label_is_corrected_and_nothing_is_asked(panel: RowsPanel) -> None:
    say(panel, k="do", do="correct", value="good")
    assert panel.corrections == {1: "good"}
    values = {s.model: s.metrics["accuracy"].value for s in panel.evaluation.scores}
    assert values == {"perfect": 7 / 8, "constant": 5 / 8}
    assert shown(panel)["index"] == 1, "perfect is wrong on it now"
    say(panel, k="do", do="correct", value=" ")
    assert "empty" in page(panel).doc["state"]["failure"]["text"]


def test_votes_are_kept_with_the_evaluation(panel: RowsPanel, tmp_path: Path) -> None:
    say(panel, k="do", do="vote", place=0)
    assert page(panel).doc["result"]["vote"] == "perfect"
    assert panel.evaluation.votes[0].winner == "perfect"
    path = tmp_path / "votes.jsonl"
    kept = hf.browse(evaluate(), votes=path)
    kept.vote("same")
    again = hf.browse(evaluate(), votes=path)
    assert page(again).doc["result"]["vote"] == "same"


def test_blind_votes_hide_names_until_they_are_cast() -> None:
    panel = hf.browse(evaluate(), blind=True)
    doc = page(panel).doc
    text = json.dumps([doc["row"], doc["result"]])
    assert "perfect" not in text
    place = doc["result"]["columns"][0]["place"]
    say(panel, k="do", do="vote", place=place)
    assert page(panel).doc["result"]["vote"] == panel.evaluation.models[place]


def test_the_saved_notebook_shows_the_evaluation_and_the_row(panel: RowsPanel) -> None:
    html, text, _ = panel._hfw_render_static()
    assert "perfect is the best" in html or "too few to tell" in html
    assert "Right answer: bad" in html
    assert "✗ wrong (read as good)" in html
    assert "accuracy" in text


def test_images_and_their_boxes_are_shown(loopback: Loopback) -> None:
    box = {"xmin": 1, "ymin": 1, "xmax": 9, "ymax": 9}
    loopback.route("POST", "/a", Answer(json=[{"label": "boat", "score": 0.9, "box": box}]))
    loopback.route("POST", "/b", Answer(json=[]))
    rows = [{"image": Image.new("RGB", (20, 10), color)} for color in ("red", "blue")]
    models = [f"{loopback.url}/a", f"{loopback.url}/b"]
    found = hf.evaluate("object-detection", rows, models, progress=False)
    panel = hf.browse(found)
    doc = page(panel).doc
    assert doc["row"]["inputs"][0]["view"]["kind"] == "image"
    assert [column["view"]["kind"] for column in doc["result"]["columns"]] == ["boxes", "nothing"]
    files = [doc["row"]["inputs"][0]["view"]["id"], doc["result"]["columns"][0]["view"]["image"]]
    assert all(panel._hfw_find_media(name) for name in files)
    assert "<img" in panel._hfw_render_static()[0]


def test_hostile_texts_are_escaped() -> None:
    evil = "<script>alert(1)</script>"
    rows = [{"text": f"{evil} {at}", "mood": evil} for at in range(2)]
    found = hf.evaluate(
        *("text-classification", rows, [lambda _: evil, constant]),
        label="mood",
        column="text",
        progress=False,
    )
    assert "<script>" not in hf.browse(found)._hfw_render_static()[0]


def test_numbers_are_corrected_as_numbers() -> None:
    rows = [{"row": [at], "size": float(at)} for at in range(3)]
    found = hf.evaluate(
        "tabular-regression", rows, [lambda row: row[0]], label="size", column="row", progress=False
    )
    panel = hf.browse(found)
    panel.show_row(1)
    say(panel, k="do", do="correct", value="tall")
    assert "not a number" in page(panel).doc["state"]["failure"]["text"]
    say(panel, k="do", do="correct", value="4")
    assert panel.evaluation.scores[0].metrics["mae"].value == 1


def test_an_evaluation_without_rows_has_no_panel(loopback: Loopback) -> None:
    found = evaluate(metrics=[])
    found._rows.clear()
    with pytest.raises(errors.ConfigurationError, match="no rows"):
        hf.browse(found)
