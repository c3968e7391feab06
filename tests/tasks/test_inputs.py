"""Inputs as notebooks hold them: missing values, numpy's numbers, columns, iterators."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from hfwidgets import InferenceClient, errors
from tests.plugins.loopback import Answer, Loopback, chat_answer

LABELS = [{"label": "A", "score": 0.5}, {"label": "B", "score": 0.2}]
PICTURE = np.zeros((2, 2, 3), "uint8")
USER = {"role": "user", "content": "Hello"}


@pytest.fixture
def client(loopback: Loopback) -> InferenceClient:
    loopback.route("POST", "/", Answer(json=LABELS))
    loopback.route("POST", "/v1/chat/completions", chat_answer("Hi"))
    return InferenceClient(loopback.url)


@pytest.mark.parametrize("missing", [None, float("nan"), np.float64("nan"), pd.NA, pd.NaT])
def test_a_missing_value_is_not_sent(
    loopback: Loopback, client: InferenceClient, missing: Any
) -> None:
    with pytest.raises(errors.InputError, match=r"text of text_classification is .*missing value"):
        client.text_classification(missing)
    with pytest.raises(
        errors.InputError, match=r"context of question_answering is .*missing value"
    ):
        client.question_answering("Who?", missing)
    with pytest.raises(errors.InputError, match=r"other_sentences\[1\] is a missing value"):
        client.sentence_similarity("a", ["b", missing])
    assert loopback.requests == []


def test_an_empty_text_is_a_text(loopback: Loopback, client: InferenceClient) -> None:
    client.text_classification("")
    assert loopback.requests[0].json()["inputs"] == ""


def test_a_column_for_one_value_leads_to_map(client: InferenceClient) -> None:
    column: Any = pd.Series(["a", "b"])
    with pytest.raises(errors.InputError, match=r"client\.map\('text-classification'"):
        client.text_classification(column)


@pytest.mark.parametrize(
    "several",
    [
        pd.Series(["a", "b"]),
        pd.Index(["a", "b"]),
        np.array(["a", "b"]),
        ("a", "b"),
        iter(["a", "b"]),
        dict.fromkeys("ab"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_several_texts_may_be_any_column(
    loopback: Loopback, client: InferenceClient, several: Any
) -> None:
    client.zero_shot_classification("x", several)
    assert loopback.requests[0].json()["parameters"]["candidate_labels"] == ["a", "b"]


def test_several_sentences_and_texts_may_be_a_column(
    loopback: Loopback, client: InferenceClient
) -> None:
    column: Any = pd.Series(["a", "b"])
    loopback.route("POST", "/", Answer(json=[0.5, 0.25]))
    assert client.sentence_similarity("x", column) == [0.5, 0.25]
    client.feature_extraction(column)
    assert loopback.requests[-1].json() == {"inputs": ["a", "b"]}


def test_one_text_is_not_taken_apart_into_labels(client: InferenceClient) -> None:
    labels: Any = "good,bad"
    with pytest.raises(errors.InputError, match="candidate_labels must be a list"):
        client.zero_shot_classification("x", labels)
    with pytest.raises(errors.InputError, match="candidate_labels must be a list"):
        client.zero_shot_image_classification(PICTURE, labels)


def test_numpy_s_numbers_are_numbers(loopback: Loopback, client: InferenceClient) -> None:
    k, seed, heat = np.int64(3), np.int32(7), np.float32(0.5)
    client.text_classification("x", top_k=k)  # type: ignore[arg-type]
    assert loopback.requests[-1].json()["parameters"] == {"top_k": 3}
    options: Any = {"seed": seed, "temperature": heat, "stop": np.array(["."])}
    client.chat_completion([USER], **options)
    sent = loopback.requests[-1].json()
    assert (sent["seed"], sent["temperature"], sent["stop"]) == (7, 0.5, ["."])


def test_one_stop_is_a_list_of_one(loopback: Loopback, client: InferenceClient) -> None:
    loopback.route("POST", "/", Answer(json=[{"generated_text": "x"}]))
    stop: Any = "."
    client.text_generation("x", stop=stop)
    assert loopback.requests[0].json()["parameters"] == {"stop": ["."]}


def test_messages_may_come_from_an_iterator(loopback: Loopback, client: InferenceClient) -> None:
    messages: Any = (message for message in [USER])
    assert client.chat_completion(messages).text == "Hi"
    assert loopback.requests[0].json()["messages"] == [USER]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"role": None, "content": "x"}, "its role is None"),
        ("Hello", "it is str"),
        ({"role": "user"}, "has no content"),
        ({"role": "user", "content": None}, "has no content"),
        ({"role": "user", "content": 5}, "a number as its content"),
    ],
)
def test_a_message_that_says_nothing_is_refused(
    client: InferenceClient, message: Any, said: str
) -> None:
    with pytest.raises(errors.InputError, match=said):
        client.chat_completion([message])


def test_a_call_of_another_form_says_which_is_right(client: InferenceClient) -> None:
    ask: Any = client.text_classification
    with pytest.raises(TypeError, match="accepts text by position, and the others by their names"):
        ask("x", 3)
    with pytest.raises(TypeError, match="text_classification: missing a required argument: 'text'"):
        ask()
    with pytest.raises(TypeError, match="multiple values for argument 'text'"):
        ask("x", text="y")


def test_an_empty_path_is_said_so(client: InferenceClient) -> None:
    with pytest.raises(errors.InputError, match="An empty string is not a path"):
        client.image_classification("")
