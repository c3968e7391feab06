import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.error import UsageError

from hfwidgets.magics.options import (
    FLAGS,
    FLAGS_BY_NAME,
    format_infer_help,
    parse_cell_magic,
    parse_line_magic,
)

VARIABLES = {"t": 0.5, "n": 3, "name": "org/model", "flag": True, "labels": ["a", "b"]}


def line(text):
    return parse_line_magic(text, VARIABLES.__getitem__)


def cell(text, body="hi"):
    return parse_cell_magic(text, body, VARIABLES.__getitem__)


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("what's up?", "what's up?"),
        ("-m small what's up?", "what's up?"),
        ('-m small "what is this?"', "what is this?"),
        ("-t chat-completion # no comment; {x} $y", "# no comment; {x} $y"),
        ("-- -m is a flag", "-m is a flag"),
        ("-m a -- -5", "-5"),
        ("-5 + 3 is what", "-5 + 3 is what"),
        ("- an item", "- an item"),
        ("say -m loud", "say -m loud"),
        ("-m a   two  spaces   stay ", "two  spaces   stay"),
        ("", ""),
    ],
)
def test_the_rest_of_a_line_is_the_prompt_verbatim(text, prompt):
    assert line(text).prompt == prompt


def test_options_are_parsed_with_quotes():
    options = line("-P stop='a b' --param=x=1 -s \"be brief\" --top-p=.9 -n go")
    assert options.values == {
        "param": ["stop=a b", "x=1"],
        "system": "be brief",
        "top_p": 0.9,
        "dry_run": True,
    }
    assert options.prompt == "go"


def test_variables_are_replaced_by_their_values():
    options = line("--temperature $t --seed $n -m $name --labels $labels go")
    assert options.values == {
        "temperature": 0.5,
        "seed": 3,
        "model": "org/model",
        "labels": ["a", "b"],
    }


@pytest.mark.parametrize(
    ("text", "var", "silent", "model"),
    [
        ("", None, False, None),
        ("answer <<", "answer", True, None),
        ("answer= << small", "answer", False, "small"),
        ("answer = << -t summarization small", "answer", False, "small"),
        ("  x << -m small", "x", True, "small"),
        ("org/model:together -n", None, False, "org/model:together"),
        ("-n org/model -v", None, False, "org/model"),
        ("-o y small", "y", False, "small"),
    ],
)
def test_a_cell_line_has_a_variable_and_a_model(text, var, silent, model):
    options = cell(text)
    assert (options.target_name, options.is_silent, options["model"]) == (var, silent, model)


def test_a_cell_body_is_the_prompt_verbatim():
    assert cell("", "\n -m 'x' {{ y }} #\n\n").prompt == " -m 'x' {{ y }} #"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("--temprature 1 x", "Did you mean '--temperature'"),
        ("--tas x y", "Did you mean '--task'"),
        ("-x y", "Unknown option '-x'"),
        ("-m", "-m needs a value: -m MODEL"),
        ("-m -t x", "-m needs a value"),
        ("--temperature warm x", "--temperature must be a number, not 'warm'"),
        ("--max-tokens 1.5 x", "must be a number"),
        ("--seed $name x", "--seed must be a number; $name is a str"),
        ("--seed $flag x", "--seed must be a number; $flag is a bool"),
        ("-m $n x", "--model must be text; $n is an int"),
        ("-f markdwon x", "Did you mean 'markdown'"),
        ("-n=yes x", "-n is a switch"),
        ("-m a -m b x", "--model is passed twice"),
        ("-s 'open", "never closed"),
        ("-o 2x y", "must be the name of a variable"),
        ("--new --no-history x", "not both"),
        (f"-m hf_{'x' * 30} hi", "value of --model looks like a token"),
        (f"-P user=sk-{'x' * 30} hi", "value of --param looks like a token"),
        ("-c talk --no-history x", "not both"),
        ("--panel --bg x", "Pass either"),
        ("--panel --cache x", "Pass either"),
        ("--bg --insert x", "Pass either"),
        ("--bg -f json x", "Pass either"),
        ("--each $name -v x", "Pass either"),
    ],
)
def test_errors_of_a_line_name_the_cause(text, message):
    with pytest.raises(UsageError) as caught:
        line(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("small also this", "names a model already"),
        ("x << -o y", "Two variables"),
        ("x << --oops", "--oops"),
        ("1a << small", "Expected a variable name before <<, not '1a'"),
    ],
)
def test_errors_of_a_cell_line_name_the_cause(text, message):
    with pytest.raises(UsageError) as caught:
        cell(text)
    assert message in str(caught.value)


def test_help_lists_every_option():
    text = format_infer_help()
    assert all(name in text for name in FLAGS_BY_NAME)
    assert text.startswith("%%infer [VAR <<")


def test_no_two_options_share_a_name():
    names = [name for flag in FLAGS for name in flag.names]
    assert len(names) == len(set(names)) == len(FLAGS_BY_NAME)


@given(st.text(max_size=40).filter(lambda text: not text.strip().startswith("-")))
def test_a_prompt_without_a_dash_has_no_options(text):
    assert line(text).values == {}


@given(st.text(max_size=60))
def test_any_line_is_parsed_or_refused(text):
    refusals = UsageError, KeyError  # KeyError: a variable that is not there
    with contextlib.suppress(*refusals):
        assert line(text).prompt in text
    with contextlib.suppress(*refusals):
        assert cell(text).prompt == "hi"
