"""Odd inputs end in an answer, in an empty one with its reason, or in one clear error."""

from typing import Any

import httpx
import pytest

PEOPLE = {"Name": ["Ann", "Bob"], "City": ["Rome", "New York City"], "Age": ["31", "45"]}


@pytest.mark.parametrize(
    ("task", "inputs", "message"),
    [
        ("zero-shot-classification", "  ", "The inputs must hold some text"),
        ("question-answering", {"question": " ", "context": "It rains."}, "The question must hold"),
        ("table-question-answering", {"query": "\n", "table": PEOPLE}, "The query must hold"),
        ("fill-mask", "a\0b [MASK]", "No word is likely"),
    ],
)
def test_what_cannot_be_answered_is_refused(
    http: httpx.Client, task: str, inputs: Any, message: str
) -> None:
    labels = {"candidate_labels": ["food", "books"]} if task.startswith("zero") else {}
    reply = http.post(
        f"/models/default/pipeline/{task}", json={"inputs": inputs, "parameters": labels}
    )
    assert reply.status_code == 400
    assert message in reply.json()["error"]


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("How old is Carl?", ""),
        ("Who won the cup in 1998?", ""),
        ("Which people are more than 50 years old?", ""),
        ("How old is Bob?", "45"),
        ("What is the average Age?", "38"),
        ("Who lives in Rome?", "Ann"),
        ("What are the names?", "Ann, Bob"),
    ],
)
def test_a_table_without_what_is_asked(http: httpx.Client, query: str, answer: str) -> None:
    found = http.post(
        "/models/default/pipeline/table-question-answering",
        json={"inputs": {"query": query, "table": PEOPLE}},
    ).json()
    assert found["answer"] == answer
    assert ("reason" in found) == (answer == "")


def test_a_mask_after_emojis(http: httpx.Client) -> None:
    """Where the likeliest next token is only a part of a character."""
    reply = http.post(
        "/models/default/pipeline/fill-mask",
        json={"inputs": "🎉🎉🎉 [MASK]", "parameters": {"top_k": 2}},
    )
    assert reply.status_code == 200, reply.text
    assert len(reply.json()) == 2
