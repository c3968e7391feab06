"""Magics that code runs: the local variables they see, and the values they return."""

import json
from typing import Any

import pytest
from IPython.core.error import UsageError
from IPython.utils.io import capture_output


@pytest.fixture
def cell(shell, loopback):
    """Run a cell's code, in which URL is the server; return what it prints."""
    shell.push({"URL": loopback.url})

    def run(code: str) -> str:
        with capture_output() as captured:
            result = shell.run_cell(code)
        result.raise_error()
        return str(captured.stdout)

    return run


def prompts(loopback) -> list[Any]:
    return [body["messages"][-1]["content"] for body in loopback.bodies]


def test_locals_win_over_globals_of_the_same_name(cell, loopback):
    cell(
        "q = 'global'\n"
        "def ask(q):\n"
        "    answer = %infer -m $URL {{ q }}\n"
        "    return answer.text\n"
        "text = ask('local')\n"
        "%infer -q -m $URL {{ q }}"
    )
    assert prompts(loopback) == ["local", "global"]


@pytest.mark.parametrize(
    ("line", "place", "expected"),
    [
        ("-m $URL -s $it hi", ("messages", 0, "content"), "LOCAL"),
        ("-m $URL -s '{{ it }}' hi", ("messages", 0, "content"), "LOCAL"),
        ("-m $URL -P user=$it hi", ("user",), "LOCAL"),
        ("-m $URL --params $options hi", ("user",), "LOCAL"),
        ("-m $URL --seed $number hi", ("seed",), 7),
        ("-m $URL {{ box['key'] }}", ("messages", 0, "content"), "LOCAL"),
        ("-m $URL {{ row.text }}", ("messages", 0, "content"), "LOCAL"),
        ("-m $URL --schema $shape hi", ("response_format", "json_schema", "name"), "LOCAL"),
        ("-m $address hi", ("messages", 0, "content"), "hi"),
    ],
)
def test_every_option_sees_local_variables(cell, shell, loopback, line, place, expected):
    loopback.pieces = ["{}"]
    names = {"it": "GLOBAL", "options": {"user": "GLOBAL"}, "number": 1, "box": {"key": "GLOBAL"}}
    shell.push({**names, "shape": {"title": "GLOBAL"}, "address": "http://127.0.0.1:9/v1"})
    cell(
        "import types\n"
        "def ask():\n"
        "    it, number, address = 'LOCAL', 7, URL\n"
        "    options, box, shape = {'user': it}, {'key': it}, {'title': it}\n"
        "    row = types.SimpleNamespace(text=it)\n"
        f"    %infer -q {line}\n"
        "ask()"
    )
    found = loopback.bodies[-1]
    for key in place:
        found = found[key]
    assert found == expected


def test_each_and_compare_see_local_variables(cell, loopback):
    cell(
        "def ask(words, models):\n"
        "    out = %infer -m $URL --each $words about {{ row }}\n"
        "    both = %infer --compare $models {{ words[0] }}\n"
        "    return out, both\n"
        "out, both = ask(['a', 'b'], [URL + '/x', URL + '/y'])\n"
    )
    assert sorted(prompts(loopback)) == ["a", "a", "about a", "about b"]


def test_methods_nested_functions_and_loops_see_their_own_variables(cell, loopback):
    cell(
        "class Asker:\n"
        "    word = 'attribute'\n"
        "    def ask(self):\n"
        "        %infer -q -m $URL {{ self.word }}\n"
        "        for word in ('first', 'second'):\n"
        "            %infer -q -m $URL {{ word }}\n"
        "        def inner(word):\n"
        "            %infer -q -m $URL {{ word }}\n"
        "        inner('inner')\n"
        "Asker().ask()"
    )
    assert prompts(loopback) == ["attribute", "first", "second", "inner"]


def test_a_cell_magic_that_a_function_runs_sees_its_variables(cell, loopback):
    cell(
        "q = 'global'\n"
        "def ask(q):\n"
        "    return get_ipython().run_cell_magic('infer', URL, 'Say {{ q }}')\n"
        "answer = ask('local')\n"
    )
    assert prompts(loopback) == ["Say local"]


def test_a_missing_name_suggests_local_ones(cell):
    with pytest.raises(UsageError, match="Did you mean 'question'"):
        cell("def ask(question):\n    %infer -m $URL {{ quesion }}\nask('x')")


def test_the_last_error_and_globals_stay_visible_in_functions(cell, shell, loopback):
    shell.push({"outside": "here"})
    cell("def ask(x):\n    %infer -q -m $URL {{ outside }} {{ x }}\nask('too')")
    assert prompts(loopback) == ["here too"]


def test_a_secret_in_a_local_variable_is_refused(cell, loopback):
    with pytest.raises(UsageError, match="secret"):
        cell("def ask(api_key):\n    %infer -m $URL {{ api_key }}\nask('x')")
    assert loopback.requests == []


def test_run_cell_magic_returns_what_the_line_magic_returns(shell, loopback):
    line = f"-m {loopback.url}"
    with capture_output() as captured:
        from_line = shell.run_line_magic("infer", f"{line} hi")
        from_cell = shell.run_cell_magic("infer", line, "hi")
        found = [shell.run_cell_magic("infer", line, word) for word in ("a", "b")]
    assert from_line.text == from_cell.text == loopback.text
    assert [answer.text for answer in found] == [loopback.text] * 2
    assert captured.stdout == ""


def test_run_cell_magic_as_a_statement_shows_its_answer(shell, loopback):
    with capture_output() as captured:
        shell.run_cell_magic("infer", f"-m {loopback.url}", "hi")
    assert loopback.text in captured.stdout


def test_run_cell_magic_assigns_its_variable_and_returns_the_value(shell, loopback):
    answer = shell.run_cell_magic("infer", f"kept << {loopback.url}", "hi")
    assert shell.user_ns["kept"] is answer


@pytest.mark.parametrize("options", ["", "-f json", "--compare $models"])
def test_a_captured_cell_holds_one_final_form(cell, shell, loopback, options):
    """As a front end with a kernel shows it; each step of a stream would be one more output."""
    loopback.pieces, loopback.pause = [json.dumps({"a": 1})[at] for at in range(8)], 0.15
    shell.push({"models": [f"{loopback.url}/x", f"{loopback.url}/y"]})
    shell.kernel = None
    try:
        model = "" if "compare" in options else loopback.url
        cell(f"%%capture shown\nget_ipython().run_cell_magic('infer', '{model} {options}', 'hi')")
    finally:
        del shell.kernel
    [output] = shell.user_ns["shown"].outputs
    assert "…" not in output.data["text/plain"]
    assert output.metadata["hfwidgets"]
