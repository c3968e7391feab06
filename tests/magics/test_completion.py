"""Completion as a function: it offers, and it never fails."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hfwidgets import notebook
from hfwidgets.magics.completion import find_matches

WORDS = st.sampled_from(
    [
        "%infer ",
        "%%infer ",
        "%hf ",
        "-t ",
        "-P ",
        "-i ",
        "x=",
        "$",
        "'",
        '"',
        "\\",
        "nope ",
        " ",
        "<< ",
    ]
)


@pytest.fixture
def offered(shell):
    magics = shell.magics_manager.registry["InferMagics"]
    return lambda text, **kwargs: find_matches(text, magics, **kwargs)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.lists(WORDS | st.text(max_size=5), max_size=8).map("".join))
def test_any_line_can_be_completed(offered, text):
    fragment, found = offered(text)
    assert text.endswith(fragment)
    assert all(offer.startswith(fragment) for offer in found)


def test_completion_sends_no_request(offered, monkeypatch, socket_disabled):
    for text in ("%infer -t ", "%infer -p ", "%infer -m a/b:", "%infer -P ", "%%infer ", "%hf "):
        assert offered(text)[1]


@pytest.fixture
def socket_disabled(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("completion opened a connection")

    monkeypatch.setattr("socket.socket.connect", refuse)


def test_an_internal_error_shows_nothing(offered, monkeypatch):
    monkeypatch.setattr("hfwidgets.magics.completion.list_providers", lambda *_: 1 / 0)
    assert offered("%infer -p ") == ("", [])


def test_variables_are_suggested_by_type(shell, offered):
    shell.push({"number": 1, "flag": True, "text": "x", "rows": [1], "_hidden": 1, "options": {}})
    assert offered("%infer --seed $")[1] == ["$number"]
    assert "$text" in offered("%infer -s $")[1]
    assert offered("%infer --params $")[1] == ["$options"]
    assert offered("%infer -t zero-shot-classification --labels $")[1] == ["$rows"]


def test_an_older_ipython_gets_a_hook(shell, monkeypatch):
    shell.run_line_magic("unload_ext", "hfwidgets")
    monkeypatch.delattr("IPython.core.completer.context_matcher")
    shell.run_line_magic("load_ext", "hfwidgets")
    for line, expected in (("%infer --te", "--temperature"), ("%hf auth who", "whoami")):
        _, found = shell.complete(line.split()[-1], line, len(line))
        assert expected in found


def test_conversations_are_suggested_by_name(shell, offered):
    from hfwidgets import notebook

    notebook.current_session().chats["main"] = []
    assert offered("%infer -c m") == ("m", ["main"])
    assert offered("%hf chats m") == ("m", ["main"])


def test_a_second_line_of_a_cell_magic_is_a_prompt(offered):
    assert offered("%%infer --te", is_first_line=False) == ("", [])
    assert offered("%infer --te", is_first_line=False)[1] == ["--temperature"]


@pytest.mark.parametrize(
    ("text", "offer"),
    [
        ("%hf chats export ", "talk"),
        ("%hf chats clear t", "talk"),
        ("%hf chats export talk no", "notes.txt"),
        ("%hf config task=tok", "token-classification"),
        ("%hf config format=js", "json"),
        ("%hf config prov", "provider="),
        ("%hf models --task=ne", "ner"),
        ("%hf alias short a", "a/classifier"),
        ("%hf panel text-classification ", "a/classifier"),
        ("%hf recordings on ta", "tapes/"),
        ("%hf doctor --scan ta", "tapes/"),
        ("%hf runs stop ", "all"),
        ("%infer -t cha", "chat"),
        ("%infer -s @no", "@notes.txt"),
        ("%infer --resume tapes/", "tapes/one.jsonl"),
        ("%infer -i image=no", "notes.txt"),
        ("%infer -t image-classification -i no", "notes.txt"),
        ("%%infer a/classifier -P ", "top_k="),
        ("%infer -m a/classifier --param=function_to_apply=", "softmax"),
    ],
)
def test_matching_words_are_suggested(shell, offered, tmp_path, monkeypatch, text, offer):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").touch()
    (tmp_path / "tapes").mkdir()
    (tmp_path / "tapes" / "one.jsonl").touch()
    notebook.current_session().chats["talk"] = []
    notebook.current_session().listed_tasks = {
        "a/classifier": "text-classification",
        "a/talker": None,
    }
    fragment, found = offered(text)
    assert offer in found
    assert text.endswith(fragment)
    assert "a/talker" not in found or "alias" in text


def test_hidden_files_and_names_that_need_quotes_are_not_suggested(offered, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("two words", ".hidden", "plain"):
        (tmp_path / name).touch()
    assert offered("%infer --resume ") == ("", ["plain"])
    assert offered("%infer --resume .") == (".", [".hidden"])
    assert offered("%infer --resume nowhere/") == ("nowhere/", [])
