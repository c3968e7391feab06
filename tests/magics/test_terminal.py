"""The magics in IPython on a real terminal."""

import os
import re
import sys
from contextlib import contextmanager
from pathlib import Path

import PIL.Image
import pytest

from tests.plugins.sample_media import encode_image
from tests.plugins.waiting import LIMIT

pexpect = pytest.importorskip("pexpect", reason="terminals are tested where pexpect runs")


@contextmanager
def open_terminal(folder):
    """IPython on a pseudo-terminal, with the magics loaded."""
    environment = {**os.environ, "IPYTHONDIR": str(folder), "TERM": "dumb", "NO_COLOR": "1"}
    arguments = ["-m", "IPython", "--no-banner", "--simple-prompt", "--no-confirm-exit"]
    child = pexpect.spawn(
        sys.executable, arguments, env=environment, encoding="utf-8", timeout=30, echo=False
    )
    child.expect(r"In \[\d+\]: ")
    say(child, "%load_ext hfwidgets")
    yield child
    child.close(force=True)


@pytest.fixture(scope="module")
def terminal(tmp_path_factory):
    """A terminal that the tests of this module share."""
    with open_terminal(tmp_path_factory.mktemp("ipython")) as child:
        yield child


def say(terminal, line):
    """Type a line and return what is printed until the next prompt."""
    terminal.sendline(line)
    terminal.expect(r"In \[\d+\]: ")
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.before).replace("\r\n", "\n").strip()


def test_text_streams_into_a_terminal(terminal, loopback):
    loopback.hold = True
    terminal.sendline(f"%infer -m {loopback.url} say hello")
    terminal.expect("Hello")  # the first piece is shown before there are more
    loopback.hold = False
    terminal.expect(re.escape(", **world**.\r\n"))
    terminal.expect(r"In \[\d+\]: ")
    assert say(terminal, "print(_.usage.total_tokens)") == "8"


def test_an_assigned_answer_prints_nothing(terminal, loopback):
    assert say(terminal, f"r = %infer -m {loopback.url} say hello") == ""
    assert say(terminal, "print(r.text)") == "Hello, **world**."


def test_ctrl_c_keeps_the_partial_answer(terminal, loopback):
    loopback.hold = True
    terminal.sendline(f"%infer -o kept -m {loopback.url} say hello")
    terminal.expect("Hello")
    terminal.sendintr()
    terminal.expect("stopped")
    terminal.expect("KeyboardInterrupt")
    terminal.expect(r"In \[\d+\]: ")  # while the answer is still held
    assert loopback.left.wait(LIMIT), "the connection was not closed"
    loopback.hold = False
    assert say(terminal, "print(kept.text)") == "Hello"


def test_errors_and_help_are_short(terminal, loopback):
    loopback.status = 401
    shown = say(terminal, f"%infer -m {loopback.url} say hello")
    assert shown.startswith("AuthenticationError")
    assert "Traceback" not in shown
    assert "--temperature" in say(terminal, "%infer -h")
    assert "Did you mean" in say(terminal, "%infer --temprature 1 x")


def test_an_image_is_saved_until_exit_and_its_path_printed(tmp_path, loopback):
    loopback.answer = encode_image()
    with open_terminal(tmp_path) as terminal:
        printed = say(terminal, f"%infer -m {loopback.url} -t text-to-image a red square")
        assert "<Image, 40 x 30 pixels>" in printed
        path = Path(re.search(r"Saved: (\S+)", printed)[1])
        assert PIL.Image.open(path).size == (40, 30)
        terminal.sendline("exit")
        terminal.expect(pexpect.EOF)
    assert not path.exists(), "temporary files are left after exit"


def test_rows_show_progress_and_end_with_a_summary(terminal, loopback):
    say(terminal, "words = ['a', 'b']")
    shown = say(terminal, f"%infer -o rows -m {loopback.url} --each $words")
    assert "done 2 of 2" in shown
    assert "chat-completion: 2 done" in shown
    assert say(terminal, "print(len(rows))") == "2"


def test_a_panel_in_a_terminal_is_refused_with_a_message(terminal, loopback):
    asked = "Panels need a notebook; in a terminal, use %infer without --panel."
    assert say(terminal, f"%infer -m {loopback.url} --panel hello") == asked
    assert say(terminal, "%hf panel ner") == asked
