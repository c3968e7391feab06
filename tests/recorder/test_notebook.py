"""A recorded notebook runs again with the network blocked, and shows the same."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.plugins.kernels import run_kernel
from tests.plugins.loopback import Answer, Loopback, Seen, chat_answer, chat_events

ROOT = Path(__file__).parents[2]

CELLS = (
    "import hfwidgets as hf\nhf.recordings.on('recordings')",
    "client = hf.InferenceClient(base_url={url!r})\nclient.text_classification('Fine!')",
    "client.chat_completion([dict(role='user', content='Hello')])",
    (
        "stream = client.chat_completion([dict(role='user', content='Go on')], stream=True)\n"
        "print([chunk.choices[0].delta.content for chunk in stream])\n"
        "stream.result"
    ),
    (
        "rows = hf.map('text-classification', ['a', 'b'], client=client, progress=False)\n"
        "rows.to_pandas()"
    ),
    "await hf.AsyncInferenceClient(base_url={url!r}).text_classification('Fine!')",
    "%load_ext hfwidgets",
)

BLOCKED = """
import socket

def refuse(*_, **__):
    raise OSError("the network is blocked")

socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
"""


def echo(seen: Seen) -> Answer:
    return Answer(json=[{"label": seen.json()["inputs"], "score": 0.5}])


@pytest.fixture
def recorded(loopback: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a notebook that was run once, with a server that is closed now."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    loopback.route("POST", "/", echo)
    loopback.answer(chat_answer("Hi"), chat_events("Once", " upon"))
    cells = [nbformat.v4.new_code_cell(text.format(url=loopback.url)) for text in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    with run_kernel(cwd=tmp_path) as manager:
        NotebookClient(notebook, km=manager).execute()
    path = tmp_path / "tour.ipynb"
    nbformat.write(notebook, path)
    loopback.close()
    return path


def nbval(path: Path, blocked: Path) -> "subprocess.CompletedProcess[str]":
    """Run a notebook and compare all outputs, in processes without a network."""
    blocked.mkdir()
    (blocked / "sitecustomize.py").write_text(BLOCKED)
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(blocked), str(ROOT)]),
        "HFWIDGETS_RECORDINGS": "replay",
    }
    command = [sys.executable, "-m", "pytest", "--nbval", "-p", "no:playwright", "-q", path.name]
    return subprocess.run(command, cwd=path.parent, env=env, capture_output=True, text=True)


def test_a_recorded_notebook_runs_again_without_a_network(recorded: Path, tmp_path: Path) -> None:
    outcome = nbval(recorded, tmp_path / "blocked")
    assert outcome.returncode == 0, outcome.stdout
    assert f"{len(CELLS)} passed" in outcome.stdout
    saved = recorded.read_text()
    assert "recorded on 20" in saved
    assert "Once upon" in saved


def test_what_was_not_recorded_fails(recorded: Path, tmp_path: Path) -> None:
    recorded.write_text(recorded.read_text().replace("Fine!", "Other!"))
    outcome = nbval(recorded, tmp_path / "blocked")
    assert outcome.returncode == 1
    assert "NotRecordedError" in outcome.stdout
    assert "Other!" in outcome.stdout
