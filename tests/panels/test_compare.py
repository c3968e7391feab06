"""Comparisons of every task: each result in its own view, what differs, and a vote."""

import json
from pathlib import Path
from typing import Any

import pytest

import hfwidgets as hf
from hfwidgets import errors
from hfwidgets.panels.compare_task_panel import CompareTaskPanel
from hfwidgets.results.comparison import Comparison
from hfwidgets.tasks import TASKS
from tests.browser.stage import Stage
from tests.panels.conftest import page, say
from tests.plugins.loopback import Answer
from tests.plugins.self_contained import find_outside


def open_comparison(stage: Stage, task: str, **settings: Any) -> CompareTaskPanel:
    url = stage.url(task)
    panel = hf.compare([f"{url}?a", f"{url}?b"], task=task, **settings)
    assert isinstance(panel, CompareTaskPanel)
    return panel


@pytest.mark.parametrize("task", [name for name in TASKS if name != "chat-completion"])
def test_every_task_is_compared_in_its_own_views(stage: Stage, task: str) -> None:
    panel = open_comparison(stage, task)
    panel.example()
    result = panel.run()
    assert [row.error for row in result] == [None, None]
    shown = page(panel).doc["result"]
    assert shown["kind"] == "comparison"
    single = hf.panel(task, base_url=stage.url(task))
    single.example()
    single.run()
    kind = page(single).doc["result"]["kind"]
    alone = {"continuation": "text"}.get(kind, kind)
    assert [column["view"]["kind"] for column in shown["columns"]] == [alone] * 2
    files = panel._hfw_history._last_context.files  # type: ignore[union-attr]
    assert all(panel._hfw_find_media(name) is not None for name in files)
    html = panel._hfw_render_static()[0]
    assert "<table" in html
    assert find_outside(html) == []
    panel.close()
    single.close()


def test_differences_latency_and_votes(stage: Stage, tmp_path: Path) -> None:
    url = stage.url("text-classification")
    path = "/text-classification"
    stage.loopback.route("POST", f"{path}/a", Answer(json=[{"label": "good", "score": 0.9}]))
    stage.loopback.route("POST", f"{path}/b", Answer(json=[{"label": "bad", "score": 0.8}]))
    models = [f"{url}/a", f"{url}/b"]
    votes = tmp_path / "votes.jsonl"
    panel = hf.compare(models, "Lovely.", task="text-classification", votes=votes)
    with pytest.raises(errors.InputError, match="nothing to vote on"):
        panel.vote("same")
    panel.run()
    shown = page(panel).doc["result"]
    assert shown["differences"]["table"]["columns"]["Label"] == ["≠ good", "≠ bad"]
    assert "First place: good" in shown["differences"]["summary"]
    assert shown["columns"][0]["facts"][0][0] == "Time"
    say(panel, k="do", do="vote", place=1)
    assert page(panel).doc["result"]["vote"] == models[1]
    assert f"Vote: {models[1]}" in panel._hfw_render_static()[0]
    say(panel, k="do", do="vote", place=None)  # the last choice counts
    [vote] = panel.votes
    assert (vote.winner, vote.input) == ("same", "Lovely.")
    assert list(panel.votes.to_pandas()["winner"]) == ["same"]
    saved = page(panel).doc["result"]["saves"][1]
    content, _ = panel._hfw_find_media(saved["id"]) or (b"", "")
    assert json.loads(content)[0]["vote"] == "same"
    again = hf.compare(models, "Lovely.", task="text-classification", votes=votes)
    assert [vote.winner for vote in again.votes] == ["same"]
    panel.close()


def test_a_blind_vote_hides_the_names(stage: Stage) -> None:
    panel = open_comparison(stage, "text-to-image", prompt="A boat", blind=True)
    panel.run()
    doc = page(panel).doc
    assert [column["name"] for column in doc["result"]["columns"]] == ["Model A", "Model B"]
    shown = json.dumps(doc["result"]) + panel._hfw_render_static()[0]
    assert not any(name in shown for name in panel.models)
    place = doc["result"]["columns"][0]["place"]
    say(panel, k="do", do="vote", place=place)
    assert page(panel).doc["result"]["vote"] == panel.models[place]
    assert panel.votes[0].winner == panel.models[place]
    panel.close()


def test_one_failed_model_leaves_the_others(stage: Stage) -> None:
    url = stage.url("object-detection")
    models = [url, "http://127.0.0.1:9/none"]
    panel = hf.compare(models, task="object-detection", max_retries=0)
    panel.example()
    result = panel.run()
    assert result[1].error
    shown = page(panel).doc["result"]
    assert shown["columns"][0]["view"]["kind"] == "boxes"
    assert shown["columns"][1]["error"]
    assert "view" not in shown["columns"][1] or shown["columns"][1]["view"] is None
    nowhere = hf.compare([f"{models[1]}/a", models[1]], task="object-detection", max_retries=0)
    nowhere.example()
    with pytest.raises(errors.InputError, match="No model answered"):
        nowhere.run()
    panel.close()
    nowhere.close()


def test_chat_models_are_voted_on(stage: Stage) -> None:
    url = stage.url("chat-completion")
    panel = hf.compare([f"{url}?a", f"{url}?b"], "Waves?")
    panel.run()
    assert page(panel).doc["differences"]["summary"] == "All texts are the same."
    say(panel, k="do", do="vote", winner=f"{url}?b")
    assert page(panel).doc["vote"] == f"{url}?b"
    assert panel.result.preferred == f"{url}?b"
    assert isinstance(panel.result, Comparison)
    assert f"Vote: {url}?b" in panel._hfw_render_static()[0]
    panel.run()
    assert page(panel).doc["vote"] == ""
    panel.close()


def test_words_of_one_model_only_are_marked(stage: Stage) -> None:
    url = stage.url("translation")
    answers = {"a": "The quick fox runs.", "b": "The slow fox runs."}
    for name, text in answers.items():
        answer = Answer(json=[{"translation_text": text}])
        stage.loopback.route("POST", f"/translation/{name}", answer)
    panel = hf.compare([f"{url}/a", f"{url}/b"], "Der Fuchs läuft.", task="translation")
    panel.run()
    differences = page(panel).doc["result"]["differences"]
    assert differences["table"] is None
    [text] = differences["texts"]
    assert text["pieces"] == [
        *(["same", "The "], ["gone", "quick"], ["new", "slow"], ["same", " fox runs."]),
    ]
    assert "The <del>quick</del><ins>slow</ins> fox runs." in panel._hfw_render_static()[0]
    panel.close()


def test_the_code_repeats_the_comparison(stage: Stage) -> None:
    from tests.plugins.waiting import until

    panel = open_comparison(stage, "text-classification", prompt="Lovely.", top_k=2)
    say(panel, k="do", do="code")
    until(lambda: page(panel).doc["code"])
    code = page(panel).doc["code"]
    assert "task='text-classification', text='Lovely.', top_k=2)" in code["python"]
    assert "--compare" in code["magic"]
    panel.close()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: hf.compare(["one"], task="ner"), "at least two"),
        (lambda: hf.compare("one,two"), "a list of names"),
        (lambda: hf.compare([len, max], task="ner"), "compete in hf.evaluate"),
        (lambda: hf.browse([{"text": "a"}]), "what hf.evaluate returned, not a list"),
        (lambda: hf.compare(["a", "b"], "Text", task="object-detection"), "no text for a prompt"),
        (lambda: hf.compare(["a", "b"], task="nothing"), "nothing"),
        (lambda: hf.compare(["a", "b"], task="ner", bogus=1), "bogus"),
    ],
)
def test_bad_settings_are_refused(make: Any, message: str) -> None:
    with pytest.raises(errors.HfWidgetsError, match=message):
        make()


def test_models_of_this_machine_take_turns(stage: Stage) -> None:
    panel = hf.compare(["a", "b:local", "local"], task="text-classification")
    providers = [panel._hfw_column_provider(name) for name in panel.models]
    assert providers == [None, "local", "local"]
    panel.close()


@pytest.mark.parametrize(
    "models", [None, 5, [1, 2], b"ab", "org/model", ["org/model"], {"a": "b", "c": "d"}]
)
def test_models_are_names_of_at_least_two(models: Any) -> None:
    with pytest.raises(errors.ConfigurationError, match="models"):
        hf.compare(models)
