"""Judges and votes: who is preferred, and whether that may be chance."""

import json
from pathlib import Path
from typing import Any

import pytest

from hfwidgets import InferenceClient, errors
from hfwidgets.evaluation import Candidate, Evaluation, Judge, evaluate
from tests.plugins.loopback import Answer, Loopback, Seen, chat_answer

ROWS = [{"text": f"Say {at}"} for at in range(12)]


def long(text: str) -> str:
    return f"{text}, and more: {{first}}"


def short(text: str) -> str:
    return text


def prefers_long(prompt: str) -> str:
    first = prompt.partition("Answer 1:\n")[2].partition("Answer 2:\n")[0]
    return "1" if "more" in first else "2"


def prefers_first(prompt: str) -> str:
    return "Answer 1."


def compare(**options: Any) -> Evaluation:
    options = {"column": {"messages": "text"}, "progress": False, **options}
    return evaluate("chat-completion", ROWS, [long, short], **options)


def test_a_judge_decides_without_labels() -> None:
    found = compare(judge=Judge(prefers_long, name="referee"))
    [count] = found.votes.tally()
    assert (count.a_better, count.b_better, count.same) == (12, 0, 0)
    assert "long is preferred" in found.verdict
    [ruling] = found.rulings
    assert (ruling.compared, ruling.flipped, ruling.failed) == (12, 0, 0)
    assert "Reply with one word: 1, 2, or same." in repr(found)
    assert "The prompt of referee" in found._repr_mimebundle_()["text/html"]


def test_a_judge_that_follows_the_order_decides_nothing() -> None:
    found = compare(judge=Judge(prefers_first, name="referee"))
    assert found.rulings[0].flipped == 12
    assert found.votes.tally()[0].same == 12
    assert "12 changed with the order" in repr(found)


def test_replies_without_a_verdict_do_not_count() -> None:
    found = compare(judge=Judge(lambda prompt: "Hard to tell!", name="referee"))
    assert found.rulings[0].failed == 12
    assert found.votes == []


def test_equal_answers_need_no_judge() -> None:
    asked: list[str] = []
    rows = evaluate("chat-completion", ROWS, [short, lambda t: t], column="text", progress=False)
    rows.judge(Judge(lambda prompt: asked.append(prompt) or "1", name="referee"), progress=False)
    assert asked == []


def test_the_prompt_holds_input_right_answer_and_both_answers() -> None:
    seen: list[str] = []
    evaluate(
        *("question-answering", [{"question": "Who?", "context": "Ada.", "right": "Ada"}]),
        [lambda row: "Ada", lambda row: "Bob {second}"],
        label="right",
        judge=Judge(lambda prompt: seen.append(prompt) or "1", name="referee"),
        progress=False,
    )
    assert "question: Who?\ncontext: Ada." in seen[0]
    assert "Right answer:\nAda" in seen[0]
    assert "Answer 2:\nBob {second}" in seen[0]
    assert "Answer 1:\nBob {second}" in seen[1]


def test_a_served_judge_is_paid_once(loopback: Loopback, tmp_path: Path) -> None:
    def reply(seen: Seen) -> Answer:
        return chat_answer(prefers_long(json.loads(seen.body)["messages"][0]["content"]))

    loopback.route("POST", "/v1/chat/completions", reply)
    client = InferenceClient(base_url=f"{loopback.url}/v1")
    judge = Judge(client=client, name="referee", temperature=0)
    first = compare(judge=judge, resume=tmp_path)
    assert len(loopback.requests) == 24
    assert json.loads(loopback.requests[0].body)["temperature"] == 0
    again = compare(judge=judge, resume=tmp_path)
    assert len(loopback.requests) == 24
    assert again.votes == first.votes


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: compare(judge=Judge(long)), "is compared itself"),
        (lambda: Judge("org/m", prompt="Which is better?"), "shows both answers"),
        (
            lambda: evaluate(
                "image-to-text",
                [{"image": b"x"}],
                [long, short],
                judge=prefers_long,
                progress=False,
            ),
            "reads texts",
        ),
    ],
)
def test_judges_that_cannot_judge_are_refused(make: Any, message: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=message):
        make()


def test_votes_of_a_person_count_and_survive_rescoring() -> None:
    found = compare()
    for row in range(9):
        found.vote(row, "short" if row else "same")
    assert "short is preferred" in found.verdict
    assert "short is preferred" in found.rescore().verdict
    with pytest.raises(errors.ConfigurationError, match="Row 99"):
        found.vote(99, "short")


def test_candidates_with_one_name_are_told_apart() -> None:
    found = evaluate(
        "chat-completion", ROWS, [Candidate(short), Candidate(short)], column="text", progress=False
    )
    assert found.models == ("short", "short (2)")
