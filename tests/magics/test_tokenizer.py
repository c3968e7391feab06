import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfwidgets.magics.tokenizer import iter_words, quote_word, read_word, strip_quotes

LINES = st.text(alphabet=" \tab'\"\\-=$é\n", max_size=30)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", []),
        ("  ", []),
        ("a b", ["a", "b"]),
        ("-P stop='a b' c", ["-P", "stop=a b", "c"]),
        ('-P stop="a \\" b"', ["-P", 'stop=a " b']),
        ("a\\ b c", ["a b", "c"]),
        ("'a\\b'", ["a\\b"]),
        ('"a\\nb"', ["a\\nb"]),
        ("''", [""]),
        ("a'b'\"c\"d", ["abcd"]),
        ("# no comment", ["#", "no", "comment"]),
    ],
)
def test_words_are_those_of_a_posix_shell(line, expected):
    assert [word.text for word in iter_words(line)] == expected == shlex.split(line)


@given(LINES)
def test_any_line_is_split_as_shlex_splits_it(line):
    found = list(iter_words(line))
    try:
        expected = shlex.split(line)
    except ValueError:
        assert not found[-1].is_closed or line.endswith("\\")
    else:
        assert [word.text for word in found] == expected
        assert all(word.is_closed for word in found)


@given(LINES)
def test_positions_cover_the_line_without_its_blanks(line):
    at = 0
    for word in iter_words(line):
        assert line[at : word.start].strip() == ""
        assert word.start < word.end
        at = word.end
    assert line[at:].strip() == ""


@given(st.text(max_size=20))
def test_a_quoted_text_is_read_back_as_one_word(text):
    word = read_word(quote_word(text))
    assert word is not None
    assert (word.text, word.is_closed, word.end) == (text, True, len(quote_word(text)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"what now"', "what now"),
        ("'what now'", "what now"),
        ("what's up", "what's up"),
        ('"a" or "b"', '"a" or "b"'),
        ('"', '"'),
        ('"it\'s"', "it's"),
        ("  spaced  ", "spaced"),
        ('"ends with \\"', '"ends with \\"'),
        ('"say \\"hi\\" now"', 'say \\"hi\\" now'),
    ],
)
def test_one_surrounding_pair_of_quotes_is_removed(text, expected):
    assert strip_quotes(text) == expected
