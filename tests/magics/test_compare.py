"""--compare: the same input to several models."""

import pytest
from IPython.core.error import UsageError
from IPython.utils.io import capture_output

from hfwidgets import notebook
from hfwidgets.errors import AuthenticationError, ConfigurationError
from tests.magics.conftest import last_output


@pytest.fixture
def compare(shell, loopback):
    """Runs a comparison of models of the loopback server; result and shown bundle come back."""

    def run(*models, line="", prompt="Hi"):
        names = ",".join(f"{loopback.url}/{model}" for model in models)
        asked = f"out= << --compare {names} {line}"
        last = last_output(shell, asked, prompt)
        return shell.user_ns["out"], last.data

    return run


def test_models_get_the_same_input_and_appear_side_by_side(compare, loopback):
    loopback.pause = 0.02
    out, bundle = compare("a", "b", line="--temperature 0 -s Short.")
    assert [row.model.rpartition("/")[2] for row in out] == ["a", "b"]
    assert [row.answer for row in out] == [loopback.text] * 2
    first, second = loopback.bodies
    assert first["messages"] == second["messages"]
    assert first["temperature"] == second["temperature"] == 0
    assert all(0 < row.first_token_seconds < row.seconds for row in out)
    assert all(row.tokens == 5 and row.tokens_per_second > 0 for row in out)
    html = bundle["text/html"]
    assert html.count("<strong>world</strong>") == 2
    assert all('scope="col" style' in html and title in html for title in ("tokens/s", "total, s"))
    assert f"{loopback.url}/b" in bundle["text/plain"]
    frame = out.to_pandas()
    assert list(frame["answer"]) == [loopback.text] * 2
    assert frame["result"][0].usage.total_tokens == 8


def test_panel_opens_filled_with_the_call(shell, loopback):
    notebook.alias("short", "org/long:together")
    line = "panel << --compare short,local --panel -s Brief. --temperature 0 -p groq"
    shell.run_cell_magic("infer", line, "Hi")
    panel = shell.user_ns["panel"]
    assert panel.models == ["org/long:together", "local"]
    assert (panel.prompt, panel.system) == ("Hi", "Brief.")
    assert (panel.provider, panel.parameters) == ("groq", {"temperature": 0.0})
    assert not loopback.requests


def test_panel_opens_for_every_task(shell, loopback):
    shell.run_cell_magic("infer", "panel << --compare a,local --panel -t ner", "Ada in Rome")
    panel = shell.user_ns["panel"]
    assert (panel.task, panel.models) == ("token-classification", ["a", "local"])
    assert panel.inputs["text"] == "Ada in Rome"
    assert not loopback.requests


def test_a_provider_alone_chooses_its_model(shell, loopback):
    with capture_output():
        shell.run_cell_magic("infer", f"out << --compare local,{loopback.url} -n", "Hi")
    local, endpoint = shell.user_ns["out"]
    assert (local.provider, endpoint.provider) == ("local", "endpoint")


def test_one_failed_model_leaves_the_others(shell, loopback, compare):
    loopback.status = 401
    with pytest.raises(AuthenticationError):
        compare("a", "b")
    loopback.status = 200
    shell.push({"models": [loopback.url, "http://127.0.0.1:9/v1"]})
    shell.run_cell_magic("infer", "out << --compare $models", "Hi")
    good, bad = shell.user_ns["out"]
    assert good.answer == loopback.text
    assert bad.error
    assert bad.answer is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--compare a", "at least two"),
        ("--compare a,b -m c", "Pass either"),
        ("--compare a,b --bg", "Pass either"),
        ("--compare a,b -c talk", "Pass either"),
        ("--compare $number", "accepts a,b,c or a $list"),
    ],
)
def test_conflicting_options_are_errors(shell, line, message):
    shell.push({"number": 1})
    with pytest.raises(UsageError) as caught:
        shell.run_cell_magic("infer", line, "Hi")
    assert message in str(caught.value)


def test_a_dry_run_shows_every_request(shell, loopback):
    with capture_output():
        names = f"{loopback.url}/a,{loopback.url}/b"
        shell.run_cell_magic("infer", f"out << --compare {names} -n", "Hi")
    urls = [explained.url for explained in shell.user_ns["out"]]
    assert urls == [f"{loopback.url}/{model}/v1/chat/completions" for model in "ab"]
    assert loopback.requests == []


def test_text_tasks_compare_as_well(compare, loopback):
    loopback.answer = [{"label": "good", "score": 0.9}]
    out, bundle = compare("a", "b", line="-t text-classification", prompt="fine")
    assert out[0].result[0].label == "good"
    assert bundle["text/html"].count("1. 0.900") == 2
    assert "Both rank good first." in bundle["text/plain"]


def test_differences_are_marked_and_a_vote_is_kept(compare, loopback):
    def answer(path, _):
        label = "bad" if path.startswith("/model/b") else "good"
        return [{"label": label, "score": 0.9}]

    loopback.answer = answer
    out, bundle = compare("a", "b", line="-t text-classification", prompt="fine")
    good, bad = (row.model for row in out)
    assert f"First place: good ({good}), bad ({bad})." in bundle["text/plain"]
    assert "≠ good" in bundle["text/html"]
    out.vote(good)
    assert [row.vote for row in out] == ["better", None]
    assert out.to_pandas()["vote"][0] == "better"
    assert f"Vote: {good}" in repr(out)
    with pytest.raises(ConfigurationError, match="Did you mean"):
        out.vote(f"{good}x")


def test_replies_become_objects(compare, loopback, shell):
    loopback.pieces = ['{"a": 1}']
    shell.push({"shape": {"type": "object"}})
    out, _ = compare("a", "b", line="--schema $shape")
    assert [row.result for row in out] == [{"a": 1}] * 2


def test_a_key_in_an_address_is_not_shown_again(shell, loopback):
    shell.push({"models": [f"{loopback.url}?api_key=opaque0123456789", loopback.url]})
    line = "out= << --compare $models"
    last = last_output(shell, line, "Hi")
    first, second = shell.user_ns["out"]
    assert first.model == f"{loopback.url}?api_key=…"
    assert second.answer == loopback.text
    assert "opaque" not in str([last.data, last.metadata, shell.user_ns["out"]])
