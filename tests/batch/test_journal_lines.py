"""The file of rows line by line: what is written, what a second run claims, what is refused."""

import errno
import json
import os
import stat
import tracemalloc
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hfwidgets import errors
from hfwidgets.batch._journal import MAX_ROW_GAP, Journal, restore_inputs, serialize_inputs
from hfwidgets.batch._worker import Failure
from hfwidgets.recorder.store import Provenance

HEADER = {"task": "text-classification", "model": "org/m", "parameters": {"stop": ("a", "b")}}
SERVED = Provenance("together", "org/m", 0.5)


def key(name: str) -> str:
    """Return a key that shows its row."""
    return f"{ord(name):016x}"


def write(path: Path, rows: str, start: int = 0, **more: Any) -> None:
    """Answer rows with their names; `-` fails, and a blank has no line."""
    journal = Journal(path, HEADER, **more)
    for index, name in enumerate(rows, start):
        if name == "-":
            journal.write_failure(index, key(name), {}, Failure("InputError", "no", 400, 2.0))
        elif name != " ":
            journal.write_answer(index, key(name), {"text": name}, name, SERVED)
    journal.close()


def claim(path: Path, rows: str) -> str:
    """Claim answers for rows in their order; return what each row's line then holds."""
    journal = Journal(path, HEADER)
    claimed = [journal.claim_answer(index, key(name)) for index, name in enumerate(rows)]
    found = "".join(
        str(journal.read_line(index).answer) if is_claimed else "."
        for index, is_claimed in enumerate(claimed)
    )
    states = [journal.state(index) == "done" for index in range(len(rows))]
    assert states[: len(claimed)] == claimed or "-" in rows or "." in found
    journal.close()
    return found


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.jsonl"


def test_a_new_file_has_a_header_and_is_its_owner_s(path: Path) -> None:
    write(path.parent / "deep" / "er" / path.name, "a")
    made = path.parent / "deep" / "er" / path.name
    head, line = lines(made)
    assert list(head) == ["hfwidgets", "version", "began", "task", "model", "parameters"]
    assert (head["hfwidgets"], head["version"]) == ("rows", 1)
    assert (head["task"], head["parameters"]) == ("text-classification", {"stop": ["a", "b"]})
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    at = datetime.fromisoformat(line.pop("at"))
    assert abs((datetime.now(UTC) - at).total_seconds()) < 600
    assert line == {
        "row": 0,
        "key": key("a"),
        "served": {"model": "org/m", "provider": "together", "seconds": 0.5},
        "inputs": {"text": "a"},
        "answer": "a",
    }


def test_a_failure_s_line_and_what_is_read_of_both(path: Path) -> None:
    write(path, "a-")
    line = lines(path)[2]
    assert datetime.fromisoformat(line.pop("at"))
    assert line == {
        "row": 1,
        "key": key("-"),
        "inputs": {},
        "error": {"kind": "InputError", "message": "no", "status": 400},
    }
    journal = Journal(path, HEADER)
    assert [journal.state(index) for index in range(3)] == ["done", "failed", "pending"]
    provenance = journal.read_line(0).provenance
    assert (provenance.provider, provenance.model, provenance.seconds) == ("together", "org/m", 0.5)
    assert provenance.recorded == journal.read_line(0).at
    assert not journal.has_answer(1, key("-"))
    assert len(journal) == 2
    journal.close()
    # A run's result reads rows after its end.
    assert journal.read_line(0).answer == "a"
    with pytest.raises(OSError, match="The run has ended"):
        journal.write_answer(2, key("c"), {}, "c", SERVED)
    assert journal.storage_error is None
    path.unlink()
    path.write_bytes(b"x" * 2000)
    with pytest.raises(errors.OutputError, match=r"Row 0 cannot be read: .* was changed"):
        journal.read_line(0)


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ("abc", "abc", "abc"),
        ("abc", "abcd", "abc."),
        ("abc", "ab", "ab"),
        ("abc", "cab", "cab"),
        ("abc", "bc", "bc"),
        ("abc", "xabc", ".abc"),
        ("abc", "axc", "a.c"),
        ("abc", "acb", "acb"),
        ("a c", "a c", "a.c"),
        ("a c", "abc", "a.c"),
        ("a c", "ac", "ac"),
        ("a-c", "a-c", "a.c"),
        ("a-c", "abc", "a.c"),
        ("a-c", "c-a", "c.a"),
        ("aa", "aa", "aa"),
        ("aab", "baaa", "baa."),
        ("ab", "aab", "a.b"),
        ("aab", "baa", "baa"),
        ("", "a", "."),
    ],
)
def test_which_answers_a_second_run_finds(path: Path, first: str, second: str, found: str) -> None:
    write(path, first)
    before = path.read_bytes()
    assert claim(path, second) == found
    assert path.read_bytes().startswith(before)
    # What was found is at its place now: a third run copies nothing.
    after = path.read_bytes()
    assert claim(path, second) == found
    if first == second:
        assert before == after
    copies = lines(path)[len(before.splitlines()) :]
    assert all(copy["answer"] == second[copy["row"]] for copy in copies)
    # And all is back where the rows come back.
    if " " not in first and "-" not in first:
        assert claim(path, first) == first


def test_a_failed_row_that_was_answered_elsewhere_is_done(path: Path) -> None:
    write(path, "-b")
    journal = Journal(path, HEADER)
    assert journal.claim_answer(0, key("b"))
    assert journal.state(0) == "done"
    journal.close()
    again = Journal(path, HEADER)
    assert again.state(0) == "done"
    assert again.read_line(0).row == 0
    again.close()


def test_answers_that_lost_their_row_are_found_again(path: Path) -> None:
    write(path, "abc")
    write(path, "x")
    assert claim(path, "xa") == "xa"
    assert claim(path, "abcx") == "abcx"
    write(path, "-", 1)
    assert claim(path, "a-cb") == "a.cb"


@pytest.mark.parametrize("torn", [b'{"row": 1, "key"', b"{}", b"x"])
def test_the_end_of_a_torn_line_is_written_with_the_next(path: Path, torn: bytes) -> None:
    write(path, "a")
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    Journal(path, HEADER).close()
    assert path.read_bytes() == whole + torn
    write(path, "bc", 1)
    assert path.read_bytes().startswith(whole + torn + b'\n{"row": 1')
    assert claim(path, "abc") == "abc"


@pytest.mark.parametrize(("row", "is_read"), [(MAX_ROW_GAP + 1, True), (MAX_ROW_GAP + 2, False)])
def test_a_row_s_number_has_a_bound(path: Path, row: int, is_read: bool) -> None:
    write(path, "a")
    line = {**lines(path)[1], "row": row}
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")
    journal = Journal(path, HEADER)
    assert (journal.state(row) == "done") is is_read
    assert len(journal) == (row + 1 if is_read else 1)
    journal.close()


def test_two_runs_do_not_write_at_once(path: Path) -> None:
    journal = Journal(path, HEADER)
    with pytest.raises(errors.ConfigurationError, match="Another run is writing to"):
        Journal(path, HEADER)
    journal.close()
    Journal(path, HEADER).close()


@pytest.mark.parametrize(
    ("header", "differences"),
    [
        ({"task": "fill-mask"}, "task ('text-classification' there, 'fill-mask' here)"),
        ({"model": None}, "model ('org/m' there, None here)"),
        ({"provider": "x"}, "provider (None there, 'x' here)"),
        (
            {"model": "x", "parameters": {}},
            "model ('org/m' there, 'x' here), parameters ({'stop': ['a', 'b']} there, {} here)",
        ),
    ],
)
def test_a_file_of_something_else_is_refused_with_what_differs(
    path: Path, header: Mapping[str, Any], differences: str
) -> None:
    write(path, "a")
    before = path.read_bytes()
    with pytest.raises(errors.ConfigurationError) as caught:
        Journal(path, {**HEADER, **header})
    assert f"it differs in {differences}. Pass resume=" in str(caught.value)
    assert path.read_bytes() == before
    Journal(path, HEADER).close()  # the refused one has let go of the file


def test_what_json_cannot_hold_is_described_and_secrets_are_left_out(path: Path) -> None:
    journal = Journal(path, HEADER, ("own-secret-text",))
    url = "https://ada:lovelace-18@h.example/x?api_key=opaque-9"
    inputs = {"a": "own-secret-text", "model": url, "odd": object(), "half": "\ud800"}
    answer = ["opaque-9", "lovelace-18", "own-secret-text", "é"]
    journal.write_answer(0, key("a"), inputs, answer, SERVED)
    journal.write_failure(1, key("b"), {}, Failure("E", "own-secret-text", None))
    journal.close()
    data = path.read_bytes()
    for secret in (b"own-secret", b"opaque-9", b"lovelace"):
        assert secret not in data
    again = Journal(path, HEADER)
    if again.state(0) == "done":
        assert again.read_line(0).inputs["odd"] == {"sha256": None, "type": "object"}
        assert again.read_line(0).answer[3] == "é"
    assert "é".encode() in data
    error = again.read_line(1).error
    assert error is not None
    assert (error.kind, error.status) == ("E", None)
    again.close()


def test_inputs_as_a_line_holds_them() -> None:
    inputs = {"text": "a", "file": Path("x/y"), "options": {"n": 1}, "image": b"\x00\x01"}
    plain = serialize_inputs(inputs)
    assert (plain["text"], plain["file"], plain["options"]) == ("a", {"$path": "x/y"}, {"n": 1})
    image = plain.pop("image")
    assert (image["size"], image["type"]) == (2, None)
    assert restore_inputs(plain) == {"text": "a", "file": Path("x/y"), "options": {"n": 1}}
    with pytest.raises(KeyError, match="image"):
        restore_inputs({"image": image})


class Disk:
    """A disk that accepts so many bytes, and then fails."""

    def __init__(self, room: int, failure: BaseException) -> None:
        self.room, self.failure = room, failure
        self.write = os.write

    def __call__(self, file: int, data: Any) -> int:
        if not self.room:
            raise self.failure
        part = bytes(data)[: self.room]
        self.room -= len(part)
        return self.write(file, part)


@pytest.mark.parametrize("can_cut", [True, False])
@pytest.mark.parametrize("room", [0, 1, 30])
@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_a_write_that_fails_leaves_no_half_line(
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: BaseException,
    room: int,
    can_cut: bool,
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(errno.EIO, "no")

    journal = Journal(path, HEADER)
    journal.write_answer(0, key("a"), {}, "a", SERVED)
    whole = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", Disk(room, failure))
        if not can_cut:
            patch.setattr(os, "ftruncate", refuse)
        with pytest.raises(type(failure)):
            journal.write_answer(1, key("b"), {}, "b", SERVED)
    assert journal.storage_error is (failure if isinstance(failure, OSError) else None)
    assert journal.state(1) == "pending"
    left = path.read_bytes()
    assert len(left) == len(whole) + (0 if can_cut else room)
    journal.write_answer(2, key("c"), {}, "c", SERVED)
    assert journal.storage_error is None
    assert [journal.read_line(index).answer for index in (0, 2)] == ["a", "c"]
    journal.close()
    assert path.read_bytes().startswith(left + (b"\n{" if len(left) > len(whole) else b"{"))
    assert claim(path, "abc") == "a.c"


def test_a_header_that_could_not_be_written_comes_with_the_first_row(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", Disk(5, OSError(errno.ENOSPC, "full")))
        journal = Journal(path, HEADER)
    assert path.read_bytes() == b""
    assert journal.storage_error is not None
    journal.write_answer(0, key("a"), {}, "a", SERVED)
    journal.close()
    assert claim(path, "a") == "a"


def test_a_folder_is_not_a_file_of_rows(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for wrong in (tmp_path, tmp_path / "file" / "rows.jsonl"):
        with pytest.raises(errors.ConfigurationError, match=r"Rows cannot be stored in .*: "):
            Journal(wrong, HEADER)


def test_a_row_takes_few_bytes_of_memory(path: Path) -> None:
    write(path, "a-")
    head, done, failed = path.read_bytes().splitlines(keepends=True)
    rows = 4000
    with path.open("wb") as file:
        file.write(head)
        for row in range(rows):
            line = failed if row % 2 else done
            file.write(line.replace(b'"row": %d,' % (row % 2), b'"row": %d,' % row))
    Journal(path, HEADER).close()
    tracemalloc.start()
    journal = Journal(path, HEADER)
    grown = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert [journal.state(row) for row in (rows - 2, rows - 1)] == ["done", "failed"]
    journal.close()
    constant = 16_000  # buffers and the like
    assert grown < 5 * rows + constant


def test_lines_beyond_two_gibibytes_are_found(path: Path) -> None:
    journal = Journal(path, HEADER)
    journal.write_answer(0, key("a"), {}, "a", SERVED)
    os.truncate(path, 2**31 + 5)  # a hole, which takes no room on the disk
    journal.write_answer(1, key("b"), {}, "b", SERVED)
    journal.write_failure(2, key("-"), {}, Failure("E", "no", None))
    assert [journal.read_line(row).answer for row in (0, 1)] == ["a", "b"]
    assert journal.read_line(2).error is not None
    assert [journal.state(row) for row in range(3)] == ["done", "done", "failed"]
    assert journal.claim_answer(0, key("a"))
    assert journal.claim_answer(1, key("b"))
    journal.close()


def test_lines_that_another_program_wrote_again_keep_their_rows(path: Path) -> None:
    write(path, "abc")
    plain = lines(path)
    path.write_text(
        "".join(json.dumps(line, separators=(",", ":"), sort_keys=True) + "\n" for line in plain)
    )
    assert claim(path, "abc") == "abc"
    assert len(lines(path)) == len(plain)
    assert claim(path, "cab") == "cab"
