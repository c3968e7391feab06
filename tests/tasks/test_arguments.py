"""Arguments of calls: openai's sentinels, texts, and values that JSON cannot express."""

import datetime
import decimal
import uuid
from collections.abc import Callable
from typing import Any

import numpy as np
import openai
import pytest

from hfwidgets import InferenceClient, errors
from hfwidgets.results.text import SummarizationOutput
from tests.plugins.loopback import Answer, Loopback, chat_answer

Call = Callable[..., Any]
HELLO = [{"role": "user", "content": "Hello"}]
LABELS = Answer(json=[{"label": "A", "score": 1}])


@pytest.mark.parametrize("sentinel", [openai.NOT_GIVEN, openai.omit], ids=["NOT_GIVEN", "omit"])
def test_openais_sentinels_count_as_not_passed(
    call: Call, loopback: Loopback, sentinel: Any
) -> None:
    loopback.answer(chat_answer("Hi"), chat_answer("Hi"))
    message = {**HELLO[0], "name": sentinel}
    call(
        "chat_completion",
        [message],
        temperature=sentinel,
        tools=sentinel,
        stream=sentinel,
        timeout=sentinel,
        user=sentinel,
        extra_body={"top_k": sentinel, "inner": {"a": sentinel, "b": 1}},
    )
    call("chat_completion", HELLO, extra_body={"inner": {"b": 1}})
    assert loopback.requests[0].body == loopback.requests[1].body


@pytest.mark.parametrize("value", [5, True, b"x", {"a": 1}, object, 1.5, decimal.Decimal(1)])
def test_an_input_that_should_be_a_text_is_named(
    call: Call, loopback: Loopback, value: Any
) -> None:
    with pytest.raises(errors.InputError, match="text of text_classification must be a text"):
        call("text_classification", value)
    with pytest.raises(errors.InputError, match="context of question_answering must be a text"):
        call("question_answering", question="?", context=value)
    assert loopback.requests == []


@pytest.mark.parametrize("many", [["a", "b"], ("a",), np.array(["a"])], ids=repr)
def test_several_texts_are_for_map(call: Call, many: Any) -> None:
    with pytest.raises(errors.InputError, match=r"client\.map\('text-classification'"):
        call("text_classification", many)


def test_texts_of_every_type_are_texts(call: Call, loopback: Loopback) -> None:
    class Own(str):
        pass

    for value in (np.str_("hi"), Own("hi"), SummarizationOutput(summary_text="hi")):
        loopback.answer(LABELS)
        call("text_classification", value)
    assert {seen.json()["inputs"] for seen in loopback.requests} == {"hi"}


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (decimal.Decimal(1), "parameters.top_k is a Decimal"),
        (datetime.date(2026, 1, 1), "parameters.top_k is a date"),
        (uuid.UUID(int=1), "parameters.top_k is a UUID"),
        ({1, 2}, "parameters.top_k is a set"),
        ([1, {"a": {2}}], r"parameters.top_k\[1\].a is a set"),
        ({(1, 2): 3}, "a dict with other keys"),
        (float("nan"), "parameters.top_k is nan, which is not a finite number"),
        (np.float64("inf"), "parameters.top_k is .*inf.*not a finite number"),
        (np.array([1.0, np.nan]), r"parameters.top_k\[1\] is nan"),
        ("\ud83d", "half a character"),
    ],
)
def test_what_json_cannot_express_is_named_with_its_place(
    call: Call, loopback: Loopback, value: Any, place: str
) -> None:
    with pytest.raises(errors.InputError, match=place):
        call("text_classification", "hi", top_k=value)
    assert loopback.requests == []


@pytest.mark.parametrize("value", [[1], "x", 5, {1: 2}], ids=repr)
def test_additional_parameters_are_a_dict(call: Call, value: Any) -> None:
    with pytest.raises(errors.InputError, match="extra_body must be a dict"):
        call("text_generation", "hi", extra_body=value)
    with pytest.raises(errors.InputError, match="extra_body must be a dict"):
        call("chat_completion", HELLO, extra_body=value)


def test_an_object_that_fails_to_be_read_is_an_error_of_ours(loopback: Loopback) -> None:
    class Broken:
        def read(self, size: int = -1) -> bytes:
            raise KeyError("tape")

    client = InferenceClient(loopback.url)
    with client, pytest.raises(errors.InputError, match="tape"):
        client.image_classification(Broken())
