import dataclasses

import pandas as pd
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.error import UsageError

from hfwidgets.magics.variables import (
    MAX_DATA,
    MAX_REPR,
    fill_variables,
    is_secret_like,
    resolve_path,
    to_prompt_text,
)
from hfwidgets.results.chat import ChatCompletionOutput

TOKEN = "hf_" + "a" * 34


@dataclasses.dataclass
class Point:
    x: int
    y: int


class Described:
    def __llm__(self):
        return "a described thing"


NAMES = {
    "word": "hello",
    "number": 3,
    "rows": [{"a": 1}, {"a": 2}],
    "table": {"k-1": "v", "deep": {"x": "found"}},
    "point": Point(1, 2),
    "i": 1,
    "_": "last",
    "MY_TOKEN": "abc",
    "innocent": TOKEN,
    "env": {"HF_TOKEN": "abc"},
    "braces": "{{ word }}",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("say {{ word }}!", "say hello!"),
        ("{{word}}{{ number }}", "hello3"),
        ("{{ rows[0].a }}", None),
        ("{{ rows[0]['a'] }} {{ rows[-1]['a'] }} {{ rows[i]['a'] }}", "1 2 2"),
        ("{{ table['deep']['x'] }}", "found"),
        ("{{ point.x }}", "1"),
        ("{{ _ }}", "last"),
        ("{word} { number } {}", "{word} { number } {}"),
        ("{{ word", "{{ word"),
        ("$word", "$word"),
        ("{{ braces }}", "{{ word }}"),
    ],
)
def test_double_braces_are_replaced_by_values(text, expected):
    if expected is None:
        with pytest.raises(UsageError, match="has no attribute 'a'"):
            fill_variables(text, NAMES)
    else:
        assert fill_variables(text, NAMES) == expected


@pytest.mark.parametrize(
    "path",
    ["f()", "1 + 1", "[x for x in rows]", "word if i else i", "lambda: 1", "rows[0:1]", "", "a b",
     "word | upper", "point.__class__", "rows[f()]", "*rows", "'text'"],
)  # fmt: skip
def test_code_is_refused(path):
    with pytest.raises(UsageError, match="is not a name, attribute or index"):
        fill_variables("{{ " + path + " }}", NAMES)


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("wrod", "Did you mean 'word'"),
        ("point.z", "a Point has no attribute 'z'"),
        ("table['deeep']", "Did you mean 'deep'"),
        ("rows[7]", "list index out of range"),
        ("number[0]", "not subscriptable"),
    ],
)
def test_a_missing_name_is_an_error_with_the_nearest(path, hint):
    with pytest.raises(UsageError) as caught:
        resolve_path(path, NAMES)
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("MY_TOKEN", "has the name of a secret"),
        ("innocent", "contains what looks like a token"),
        ("env['HF_TOKEN']", "has the name of a secret"),
        ("point.api_key", "has the name of a secret"),
    ],
)
def test_secrets_are_refused_and_never_repeated(path, why):
    with pytest.raises(UsageError, match=why) as caught:
        fill_variables("{{ " + path + " }}", NAMES)
    assert TOKEN not in str(caught.value)


def test_a_secret_inside_a_structure_is_refused():
    with pytest.raises(UsageError, match="looks like a token"):
        fill_variables("{{ settings }}", {"settings": {"header": f"Bearer {TOKEN}"}})


@pytest.mark.parametrize("name", ["token_count", "max_tokens_used", "tokenizer", "key", "monkey"])
def test_harmless_names_pass(name):
    assert fill_variables("{{ " + name + " }}", {name: "fine"}) == "fine"


def test_harmless_texts_are_not_secrets():
    assert not is_secret_like("the hf_ prefix; sk-ill; token; a" * 100)


def test_values_are_formatted_by_type():
    assert to_prompt_text({"a": [1, "ü"]}) == '{\n  "a": [\n    1,\n    "ü"\n  ]\n}'
    assert to_prompt_text(Point(1, 2)) == '{\n  "x": 1,\n  "y": 2\n}'
    assert to_prompt_text(Described()) == "a described thing"
    assert to_prompt_text(None) == "None"
    assert to_prompt_text(2.5) == "2.5"
    assert to_prompt_text(ValueError("bad")) == "ValueError('bad')"


def test_an_answer_is_inserted_as_its_text():
    message = {"role": "assistant", "content": "the text"}
    assert to_prompt_text(ChatCompletionOutput(choices=[{"message": message}])) == "the text"


def test_a_table_is_inserted_by_its_head():
    frame = pd.DataFrame({"a": range(1000)})
    shown = to_prompt_text(frame)
    assert "(20 of 1,000 rows shown)" in shown
    assert len(shown.splitlines()) == 22
    assert to_prompt_text(frame.head(3)) == frame.head(3).to_string()
    assert "999" not in to_prompt_text(frame["a"])


def test_long_values_are_cut_with_a_note():
    assert "(shortened: 20,000 of" in to_prompt_text(["x"] * 10_000)[-60:]
    assert len(to_prompt_text(["x"] * 10_000)) < MAX_DATA + 100
    assert len(to_prompt_text(range(5))) < MAX_REPR


def test_an_image_becomes_an_attachment():
    picture = PIL.Image.new("RGB", (2, 2))
    taken = []
    text = fill_variables(
        "see {{ pic }}", {"pic": picture}, lambda value: taken.append(value) or "[1]"
    )
    assert (text, taken) == ("see [1]", [picture])
    with pytest.raises(UsageError, match="this text cannot contain"):
        fill_variables("{{ pic }}", {"pic": picture})


@given(st.text(max_size=50))
def test_any_value_is_inserted_verbatim(value):
    if not is_secret_like(value):
        assert fill_variables("<{{ x }}>", {"x": value}) == f"<{value}>"


@given(st.text(max_size=40))
def test_any_text_is_filled_or_refused(text):
    try:
        filled = fill_variables(text, NAMES)
    except UsageError:
        assert "{{" in text
    else:
        assert filled == text or "{{" in text
