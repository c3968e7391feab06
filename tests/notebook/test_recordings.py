"""%hf recordings, --cache, --no-cache and --replay."""

import pytest

from hfwidgets import notebook
from hfwidgets.errors import ConfigurationError, NotRecordedError
from tests.plugins.loopback import chat_answer


@pytest.fixture
def ask(shell, net):
    """Ask with a flag; return the answer and the number of requests."""
    net.post("there.test/v1/chat/completions", chat_answer("Hi"))

    def run(flag="", prompt="hello"):
        line = f"-o out -q --no-stream -m https://there.test/v1 {flag} {prompt}"
        shell.run_line_magic("infer", line)
        return shell.user_ns["out"], len(net.seen)

    return run


def test_a_recorded_answer_is_replayed_and_marked(ask, shell, capsys, home):
    first, sent = ask("--cache")
    again, after = ask("--cache")
    assert sent == after == 1
    assert again == first
    assert again.meta.recorded
    shell.run_line_magic("infer", "--no-stream -m https://there.test/v1 --replay hello")
    assert f"recorded on {again.meta.recorded:%Y-%m-%d}" in capsys.readouterr().out
    assert list((home / ".hfwidgets" / "recordings").glob("chat-completion/*.json"))


def test_replay_refuses_calls_that_are_not_recorded(ask):
    with pytest.raises(NotRecordedError, match="No recording"):
        ask("--replay")


def test_a_plain_call_records_nothing_and_no_cache_sends(ask, shell, home):
    assert ask()[1] == 1
    assert not (home / ".hfwidgets").exists()
    shell.run_line_magic("hf", "recordings on")
    assert ask()[1] == 2
    assert ask()[1] == 2
    answer, sent = ask("--no-cache")
    assert sent == 3
    assert answer.meta.recorded is None


def test_replay_sends_nothing_at_all(ask, shell, monkeypatch):
    shell.run_line_magic("hf", "recordings replay")
    with pytest.raises(NotRecordedError, match="not even with --no-cache"):
        ask("--no-cache")
    shell.run_line_magic("hf", "recordings off")
    monkeypatch.setenv("HFWIDGETS_RECORDINGS", "replay")
    with pytest.raises(NotRecordedError):
        ask("--no-cache")


def test_a_recorded_answer_costs_nothing(ask, monkeypatch):
    ask("--cache")
    [used] = notebook.usage()
    assert used["calls"] == 1
    from datetime import UTC, datetime, timedelta

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz or UTC) + timedelta(minutes=1)

    monkeypatch.setattr("hfwidgets.magics.run.datetime", Later)
    ask("--cache")
    assert notebook.usage()[0]["calls"] == 1


def test_the_command_switches_lists_clears_and_locates(ask, shell, capsys, home):
    shell.run_line_magic("hf", "recordings on tapes")
    assert "tapes" in capsys.readouterr().out
    ask()
    [row] = shell.run_line_magic("hf", "recordings")
    assert (row["task"], row["file"].split("/")[0]) == ("chat-completion", "chat-completion")
    shell.run_line_magic("hf", "recordings path")
    assert str(home / "tapes") in capsys.readouterr().out
    shell.run_line_magic("hf", "recordings clear")
    assert "Deleted 1 recording." in capsys.readouterr().out
    shell.run_line_magic("hf", "recordings off")
    assert "off" in capsys.readouterr().out
    assert ask()[1] == 2
    with pytest.raises(ConfigurationError, match="Did you mean 'clear'"):
        notebook.recordings("cler")


def test_the_command_keeps_the_folder_in_use(ask, shell, capsys):
    shell.run_line_magic("hf", "recordings on tapes")
    first, _ = ask()
    shell.run_line_magic("hf", "recordings replay")
    assert "replay, in tapes/" in capsys.readouterr().out
    assert ask() == (first, 1)
    shell.run_line_magic("hf", "recordings record")
    assert "every call is sent, and its answer recorded" in capsys.readouterr().out
    assert ask()[1] == 2
    with pytest.raises(ConfigurationError, match="does not accept a folder"):
        notebook.recordings("off", "tapes")


def test_the_code_of_a_call_omits_recordings(ask, shell):
    ask("--cache")
    assert "recordings" not in shell.run_line_magic("hf", "code").python
