"""Several models on the same rows: what is asked, what is paid, and what is said of it."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from hfwidgets import InferenceClient, errors
from hfwidgets.evaluation import Candidate, Evaluation, evaluate
from tests.plugins.loopback import Answer, Loopback, Seen, chat_answer

TEXTS = ["good one", "bad one", "good two", "bad two", "good three", "bad three"] * 5
ROWS = [{"text": f"{text} {at}", "mood": text.split()[0]} for at, text in enumerate(TEXTS)]


def perfect(text: str) -> str:
    return text.split()[0]


def constant(text: str) -> str:
    return "good"


def flaky(text: str) -> str:
    if text.endswith(("1", "2", "3")):
        raise ConnectionError("gone")
    return text.split()[0]


def run(models: Any, rows: Any = ROWS, **options: Any) -> Evaluation:
    options = {"label": "mood", "column": "text", "progress": False, **options}
    return evaluate("text-classification", rows, models, **options)


def labeled(seen: Seen) -> Answer:
    """A service whose answer is right, in words of its own."""
    inputs = json.loads(seen.body)["inputs"]
    found = []
    for text in inputs if isinstance(inputs, list) else [inputs]:
        best = {"label": "POSITIVE" if "good" in text else "NEGATIVE", "score": 0.9}
        found.append([best, {"label": "other", "score": 0.1}])
    return Answer(json=found)


MOODS = {"POSITIVE": "good", "NEGATIVE": "bad", "other": None}


def test_the_better_model_is_named_with_its_lead() -> None:
    found = run([perfect, constant])
    assert found.best == ("perfect",)
    assert found.scores[0].metrics["accuracy"].value == 1
    assert found.scores[0].metrics["accuracy"].low == pytest.approx(0.886487, abs=1e-6)
    assert found.verdict.startswith("perfect is the best of 2 models on 30 rows.")
    assert "+50.0 points" in found.verdict
    assert found.baseline is not None
    assert found.baseline.model == "(always good)"
    assert found.baseline.metrics["accuracy"].value == 0.5


def test_near_models_are_not_ranked() -> None:
    found = run([perfect, lambda text: "bad" if text == "good one 0" else perfect(text)])
    assert len(found.best) == 2
    assert "too few to tell" in found.verdict
    assert "equal" not in repr(found)


def test_a_service_answers_and_its_words_are_mapped(loopback: Loopback) -> None:
    loopback.answer(*[labeled] * len(ROWS))
    client = InferenceClient(base_url=loopback.url)
    found = run([Candidate(client=client, name="served"), constant], labels=MOODS)
    assert found.scores[0].model == "served"
    assert found.scores[0].metrics["macro_f1"].value == 1
    assert "POSITIVE → good" in repr(found)
    assert found.scores[0].seconds is not None
    assert len(loopback.requests) == 1


def test_words_without_a_partner_are_named_and_cost_nothing_again(loopback: Loopback) -> None:
    loopback.answer(*[labeled] * len(ROWS))
    client = InferenceClient(base_url=loopback.url)
    found = run([Candidate(client=client, name="served"), perfect])
    [note] = [score.note for score in found.scores if score.model == "served"]
    assert "POSITIVE" in note
    assert "good" in note
    assert "labels={'served': {" in note
    assert "no verdict" in found.verdict
    assert found.rescore(labels={"served": MOODS}).scores[0].metrics["accuracy"].value == 1
    assert len(loopback.requests) == 1


def test_words_without_a_partner_are_named_for_few_rows_too() -> None:
    found = run([lambda text: "POSITIVE" if "good" in text else "NEGATIVE"], ROWS[:4])
    assert "labels={'<lambda>': {'POSITIVE': ..., 'NEGATIVE': ...}}" in found.scores[0].note
    assert "no verdict" not in found.verdict


def test_case_spaces_and_hyphens_make_no_difference() -> None:
    rows = [{"text": str(at), "mood": "very good" if at % 2 else "bad"} for at in range(24)]
    found = run([lambda text: "Very_Good" if int(text) % 2 else "BAD"], rows)
    assert found.scores[0].metrics["accuracy"].value == 1


def test_exchanged_labels_are_said_and_left_as_they_are() -> None:
    found = run([lambda text: "bad" if "good" in text else "good"])
    assert found.scores[0].metrics["accuracy"].value == 0
    assert "if 'good' and 'bad' were exchanged" in found.scores[0].note


def test_failed_rows_stand_apart_and_no_verdict_is_given() -> None:
    found = run([flaky, perfect])
    [score] = [score for score in found.scores if score.model == "flaky"]
    assert score.failed == sum(row["text"][-1] in "123" for row in ROWS)
    assert score.n == len(ROWS) - score.failed
    assert score.metrics["accuracy"].value == 1
    assert score.bounds == (score.n / len(ROWS), 1)
    assert "no verdict" in found.verdict
    assert "retry()" in found.verdict


def test_one_right_and_one_failed() -> None:
    found = run([lambda text: 1 / 0 if "bad" in text else "good"], ROWS[:2])
    assert found.scores[0].n == 1
    assert found.scores[0].bounds == (0.5, 1)


def test_retry_asks_the_failed_rows_only() -> None:
    asked: list[str] = []

    def at_first(text: str) -> str:
        asked.append(text)
        if text.endswith("3") and asked.count(text) == 1:
            raise ConnectionError
        return perfect(text)

    found = run([at_first])
    failed = found.scores[0].failed
    assert failed
    again = found.retry()
    assert again.scores[0].failed == 0
    assert len(asked) == len(ROWS) + failed


def test_rejected_rows_are_wrong_by_kind(loopback: Loopback) -> None:
    too_long = Answer(422, json={"error": "too long"})
    answers = [too_long if at % 3 == 0 else labeled for at in range(30)]
    loopback.answer(*answers)
    loopback.route("GET", "/health", Answer(404, json={"error": "nothing here"}))
    client = InferenceClient(base_url=loopback.url)
    served = Candidate(client=client, name="served")
    found = run([served], labels=MOODS, concurrency=1, batch_size=1)
    assert found.scores[0].wrong == {"rejected": 10}
    assert found.scores[0].n == 30
    assert found.scores[0].metrics["accuracy"].value == pytest.approx(20 / 30)


def test_a_model_that_fails_all_rows_says_why(loopback: Loopback) -> None:
    loopback.answer(*[Answer(401, json={"error": "Invalid token"})] * 40)
    client = InferenceClient(base_url=loopback.url)
    found = run([Candidate(client=client, name="served"), perfect])
    [score] = [score for score in found.scores if score.model == "served"]
    assert score.n == 0
    assert "Invalid token" in score.error
    assert "served failed:" in repr(found)
    assert found.scores[0].model == "perfect"


def test_rescoring_asks_nothing(loopback: Loopback) -> None:
    loopback.answer(*[labeled] * len(ROWS))
    client = InferenceClient(base_url=loopback.url)
    found = run([Candidate(client=client, name="served")], labels=MOODS)
    worse = found.rescore(labels={"POSITIVE": "bad", "NEGATIVE": "good", "other": None})
    assert worse.scores[0].metrics["accuracy"].value == 0
    mended = found.rescore(corrections={0: "bad"}, metrics=["accuracy"])
    assert mended.scores[0].metrics["accuracy"].value == pytest.approx(29 / 30)
    assert list(mended.scores[0].metrics) == ["accuracy"]
    assert len(loopback.requests) == 1


def test_a_run_is_resumed_and_pays_nothing_twice(loopback: Loopback, tmp_path: Any) -> None:
    client = InferenceClient(base_url=loopback.url, max_retries=0)
    loopback.answer(*[labeled] * 10, *[Answer(500, json={"error": "down"})] * 20)
    entrant = Candidate(client=client, name="served")
    options = {"labels": MOODS, "resume": tmp_path, "concurrency": 1, "batch_size": 1}
    first = run([entrant], **options)
    answered = first.scores[0].n
    assert 0 < answered < 30
    asked = len(loopback.requests)
    loopback.answer(*[labeled] * 40)
    second = run([entrant], **options)
    assert second.scores[0].n == 30
    assert second.scores[0].metrics["accuracy"].value == 1
    assert len(loopback.requests) - asked == 30 - answered


def test_a_larger_sample_asks_for_the_difference_only(loopback: Loopback, tmp_path: Any) -> None:
    loopback.route("POST", "/", labeled)
    candidate = Candidate(client=InferenceClient(base_url=loopback.url), name="served")
    options: dict[str, Any] = {"labels": MOODS, "resume": tmp_path, "batch_size": 1}
    rows = [{"text": f"{mood} {at}", "mood": mood} for at in range(60) for mood in ("good", "bad")]
    run([candidate], rows, sample=50, **options)
    assert len(loopback.requests) == 50
    run([candidate], rows, sample=110, **options)
    assert len(loopback.requests) == 110


def test_a_refused_row_of_many_is_asked_once(loopback: Loopback, tmp_path: Any) -> None:
    def refuse_one(seen: Seen) -> Answer:
        return Answer(400, json={"error": "no"}) if b"good 0" in seen.body else labeled(seen)

    loopback.route("POST", "/", refuse_one)
    candidate = Candidate(client=InferenceClient(base_url=loopback.url), name="served")
    rows = [{"text": f"{mood} {at}", "mood": mood} for at in range(50) for mood in ("good", "bad")]
    run([candidate], rows, labels=MOODS, resume=tmp_path, batch_size=1)
    # A refusal is followed by a GET of the server's health.
    assert sum(seen.method == "POST" for seen in loopback.requests) == 100


def test_a_larger_sample_holds_the_smaller_and_keeps_shares() -> None:
    rows = [{"text": f"{at}", "mood": "rare" if at % 5 == 0 else "common"} for at in range(100)]
    small = run([lambda _: "common"], rows, sample=20)
    large = run([lambda _: "common"], rows, sample=40)
    assert {row.index for row in small} < {row.index for row in large}
    assert sum(row.label == "rare" for row in small) == 4
    assert sum(row.label == "rare" for row in large) == 8
    other = run([lambda _: "common"], rows, sample=20, seed=1)
    assert {row.index for row in small} != {row.index for row in other}


def test_repeated_rows_are_asked_once() -> None:
    found = run([perfect], [*ROWS, ROWS[0]])
    assert len(found) == len(ROWS)
    assert found.notes[0] == "Left out: 1 row equal to an earlier one."


def test_rows_without_a_label_are_not_asked() -> None:
    found = run([perfect], [*ROWS, {"text": "who knows", "mood": None}])
    assert len(found) == len(ROWS)
    assert found.notes[0] == "Not asked: 1 row without a label."


def test_without_labels_models_are_compared_with_each_other() -> None:
    rows = [{"text": row["text"]} for row in ROWS]
    found = evaluate("text-classification", rows, [perfect, constant], progress=False)
    assert found.pairs == []
    assert found.agreement["perfect", "constant"] == 0.5
    assert "answer alike on 50%" in repr(found)
    assert len(found.disagreements()) == 15


def test_disagreements_and_confusion() -> None:
    found = run([perfect, constant])
    rows = found.disagreements("perfect", "constant")
    assert {row.label for row in rows} == {"bad"}
    matrix = found.confusion("constant")
    assert matrix.to_pandas().loc["bad", "good"] == 15
    with pytest.raises(errors.ConfigurationError, match="Did you mean 'perfect'"):
        found.confusion("perfekt")


def test_what_is_saved_is_readable_and_safe() -> None:
    rows = [{"text": f"<script>alert(1)</script> {at}", "mood": "good"} for at in range(3)]
    html = run([lambda _: "<b>bad"], rows)._repr_mimebundle_()["text/html"]
    assert "<script>" not in html
    assert "<b>bad" not in html
    assert "&lt;script&gt;" in html


def test_tables_and_figures() -> None:
    found = run([perfect, constant])
    table = found.to_pandas()
    assert list(table["model"]) == ["perfect", "constant", "(always good)"]
    assert table.loc[0, "accuracy_low"] < 1
    rows = found.to_pandas(rows=True)
    assert rows.loc[0, "perfect_right"]
    axes = found.plot().axes
    assert [pane.get_xlabel() for pane in axes] == ["US dollars per 1,000 rows", "median seconds"]


PRICED = {
    "object": "list",
    "data": [
        {
            "id": "org/chat",
            "providers": [
                {
                    "provider": "together",
                    "status": "live",
                    "pricing": {"input": 1000, "output": 1000},
                }
            ],
        }
    ],
}


def priced_client(loopback: Loopback) -> InferenceClient:
    """A client whose service costs half a cent per call."""
    loopback.route("GET", "/router/v1/models", Answer(json=PRICED))
    loopback.route("POST", "/direct/v1/chat/completions", chat_answer("good"))
    url = loopback.url
    return InferenceClient(
        provider="together",
        token="key",
        hosts={"router": f"{url}/router", "together": f"{url}/direct"},
        mapping={"org/chat": {"together": "org/chat"}},
    )


def test_a_budget_stops_between_rows(loopback: Loopback) -> None:
    client = priced_client(loopback)
    entrant = Candidate("org/chat", task="chat-completion", client=client, name="chat")
    found = run([entrant, constant], budget=0.09)
    assert found.stopped is not None
    assert "of the budget of $0.09" in found.stopped
    assert len(found) == 16
    assert all(set(row.predictions) == {"chat", "constant"} for row in found)
    [score] = [score for score in found.scores if score.model == "chat"]
    assert score.dollars == pytest.approx(0.08)
    assert score.dollars_per_1000 == pytest.approx(5)


def test_a_budget_needs_prices(loopback: Loopback) -> None:
    client = priced_client(loopback)
    entrant = Candidate("org/other", task="chat-completion", client=client)
    with pytest.raises(errors.ConfigurationError, match="no known price"):
        run([entrant], budget=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label": "moood"}, "'moood' is not a column of data. Did you mean 'mood'"),
        ({"column": "txt"}, "Columns: text, mood"),
        ({"column": 0}, "column=0 is not a column"),
        ({"label": 1}, "label=1 is not a column"),
        ({"metrics": "acuracy"}, "Did you mean 'accuracy'"),
        ({"normalize": "loud"}, "'none', 'basic', 'en'"),
        ({"sample": 0}, "at least 1"),
        ({"group": "doc"}, "group='doc'"),
        ({"budget": -1}, "above 0"),
        ({"budget": "1"}, "above 0"),
        ({"sample": "10"}, "whole number"),
        ({"sample": 0.1}, "whole number"),
        ({"metrics": "f1"}, "'macro_f1'"),
        ({"lable": "mood"}, "has an argument 'lable'. Did you mean 'label'"),
        ({"topk": 2}, "Did you mean 'top_k'"),
        ({"labels": {"nevr": {"a": "good"}}}, "Did you mean 'never'"),
        ({"resume": __file__}, "cannot be a folder"),
    ],
)
def test_mistakes_are_said_before_anything_is_asked(options: dict[str, Any], message: str) -> None:
    def never(text: str) -> str:
        raise AssertionError("asked")

    with pytest.raises(errors.ConfigurationError, match=message):
        run([never], **options)


@pytest.mark.parametrize("rows", [[], [{"text": "a", "mood": None}], 5, "text", ["a", "b"]])
def test_data_without_rows(rows: Any) -> None:
    with pytest.raises(errors.ConfigurationError):
        run([perfect], rows)


@pytest.mark.parametrize(
    "as_data", [list, tuple, pd.Series, lambda texts: pd.Series(texts, [7, 7])]
)
def test_inputs_without_labels_need_no_column(as_data: Any) -> None:
    found = evaluate(
        "text-classification", as_data(["good one", "bad one"]), [perfect, constant], progress=False
    )
    assert [row.predictions for row in found] == [
        {"perfect": "good", "constant": "good"},
        {"perfect": "bad", "constant": "good"},
    ]


async def ask_async(text: str) -> str:
    await asyncio.sleep(0)
    return perfect(text)


@pytest.mark.parametrize(
    "function",
    [
        ask_async,
        lambda text: [{"label": "odd", "score": 0.2}, {"label": perfect(text), "score": 0.8}],
        lambda text: {"label": perfect(text)},
    ],
)
def test_functions_answer_as_their_libraries_do(function: Any) -> None:
    assert run([function]).scores[0].metrics["accuracy"].value == 1


@pytest.mark.parametrize(
    "answer",
    [
        *("Paris", [{"generated_text": "Paris"}], {"role": "assistant", "content": "Paris"}),
        *([{"summary_text": "Paris"}], {"answer": "Paris", "score": 0.5}),
    ],
)
def test_texts_of_functions_are_found_in_their_fields(answer: Any) -> None:
    rows = [{"question": "The capital of France?", "answer": "Paris"}]
    found = evaluate(
        *("text-generation", rows, {"library": lambda text: answer}),
        label="answer",
        metrics="exact_match",
        progress=False,
    )
    assert found.models == ("library",)
    assert found.scores[0].metrics["exact_match"].value == 1


def test_a_function_may_call_a_client(loopback: Loopback) -> None:
    loopback.route("POST", "/", labeled)
    client = InferenceClient(base_url=loopback.url)
    found = run([client.text_classification], labels=MOODS)
    assert found.scores[0].metrics["accuracy"].value == 1


@pytest.mark.parametrize(
    "rows", [[], pd.DataFrame({"text": [], "mood": []})], ids=["list", "table"]
)
def test_an_empty_table_is_said_to_be_empty(rows: Any) -> None:
    with pytest.raises(errors.ConfigurationError, match=r"^data has no rows\.$"):
        run([perfect], rows)


def test_any_table() -> None:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    columns = {"text": [row["text"] for row in ROWS], "mood": [row["mood"] for row in ROWS]}
    for table in (columns, pd.DataFrame(columns), pl.DataFrame(columns), pa.table(columns)):
        assert run([perfect], table).scores[0].metrics["accuracy"].value == 1


def test_other_tasks_have_metrics_of_their_own() -> None:
    rows = [{"question": "Where?", "context": "In Rome.", "answer": "Rome"}]
    found = evaluate(
        "question-answering", rows, [lambda row: "in Rome"], label="answer", progress=False
    )
    assert found.scores[0].metrics["f1"].value == pytest.approx(2 / 3)
    spoken = [{"audio": b"x", "text": "one two"}]
    heard = evaluate(
        "automatic-speech-recognition", spoken, [lambda _: "one too"], label="text", progress=False
    )
    assert heard.scores[0].metrics["wer"].value == 0.5


def test_a_task_without_a_metric_asks_for_one() -> None:
    rows = [{"messages": "2 + 2?", "right": "4"}]
    with pytest.raises(errors.ConfigurationError, match="exact_match"):
        evaluate("chat-completion", rows, [lambda _: "4"], label="right", progress=False)
    found = evaluate(
        *("chat-completion", rows, [lambda _: "It is 4."]),
        label="right",
        metrics=["contains", lambda text, label: len(text)],
        progress=False,
    )
    assert found.scores[0].metrics["contains"].value == 1


def test_rows_of_a_group_widen_the_interval() -> None:
    rows = [
        {"text": f"{kind} {at}", "mood": "good", "doc": at // 10}
        for at in range(60)
        for kind in ["good" if (at // 10) % 2 else "bad"]
    ]
    alone = run([perfect], rows).scores[0].metrics["accuracy"]
    grouped = run([perfect], rows, group="doc").scores[0].metrics["accuracy"]
    assert grouped.high - grouped.low > 1.5 * (alone.high - alone.low)


async def _awaited() -> Evaluation:
    from hfwidgets.evaluation import aevaluate

    return await aevaluate(
        "text-classification", ROWS, [perfect], label="mood", column="text", progress=False
    )


def test_it_can_be_awaited() -> None:
    import asyncio

    assert asyncio.run(_awaited()).scores[0].metrics["accuracy"].value == 1


def test_a_budget_with_a_folder_asks_each_row_once(loopback: Loopback, tmp_path: Path) -> None:
    rows = [{"text": f"{text} {at}", "mood": text.split()[0]} for at, text in enumerate(TEXTS * 4)]
    client = priced_client(loopback)
    refused = Answer(422, json={"error": "too long"})

    def reply(seen: Seen) -> Answer:
        content = json.loads(seen.body)["messages"][-1]["content"]
        return refused if content.endswith(" 3") else chat_answer("good")

    loopback.route("POST", "/direct/v1/chat/completions", reply)
    entrant = Candidate("org/chat", task="chat-completion", client=client, name="chat")
    first = run([entrant], rows, budget=0.3, resume=tmp_path, concurrency=1)
    asked = [seen for seen in loopback.requests if seen.method == "POST"]
    assert first.stopped is not None
    assert len(asked) == len(first)
    assert 50 <= len(first) <= 61  # half a cent each, and the refused row costs nothing
    second = run([entrant], rows, budget=10, resume=tmp_path, concurrency=1)
    asked = [seen for seen in loopback.requests if seen.method == "POST"]
    assert len(second) == len(rows)
    assert len(asked) == len(rows) + 1  # only the refused row was called again


def test_answers_of_an_earlier_run_predict_the_cost(loopback: Loopback, tmp_path: Path) -> None:
    rows = [{"text": f"{text} {at}", "mood": text.split()[0]} for at, text in enumerate(TEXTS * 4)]
    entrant = Candidate("org/chat", task="chat-completion", client=priced_client(loopback))
    first = run([entrant], rows, budget=0.3, resume=tmp_path, concurrency=1)
    # Half a cent each: another 20 of the 60 rows that are left.
    second = run([entrant], rows, budget=0.1, resume=tmp_path, concurrency=1)
    assert second.stopped is not None
    assert len(first) < len(second) <= len(first) + 20
    assert second.scores[0].dollars_per_1000 == pytest.approx(5)


def test_a_budget_of_tokens(loopback: Loopback) -> None:
    loopback.route("POST", "/v1/chat/completions", chat_answer("good"))
    client = InferenceClient(base_url=f"{loopback.url}/v1")
    entrant = Candidate(task="chat-completion", client=client, name="chat")
    tokens = chat_answer("good").json["usage"]["total_tokens"]
    found = run([entrant, constant], token_budget=20 * tokens)
    assert found.stopped is not None
    assert f"of {20 * tokens} tokens" in found.stopped
    assert len(found) == 16


def test_a_model_that_counts_no_tokens_ends_a_budget_of_tokens(loopback: Loopback) -> None:
    loopback.answer(*[labeled] * len(ROWS))
    client = InferenceClient(base_url=loopback.url)
    found = run([Candidate(client=client, name="served")], labels=MOODS, token_budget=1000)
    assert found.stopped == "served reports no tokens, so token_budget cannot hold it."
    assert len(found) == 8


def test_metrics_are_checked_before_anything_is_asked() -> None:
    asked = []
    with pytest.raises(errors.ConfigurationError, match="Did you mean 'accuracy'"):
        run([asked.append], metrics="acuracy")
    with pytest.raises(errors.ConfigurationError, match=r"'tall' cannot be read: .* a number"):
        evaluate(
            *("tabular-regression", [{"row": [1], "size": "tall"}], [asked.append]),
            label="size",
            column="row",
            progress=False,
        )
    assert asked == []


def test_an_error_of_a_metric_keeps_the_answers() -> None:
    asked: list[str] = []

    def entrant(text: str) -> str:
        asked.append(text)
        return perfect(text)

    with pytest.raises(ZeroDivisionError) as caught:
        run([entrant], metrics=lambda found, label: 1 / 0)
    kept: Any = caught.value
    assert kept.evaluation.rescore(metrics="accuracy").scores[0].metrics["accuracy"].value == 1
    assert len(asked) == len(ROWS)


def test_one_class_is_said() -> None:
    rows = [{"text": str(at), "mood": "good"} for at in range(25)]
    found = run([constant], rows)
    assert "All rows have the label 'good'" in found.notes[0]


def test_answers_of_another_shape_are_wrong() -> None:
    found = run([lambda text: ["good"], perfect])
    assert {score.model: score.metrics["accuracy"].value for score in found.scores} == {
        "perfect": 1,
        "<lambda>": 0,
    }
    sizes = [{"row": [at], "size": float(at)} for at in range(10)]
    numbers = evaluate(
        *("tabular-regression", sizes, [lambda row: "tall" if row == [3] else row[0]]),
        label="size",
        column="row",
        progress=False,
    )
    assert numbers.scores[0].metrics["mae"].value == 0
    assert numbers.scores[0].n == 9


def test_a_mapping_to_a_label_that_no_row_has_is_said() -> None:
    found = run([perfect, constant], labels={"good": "great", "bad": None})
    assert found.notes == ["labels= leads to 'great', which no row has as its label."]


def test_why_there_is_no_verdict_is_said_once() -> None:
    def broken(text: str) -> str:
        raise ConnectionError("gone")

    text = repr(run([broken, perfect, constant]))
    assert text.count("no verdict") == 1
    assert "broken failed: ConnectionError: gone" in text


def test_disagreements_are_a_table() -> None:
    rows = run([perfect, constant]).disagreements()
    assert rows.to_pandas().loc[0, "constant"] == "good"
    assert "✗ good" in repr(rows)
    assert "<table" in rows._repr_mimebundle_()["text/html"]


def test_embeddings_find_rows_of_the_same_label() -> None:
    import numpy as np

    rows = [{"text": f"{kind}{at}", "topic": kind} for kind in "ab" for at in range(5)]

    def embed(text: str) -> Any:
        return np.array([1.0, 0.1 * int(text[1])] if text[0] == "a" else [0.1 * int(text[1]), 1.0])

    def blind(text: str) -> Any:
        return np.array([1.0, 0.0] if int(text[1]) % 2 else [0.0, 1.0])

    found = evaluate(
        "feature-extraction", rows, [embed, blind], label="topic", column="text", progress=False
    )
    assert found.scores[0].model == "embed"
    assert found.scores[0].metrics["recall@1"].value == 1
    assert found.scores[1].metrics["recall@1"].value < 1


def test_executors_answer_alike(loopback: Loopback) -> None:
    from concurrent.futures import ThreadPoolExecutor

    loopback.route("POST", "/", labeled)
    entrant = Candidate(client=InferenceClient(base_url=loopback.url), name="served")
    plain = run([entrant], labels=MOODS)
    with ThreadPoolExecutor(2) as pool:
        pooled = run([entrant], labels=MOODS, executor=pool)
    assert pooled.scores[0].metrics == plain.scores[0].metrics


def test_an_interrupt_keeps_what_has_arrived_and_retry_asks_for_the_rest() -> None:
    asked: list[str] = []

    def entrant(text: str) -> str:
        asked.append(text)
        if len(asked) == 10:
            signal.raise_signal(signal.SIGINT)  # for the main thread, which waits
        return perfect(text)

    rows = [{"text": f"good {at}", "mood": "good"} for at in range(400)]
    found = run([entrant], rows)
    assert found.is_interrupted
    assert 0 < len(found) < len(rows)
    again = found.retry()
    assert (len(again), again.stopped) == (len(rows), None)
    # The signal may come while a row is handed over, which is then asked again.
    assert len(asked) - len(rows) in (0, 1)


@pytest.mark.parametrize(
    "rows",
    [
        {"text": {0: "good"}, "mood": {0: "good"}},
        {"text": "good", "mood": "good"},
        {"text": ["good"], "mood": {"good"}},
        pd.DataFrame([["a", "good", "bad"]], columns=["text", "mood", "mood"]),
        pd.Series(["good"], name="text"),
        pa.array(["good"]),
        pd.DataFrame,
        [{"text": "good", "mood": {"is": "good"}}],
        [{"text": "good", "mood": np.zeros(2)}],
    ],
)
def test_odd_tables_and_labels_are_refused_before_anything_is_asked(rows: Any) -> None:
    def refuse(text: str) -> str:
        raise AssertionError(text)

    with pytest.raises(errors.ConfigurationError, match=r"data is a|columns|label"):
        run([refuse], rows)


def test_a_single_answer_is_one_label_of_a_row_with_several() -> None:
    rows = [{"text": "good one", "mood": ["good", "odd"]}, {"text": "bad two", "mood": ["bad"]}]
    found = run([perfect], rows)
    assert found.scores[0].metrics["micro_f1"].value == pytest.approx(0.8)
    assert found.scores[0].metrics["subset_accuracy"].value == 0.5


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("models", [None, 5, b"x"]),
        ("label", [None, 5, ["mood"], pd.DataFrame()]),
        ("column", [5, ["text"], {"text": 1}, np.zeros(2)]),
        ("group", [5, ["mood"], {}]),
        ("metrics", [5, {"accuracy": 1}, str]),
        ("labels", [["good"], "good", np.zeros(2)]),
        ("resume", [True, 5, "", " ", b"x", "a\0b", "\ud800", "x" * 5000, __file__]),
    ],
)
def test_arguments_of_another_form_are_refused_by_name(name: str, values: list[Any]) -> None:
    for value in values:
        options = {"models": [perfect], name: value}
        with pytest.raises(errors.ConfigurationError, match=name):
            run(options.pop("models"), **options)
