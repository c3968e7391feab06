"""Conveniences of results: text by str(), plain data, tables, arrays."""

import numpy as np
import pytest

from hfwidgets.results import Elements
from hfwidgets.results.audio import AutomaticSpeechRecognitionOutput
from hfwidgets.results.chat import ChatCompletionOutput
from hfwidgets.results.text import (
    SummarizationOutput,
    TextClassificationOutputElement,
    TextGenerationOutput,
    TranslationOutput,
    to_embedding,
)
from hfwidgets.results.vision import ImageToTextOutput

CHAT = ChatCompletionOutput(choices=[{"message": {"role": "assistant", "content": "Hello"}}])


@pytest.mark.parametrize(
    "result",
    [
        CHAT,
        SummarizationOutput(summary_text="Hello"),
        TranslationOutput(translation_text="Hello"),
        TextGenerationOutput(generated_text="Hello"),
        ImageToTextOutput(generated_text="Hello"),
        AutomaticSpeechRecognitionOutput(text="Hello"),
    ],
)
def test_str_of_a_text_is_the_text_and_repr_names_the_fields(result):
    assert str(result) == f"{result}" == "Hello"
    assert repr(result).startswith(f"{type(result).__name__}(")
    assert str(type(result)()) == ""


def test_str_of_other_records_names_their_fields():
    row = TextClassificationOutputElement(label="good", score=0.5)
    assert str(row) == repr(row) == "TextClassificationOutputElement(label='good', score=0.5)"


def test_raw_is_plain_data_all_the_way_down():
    assert (
        CHAT.choices[0].message.content == "Hello"
    )  # reading converts the nested objects to records
    assert CHAT.raw == {"choices": [{"message": {"role": "assistant", "content": "Hello"}}]}
    assert type(CHAT.raw["choices"][0]["message"]) is dict
    rows = Elements([TextClassificationOutputElement(label="good", score=0.5)])
    assert rows.raw == [{"label": "good", "score": 0.5}]
    assert type(rows.raw[0]) is dict


def test_table_and_array():
    rows = Elements([TextClassificationOutputElement(label="good", score=0.5)])
    assert rows.table.to_dict("records") == rows.raw
    vector = to_embedding([1.0, 2.0])
    assert type(vector.array) is np.ndarray
    assert vector.array.tolist() == [1.0, 2.0]


def test_a_server_s_content_type_stays_inside_its_attribute() -> None:
    from hfwidgets.results.audio import player_html

    html = player_html(b"x", 'audio/wav" onerror="alert(1)', "audio", 1000)
    assert '" onerror' not in html
    assert "&quot; onerror" in html
