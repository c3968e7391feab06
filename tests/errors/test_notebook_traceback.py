"""In IPython an error is the user's own lines and the message; all frames on %xmode Verbose."""

import re
from collections.abc import Iterator

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.io import capture_output

from hfwidgets import errors

FAIL = """
import hfwidgets as hf

def ask(text):
    return hf.InferenceClient("http://127.0.0.1:9", max_retries=0).text_classification(text)
"""


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    made = InteractiveShell.instance()
    made.run_line_magic("colors", "nocolor")
    made.run_line_magic("xmode", "Context")
    yield made
    InteractiveShell.clear_instance()


def run(shell: InteractiveShell, *cells: str) -> str:
    """Return what the last cell prints."""
    for cell in cells:
        with capture_output() as captured:
            shell.run_cell(cell, store_history=True)
    return re.sub(r"\x1b\[[0-9;]*m", "", captured.stdout + captured.stderr)


def test_the_user_s_own_frames_and_the_message(shell: InteractiveShell) -> None:
    text = run(shell, FAIL, "ask('a')")
    assert "ask('a')" in text
    assert "text_classification(text)" in text
    assert "ConnectError: " in text
    assert "127.0.0.1:9" in text
    assert "hfwidgets/calls" not in text
    assert "httpx" not in text
    assert "direct cause" not in text
    assert len(text.splitlines()) < 30


def test_all_frames_on_verbose(shell: InteractiveShell) -> None:
    shell.run_line_magic("xmode", "Verbose")
    text = run(shell, FAIL, "ask('a')")
    assert "hfwidgets/calls" in text
    assert "ask('a')" in text


def test_no_variable_shows_a_secret_on_verbose(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither ours nor the user's own, in whose frame the call is made."""
    secrets = {"OWN_A": "opaque-token-01", "OWN_B": "opaque-header-02", "OWN_C": "opaque-key-03"}
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    shell.run_line_magic("xmode", "Verbose")
    text = run(
        shell,
        """
import hfwidgets as hf, os
token, header, key = (os.environ[name] for name in ("OWN_A", "OWN_B", "OWN_C"))
client = hf.InferenceClient(
    f"http://127.0.0.1:9/?code={key}", token=token, headers={"X-Api-Key": header}, max_retries=0
)
""",
        "print(len([token, header, key]), client.text_classification(os.environ['OWN_A'] or key))",
    )
    assert "ConnectError" in text
    assert "token = '…'" in text
    assert not [secret for secret in secrets.values() if secret in text]


def test_causes_are_as_before_after_showing(shell: InteractiveShell) -> None:
    run(
        shell,
        "import hfwidgets as hf\ncause = ValueError('inner')\n"
        "error = hf.HfWidgetsError('outer')\nraise error from cause",
    )
    names = shell.user_ns
    assert names["error"].__cause__ is names["cause"]


def test_an_error_of_a_magic_shows_the_cell(shell: InteractiveShell) -> None:
    shell.run_line_magic("load_ext", "hfwidgets")
    text = run(shell, "%infer -p nobody text-classification some text")
    assert "UnknownProviderError: " in text
    assert "hfwidgets/" not in text
    assert len(text.splitlines()) < 20


def test_an_error_without_frames_is_its_message(shell: InteractiveShell) -> None:
    [line] = errors.InputError("No frames.")._render_traceback_()
    assert line.strip() == "InputError: No frames."


def test_outside_of_ipython_there_is_still_a_message() -> None:
    InteractiveShell.clear_instance()
    assert errors.InputError("Plain.")._render_traceback_() == ["InputError: Plain."]
