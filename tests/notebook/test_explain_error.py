"""%hf explain: a model explains the last error, or fixes its cell."""

import sys

import pytest

from hfwidgets import notebook
from hfwidgets.errors import ConfigurationError, OutputError
from tests.plugins.loopback import chat_answer

MENDED = "The name was misspelt.\n\n```python\nprint(number)\n```\n"
TOKEN = "hf_" + "y" * 34


@pytest.fixture
def failed(shell, net, capsys):
    """Run a failing cell and return what the model was then asked."""

    def run(cell, answer=MENDED, line="--fix"):
        net.post("there.test/v1/chat/completions", chat_answer(answer))
        shell.run_cell(cell, store_history=True)
        shell.run_line_magic("hf", f"explain {line} -m https://there.test/v1")
        capsys.readouterr()
        return net.seen[-1].json()["messages"][-1]["content"]

    return run


def test_the_model_gets_the_error_and_its_cell(failed):
    asked = failed("number = 1\nprint(nubmer)", line="")
    assert "```python\nnumber = 1\nprint(nubmer)\n```" in asked
    assert "NameError: name 'nubmer' is not defined" in asked
    assert "what went wrong" in asked


def test_the_fixed_cell_is_inserted_below(failed, shell, monkeypatch):
    put = []
    monkeypatch.setattr(shell, "set_next_input", lambda code, replace: put.append((code, replace)))
    assert "```python block" in failed("print(nubmer)")
    assert put == [("print(number)", False)]


def test_the_same_cell_again_is_refused():
    answer = "It fails.\n```python\n1 / 0\n```"
    assert notebook.first_code_block(answer, "1 / 1") == "1 / 0"
    with pytest.raises(OutputError, match="repeats the same cell"):
        notebook.first_code_block(answer, "1 / 0\n")


def test_an_answer_without_code_is_refused(failed):
    with pytest.raises(OutputError, match="contains no code"):
        failed("print(nubmer)", answer="I do not know.")


def test_syntax_errors_and_older_cells_are_found(failed, shell):
    assert "for x in :" in failed("for x in :\n    pass", line="")
    shell.run_cell("def broken():\n    return 1 / 0", store_history=True)
    asked = failed("broken()", line="")
    assert "ZeroDivisionError" in asked
    assert "broken()" in asked


def test_tokens_are_masked(failed):
    asked = failed(f"key = '{TOKEN}'\nraise ValueError(key)", line="")
    assert TOKEN not in asked


def test_a_failed_call_is_explained_too(failed, shell, net):
    asked = failed("%infer -m https://there.test/v1 --temprature 1 x", line="")
    assert "Unknown option '--temprature'" in asked
    assert "%infer -m https://there.test/v1 --temprature 1 x" in asked


def test_without_an_error_there_is_nothing_to_explain(shell, monkeypatch):
    monkeypatch.delattr(sys, "last_value", raising=False)
    with pytest.raises(ConfigurationError, match="no error yet"):
        notebook.explain()


def test_the_function_does_what_the_command_does(shell, net, monkeypatch):
    net.post("there.test/v1/chat/completions", chat_answer(MENDED))
    shell.run_cell("print(nubmer)", store_history=True)
    put = []
    monkeypatch.setattr(shell, "set_next_input", lambda code, replace: put.append(code))
    assert notebook.explain(fix=True, model="https://there.test/v1") == MENDED
    assert put == ["print(number)"]
