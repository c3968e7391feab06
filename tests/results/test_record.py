"""Results: attributes and items, what is missing, undeclared fields, and safe static reprs."""

import copy
import json
import pickle

import pytest

from hfwidgets.results import Elements, Meta, Text
from hfwidgets.results.chat import ChatCompletionOutput
from hfwidgets.results.text import TextClassificationOutputElement, to_embedding

RAW = {
    "id": "x",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi", "odd": 1}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    "brand_new": True,
}


def output() -> ChatCompletionOutput:
    return ChatCompletionOutput(copy.deepcopy(RAW))


def test_fields_are_attributes_and_items() -> None:
    out = output()
    assert out.choices[0].message.content == out["choices"][0]["message"]["content"] == "Hi"
    assert out.choices[0] is out.choices[0]
    assert out == RAW


def test_missing_fields_default_to_none_and_unknown_ones_stay() -> None:
    out = output()
    assert out.system_fingerprint is None
    assert out.brand_new is True
    assert out.choices[0].message.odd == 1
    with pytest.raises(AttributeError, match="choices"):
        _ = out.choises


def test_a_record_is_json_and_survives_copies() -> None:
    out = output()
    assert json.loads(json.dumps(out)) == RAW
    assert pickle.loads(pickle.dumps(out)).choices[0].message.content == "Hi"
    out.id = "y"
    assert out["id"] == "y"


def test_reprs_are_static_and_escape_what_the_model_said() -> None:
    bad = "<img src=x onerror=alert(1)>"
    label = TextClassificationOutputElement(label=bad, score=0.25)
    for shown in (label, Elements([label]), Text(bad)):
        bundle = shown._repr_mimebundle_()
        assert "<img" not in bundle["text/html"]
        assert "0.250" in bundle["text/html"] or isinstance(shown, Text)
        assert bundle["text/plain"]


def test_an_array_keeps_its_origin_through_views() -> None:
    array = to_embedding([[1, 2], [3, 4]])
    array.meta = Meta("feature-extraction", "local", "minilm")
    assert array.shape == (2, 2)
    assert array[0].meta is array.meta
    assert "shape (2, 2)" in array._repr_mimebundle_()["text/plain"]
