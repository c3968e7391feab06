"""The file of rows: its format, lines that are not rows, and what identifies a row."""

import json
import os
import shutil
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import hfwidgets as hf
from hfwidgets import errors
from hfwidgets.batch._journal import MAX_ROW_GAP, Journal
from hfwidgets.batch._row_identity import row_key
from hfwidgets.recorder.store import Provenance
from hfwidgets.testing import CannedRequest, answers
from tests.batch.rows import TASK, asked, echo, labels_of, make_client, refuse, texts
from tests.plugins.loopback import Answer, Loopback

GOLDEN = Path(__file__).parent / "golden"
"""Files as version 1 wrote them. They must be readable forever; a change needs a new version."""

ROWS = ["good", 'Ünï 😀\n"q"', "bad", None]
KEY = "0123456789abcdef"


def classify(request: CannedRequest) -> Any:
    if request.inputs == "bad":
        return errors.InputError("no such thing")
    return [{"label": request.inputs.upper(), "score": 0.5}]


def copy_golden(name: str, folder: Path) -> Path:
    shutil.copytree(GOLDEN, folder, dirs_exist_ok=True)
    return folder / name


def test_rows_of_version_1_are_read(tmp_path: Path) -> None:
    path = copy_golden("rows.jsonl", tmp_path)
    with answers(text_classification=classify) as canned:
        result = hf.map(TASK, ROWS, model="org/model", top_k=2, resume=path, progress=False)
    assert [request.inputs for request in canned.requests] == ["bad"]  # the failed row only
    assert labels_of(result) == ["GOOD", 'ÜNÏ 😀\n"Q"', None, None]
    meta = result[0].result.meta
    assert (meta.provider, meta.model, meta.seconds) == ("together", "org/model", 0.5)
    assert meta.recorded == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_media_of_version_1_are_read(tmp_path: Path) -> None:
    path = copy_golden("images.jsonl", tmp_path)
    with answers() as canned:
        result = hf.map(
            "text-to-image", ["a red square"], model="org/model", resume=path, progress=False
        )
    assert canned.requests == []
    assert result[0].result.getpixel((1, 0)) == (255, 0, 0)


def comparable(path: Path) -> list[dict[str, Any]]:
    """A file's lines in order of rows, without what differs in each run."""
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for line in lines:
        line.pop("at", None)
        line.pop("began", None)
        line.pop("served", None)
    return [lines[0], *sorted(lines[1:], key=lambda line: line["row"])]


def test_rows_are_written_as_version_1(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with answers(text_classification=classify):
        hf.map(TASK, ROWS, model="org/model", top_k=2, resume=path, progress=False)
    assert comparable(path) == comparable(GOLDEN / "rows.jsonl")
    images = tmp_path / "images.jsonl"
    with answers(text_to_image=next(GOLDEN.rglob("*.png")).read_bytes()):
        hf.map("text-to-image", ["a red square"], model="org/model", resume=images, progress=False)
    assert comparable(images) == comparable(GOLDEN / "images.jsonl")
    written = [path.relative_to(tmp_path) for path in tmp_path.rglob("*.png")]
    assert written == [path.relative_to(GOLDEN) for path in GOLDEN.rglob("*.png")]
    head = json.loads(path.read_text().splitlines()[0])
    assert head["version"] == 1
    assert datetime.fromisoformat(head["began"]).utcoffset() is not None


def test_a_served_row_names_who_answered(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", echo)
    path = tmp_path / "rows.jsonl"
    make_client(loopback).map(TASK, ["a"], resume=path, progress=False)
    line = json.loads(path.read_text().splitlines()[1])
    assert line["served"]["provider"] == "endpoint"
    assert line["served"]["seconds"] >= 0
    age = datetime.now(UTC) - datetime.fromisoformat(line["at"])
    assert 0 <= age.total_seconds() < 600


VALID = {
    "row": 1,
    "key": KEY,
    "at": "2026-01-02T03:04:05+00:00",
    "served": {"model": None, "provider": "x", "seconds": 1},
    "inputs": {"text": "row 1"},
    "answer": [{"label": "junk", "score": 1.0}],
}

JUNK = {
    "a huge row": {**VALID, "row": 999_999_999_999},
    "a row beyond 64 bits": {**VALID, "row": 10**30},
    "a row beyond the gap": {**VALID, "row": MAX_ROW_GAP + 4},
    "a negative row": {**VALID, "row": -1},
    "a row of True": {**VALID, "row": True},
    "a row of 1.0": {**VALID, "row": 1.5},
    "a text row": {**VALID, "row": "1"},
    "a list for a row": {**VALID, "row": [1]},
    "a short key": {**VALID, "key": "12"},
    "a key with a break": {**VALID, "key": f"{KEY}\n"},
    "a key in capitals": {**VALID, "key": KEY.upper()},
    "a key that is a number": {**VALID, "key": 5},
    "no time": {name: value for name, value in VALID.items() if name != "at"},
    "a time that is not one": {**VALID, "at": "yesterday"},
    "no origin": {name: value for name, value in VALID.items() if name != "served"},
    "an origin that is not one": {**VALID, "served": "me"},
    "no inputs": {name: value for name, value in VALID.items() if name != "inputs"},
    "inputs that are a list": {**VALID, "inputs": [1]},
    "no answer": {name: value for name, value in VALID.items() if name != "answer"},
    "an error that is not one": {**VALID, "error": 5},
    "a list": [1],
    "null": None,
}


@pytest.mark.parametrize("name", JUNK)
def test_lines_that_are_not_rows_are_skipped(loopback: Loopback, tmp_path: Path, name: str) -> None:
    loopback.route("POST", "/", echo)
    path = tmp_path / "rows.jsonl"
    client = make_client(loopback)
    client.map(TASK, texts(2), resume=path, progress=False)
    with path.open("a") as file:
        file.write(json.dumps(JUNK[name]) + "\n")
    result = client.map(TASK, texts(3), resume=path, progress=False)
    assert labels_of(result) == texts(3)
    assert len(asked(loopback)) == 3
    stored = client.map(TASK, texts(3), resume=path, progress=False, collect=False)
    assert len(stored) == 3
    assert labels_of(stored) == texts(3)
    assert len(asked(loopback)) == 3


@pytest.mark.parametrize(
    "junk", [b"[" * 100_000, b'{"row": 1, "key"', b"\xff\xfe{}", b"\x00" * 50, b'{"row": NaN}', b""]
)
def test_bytes_that_are_not_lines_are_skipped(
    loopback: Loopback, tmp_path: Path, junk: bytes
) -> None:
    loopback.route("POST", "/", echo)
    path = tmp_path / "rows.jsonl"
    client = make_client(loopback)
    client.map(TASK, texts(2), resume=path, progress=False)
    with path.open("ab") as file:
        file.write(junk + b"\n")
    assert labels_of(client.map(TASK, texts(3), resume=path, progress=False)) == texts(3)
    assert len(asked(loopback)) == 3


def test_a_torn_line_never_swallows_the_next(loopback: Loopback, tmp_path: Path) -> None:
    """At every length of the last line, torn without its end."""
    loopback.route("POST", "/", echo)
    whole_path = tmp_path / "whole.jsonl"
    client = make_client(loopback)
    client.map(TASK, texts(2), resume=whole_path, progress=False, concurrency=1)
    whole = whole_path.read_bytes()
    last = len(whole.splitlines(keepends=True)[-1])
    for cut in range(1, last, 7):
        path = tmp_path / f"{cut}.jsonl"
        path.write_bytes(whole[:-cut])
        loopback.requests.clear()
        assert labels_of(client.map(TASK, texts(3), resume=path, progress=False)) == texts(3)
        assert len(asked(loopback)) == 2  # the torn row and the new one
        assert labels_of(client.map(TASK, texts(3), resume=path, progress=False)) == texts(3)
        assert len(asked(loopback)) == 2
        assert path.read_bytes().startswith(whole[:-cut])


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"hfwidgets": "rows"}, "not a file of rows"),
        ({"hfwidgets": "rows", "version": "1"}, "not a file of rows"),
        ({"hfwidgets": "recording", "version": 1}, "not a file of rows"),
        ([1], "not a file of rows"),
        ({"hfwidgets": "rows", "version": 2, "task": TASK}, "newer hfwidgets"),
    ],
)
def test_files_with_another_head_are_refused_and_left_alone(
    tmp_path: Path, header: Any, message: str
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(header) + "\n")
    before = path.read_bytes()
    with pytest.raises(errors.ConfigurationError, match=message):
        hf.map(TASK, ["a"], model="m", resume=path, progress=False)
    assert path.read_bytes() == before


def test_a_row_that_failed_and_was_answered_after_it_moved_is_done(
    loopback: Loopback, tmp_path: Path
) -> None:
    """Each second run meets another state: failed, answered elsewhere, moved back."""
    path = tmp_path / "rows.jsonl"
    client = make_client(loopback)
    loopback.route("POST", "/", refuse("b"))
    first = client.map(TASK, ["a", "b", "c"], resume=path, progress=False)
    assert labels_of(first) == ["a", None, "c"]
    loopback.route("POST", "/", echo)
    loopback.requests.clear()
    moved = client.map(TASK, ["b", "a", "c"], resume=path, progress=False)
    assert labels_of(moved) == ["b", "a", "c"]
    assert asked(loopback) == ["b"]
    assert client.map(TASK, ["b", "a", "c"], resume=path, progress=False).counts["done"] == 3
    again = client.map(TASK, ["a", "b", "c"], resume=path, progress=False)
    assert labels_of(again) == ["a", "b", "c"]
    assert len(asked(loopback)) == 1
    on_disk = client.map(TASK, ["a", "b", "c"], resume=path, progress=False, collect=False)
    assert on_disk.counts == {"done": 3, "failed": 0, "pending": 0}
    assert on_disk.errors == {}


def test_a_row_that_was_answered_and_fails_later_has_failed(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "rows.jsonl", {"task": "t"})
    provenance = Provenance("local", "m", 0.1)
    journal.write_answer(0, KEY, {"text": "a"}, "x", provenance)
    assert journal.state(0) == "done"
    assert journal.has_answer(0, KEY)
    assert not journal.has_answer(0, KEY[::-1])
    failure = pytest.importorskip("hfwidgets.batch._worker").Failure("InputError", "no", 400)
    journal.write_failure(0, KEY, {"text": "a"}, failure)
    assert journal.state(0) == "failed"
    assert journal.state(1) == "pending"
    journal.close()
    again = Journal(tmp_path / "rows.jsonl", {"task": "t"})
    assert again.state(0) == "failed"
    error = again.read_line(0).error
    assert error is not None
    assert (error.kind, error.message, error.status) == ("InputError", "no", 400)
    again.write_answer(0, KEY, {"text": "a"}, "y", provenance)
    assert again.state(0) == "done"
    again.close()
    third = Journal(tmp_path / "rows.jsonl", {"task": "t"})
    assert third.state(0) == "done"
    assert third.read_line(0).answer == "y"
    third.close()


def test_gaps_between_rows_are_pending(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "rows.jsonl", {})
    journal.write_answer(3, KEY, {}, "x", Provenance("local", "m", 0.1))
    assert [journal.state(index) for index in range(5)] == ["pending"] * 3 + ["done", "pending"]
    assert len(journal) == 4
    journal.close()


IMAGES: dict[str, Callable[[], Any]] = {
    "L": lambda: Image.new("L", (2, 2), 7),
    "L, other content": lambda: Image.new("L", (2, 2), 8),
    "L, other shape": lambda: Image.new("L", (4, 1), 7),
    "1": lambda: Image.new("1", (32, 1), 1),
    "P": lambda: palette_image([1, 2, 3]),
    "P, other palette": lambda: palette_image([3, 2, 1]),
    "array": lambda: np.full((2, 3), 7, np.int32),
    "array, other shape": lambda: np.full((3, 2), 7, np.int32),
    "array, other type": lambda: np.full((2, 3), 7, np.uint32),
    "array, other content": lambda: np.full((2, 3), 8, np.int32),
    # A text of its own each time: the bytes of such an array are addresses.
    "array of objects": lambda: np.array(["".join(("a", "b")), None], object),
    "array of other objects": lambda: np.array(["a", "b"], object),
    "table": lambda: pd.DataFrame({"a": [1, 2], "b": ["x", None]}),
    "table, other cells": lambda: pd.DataFrame({"a": [1, 3], "b": ["x", None]}),
    "table, other column": lambda: pd.DataFrame({"a": [1, 2], "c": ["x", None]}),
    "list of texts": lambda: ["a", "b"],
    "list of a longer text": lambda: ["a, b"],
    "text": lambda: "a",
    "bytes": lambda: b"a",
    "dict": lambda: {"a": 1},
    "other dict": lambda: {"a": "1"},
    "number": lambda: 1,
    "text of a number": lambda: "1",
    "true": lambda: True,
    "none": lambda: None,
}


def palette_image(color: list[int]) -> Image.Image:
    image = Image.new("P", (2, 2), 0)
    image.putpalette(color)
    return image


def test_keys_are_equal_for_equal_arguments_only() -> None:
    keys = {name: row_key({"value": make()}) for name, make in IMAGES.items()}
    assert {name: row_key({"value": make()}) for name, make in IMAGES.items()} == keys
    assert len(set(keys.values())) == len(keys)
    assert row_key({"value": 1}) != row_key({"other": 1})
    assert row_key({"a": 1, "b": 2}) == row_key({"b": 2, "a": 1})


def test_keys_do_not_depend_on_the_container_of_a_number() -> None:
    assert row_key({"value": np.int64(1)}) == row_key({"value": 1})
    assert row_key({"value": np.float64(0.5)}) == row_key({"value": 0.5})
    assert row_key({"value": [np.int64(1), None]}) == row_key({"value": [1, float("nan")]})


def test_keys_are_those_of_version_1() -> None:
    assert row_key({"text": "good", "model": "org/model", "top_k": 2}) == "8901aaca85cda152"
    assert row_key({"prompt": "a red square", "model": "org/model"}) == "44df48aec668dc14"
    assert row_key({"value": np.arange(3, dtype=np.int16)}) == "8cab60e617975264"
    assert row_key({"value": pd.DataFrame({"a": [1]})}) == "906dc0c7b6485b90"


def test_a_file_is_identified_by_name_size_and_time(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    missing = row_key({"file": path})
    path.write_text("one")
    first = row_key({"file": path})
    os.utime(path, ns=(1, 1))
    touched = row_key({"file": path})
    path.write_text("three")
    os.utime(path, ns=(1, 1))
    longer = row_key({"file": path})
    assert len({missing, first, touched, longer}) == 4
    assert row_key({"file": path}) == longer


def test_tables_and_files_resume(loopback: Loopback, tmp_path: Path) -> None:
    path, source = tmp_path / "rows.jsonl", tmp_path / "in"
    source.mkdir()
    loopback.route("POST", "/", lambda s: Answer(json=[1.0] * (2 if b"1" in s.body else 1)))
    client = make_client(loopback)
    tables = [{"table": pd.DataFrame({"a": [1, 2]})}, {"table": {"a": [3]}}]
    for _ in range(2):
        result = client.map("tabular-regression", tables, resume=path, progress=False)
        assert result.counts["done"] == 2, result.errors
    assert len(loopback.requests) == 2
    loopback.requests.clear()
    (source / "a.txt").write_text("a")
    loopback.route("POST", "/", echo)
    for _ in range(2):
        client.map(TASK, source, resume=tmp_path / "texts.jsonl", progress=False)
    assert asked(loopback) == ["a"]


def test_a_value_without_a_hash_is_the_row_s_error(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", echo)
    rows = ["a", {"text": "b", "top_k": object()}, "c"]
    client = make_client(loopback)
    result = client.map(TASK, rows, resume=tmp_path / "rows.jsonl", progress=False)
    assert labels_of(result) == ["a", None, "c"]
    assert isinstance(result.errors[1], errors.InputError)


def test_two_threads_may_read_while_a_third_writes(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "rows.jsonl", {})
    provenance = Provenance("local", "m", 0.1)
    wrong: list[int] = []
    is_over = threading.Event()

    def read() -> None:
        while not is_over.is_set():
            known = range(len(journal))
            wrong.extend(i for i in known if journal.read_line(i).answer != i)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for index in range(500):
        journal.write_answer(index, f"{index + 1:016x}", {}, index, provenance)
    is_over.set()
    for thread in threads:
        thread.join()
    journal.close()
    assert wrong == []


def test_inputs_are_read_back_from_the_file_and_media_known_by_hash_are_not(
    loopback: Loopback, tmp_path: Path
) -> None:
    client = make_client(loopback)
    loopback.route("POST", "/", lambda _: Answer(json=[1.5]))
    tables = [{"table": {"a": [1]}}]
    path = tmp_path / "tables.jsonl"
    [row] = client.map("tabular-regression", tables, resume=path, collect=False, progress=False)
    assert row.arguments == tables[0]
    assert list(row.result) == [1.5]
    loopback.route("POST", "/", lambda _: Answer(json=[{"label": "A", "score": 1.0}]))
    images, path = [next(GOLDEN.rglob("*.png")).read_bytes()], tmp_path / "images.jsonl"
    [row] = client.map("image-classification", images, resume=path, collect=False, progress=False)
    assert row.inputs["type"] == "image/png"
    assert row.result == [{"label": "A", "score": 1.0}]  # as the server sent it
    folder, path = GOLDEN / "images.jsonl.files", tmp_path / "files.jsonl"
    [row] = client.map("image-classification", folder, resume=path, collect=False, progress=False)
    assert row.inputs == next(GOLDEN.rglob("*.png"))
    assert row.result[0].label == "A"
