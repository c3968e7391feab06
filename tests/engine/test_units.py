"""Parts of the engine that need no weights."""

from typing import Any

import pytest

from hfwidgets.engine.base import schema, scores
from hfwidgets.engine.base.http_errors import RefusedError
from hfwidgets.engine.base.sampling import (
    GREEDY_TEMPERATURE,
    VARIED_TEMPERATURE,
    SamplingParameters,
)
from hfwidgets.engine.base.sentences import split_sentences
from hfwidgets.engine.chat.completions import CompletionBody
from hfwidgets.engine.chat.messages import (
    SYSTEM_PROMPT,
    ChatMessage,
    ToolCall,
    ToolFunction,
    last_user_text,
    to_template_messages,
)
from hfwidgets.engine.text import translate
from hfwidgets.engine.text.spans import find_spans

TEXT = "Dr. A. Reed met Mrs. Poe in St. Ives at 9.30. They spoke (briefly). Was it cold? It was."


def test_sentence_boundaries() -> None:
    found = split_sentences(TEXT)
    assert [sentence.text for sentence in found] == [
        "Dr. A. Reed met Mrs. Poe in St. Ives at 9.30.",
        "They spoke (briefly).",
        "Was it cold?",
        "It was.",
    ]
    assert all(TEXT[one.start :].startswith(one.text) for one in found)
    assert [one.text for one in split_sentences("First\n\nSecond\n- a point")] == [
        "First",
        "Second",
        "- a point",
    ]
    assert split_sentences(" \n ") == []


@pytest.mark.parametrize(
    ("question", "wanted", "unwanted"),
    [
        ("Who opened it?", "Anna Berg", "1932"),
        ("When was it opened?", "1932", "Anna Berg"),
        ("How long is it?", "503 metres", "Anna Berg"),
        ("What is made of steel?", "bridge", "steel"),
    ],
)
def test_spans_match_the_kind_of_question(question: str, wanted: str, unwanted: str) -> None:
    text = "The bridge was opened in 1932 by Anna Berg. It is 503 metres long, all of steel."
    found = find_spans(split_sentences(text), question, 4)
    texts = {span.text for span in found}
    assert wanted in texts
    assert unwanted not in texts
    assert all(text[span.start : span.end] == span.text for span in found)
    assert all(len(span.text.split()) <= 4 for span in found)


def test_schemas_are_bounded() -> None:
    loose = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "kind": {"enum": ["a", "b"]},
            "long": {"type": "string", "minLength": 500},
            "list": {"type": "array", "items": {"$ref": "#/$defs/part"}},
        },
        "$defs": {"part": {"anyOf": [{"type": ["string", "null"]}, {"type": "integer"}]}},
    }
    assert schema.tighten_schema(loose) == {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "name": {"type": "string", "maxLength": 200},
            "kind": {"enum": ["a", "b"]},
            "long": {"type": "string", "minLength": 500, "maxLength": 500},
            "list": {"type": "array", "items": {"$ref": "#/$defs/part"}, "maxItems": 32},
        },
        "$defs": {
            "part": {"anyOf": [{"type": ["string", "null"], "maxLength": 200}, {"type": "integer"}]}
        },
    }
    assert "maxLength" not in loose["properties"]["name"], "the caller's own schema stays as it is"  # type: ignore[index]
    assert schema.tighten_schema(True) is True


def test_conversations_for_the_template() -> None:
    call = ToolCall(ToolFunction("get_weather", arguments='{"city": "Rome"}'), id="1")
    messages = [
        ChatMessage("user", "Weather in Rome?"),
        ChatMessage("assistant", tool_calls=[call]),
        ChatMessage("tool", "Sunny.", tool_call_id="1"),
    ]
    assert to_template_messages(messages) == [
        {"role": "system", "content": SYSTEM_PROMPT},
        {"role": "user", "content": "Weather in Rome?"},
        {"role": "assistant", "content": 'get_weather({"city": "Rome"})'},
        {"role": "user", "content": "The result of the function call is: Sunny."},
    ]
    assert last_user_text(messages) == "Weather in Rome?"
    own = to_template_messages([ChatMessage("developer", "Be brief."), ChatMessage("user", "Hi")])
    assert own[0] == {"role": "system", "content": "Be brief."}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, GREEDY_TEMPERATURE),
        ({"seed": 3}, VARIED_TEMPERATURE),
        ({"n": 2}, VARIED_TEMPERATURE),
        ({"temperature": 0.0, "n": 2}, 0.0),
        ({"temperature": 1.3}, 1.3),
    ],
)
def test_temperature(settings: dict[str, Any], expected: float) -> None:
    assert SamplingParameters(**settings).to_llama_settings()["temperature"] == expected


def test_seeds() -> None:
    assert [
        SamplingParameters(seed=7, n=2).to_llama_settings(index)["seed"] for index in range(2)
    ] == [7, 8]
    assert SamplingParameters(seed=2**70).to_llama_settings()["seed"] < 2**32
    assert (
        SamplingParameters().to_llama_settings()["seed"]
        != SamplingParameters().to_llama_settings()["seed"]
    )


def test_conflicting_completion_settings() -> None:
    with pytest.raises(RefusedError, match="echo"):
        CompletionBody(prompt="x", echo=True, logprobs=1).expand_prompts()
    assert CompletionBody(prompt=["a", "b"], n=2).expand_prompts() == [
        ("a", 0),
        ("a", 1),
        ("b", 0),
        ("b", 1),
    ]


def test_translation_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translate, "list_pairs", lambda: ["eng-spa", "spa-eng"])
    assert translate._choose_pair(None, None) == "eng-spa"
    assert translate._choose_pair("es_XX", "en") == "spa-eng"
    assert translate._choose_pair("eng_Latn", "spa_Latn") == "eng-spa"
    with pytest.raises(RefusedError, match="both src_lang and tgt_lang"):
        translate._choose_pair("en", None)
    with pytest.raises(RefusedError, match="eng-deu"):
        translate._choose_pair("en", "de")


def test_translation_needs_apertium(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translate, "list_pairs", list)
    assert translate.explain_missing_apertium() == "Apertium is not installed on this machine"


def test_scores_of_extreme_outputs() -> None:
    """A network that is very sure neither overflows nor divides by zero."""
    rows = scores.rank_labels(("no", "yes"), (-2000, 2000), "sigmoid")
    assert [(row["label"], row["score"]) for row in rows] == [("yes", 1), ("no", 0)]
    assert scores.rank_labels(("a", "b"), (2000, -2000), "softmax", 1) == [
        {"label": "a", "score": 1}
    ]
