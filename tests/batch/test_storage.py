"""Disks that are full or read-only, and processes that are killed: what was paid for stays."""

import errno
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from hfwidgets import errors
from tests.batch.rows import TASK, answered_inputs, asked, echo, labels_of, make_client, texts
from tests.plugins.loopback import Answer, Loopback

ROOT = Path(__file__).parents[2]

COUNT = 12

FULL_DISKS = """
    import asyncio, json, resource, sys, warnings
    from pathlib import Path
    from hfwidgets import AsyncInferenceClient, InferenceClient

    url, folder, count, collect = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    rows = [f"row {index}" for index in range(count)]
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    client = InferenceClient(base_url=url, token="none")

    def run(make):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("error", ResourceWarning)
            warnings.simplefilter("always", UserWarning)
            result = make()
            labels = [row.result[0].label if row.result else None for row in result]
        return result, labels, [str(warning.message) for warning in caught]

    for size in map(int, sys.argv[5:]):
        path = folder / f"{size}.jsonl"
        # A write beyond the limit is cut off, and the next one fails, as on a full disk.
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        result, labels, first = run(lambda: client.map(
            "text-classification", rows, resume=path, progress=False, collect=collect == "True"
        ))
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        stored = path.read_text().count('"answer"')
        again, labels_again, second = run(result.retry)
        print(json.dumps([labels, first, stored, labels_again, second]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of a file's size")
@pytest.mark.parametrize("collect", [True, False])
def test_a_full_disk_loses_no_answer_and_repeats_none(
    loopback: Loopback, tmp_path: Path, collect: bool
) -> None:
    """At 21 sizes: the answers are returned, a retry stores them, and nothing is sent twice."""
    loopback.route("POST", "/", echo)
    # A run that keeps no row in memory needs at least the head of its file.
    sizes = [0, 1, *range(150, 3000, 158)] if collect else list(range(230, 3300, 500))
    command = [sys.executable, "-c", textwrap.dedent(FULL_DISKS), loopback.url, str(tmp_path)]
    arguments = [str(COUNT), str(collect), *map(str, sizes)]
    done = subprocess.run(
        [*command, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]
    for size, (labels, first, stored, labels_again, second) in zip(sizes, outcomes, strict=True):
        assert labels == labels_again == texts(COUNT), size
        missing = COUNT - stored
        assert len(first) == bool(missing), (size, first)
        if missing:
            verb = "row is" if missing == 1 else "rows are"
            assert f"{missing} {verb} not stored in {tmp_path / str(size)}.jsonl" in first[0]
            assert "File too large" in first[0]
        assert second == [], size
        assert sorted(answered_inputs(tmp_path / f"{size}.jsonl")) == sorted(texts(COUNT))
    assert outcomes[0][2] == 0
    assert any(0 < stored < COUNT for _, _, stored, *_ in outcomes)
    assert len(asked(loopback)) == COUNT * len(sizes)


def unwritable_folder(tmp_path: Path) -> Path:
    """Return a folder in which this process cannot create files, even as root."""
    if os.geteuid():
        tmp_path.chmod(0o555)
        return tmp_path
    return Path("/sys")


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder that root cannot write to")
def test_a_read_only_folder_keeps_answers_in_memory(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", echo)
    path = unwritable_folder(tmp_path) / "rows.jsonl"
    client = make_client(loopback)
    with pytest.warns(UserWarning, match=r"5 rows are not stored in .*rows\.jsonl") as caught:
        result = client.map(TASK, texts(5), resume=path, progress=False)
    assert len([each for each in caught if each.category is UserWarning]) == 1
    assert labels_of(result) == texts(5)
    assert result.counts == {"done": 5, "failed": 0, "pending": 0}
    with pytest.warns(UserWarning, match="not stored"):
        assert labels_of(result.retry()) == texts(5)
    assert len(asked(loopback)) == 5
    with pytest.raises(errors.ConfigurationError, match="collect=False"):
        client.map(TASK, texts(5), resume=path, progress=False, collect=False)
    assert len(asked(loopback)) == 5


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file that root cannot write to")
def test_a_file_that_became_read_only_still_answers_its_rows(
    loopback: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loopback.route("POST", "/", echo)
    path = tmp_path / "rows.jsonl"
    client = make_client(loopback)
    client.map(TASK, texts(3), resume=path, progress=False)
    real_open = os.open

    def refuse_writing(file: Any, flags: int, *rest: Any) -> int:
        if Path(os.fsdecode(file)) == path:
            raise OSError(errno.EROFS, "Read-only file system")
        return real_open(file, flags, *rest)

    monkeypatch.setattr(os, "open", refuse_writing)  # what the system answers on a read-only mount
    with pytest.warns(UserWarning, match="1 row is not stored.*Read-only file system"):
        result = client.map(TASK, texts(4), resume=path, progress=False)
    assert labels_of(result) == texts(4)
    assert len(asked(loopback)) == 4


def test_media_that_cannot_be_stored_stay_in_memory(loopback: Loopback, tmp_path: Path) -> None:
    png = (ROOT / "tests/batch/golden/images.jsonl.files").glob("*.png")
    data = next(png).read_bytes()
    loopback.route("POST", "/", lambda _: Answer(body=data, headers={"content-type": "image/png"}))
    path = tmp_path / "rows.jsonl"
    (tmp_path / "rows.jsonl.files").touch()  # a file where the folder of media belongs
    client = make_client(loopback)
    with pytest.warns(UserWarning, match="2 rows are not stored"):
        result = client.map("text-to-image", ["a", "b"], resume=path, progress=False)
    assert [row.result.size for row in result] == [(2, 1)] * 2
    (tmp_path / "rows.jsonl.files").unlink()
    assert [row.result.size for row in result.retry()] == [(2, 1)] * 2
    assert len(answered_lines(path)) == 2
    assert len(loopback.requests) == 2


def answered_lines(path: Path) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, path.read_text().splitlines()) if "answer" in line]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_a_pipe_or_device_is_not_a_file_of_rows(loopback: Loopback, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/full")):
        with pytest.raises(errors.ConfigurationError, match="not a regular file"):
            make_client(loopback).map(TASK, ["a"], resume=path, progress=False)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked children")
def test_kills_lose_no_row_and_repeat_none(tmp_path: Path) -> None:
    """`python -m tests.batch.kills 100` does the same at length."""
    script = "import sys, json; from pathlib import Path; from tests.batch.kills import kill_runs"
    run = f"{script}; print(json.dumps(kill_runs(6, Path(sys.argv[1]), rows=400)))"
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            run,
            str(tmp_path),
        ],  # a process of its own: forking needs no threads
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["lost"], found["repeated"], found["wrong"]) == (0, 0, 0)
    assert found["kills"] == 6


def test_a_disk_that_fails_to_synchronize_costs_no_answer(
    loopback: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loopback.route("POST", "/", echo)
    path = tmp_path / "rows.jsonl"
    synchronized: list[int] = []

    def fail(file: int) -> None:
        synchronized.append(os.fstat(file).st_size)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    result = make_client(loopback).map(TASK, texts(3), resume=path, progress=False)
    assert labels_of(result) == texts(3)
    assert synchronized[-1] == path.stat().st_size, "the end of a run waits for the disk"
    assert len(answered_inputs(path)) == 3
