"""Words of a magic line: their texts, their places, and quotes that stay open."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfwidgets.magics.tokenizer import (
    iter_words,
    quote_word,
    read_word,
    skip_blanks,
    strip_quotes,
)

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


@pytest.mark.parametrize(
    ("line", "text", "end"),
    [
        ("'open", "open", 5),
        ("'", "", 1),
        ('"open \\" still', 'open " still', 14),
        ('"', "", 1),
        ('"a\\', "a\\", 3),
        ("a'b c", "ab c", 5),
        ("a\\", "a", 2),
        ("'closed'\"open", "closedopen", 13),
    ],
)
def test_a_quote_that_stays_open_takes_the_rest_of_the_line(line, text, end):
    word = read_word(line)
    assert word is not None
    assert (word.text, word.start, word.end, word.is_quoted, word.is_closed) == (
        text,
        0,
        end,
        True,
        False,
    )


@pytest.mark.parametrize(
    ("line", "text", "end"),
    [
        ("'' x", "", 2),
        ("'a' x", "a", 3),
        ("a'b' x", "ab", 4),
        ("a\\ b x", "a b", 4),
        ('"a b" x', "a b", 5),
        ("'open'ed x", "opened", 8),
    ],
)
def test_a_quoted_word_is_marked_and_ends_after_its_quote(line, text, end):
    word = read_word(line)
    assert word is not None
    assert (word.text, word.end, word.is_quoted, word.is_closed) == (text, end, True, True)


def test_a_bare_word_is_not_quoted():
    word = read_word("  a-b=c  d", 1)
    assert word is not None
    assert (word.text, word.start, word.end, word.is_quoted, word.is_closed) == (
        "a-b=c",
        2,
        7,
        False,
        True,
    )
    assert read_word("a b", 1).text == "b"
    assert read_word("a  ", 1) is None
    assert read_word("", 0) is None


def test_blanks_are_skipped_up_to_the_end():
    assert skip_blanks("a \t\n b", 1) == 5
    assert skip_blanks("a b", 0) == 0
    assert skip_blanks("   ", 0) == 3
    assert skip_blanks("", 0) == 0


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("plain", "plain"),
        ("", '""'),
        ("a b", '"a b"'),
        ("it's", '"it\'s"'),
        ('a"b', '"a\\"b"'),
        ("a\\b", '"a\\\\b"'),
        ("a\tb", '"a\tb"'),
        ("$x=1", "$x=1"),
    ],
)
def test_a_text_is_quoted_only_where_it_must_be(text, quoted):
    assert quote_word(text) == quoted


@pytest.mark.parametrize(
    "text", ["", "a", "'", "ab", "'a", "a'", "'a\"", "'it's'", '"a\\', "'a\\'", "'a' 'b'"]
)
def test_a_text_without_one_surrounding_pair_stays(text):
    assert strip_quotes(text) == text


def test_an_escaped_quote_inside_does_not_end_the_pair():
    assert strip_quotes("''") == ""
    assert strip_quotes("'a\\'b'") == "a\\'b"
    assert strip_quotes('"a\\\\"') == "a\\\\"
    assert strip_quotes("'line\nbreak'") == "line\nbreak"
