"""Completion as a function: it offers, and it never fails."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hfwidgets.magics.complete import matches

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
    return lambda text, **kwargs: matches(text, magics, **kwargs)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.lists(WORDS | st.text(max_size=5), max_size=8).map("".join))
def test_any_line_gets_an_answer(offered, text):
    fragment, found = offered(text)
    assert text.endswith(fragment)
    assert all(offer.startswith(fragment) for offer in found)


def test_nothing_goes_out(offered, monkeypatch, socket_disabled):
    for text in ("%infer -t ", "%infer -p ", "%infer -m a/b:", "%infer -P ", "%%infer ", "%hf "):
        assert offered(text)[1]


@pytest.fixture
def socket_disabled(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("completion opened a connection")

    monkeypatch.setattr("socket.socket.connect", refuse)


def test_a_fault_inside_is_silent(offered, monkeypatch):
    monkeypatch.setattr("hfwidgets.magics.complete.provider_names", lambda *_: 1 / 0)
    assert offered("%infer -p ") == ("", [])


def test_the_variables_of_the_user_are_offered_by_type(shell, offered):
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


def test_a_conversation_is_offered_by_name(shell, offered):
    from hfwidgets import session

    session.current().chats["main"] = []
    assert offered("%infer -c m") == ("m", ["main"])
    assert offered("%hf chats m") == ("m", ["main"])


def test_a_second_line_of_a_cell_magic_is_a_prompt(offered):
    assert offered("%%infer --te", first=False) == ("", [])
    assert offered("%infer --te", first=False)[1] == ["--temperature"]
