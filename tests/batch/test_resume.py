"""Runs that store their rows and continue after an interrupt or a crash."""

import os
import pickle
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from hfwidgets import InferenceClient, errors
from hfwidgets.batch._journal import Journal
from hfwidgets.recorder.store import Provenance
from tests.batch.rows import (
    TASK,
    TOKEN,
    answered_inputs,
    asked,
    echo,
    labels_of,
    make_client,
    refuse,
    texts,
)
from tests.batch.server import labels
from tests.plugins.loopback import Answer, Loopback
from tests.plugins.waiting import until


def test_a_second_run_processes_only_the_rest(loopback: Loopback, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    loopback.route("POST", "/", refuse("row 4"))
    first = make_client(loopback).map(TASK, texts(10), resume=path, progress=False)
    assert len(first.failed) == 1
    loopback.requests.clear()
    loopback.route("POST", "/", echo)
    second = make_client(loopback).map(TASK, texts(12), resume=path, progress=False)
    assert labels_of(second) == texts(12)
    assert {*asked(loopback)} == {"row 4", "row 10", "row 11"}
    assert second[0].result[0].score == 1.0
    meta = second[0].result.meta
    assert meta.recorded is not None
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_changed_row_is_processed_again(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", echo)
    path = tmp_path / "rows.jsonl"
    make_client(loopback).map(TASK, ["a", "b"], resume=path, progress=False)
    changed = make_client(loopback).map(TASK, ["a", "B"], resume=path, progress=False)
    assert labels_of(changed) == ["a", "B"]
    assert len(asked(loopback)) == 3
    again = make_client(loopback).map(TASK, ["a", "B"], resume=path, progress=False)
    assert labels_of(again) == ["a", "B"]
    assert len(asked(loopback)) == 3


def test_moved_rows_find_their_answers(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", echo)
    path = tmp_path / "rows.jsonl"
    client = make_client(loopback)

    def count_requests(*rows: str) -> int:
        before = len(asked(loopback))
        for _ in range(2):  # the second time nothing has moved
            assert labels_of(client.map(TASK, rows, resume=path, progress=False)) == list(rows)
        return len(asked(loopback)) - before

    assert count_requests("a", "b", "c") == 3
    assert count_requests("new", "a", "b", "c") == 1
    assert count_requests("c", "b", "a") == 0
    assert count_requests("b", "a", "more") == 1
    assert count_requests("a", "b", "c", "new") == 0  # no answer is lost to the row in its place


def test_answers_of_moved_rows_survive_a_limit(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", echo)
    path, rows = tmp_path / "rows.jsonl", texts(9)
    client = make_client(loopback)
    options: dict[str, Any] = {"resume": path, "progress": False, "batch_size": 1}
    client.map(TASK, rows, **options)
    for limit in (3, 6, 10):  # each run moves the first rows into the places of later ones
        moved = client.map(TASK, ["first", *rows], limit=limit, **options)
        assert labels_of(moved) == ["first", *rows][:limit]
    assert len(asked(loopback)) == len(rows) + 1


def test_an_answer_is_given_to_one_row_only(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", echo)
    path = tmp_path / "rows.jsonl"
    client = make_client(loopback)
    client.map(TASK, ["a", "same"], resume=path, progress=False)
    moved = client.map(TASK, ["same", "same", "same", "a"], resume=path, progress=False)
    assert labels_of(moved) == ["same", "same", "same", "a"]
    assert len(asked(loopback)) == 4


def test_a_file_of_another_task_is_refused(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", echo)
    path = tmp_path / "rows.jsonl"
    make_client(loopback).map(TASK, ["a"], resume=path, top_k=1, progress=False)
    with pytest.raises(errors.ConfigurationError, match=r"parameters.*top_k"):
        make_client(loopback).map(TASK, ["a"], resume=path, top_k=2, progress=False)
    with pytest.raises(errors.ConfigurationError, match="task"):
        make_client(loopback).map("fill-mask", ["a"], resume=path, top_k=1, progress=False)
    path.write_text("a,b\n1,2\n")
    with pytest.raises(errors.ConfigurationError, match="not a file of rows"):
        make_client(loopback).map(TASK, ["a"], resume=path, progress=False)
    assert path.read_text() == "a,b\n1,2\n"


def test_a_torn_line_is_skipped(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", echo)
    path = tmp_path / "rows.jsonl"
    make_client(loopback).map(TASK, texts(5), resume=path, progress=False)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    loopback.requests.clear()
    again = make_client(loopback).map(TASK, texts(5), resume=path, progress=False)
    assert labels_of(again) == texts(5)
    assert len(asked(loopback)) == 1
    again = make_client(loopback).map(TASK, texts(5), resume=path, progress=False)
    assert labels_of(again) == texts(5)
    assert len(asked(loopback)) == 1


def test_lines_that_are_not_rows_are_skipped(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", echo)
    path = tmp_path / "rows.jsonl"
    make_client(loopback).map(TASK, ["a", "b"], resume=path, progress=False)
    with path.open("a") as file:
        file.write(
            '{"row": 0}\n{"row": -1, "key": "1"}\n{"row": 1, "key": "zz", "answer": 1}\n[1]\n'
        )
    again = make_client(loopback).map(TASK, ["a", "b"], resume=path, progress=False)
    assert labels_of(again) == ["a", "b"]
    assert len(asked(loopback)) == 2


def test_a_path_that_cannot_hold_rows_is_an_error(loopback: Loopback, tmp_path: Path) -> None:
    with pytest.raises(errors.ConfigurationError, match="Is a directory"):
        make_client(loopback).map(TASK, ["a"], resume=tmp_path, progress=False)
    (tmp_path / "file").touch()
    with pytest.raises(errors.ConfigurationError, match="path of a file"):
        make_client(loopback).map(
            TASK, ["a"], resume=tmp_path / "file" / "rows.jsonl", progress=False
        )


def test_rows_written_from_two_threads_are_read_back_correctly(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "rows.jsonl", {})
    provenance = Provenance("local", "m", 0.1)

    def write(first: int) -> None:
        for index in range(first, 4000, 2):
            journal.write_answer(index, f"{index + 1:016x}", {}, index, provenance)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, (0, 1)))
    assert len(journal) == 4000
    assert all(journal.read_line(index).row == index for index in range(4000))
    journal.close()


def test_two_runs_do_not_share_a_file(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", echo)
    path = tmp_path / "rows.jsonl"
    client = make_client(loopback)

    def rows() -> Any:
        yield "a"
        with pytest.raises(errors.ConfigurationError, match="Another run"):
            make_client(loopback).map(TASK, ["a"], resume=path, progress=False)
        yield "b"

    assert labels_of(client.map(TASK, rows(), resume=path, progress=False)) == ["a", "b"]


def test_no_token_is_on_disk(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", lambda s: Answer(400, json={"error": f"bad {TOKEN}"}))
    path = tmp_path / "rows.jsonl"
    result = make_client(loopback).map(TASK, [f"my {TOKEN}"], resume=path, progress=False)
    assert TOKEN not in path.read_text()
    assert TOKEN not in repr(result) + str(result._repr_mimebundle_())
    other = make_client(loopback).map(TASK, ["a"], progress=False)
    assert TOKEN.encode() not in pickle.dumps(other)
    with pytest.raises(errors.ConfigurationError, match="has no client"):
        pickle.loads(pickle.dumps(other)).retry()


def test_images_are_stored_as_files(loopback: Loopback, tmp_path: Path) -> None:
    source, path = tmp_path / "in", tmp_path / "rows.jsonl"
    source.mkdir()
    for index in range(3):
        Image.new("RGB", (4, 3), (index, 0, 0)).save(source / f"{index}.png")
    loopback.route(
        "POST", "/", lambda s: Answer(body=s.body, headers={"content-type": "image/png"})
    )
    client = make_client(loopback)
    first = client.map("image-to-image", source, resume=path, progress=False)
    assert len(list((tmp_path / "rows.jsonl.files").glob("*.png"))) == 3
    second = client.map("image-to-image", source, resume=path, progress=False)
    assert len(loopback.requests) == 3
    assert [row.result.tobytes() for row in first] == [row.result.tobytes() for row in second]
    sorted((tmp_path / "rows.jsonl.files").iterdir())[0].unlink()
    third = client.map("image-to-image", source, resume=path, progress=False)
    assert len(loopback.requests) == 4
    assert [row.result.tobytes() for row in first] == [row.result.tobytes() for row in third]


def test_collect_false_reads_rows_from_disk(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", refuse("row 4"))
    path = tmp_path / "rows.jsonl"
    result = make_client(loopback).map(
        TASK, iter(texts(20)), resume=path, collect=False, progress=False
    )
    assert len(result) == 20
    assert result[3].result[0].label == "row 3"
    assert result[-1].inputs == "row 19"
    assert [row.index for row in result.failed] == [4]
    assert isinstance(result[4].error, errors.BadRequestError)
    assert [row.index for row in result[2:5]] == [2, 3, 4]
    assert result.counts == {"done": 19, "failed": 1, "pending": 0}
    assert len(result.to_pandas()) == 20
    with pytest.raises(errors.ConfigurationError, match="used up"):
        result.retry()
    with pytest.raises(IndexError):
        result[20]
    with pytest.raises(errors.ConfigurationError, match="resume="):
        make_client(loopback).map(TASK, texts(2), collect=False)


RUN = """
    import sys
    from hfwidgets import InferenceClient

    rows = (f"row {index}" for index in range(int(sys.argv[3])))
    client = InferenceClient(base_url=sys.argv[1], token="none")
    print("begins", flush=True)
    result = client.map("text-classification", rows, resume=sys.argv[2], progress=False)
    print(result.stopped, result.counts["done"])
"""


def child(url: str, path: Path, count: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", textwrap.dedent(RUN), url, str(path), str(count)]
    root = Path(__file__).parents[2]
    env = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    )


def wait_for(path: Path, count: int, process: "subprocess.Popen[str]") -> None:
    """Return once a file holds so many lines."""

    def there() -> bool:
        assert process.poll() is None, process.communicate()
        return path.exists() and path.read_bytes().count(b"\n") > count

    until(there, f"{count:,} lines in {path.name}", seconds=120)


def test_ten_thousand_rows_survive_failures_refusals_and_a_kill(tmp_path: Path) -> None:
    count, path = 10_000, tmp_path / "rows.jsonl"
    with labels(fails=20, bad=1000, refuses=50, pause=0.1) as server:
        process = child(server.url, path, count)
        wait_for(path, 4000, process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        before = answered_inputs(path)
        assert 3900 < len(before) < count
        client = InferenceClient(base_url=server.url, token="none")
        rows = (f"row {index}" for index in range(count))
        result = client.map(TASK, rows, resume=path, progress=False)
        stats = server.stats()
    expected = [None if index % 1000 == 7 else f"row {index}" for index in range(count)]
    assert labels_of(result) == expected
    assert len(result.failed) == 10
    assert stats["statuses"]["503"] >= 100  # one for each list with such rows
    assert stats["statuses"]["429"] >= 1
    assert not set(before) & set(stats["twice"])
    assert len(stats["twice"]) <= 1024


def test_an_interrupt_keeps_finished_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with labels(seconds=0.05) as server:
        process = child(server.url, path, 100_000)
        wait_for(path, 100, process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
        assert process.returncode == 0, err
        stopped, done = out.split()[1:]
        assert stopped == "interrupted"
        assert "interrupted" in err
        assert int(done) == len(answered_inputs(path)) >= 100
        result = InferenceClient(base_url=server.url, token="none").map(
            TASK, texts(int(done)), resume=path, progress=False
        )
        assert labels_of(result) == texts(int(done))
