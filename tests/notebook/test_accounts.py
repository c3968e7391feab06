"""Stored tokens, the doctor and the search for tokens in notebooks."""

import json
import stat

import pytest

from hfwidgets import notebook
from hfwidgets.errors import ConfigurationError
from tests.plugins.loopback import Answer

FIRST, SECOND = "hf_" + "a" * 34, "hf_" + "b" * 34


@pytest.fixture
def stored(home):
    (home / "stored_tokens").write_text(
        f"[laptop]\nhf_token = {FIRST}\n\n[work]\nhf_token = {SECOND}\nexpires_at = 1\n"
    )
    return home


def test_another_stored_token_is_taken_into_use(stored, shell):
    notebook.switch("work")
    assert (stored / "token").read_text() == SECOND
    assert stat.S_IMODE((stored / "token").stat().st_mode) == 0o600
    listed = shell.run_line_magic("hf", "auth switch")
    assert listed == [{"token": "laptop", "in use": ""}, {"token": "work", "in use": "yes"}]
    assert FIRST not in str(listed)
    shell.run_line_magic("hf", "auth switch laptop")
    assert (stored / "token").read_text() == FIRST


def test_a_token_without_a_name_is_not_lost(stored):
    unnamed = "hf_" + "c" * 34
    (stored / "token").write_text(unnamed)
    notebook.switch("work")
    notebook.switch("before-switch")
    assert (stored / "token").read_text() == unnamed
    assert notebook.token_names() == ["laptop", "work", "before-switch"]
    assert "expires_at = 1" in (stored / "stored_tokens").read_text()
    assert stat.S_IMODE((stored / "stored_tokens").stat().st_mode) == 0o600


def test_the_hubs_own_tool_reads_what_we_stored(stored, monkeypatch):
    (stored / "token").write_text("hf_" + "c" * 34)
    notebook.switch("work")
    auth = pytest.importorskip("huggingface_hub.utils._auth")
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_STORED_TOKENS_PATH", str(stored / "stored_tokens"))
    assert auth.get_stored_tokens()["before-switch"] == "hf_" + "c" * 34
    assert set(auth.get_stored_tokens()) == {"laptop", "work", "before-switch"}


def test_unknown_names_and_broken_files_are_said(stored, shell):
    with pytest.raises(ConfigurationError, match="Did you mean 'laptop'"):
        notebook.switch("latop")
    (stored / "stored_tokens").write_text("no sections")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        notebook.switch()


def test_nothing_stored(home):
    assert "No tokens are stored" in str(notebook.switch())


def found(listing):
    return {row["what"]: row["found"] for row in listing}


def test_the_doctor_sends_nothing_unless_asked(net, shell):
    what = found(shell.run_line_magic("hf", "doctor"))
    assert what["network"].startswith("not tried")
    assert net.seen == []
    assert what["widget comm"].startswith("none")
    assert what["recordings"].startswith("off")
    assert what["ipython"] != "not installed"


def test_the_doctor_knocks_at_the_hub(net, shell, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", FIRST)
    net.get("huggingface.co/api/models", Answer(json=[]))
    what = found(shell.run_line_magic("hf", "doctor --network"))
    assert what["network"] == "https://huggingface.co answers"
    assert "authorization" not in net.seen[0].headers
    net.silent.add("huggingface.co")
    assert "cannot be reached" in found(notebook.doctor(network=True))["network"]
    assert FIRST not in str(what)


def write_notebook(path, source="", outputs=(), **metadata):
    cell = {"cell_type": "code", "source": source, "outputs": list(outputs), "metadata": {}}
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(json.dumps({"cells": [cell], "metadata": metadata, "nbformat": 4}))


def test_tokens_in_notebooks_are_found_and_not_shown(home, shell):
    write_notebook(home / "a.ipynb", ["x = 1\n", f"login('{FIRST}')"])
    out = {"output_type": "stream", "text": [f"token: {SECOND}\n"]}
    write_notebook(home / "sub" / ".ipynb_checkpoints" / "b.ipynb", outputs=[out])
    widgets = {"state": {"1": {"value": "sk-" + "d" * 40}}}
    write_notebook(home / "c.ipynb", widgets=widgets)
    write_notebook(home / "node_modules" / "d.ipynb", FIRST)
    write_notebook(home / "clean.ipynb", "print('hf_short')")
    leaks = shell.run_line_magic("hf", "doctor --scan")
    assert [(row["notebook"], row["place"], row["token"]) for row in leaks] == [
        ("a.ipynb", "cell 1", "hf_a…"),
        ("c.ipynb", "metadata", "sk-d…"),
        ("sub/.ipynb_checkpoints/b.ipynb", "output of cell 1", "hf_b…"),
    ]
    assert all(token not in str(leaks) for token in (FIRST, SECOND))
    assert not notebook.scan(home / "clean.ipynb")


def test_a_file_that_is_no_notebook_is_searched_as_text(home):
    (home / "broken.ipynb").write_text(f'{{"cells": [{FIRST}')
    [leak] = notebook.scan()
    assert leak["place"] == "file"


def test_a_link_into_nowhere_is_no_notebook(home):
    (home / "gone.ipynb").symlink_to(home / "nowhere.ipynb")
    assert len(notebook.scan()) == 0


def test_a_missing_folder_is_said(home):
    with pytest.raises(ConfigurationError, match="Unknown folder 'nowhere'"):
        notebook.scan("nowhere")
