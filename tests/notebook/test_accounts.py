"""Stored tokens, the doctor and the search for tokens in notebooks."""

import json
import stat
import subprocess
import sys

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


def test_switch_uses_another_stored_token(stored, shell):
    notebook.switch("work")
    assert (stored / "token").read_text() == SECOND
    assert stat.S_IMODE((stored / "token").stat().st_mode) == 0o600
    listed = shell.run_line_magic("hf", "auth switch")
    assert listed == [{"token": "laptop", "in use": ""}, {"token": "work", "in use": "yes"}]
    assert FIRST not in str(listed)
    shell.run_line_magic("hf", "auth switch laptop")
    assert (stored / "token").read_text() == FIRST


def test_switch_keeps_a_token_without_a_name(stored):
    unnamed = "hf_" + "c" * 34
    (stored / "token").write_text(unnamed)
    notebook.switch("work")
    notebook.switch("before-switch")
    assert (stored / "token").read_text() == unnamed
    assert notebook.token_names() == ["laptop", "work", "before-switch"]
    assert "expires_at = 1" in (stored / "stored_tokens").read_text()
    assert stat.S_IMODE((stored / "stored_tokens").stat().st_mode) == 0o600


def test_huggingface_hub_reads_the_stored_tokens(stored, monkeypatch):
    (stored / "token").write_text("hf_" + "c" * 34)
    notebook.switch("work")
    auth = pytest.importorskip("huggingface_hub.utils._auth")
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_STORED_TOKENS_PATH", str(stored / "stored_tokens"))
    assert auth.get_stored_tokens()["before-switch"] == "hf_" + "c" * 34
    assert set(auth.get_stored_tokens()) == {"laptop", "work", "before-switch"}


def test_unknown_names_and_broken_files_are_reported(stored, shell):
    with pytest.raises(ConfigurationError, match="Did you mean 'laptop'"):
        notebook.switch("latop")
    (stored / "stored_tokens").write_text("no sections")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        notebook.switch()


def test_login_without_input_names_the_alternatives(home):
    code = "from hfwidgets.notebook import login; login()"
    done = subprocess.run(
        [sys.executable, "-c", code], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        start_new_session=True, check=False,
    )  # fmt: skip
    assert done.stderr.splitlines()[-1].endswith(
        "No token can be typed here. Run `hf auth login` in a terminal, or set HF_TOKEN."
    )


def test_switch_without_stored_tokens(home):
    assert "No tokens are stored" in str(notebook.switch())


def found(listing):
    return {row["item"]: row["found"] for row in listing}


def test_doctor_sends_nothing_by_default(net, shell):
    what = found(shell.run_line_magic("hf", "doctor"))
    assert what["network"].startswith("not checked")
    assert net.seen == []
    assert what["widget comm"].startswith("none")
    assert what["recordings"].startswith("off")
    assert what["ipython"] != "not installed"


def test_doctor_checks_the_hub_on_request(net, shell, monkeypatch):
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


def test_scan_finds_tokens_without_showing_them(home, shell):
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


def test_scan_reads_other_files_as_text(home):
    (home / "broken.ipynb").write_text(f'{{"cells": [{FIRST}')
    [leak] = notebook.scan()
    assert leak["place"] == "file"


def test_scan_skips_broken_links(home):
    (home / "gone.ipynb").symlink_to(home / "nowhere.ipynb")
    assert len(notebook.scan()) == 0


def test_scan_reports_a_missing_folder(home):
    with pytest.raises(ConfigurationError, match="Unknown folder 'nowhere'"):
        notebook.scan("nowhere")
