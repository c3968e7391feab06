"""%hf and the functions behind it."""

import getpass
import json
import stat

import pytest
from IPython.core.error import UsageError

from hfwidgets import notebook
from hfwidgets.errors import ConfigurationError
from hfwidgets.magics.hf_magic import SUBCOMMANDS
from hfwidgets.tasks import TASKS

TOKEN = "hf_" + "b" * 34


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A machine without a token."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HFWIDGETS_PROVIDER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    return tmp_path


def hf(shell, line):
    return shell.run_line_magic("hf", line)


def failure(shell, line):
    with pytest.raises(Exception) as caught:  # noqa: PT011
        hf(shell, line)
    return f"{type(caught.value).__name__}: {caught.value}"


def ask(shell, loopback, line="", prompt="Hi"):
    return shell.run_cell_magic("infer", f"{loopback.url} {line}", prompt)


def test_help_lists_every_command(shell, capsys):
    for line in ("", "help", "-h"):
        hf(shell, line)
        shown = capsys.readouterr().out
        assert all(f"%hf {word}" in shown for word in SUBCOMMANDS)


def test_tasks_and_providers(shell):
    assert [row["task"] for row in hf(shell, "tasks")] == list(TASKS)
    names = [row["provider"] for row in hf(shell, "providers summarization")]
    assert "hf-inference" in names
    assert "auto" not in names
    assert "local" in [row["provider"] for row in hf(shell, "providers")]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("taks", "Did you mean 'tasks'"),
        ("tasks now", "%hf tasks"),
        ("providers sumarization", "'summarization'"),
        ("unalias", "%hf unalias NAME"),
        ("unalias nobody", "Unknown alias 'nobody'"),
        ("alias a:b c", "An alias is one word"),
        ("chats nobody", "Unknown conversation 'nobody'"),
        ("chats export nobody", "chats export NAME FILE"),
        ("runs stop", "%hf runs [stop ID | stop all]"),
        ("runs stop 7", "Unknown run 7"),
        ("code", "No call has been made yet"),
        ("code x", "%hf code [N]"),
        ("auth", "%hf auth login | logout | whoami"),
        ("auth logn", "Did you mean 'login'"),
        ("auth whoami", "No token was found"),
        ("config modle=x", "Did you mean 'model'"),
        ("config timeout=soon", "timeout"),
        ("config timeout=-4", "seconds above 0"),
        (f"alias me hf_{'x' * 30}", "looks like a token"),
        ("config provider=locl", "Did you mean 'local'"),
        ("config task=sumarization", "Did you mean 'summarization'"),
    ],
)
def test_errors_list_what_is_possible(shell, home, line, message):
    assert message in failure(shell, line)


def test_an_alias_stands_for_model_and_provider(shell, loopback):
    hf(shell, f"alias loop {loopback.url}")
    assert hf(shell, "alias") == [{"alias": "loop", "model": loopback.url}]
    shell.run_cell_magic("infer", "loop -q", "Hi")
    assert len(loopback.requests) == 1
    hf(shell, "unalias loop")
    assert str(hf(shell, "alias")) == "No aliases."


def test_config_sets_the_defaults_of_a_line(shell, loopback):
    hf(shell, f"config model={loopback.url} chat=main")
    shell.run_line_magic("infer", "-q first")
    shell.run_line_magic("infer", "-q second")
    assert [len(body["messages"]) for body in loopback.bodies] == [1, 3]
    assert {row["setting"]: row["value"] for row in hf(shell, "config chat")} == {"chat": "main"}
    hf(shell, "config chat=none")
    shell.run_line_magic("infer", "-q third")
    assert len(loopback.bodies[-1]["messages"]) == 1
    assert hf(shell, "config task=ner") == [{"setting": "task", "value": "token-classification"}]
    hf(shell, "config task=none")
    shell.run_line_magic("config", "InferMagics.chat = 'main'")
    shell.run_line_magic("infer", "-q fourth")
    assert len(loopback.bodies[-1]["messages"]) == 5


def test_conversations_are_stored_exported_and_cleared(shell, loopback, tmp_path):
    ask(shell, loopback, "-q -c main -s brief")
    assert hf(shell, "chats") == [{"chat": "main", "messages": 3}]
    roles = [row["role"] for row in hf(shell, "chats main")]
    assert roles == ["system", "user", "assistant"]
    hf(shell, f"chats export main {tmp_path / 'c.json'}")
    kept = json.loads((tmp_path / "c.json").read_text())
    assert kept[-1] == {"role": "assistant", "content": loopback.text}
    hf(shell, "chats clear main")
    assert hf(shell, "chats") == []


def test_a_failed_call_leaves_the_conversation_alone(shell, loopback):
    ask(shell, loopback, "-q -c main")
    loopback.status = 400
    with pytest.raises(Exception, match="strike"):
        ask(shell, loopback, "-q -c main")
    assert hf(shell, "chats") == [{"chat": "main", "messages": 2}]


def test_usage_counts_calls_tokens_and_time(shell, loopback):
    for _ in range(2):
        ask(shell, loopback, "-q")
    [row] = hf(shell, "usage")
    assert (row["calls"], row["prompt_tokens"], row["completion_tokens"]) == (2, 6, 10)
    assert row["seconds"] > 0


def test_code_is_python_that_runs_and_curl(shell, loopback):
    ask(shell, loopback, "-q --temperature 0.5", 'It\'s "quoted"\nand long')
    code = hf(shell, "code")
    scope = {}
    exec(code.python, scope)
    assert scope["result"].text == loopback.text
    first, second = loopback.bodies
    del first["stream_options"]
    assert {**first, "stream": False} == second
    assert f"curl -X POST {loopback.url}/v1/chat/completions" in code.curl
    assert "temperature" in code.curl


def test_code_names_the_token_only_by_its_variable(shell, home, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    messages = [{"role": "user", "content": "x"}]
    arguments = {"messages": messages, "model": "a/b"}
    notebook.current_session().calls.append(
        notebook.CallRecord("chat-completion", arguments, {"provider": "auto"})
    )
    code = hf(shell, "code")
    assert TOKEN not in str(code)
    assert '-H "authorization: Bearer $HF_TOKEN"' in code.curl
    assert "router.huggingface.co" in code.curl


def test_a_token_as_an_argument_is_refused_and_not_repeated(shell, home):
    message = failure(shell, f"auth login {TOKEN}")
    assert "must not be an argument" in message
    assert TOKEN not in message
    assert not (home / "token").exists()


def test_login_stores_a_token_and_logout_removes_it(shell, home, monkeypatch, capsys):
    monkeypatch.setattr(getpass, "getpass", lambda prompt: f" {TOKEN}\n")
    hf(shell, "auth login")
    assert (home / "token").read_text() == TOKEN
    assert stat.S_IMODE((home / "token").stat().st_mode) == 0o600
    found = {row["item"]: row["found"] for row in hf(shell, "doctor")}
    assert found["token"] == "from the token file"
    hf(shell, "auth logout")
    assert not (home / "token").exists()
    assert TOKEN not in capsys.readouterr().out


def test_an_empty_login_changes_nothing(shell, home, monkeypatch):
    monkeypatch.setattr(getpass, "getpass", lambda prompt: "")
    assert "nothing was changed" in failure(shell, "auth login")
    assert not (home / "token").exists()


def test_config_accepts_json_and_an_unknown_setting_changes_nothing(shell):
    hf(shell, 'config aliases={"small": "org/model"}')
    assert notebook.current_session().aliases["small"] == "org/model"
    with pytest.raises(UsageError, match="Settings: aliases, chat, format"):
        hf(shell, "config format=json formt=text")
    assert hf(shell, "config format") == [{"setting": "format", "value": "auto"}]


def test_an_export_that_cannot_be_written_is_an_error(shell, loopback, tmp_path):
    shell.run_line_magic("infer", f"-q -m {loopback.url} -c talk hello")
    with pytest.raises(ConfigurationError, match="No such file or directory"):
        hf(shell, f"chats export talk {tmp_path}/nowhere/talk.json")
    with pytest.raises(ConfigurationError, match="Is a directory"):
        hf(shell, f"chats export talk {tmp_path}")


def test_wrong_options_of_doctor_are_errors(shell):
    with pytest.raises(UsageError, match="Did you mean '--scan'"):
        hf(shell, "doctor --scn")
    with pytest.raises(UsageError, match="--scan"):
        hf(shell, "doctor --network --network")


def test_doctor_reports_versions_and_the_front_end(shell, home):
    found = {row["item"]: row["found"] for row in hf(shell, "doctor")}
    assert found["python"].startswith("3.")
    assert found["token"].startswith("none")
    assert found["front end"] == "IPython in a terminal"
    assert found["engine"]


def test_listings_are_tables_in_text_and_safe_html():
    listing = notebook.Listing([{"a": "<b>", "n": 1.5}, {"a": None, "n": 2000}])
    assert str(listing).splitlines() == ["a        n", "<b>  1.500", "      2000"]
    assert "&lt;b&gt;" in listing._repr_mimebundle_()["text/html"]
    assert str(notebook.Listing([], "None.")) == "None."
    assert str(notebook.Listing([{"a": "x\x1b[2J\ny"}])) == "a\nx [2J y"


def test_loading_twice_and_unloading(shell):
    shell.run_line_magic("load_ext", "hfwidgets")
    before = len(shell.Completer.custom_matchers)
    shell.run_line_magic("reload_ext", "hfwidgets")
    assert len(shell.Completer.custom_matchers) == before
    assert [type(one).__name__ for one in shell.configurables].count("InferMagics") == 1
    shell.run_line_magic("unload_ext", "hfwidgets")
    assert shell.find_line_magic("infer") is None
    assert shell.find_cell_magic("infer") is None
    assert len(shell.Completer.custom_matchers) == before - 1
    assert not [one for one in shell.configurables if type(one).__module__.startswith("hfwidgets")]
