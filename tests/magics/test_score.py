"""--each --compare --score: an evaluation of several models on the rows of a table."""

import threading

import pandas as pd
import pytest
from IPython.core.error import UsageError
from IPython.utils.io import capture_output

from hfwidgets.evaluation import Evaluation
from hfwidgets.magics.completion import find_matches

WORDS = ["good", "bad"] * 8
TABLE = pd.DataFrame({"text": [f"{word} {at}" for at, word in enumerate(WORDS)], "mood": WORDS})


@pytest.fixture
def evaluate(shell, loopback):
    """Run a cell with --each and --compare on two models; the evaluation comes back."""

    def answer(path, body):
        right = path.startswith("/model/a")
        word = body["inputs"].split()[0] if right else "good"
        return [{"label": word.upper(), "score": 0.9}]

    loopback.answer = answer

    def run(line, **names):
        shell.push({"df": TABLE, **names})
        models = f"{loopback.url}/a,{loopback.url}/b"
        with capture_output():
            # One row per request, so that requests are rows.
            options = f"--compare {models} --batch-size 1"
            shell.run_line_magic("infer", f"-o out {options} {line}")
        return shell.user_ns["out"]

    return run


def test_models_are_scored_on_the_rows_of_a_table(evaluate, loopback):
    found = evaluate("-t text-classification --each $df:text --score mood")
    assert isinstance(found, Evaluation)
    assert [score.model.rpartition("/")[2] for score in found.scores] == ["a", "b"]
    assert [score.metrics["accuracy"].value for score in found.scores] == [1, 0.5]
    assert len(loopback.requests) == 2 * len(WORDS)


def test_prompts_name_the_row_and_chat_has_a_metric(shell, loopback):
    loopback.pieces = ["good"]
    shell.push({"df": TABLE})
    models = f"{loopback.url}/a,{loopback.url}/b"
    line = f"out << --compare {models} --each $df --score mood --seed 3 --limit 4"
    with capture_output():
        shell.run_cell_magic("infer", line, "Good or bad? {{ row.text }}")
    found = shell.user_ns["out"]
    assert found.scores[0].metrics["exact_match"].value == 0.5
    assert loopback.bodies[0]["messages"][0]["content"].startswith("Good or bad? ")
    assert loopback.bodies[0]["seed"] == 3


def test_one_model_and_a_function_as_metric(shell, loopback):
    loopback.pieces = ["It is good."]
    shell.push({"df": TABLE, "length": lambda found, label: len(found)})
    line = f"-m {loopback.url} --each $df:text --score mood --metric contains --metric $length"
    with capture_output():
        shell.run_line_magic("infer", f"-o out {line}")
    [score] = shell.user_ns["out"].scores
    assert score.metrics["contains"].value == 0.5
    assert list(score.metrics) == ["contains", "<lambda>"]


def test_without_a_column_of_answers_models_are_compared(evaluate):
    found = evaluate("-t text-classification --each $df:text")
    assert not found.has_labels
    assert list(found.agreement.values()) == [0.5]


def test_rows_without_an_input_or_a_label_are_noted(evaluate):
    table = TABLE.assign(text=[None, *TABLE["text"][1:]], mood=[*TABLE["mood"][:-1], None])
    found = evaluate("-t text-classification --each $gaps:text --score mood", gaps=table)
    assert len(found) == len(TABLE) - 2
    assert any("empty input" in note for note in found.notes)
    assert any("without a label" in note for note in found.notes)


def test_a_folder_resumes(evaluate, loopback, tmp_path):
    line = f"-t text-classification --each $df:text --score mood --resume {tmp_path}/answers"
    evaluate(f"{line} --limit 4")
    evaluate(line)
    assert len(loopback.requests) == 2 * len(WORDS)


def test_in_the_background(evaluate):
    handle = evaluate("-t text-classification --each $df:text --score mood --bg")
    assert handle.result(60).scores[0].metrics["accuracy"].value == 1


def test_a_stopped_evaluation_keeps_what_was_answered(evaluate, loopback):
    on_hold, released = threading.Event(), threading.Event()
    answer = loopback.answer

    def hold(path, body):
        if len(loopback.requests) > 3 * len(WORDS) // 2:  # the second model's
            on_hold.set()
            released.wait(60)
        return answer(path, body)

    loopback.answer = hold
    handle = evaluate("-t text-classification --each $df:text --score mood --bg --concurrency 1")
    assert on_hold.wait(60)
    handle.stop()
    found = handle.result(60)
    released.set()
    assert found.is_interrupted
    assert 0 < len(found) < len(WORDS)
    assert handle.state == "stopped"


def test_a_dry_run_sends_nothing(evaluate, loopback):
    found = evaluate("-t text-classification --each $df:text --score mood -n")
    assert [explained.url.rpartition("/")[2] for explained in found] == ["a", "b"]
    assert loopback.requests == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--each $df:text --score mod", "Did you mean 'mood'"),
        ("--each $words --score mood", "names a column"),
        ("--score mood", "needs --each"),
        ("--each $df:text --metric accuracy", "needs --score"),
        ("--each $df:text --score mood --metric acuracy", "Did you mean 'accuracy'"),
    ],
)
def test_mistakes_are_said_before_anything_is_sent(evaluate, loopback, line, message):
    with pytest.raises(Exception, match=message) as caught:
        evaluate(f"-t text-classification {line}", words=WORDS)
    assert isinstance(caught.value, UsageError) or "hfwidgets" in type(caught.value).__module__
    assert loopback.requests == []


def test_judge_and_budget_need_models(shell):
    shell.push({"df": TABLE})
    with pytest.raises(UsageError, match="need --compare"):
        shell.run_line_magic("infer", "-m a --each $df:text --judge b")


def test_completion(shell):
    settings = shell.magics_manager.registry["InferMagics"]
    shell.push({"df": TABLE})
    assert find_matches("%%infer --each $df:text --score mo", settings)[1] == ["mood"]
    line = "%%infer --each $df:text --score mood --metric acc"
    assert "accuracy" in find_matches(line, settings)[1]
    assert "--score" in find_matches("%%infer --sc", settings)[1]
