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
from tests.plugins.loopback import Answer, Loopback, Seen
from tests.plugins.self_contained import find_outside

WORDS = ["good", "bad"] * 4
ROWS = [{"text": f"{word} {at}", "mood": word} for at, word in enumerate(WORDS)]


def perfect(text: str) -> str:
    return text.split()[0]


def constant(text: str) -> str:
    return "good"


def evaluate(models: Any = (perfect, constant), **options: Any) -> Evaluation:
    options = {"label": "mood", "column": "text", "progress": False, **options}
    return hf.evaluate("text-classification", ROWS, models, **options)


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


def test_words_are_shown_with_their_labels_and_mapped_by_hand() -> None:
    def numbered(text: str) -> str:
        return "LABEL_1" if "good" in text else "Bad"

    panel = hf.browse(evaluate(models=[numbered, constant]))
    [mapping, _] = page(panel).doc["mappings"]
    assert mapping == {
        "model": "numbered",
        "labels": ["good", "bad"],
        "words": [
            {"word": "LABEL_1", "label": None, "way": "none"},
            {"word": "Bad", "label": 1, "way": "name"},
        ],
    }
    say(panel, k="do", do="map", model="numbered", word=0, label=0)
    doc = page(panel).doc
    assert doc["mappings"][0]["words"][0] == {"word": "LABEL_1", "label": 0, "way": "your mapping"}
    assert doc["scores"]["columns"]["model"] == ["numbered", "constant", "(always good)"]
    assert doc["scores"]["columns"]["accuracy"] == ["1.000", "0.500", "0.500"]
    assert panel.evaluation.confusion("numbered").to_pandas().loc["good", "good"] == 4
    assert "LABEL_1 → good" in panel._hfw_render_static()[0]
    panel.map_label("numbered", "LABEL_1", None)
    assert page(panel).doc["mappings"][0]["words"][0]["label"] is None
    with pytest.raises(errors.ConfigurationError, match="Did you mean 'numbered'"):
        panel.map_label("numbred", "LABEL_1", "good")
    with pytest.raises(errors.ConfigurationError, match="'LABEL_2' is not a word of numbered"):
        panel.map_label("numbered", "LABEL_2", "good")
    with pytest.raises(errors.ConfigurationError, match="'fine' is not a label of numbered"):
        panel.map_label("numbered", "LABEL_1", "fine")


def test_a_model_that_answers_in_sentences_lists_few_of_them() -> None:
    rows = [{"text": f"good {at}", "mood": "good"} for at in range(70)]
    found = hf.evaluate(
        *("text-classification", rows, [lambda text: f"It is {text}"]),
        label="mood",
        column="text",
        progress=False,
    )
    [mapping] = page(hf.browse(found)).doc["mappings"]
    assert (len(mapping["words"]), mapping["more"]) == (50, 20)


def test_labels_are_matched_by_the_models_own_names(loopback: Loopback) -> None:
    def answer(seen: Seen) -> Answer:
        texts = json.loads(seen.body)["inputs"]
        return Answer(
            json=[
                [{"label": "LABEL_1" if "good" in text else "LABEL_0", "score": 0.9}]
                for text in texts
            ]
        )

    loopback.route("POST", "/served", answer)
    config = Answer(json={"id2label": {"0": "BAD", "1": "GOOD"}})
    loopback.route("GET", "/hub/org/moods/resolve/main/config.json", config)
    client = hf.InferenceClient(
        base_url=f"{loopback.url}/served", hosts={"hub": f"{loopback.url}/hub"}
    )
    panel = hf.browse(evaluate(models=[hf.Candidate("org/moods", client=client), constant]))
    words = page(panel).doc["mappings"][0]["words"]
    assert [(one["word"], one["label"], one["way"]) for one in words] == [
        ("LABEL_1", 0, "id2label"),
        ("LABEL_0", 1, "id2label"),
    ]
    asked = len(loopback.requests)
    say(panel, k="do", do="map", model="org/moods", word=1, label=0)
    assert panel.evaluation.scores[1].metrics["accuracy"].value == 0.5
    assert len(loopback.requests) == asked


def test_a_word_that_was_dropped_can_be_taken_back() -> None:
    rows = [{"text": str(at), "tags": ["a"] if at % 2 else ["a", "b"]} for at in range(8)]
    found = hf.evaluate(
        *("text-classification", rows, [lambda _: ["a", "x"], lambda _: ["a", "b"]]),
        label="tags",
        column="text",
        labels={"x": None},
        progress=False,
    )
    panel = hf.browse(found)
    name = found.models[0]
    words = page(panel).doc["mappings"][0]["words"]
    assert [(one["word"], one["label"]) for one in words] == [("a", 0), ("x", None)]
    panel.map_label(name, "x", "b")
    assert panel.evaluation[0].predictions[name] == ["a", "b"]


def test_texts_are_marked_against_the_right_answer() -> None:
    rows = [{"text": "Der Hund", "right": "the dog <b>"}]
    found = hf.evaluate(
        *("translation", rows, [lambda _: "the dog <b>", lambda _: "a big dog"]),
        label="right",
        column="text",
        metrics=["exact_match"],
        progress=False,
    )
    panel = hf.browse(found)
    texts = page(panel).doc["result"]["differences"]["texts"]
    assert all(text["title"].endswith("compared with the right answer") for text in texts)
    assert texts[0]["pieces"] == [["same", "the dog <b>"]]
    assert ["new", "a big"] in texts[1]["pieces"]
    html = panel._hfw_render_static()[0]
    assert "<del>the</del>" in html
    assert "<b>" not in html.replace("<b>failed", "")


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
    assert find_outside(html) == []
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
