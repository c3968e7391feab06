"""%infer and %%infer in a shell without a front end, against the loopback server."""

import dataclasses
import json

import pandas as pd
import PIL.Image
import pytest
from IPython.core.error import UsageError
from IPython.utils.io import capture_output

from hfwidgets import notebook
from hfwidgets.errors import (
    AuthenticationError,
    MissingFileError,
    OutputError,
    UnknownProviderError,
)
from hfwidgets.magics.render import extract_code
from tests.magics import conftest
from tests.plugins.waiting import until


@pytest.fixture
def run(shell, loopback):
    """Runs a cell magic; the text that it printed comes back."""

    def cell(line, prompt="Hi"):
        with capture_output() as captured:
            shell.run_cell_magic("infer", f"{loopback.url} {line}", prompt)
        return captured.stdout

    return cell


def shown(shell, loopback, line, prompt="Hi"):
    """The bundle that a front end would be given at the end."""
    line = f"{loopback.url} {line}"
    return conftest.last_output(shell, line, prompt).data


@pytest.mark.parametrize(
    ("form", "answer", "plain", "html"),
    [
        ("auto", "**b** <i>", "**b** <i>", "<strong>b</strong> &lt;i&gt;"),
        ("markdown", "# T", "# T", "<h1>T</h1>"),
        ("text", "**b**\n<i>", "**b**\n<i>", "**b**\n&lt;i&gt;"),
        ("json", '```json\n{"a":1}\n```', '{\n  "a": 1\n}', "<pre"),
        ("table", '[{"a": 1, "b": "<"}]', "a  b\n1  <", "&lt;</td>"),
        ("math", "\\frac{a}{b}", "\\frac{a}{b}", "frac{a}{b}"),
        (
            "html",
            "<b>x</b><script>alert(1)</script><img src=x onerror=y>",
            None,
            '"><b>x</b><div ',
        ),
        ("code", "Say:\n```python\nx = 1\n```", "x = 1", "<pre"),
    ],
)
def test_formats(shell, loopback, form, answer, plain, html):
    loopback.pieces = [answer]
    data = shown(shell, loopback, f"-f {form}")
    assert data["text/plain"] == (answer if plain is None else plain)
    assert html in data["text/html"]
    assert "<script" not in data["text/html"]


def test_raw_is_the_answer_as_json(shell, loopback):
    data = json.loads(shown(shell, loopback, "-f raw")["text/plain"])
    assert data["choices"][0]["message"]["content"] == loopback.text


def test_a_terminal_prints_an_answer_once(run, loopback):
    loopback.pieces = ["[1,", "2]"]
    assert run("-f json") == "[\n  1,\n  2\n]\n"


def test_a_server_that_refuses_to_count_tokens_gets_a_second_request(run, loopback):
    loopback.refuses = "stream_options"
    assert run("") == "Hello, **world**.\n"
    assert ["stream_options" in body for body in loopback.bodies] == [True, False]


@pytest.mark.parametrize("form", ["json", "table"])
def test_an_answer_without_the_form_is_an_error_and_still_assigned(shell, loopback, run, form):
    with pytest.raises(OutputError, match="not JSON"):
        run(f"-f {form} -o kept")
    assert shell.user_ns["kept"].text == loopback.text


def test_verbose_shows_tokens_and_times(run):
    text = run("-v")
    assert "first token after" in text
    assert "3 tokens in, 5 out" in text
    assert "first token after" not in run("")


def test_quiet_shows_nothing_and_assigns_the_answer(shell, loopback, run):
    assert run("-q") == ""
    assert shell.user_ns["_"].text == loopback.text


def test_a_terminal_gets_plain_text(run, loopback):
    loopback.pieces = ["one ", "two\x1b[31m", "\x07 three"]
    assert run("") == "one two[31m three\n"


def test_an_answer_without_stream(run, loopback):
    assert run("--no-stream") == "Hello, **world**.\n"
    assert loopback.bodies[0].get("stream") in (None, False)


def test_a_timeout_is_the_calls_budget(run, loopback):
    loopback.hold = True
    with pytest.raises(TimeoutError):
        run("--timeout 0.3")


def test_a_conversation_waits_for_its_answer_in_the_background(shell, loopback, run):
    loopback.hold = True
    run("-o first --bg -c talk", "one")
    with pytest.raises(UsageError, match="waits for the answer of run 1"):
        run("-c talk", "two")
    loopback.hold = False
    assert shell.user_ns["first"].result(20).text == loopback.text
    run("-c talk", "two")
    said = [message["content"] for message in notebook.current_session().chats["talk"]]
    assert said == ["one", loopback.text, "two", loopback.text]


def test_a_stopped_answer_in_the_background_stays_in_its_conversation(shell, loopback, run):
    loopback.hold = True
    run("-o first --bg -c talk", "one")
    first = shell.user_ns["first"]
    until(first._get_partial, "a first piece")
    first.stop()
    answered = until(lambda: notebook.current_session().chats.get("talk"), "the conversation")
    assert [message["content"] for message in answered] == ["one", loopback.pieces[0]]


def test_an_error_in_the_background_is_one_message_too(shell, loopback, run):
    loopback.status = 401
    run("-o failed --bg")
    with pytest.raises(AuthenticationError) as caught:
        shell.user_ns["failed"].result(20)
    [line] = caught.value._render_traceback_()
    assert "on strike" in line


def test_another_task_shows_its_own_view(shell, loopback):
    loopback.answer = [{"label": "good", "score": 0.75}]
    data = shown(shell, loopback, "-t text-classification -o found", "Fine.")
    assert "good" in data["text/html"]
    assert shell.user_ns["found"][0].label == "good"
    assert loopback.bodies == [{"inputs": "Fine.", "parameters": {}}]


def test_text_views_of_other_results_are_refused(shell, loopback, run):
    loopback.answer = [{"label": "good", "score": 0.75}]
    with pytest.raises(OutputError, match="is not text"):
        run("-t text-classification -f markdown")


@dataclasses.dataclass
class City:
    name: str
    people: int


def test_a_reply_of_a_shape_becomes_an_object(shell, loopback):
    shell.push({"City": City})
    loopback.pieces = ['{"name": "Brest",', ' "people": 139456}']
    data = shown(shell, loopback, "--schema $City -o city")
    assert shell.user_ns["city"] == City("Brest", 139456)
    assert json.loads(data["text/plain"])["name"] == "Brest"
    asked = loopback.bodies[0]["response_format"]
    assert asked["json_schema"]["schema"]["required"] == ["name", "people"]


def test_a_reply_becomes_a_table(shell, loopback):
    shell.push({"wanted": pd.DataFrame({"name": ["x"], "people": [1]})})
    loopback.pieces = ['{"rows": [{"name": "Brest", "people": 139456}]}']
    data = shown(shell, loopback, "--schema $wanted -o cities")
    assert shell.user_ns["cities"].to_dict("records") == [{"name": "Brest", "people": 139456}]
    assert "<table>" in data["text/html"]


def test_values_reach_the_server_but_secrets_do_not(shell, loopback, run):
    shell.push({"word": "hello", "SECRET_TOKEN": "x"})
    run("", "say {{ word }}")
    assert loopback.bodies[0]["messages"][0]["content"] == "say hello"
    with pytest.raises(UsageError, match="secret"):
        run("", "say {{ SECRET_TOKEN }}")
    assert len(loopback.requests) == 1


def test_a_missing_file_is_named_as_it_was_written(run):
    with pytest.raises(MissingFileError, match=r"There is no file 'nowhere\.png'"):
        run("-i nowhere.png")


def test_an_image_reaches_the_server(shell, loopback, run):
    shell.push({"picture": PIL.Image.new("RGB", (2, 2))})
    run("-i $picture", "See")
    said, part = loopback.bodies[0]["messages"][0]["content"]
    assert said["text"] == "See"
    assert part["image_url"]["url"].startswith("data:image/png;base64,iVBOR")


def test_the_last_error_can_be_shown(shell, loopback, run):
    shell.run_cell("def broken():\n    return 1 / 0\nbroken()")
    run("", "Why? {{ err }}")
    assert "ZeroDivisionError" in loopback.bodies[0]["messages"][0]["content"]


def test_the_machine_s_token_is_not_sent_to_another_host(monkeypatch, loopback, run):
    monkeypatch.setenv("HF_TOKEN", "hf_" + "c" * 34)
    run("")
    assert "hf_c" not in str(loopback.headers)


def test_an_unknown_provider_is_named_with_the_nearest(shell):
    with pytest.raises(UnknownProviderError, match="'local'"):
        shell.run_cell_magic("infer", "-p locl -m a/b", "Hi")


def test_a_panel_opens_with_all_options(shell, loopback):
    line = "-s 'be brief' --temperature 0.5 --panel -q -o opened"
    shell.run_cell_magic("infer", f"{loopback.url} {line}", "Say it")
    panel = shell.user_ns["opened"]
    assert (panel.model, panel.system) == (loopback.url, "be brief")
    assert panel.parameters == {"temperature": 0.5}
    assert panel._hfw_mirror.get("draft")["text"] == "Say it"
    assert loopback.requests == []


def test_output_metadata_holds_no_input(shell, loopback):
    line = f"{loopback.url} --seed 3 -P stop=END"
    last = conftest.last_output(shell, line, "Private words")
    kept = last.metadata["hfwidgets"]
    assert kept["params"] == {"stop": "END", "seed": 3}
    assert "Private" not in json.dumps(kept)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x = 1\n", "x = 1"),
        ("a\n```py\nx\n```\nb\n~~~\ny\n~~~", "x\n\ny"),
        ("````md\n```py\nx\n```\n````", "```py\nx\n```"),
        ("``` unclosed\nx", "``` unclosed\nx"),
    ],
)
def test_code_is_extracted_from_its_fences(text, code):
    assert extract_code(text) == code
