"""Rows through a real server: order, errors, retries, resuming, results."""

import asyncio
import json
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
from PIL import Image

import hfwidgets as hf
from hfwidgets import AsyncInferenceClient, InferenceClient, errors
from hfwidgets.batch import BatchResult, Progress
from hfwidgets.batch._journal import Journal
from hfwidgets.recorder.store import Provenance
from hfwidgets.testing import answers
from tests.batch.server import labels
from tests.plugins.loopback import Answer, Loopback, Seen, chat_answer
from tests.plugins.waiting import until

TOKEN = "hf_" + "k" * 34
TASK = "text-classification"


def echo(seen: Seen) -> Answer:
    return Answer(json=[{"label": seen.json()["inputs"], "score": 1.0}])


def client(loopback: Loopback, **more: Any) -> InferenceClient:
    return InferenceClient(base_url=loopback.url, token=TOKEN, **more)


def texts(count: int) -> list[str]:
    return [f"row {index}" for index in range(count)]


def said(result: BatchResult) -> list[str | None]:
    return [row.result[0].label if row.state == "done" else None for row in result]


def test_rows_come_back_in_order(loopback: Loopback) -> None:
    loopback.route("POST", "/", echo)
    result = client(loopback).map(TASK, texts(50), progress=False)
    assert said(result) == texts(50)
    assert [row.index for row in result] == list(range(50))
    assert result[7].inputs == "row 7"
    assert result.results[7] == result[7].result
    assert result.counts == {"done": 50, "failed": 0, "pending": 0}
    assert result.stopped is None
    assert repr(result).startswith("<BatchResult text-classification: 50 done")


def test_hf_map_asks_with_a_client_of_its_own() -> None:
    with answers(chat_completion=lambda asked: asked.inputs[0]["content"].upper()):
        result = hf.map("chat-completion", ["a", "b"], model="m", progress=False)
    assert [row.result.text for row in result] == ["A", "B"]


def test_one_row_s_error_does_not_end_the_run(loopback: Loopback) -> None:
    def answer(seen: Seen) -> Answer:
        bad = seen.json()["inputs"] == "row 3"
        return Answer(400, json={"error": "no such thing"}) if bad else echo(seen)

    loopback.route("POST", "/", answer)
    result = client(loopback).map(TASK, [*texts(6), None], progress=False)
    assert said(result) == ["row 0", "row 1", "row 2", None, "row 4", "row 5", None]
    assert [row.index for row in result.failed] == [3, 6]
    assert isinstance(result.errors[3], errors.BadRequestError)
    assert isinstance(result.errors[6], errors.InputError)
    assert "no such thing" in result._repr_mimebundle_()["text/html"]


def test_on_error_raise_ends_it(loopback: Loopback) -> None:
    loopback.route("POST", "/", Answer(400, json={"error": "no such thing"}))
    with pytest.raises(errors.BadRequestError, match="no such thing"):
        client(loopback).map(TASK, texts(500), on_error="raise", progress=False)
    assert len(loopback.requests) < 100


def test_failures_that_may_pass_are_asked_again(loopback: Loopback) -> None:
    seen_once: set[str] = set()
    statuses = {"row 1": 503, "row 2": 500, "row 3": 429, "row 4": 502}

    def answer(seen: Seen) -> Answer:
        text = seen.json()["inputs"]
        if text in statuses and text not in seen_once:
            seen_once.add(text)
            return Answer(statuses[text], json={"error": "for now"})
        return echo(seen)

    loopback.route("POST", "/", answer)
    assert said(client(loopback).map(TASK, texts(6), progress=False)) == texts(6)
    assert len(loopback.requests) == 10


def test_a_row_is_not_asked_for_ever(loopback: Loopback) -> None:
    loopback.route("POST", "/", Answer(503, json={"error": "down"}))
    result = client(loopback).map(TASK, ["a"], progress=False)
    assert isinstance(result.errors[0], errors.ServerError)
    assert len(loopback.requests) == 4


def test_what_every_row_would_meet_ends_the_run(loopback: Loopback) -> None:
    loopback.route("POST", "/", Answer(401, json={"error": "who are you?"}))
    with pytest.raises(errors.AuthenticationError):
        client(loopback).map(TASK, texts(1000), progress=False)
    assert len(loopback.requests) < 100


def test_credits_that_run_out_leave_what_is_done(loopback: Loopback) -> None:
    def answer(seen: Seen) -> Answer:
        paid = int(seen.json()["inputs"].split()[1]) < 20
        return echo(seen) if paid else Answer(402, json={"error": "no credits"})

    loopback.route("POST", "/", answer)
    asking = client(loopback)
    with pytest.warns(UserWarning, match="no credits"):
        result = asking.map(TASK, texts(400), concurrency=4, progress=False)
    assert said(result)[:20] == texts(20)
    assert result.counts["done"] == 20
    assert result.counts["pending"] > 300
    assert "no credits" in (result.stopped or "")
    loopback.route("POST", "/", echo)
    assert said(result.retry()) == texts(400)


def test_retry_asks_only_what_is_missing(loopback: Loopback) -> None:
    loopback.route(
        "POST", "/", lambda s: Answer(400) if s.json()["inputs"] in ("row 1", "row 4") else echo(s)
    )
    result = client(loopback).map(TASK, texts(6), progress=False)
    loopback.requests.clear()
    loopback.route("POST", "/", echo)
    again = result.retry()
    assert said(again) == texts(6)
    assert {seen.json()["inputs"] for seen in loopback.requests} == {"row 1", "row 4"}
    assert len(result.failed) == 2


def test_retry_goes_on_with_an_iterator(loopback: Loopback) -> None:
    loopback.route("POST", "/", Answer(401))
    rows = (text for text in texts(900))
    asking = client(loopback)
    loopback.route("POST", "/", lambda s: echo(s) if s.json()["inputs"] < "row 2" else Answer(401))
    with pytest.warns(UserWarning, match="401"):
        result = asking.map(TASK, rows, concurrency=2, progress=False)
    assert result.counts["done"] < 900
    loopback.route("POST", "/", echo)
    assert said(result.retry()) == texts(900)


def test_to_pandas_joins_the_input_table(loopback: Loopback) -> None:
    loopback.route("POST", "/", lambda s: Answer(400) if s.json()["inputs"] == "b" else echo(s))
    frame = pd.DataFrame({"review": ["a", "b", "c"], "label": [5, 6, 7]}, index=["x", "y", "z"])
    found = client(loopback).map(TASK, frame, column="review", progress=False).to_pandas()
    assert list(found.columns) == ["review", "label", "label_result", "score", "error"]
    assert list(found.index) == ["x", "y", "z"]
    assert found.loc["z", "label_result"] == "c"
    assert found.loc["x", "score"] == 1.0
    assert "400" in found.loc["y", "error"]
    assert pd.isna(found.loc["x", "error"])


def test_to_pandas_keeps_rows_apart_whose_index_repeats_itself(loopback: Loopback) -> None:
    loopback.route("POST", "/", echo)
    frame = pd.DataFrame({"text": ["a", "b", "c"], "label": 0, "label_result": 0}, index=[7, 7, 8])
    found = client(loopback).map(TASK, frame, progress=False).to_pandas()
    assert list(found["text"]) == list(found["label_result2"]) == ["a", "b", "c"]
    assert list(found.index) == [7, 7, 8]
    series = pd.Series(["a", "b"], index=["x", "x"])
    found = client(loopback).map(TASK, series, progress=False).to_pandas()
    assert list(found["inputs"]) == list(found["label"]) == ["a", "b"]
    frame.columns = pd.MultiIndex.from_tuples([("one", "text"), ("one", "n"), ("two", "n")])
    asked = client(loopback).map(TASK, frame, column="('one', 'text')", progress=False)
    assert list(asked.to_pandas()["label"]) == ["a", "b", "c"]


def test_to_pandas_of_texts_and_objects() -> None:
    with answers(chat_completion="Hi", summarization="short", feature_extraction=[[0.5, 1.0]]):
        asking = InferenceClient()
        chats = asking.map("chat-completion", ["a", "b"], model="m", progress=False).to_pandas()
        sums = asking.map("summarization", pd.Series(["a"], name="t"), progress=False).to_pandas()
        arrays = asking.map("feature-extraction", ["a"], progress=False).to_pandas()
    assert list(chats["result"]) == ["Hi", "Hi"]
    assert list(chats["inputs"]) == [
        [{"role": "user", "content": "a"}],
        [{"role": "user", "content": "b"}],
    ]
    assert list(sums.columns) == ["t", "result", "error"]
    assert arrays["result"][0].shape == (1, 2)


def test_tokens_and_cost_are_counted(loopback: Loopback) -> None:
    loopback.route("POST", "/v1/chat/completions", chat_answer("Hi"))
    told: list[str] = []
    result = client(loopback).map(
        "chat-completion", texts(5), progress=lambda progress: told.append(str(progress))
    )
    assert result.tokens == 25
    assert "tokens 25" in told[-1]
    assert "done 5 of 5" in told[-1]
    assert "finished" in told[-1]


def test_a_client_with_its_own_http_client_is_used_in_threads(loopback: Loopback) -> None:
    loopback.route("POST", "/", echo)
    threads = set()

    class Seen(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            threads.add(threading.current_thread().name)
            return super().handle_request(request)

    with httpx.Client(transport=Seen()) as http:
        result = client(loopback, http_client=http).map(TASK, texts(20), progress=False)
    assert said(result) == texts(20)
    assert threads
    assert threading.current_thread().name not in threads


def test_it_works_where_a_loop_runs_already(loopback: Loopback) -> None:
    loopback.route("POST", "/", echo)

    async def cell() -> BatchResult:
        return client(loopback).map(TASK, texts(5), progress=False)

    assert said(asyncio.run(cell())) == texts(5)


def test_the_source_is_read_in_the_caller_s_thread(loopback: Loopback) -> None:
    loopback.route("POST", "/", echo)
    threads = set()

    def rows() -> Any:
        for text in texts(600):
            threads.add(threading.get_ident())
            yield text

    client(loopback).map(TASK, rows(), progress=False)
    assert threads == {threading.get_ident()}


def test_a_source_s_error_is_raised(loopback: Loopback) -> None:
    loopback.route("POST", "/", echo)

    def rows() -> Any:
        yield "a"
        raise KeyError("the database is gone")

    with pytest.raises(KeyError, match="the database is gone"):
        client(loopback).map(TASK, rows(), progress=False)


def test_recordings_hold_for_rows_too(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", echo)
    with hf.recordings(tmp_path):
        client(loopback).map(TASK, texts(10), progress=False)
        assert said(client(loopback).map(TASK, texts(10), progress=False)) == texts(10)
    assert len(loopback.requests) == 10


# Resuming


def test_a_second_run_does_only_the_rest(loopback: Loopback, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    loopback.route("POST", "/", lambda s: Answer(400) if s.json()["inputs"] == "row 4" else echo(s))
    first = client(loopback).map(TASK, texts(10), resume=path, progress=False)
    assert len(first.failed) == 1
    loopback.requests.clear()
    loopback.route("POST", "/", echo)
    second = client(loopback).map(TASK, texts(12), resume=path, progress=False)
    assert said(second) == texts(12)
    assert {seen.json()["inputs"] for seen in loopback.requests} == {"row 4", "row 10", "row 11"}
    assert second[0].result[0].score == 1.0
    meta = second[0].result.meta
    assert meta.recorded is not None
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_row_that_changed_is_asked_again(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", echo)
    path = tmp_path / "rows.jsonl"
    client(loopback).map(TASK, ["a", "b"], resume=path, progress=False)
    changed = client(loopback).map(TASK, ["a", "B"], resume=path, progress=False)
    assert said(changed) == ["a", "B"]
    assert len(loopback.requests) == 3
    assert said(client(loopback).map(TASK, ["a", "B"], resume=path, progress=False)) == ["a", "B"]
    assert len(loopback.requests) == 3


def test_rows_that_moved_find_their_answers(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", echo)
    path = tmp_path / "rows.jsonl"
    asking = client(loopback)

    def asked(*rows: str) -> int:
        before = len(loopback.requests)
        for _ in range(2):  # the second time nothing has moved
            assert said(asking.map(TASK, rows, resume=path, progress=False)) == list(rows)
        return len(loopback.requests) - before

    assert asked("a", "b", "c") == 3
    assert asked("new", "a", "b", "c") == 1
    assert asked("c", "b", "a") == 0
    assert asked("b", "a", "more") == 1
    assert asked("a", "b", "c", "new") == 1  # the others' answers are still there


def test_an_answer_is_given_to_one_row_only(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", echo)
    path = tmp_path / "rows.jsonl"
    asking = client(loopback)
    asking.map(TASK, ["a", "same"], resume=path, progress=False)
    moved = asking.map(TASK, ["same", "same", "same", "a"], resume=path, progress=False)
    assert said(moved) == ["same", "same", "same", "a"]
    assert len(loopback.requests) == 4


def test_the_file_of_something_else_is_refused(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", echo)
    path = tmp_path / "rows.jsonl"
    client(loopback).map(TASK, ["a"], resume=path, top_k=1, progress=False)
    with pytest.raises(errors.ConfigurationError, match=r"parameters.*top_k"):
        client(loopback).map(TASK, ["a"], resume=path, top_k=2, progress=False)
    with pytest.raises(errors.ConfigurationError, match="task"):
        client(loopback).map("fill-mask", ["a"], resume=path, top_k=1, progress=False)
    path.write_text("a,b\n1,2\n")
    with pytest.raises(errors.ConfigurationError, match="not a file of rows"):
        client(loopback).map(TASK, ["a"], resume=path, progress=False)
    assert path.read_text() == "a,b\n1,2\n"


def test_a_torn_line_is_passed_over(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", echo)
    path = tmp_path / "rows.jsonl"
    client(loopback).map(TASK, texts(5), resume=path, progress=False)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    loopback.requests.clear()
    assert said(client(loopback).map(TASK, texts(5), resume=path, progress=False)) == texts(5)
    assert len(loopback.requests) == 1
    assert said(client(loopback).map(TASK, texts(5), resume=path, progress=False)) == texts(5)
    assert len(loopback.requests) == 1


def test_lines_that_are_no_rows_are_passed_over(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", echo)
    path = tmp_path / "rows.jsonl"
    client(loopback).map(TASK, ["a", "b"], resume=path, progress=False)
    with path.open("a") as file:
        file.write(
            '{"row": 0}\n{"row": -1, "key": "1"}\n{"row": 1, "key": "zz", "answer": 1}\n[1]\n'
        )
    assert said(client(loopback).map(TASK, ["a", "b"], resume=path, progress=False)) == ["a", "b"]
    assert len(loopback.requests) == 2


def test_a_path_that_cannot_hold_rows_says_so(loopback: Loopback, tmp_path: Path) -> None:
    with pytest.raises(errors.ConfigurationError, match="Is a directory"):
        client(loopback).map(TASK, ["a"], resume=tmp_path, progress=False)
    (tmp_path / "file").touch()
    with pytest.raises(errors.ConfigurationError, match="path of a file"):
        client(loopback).map(TASK, ["a"], resume=tmp_path / "file" / "rows.jsonl", progress=False)


def test_rows_that_end_on_two_threads_are_read_back_as_themselves(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "rows.jsonl", {})
    served = Provenance("local", "m", 0.1)

    def write(first: int) -> None:
        for index in range(first, 4000, 2):
            journal.write_answer(index, f"{index + 1:016x}", {}, index, served)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, (0, 1)))
    assert len(journal) == 4000
    assert all(journal.read_line(index)["row"] == index for index in range(4000))
    journal.close()


def test_two_runs_do_not_share_a_file(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", echo)
    path = tmp_path / "rows.jsonl"
    asking = client(loopback)

    def rows() -> Any:
        yield "a"
        with pytest.raises(errors.ConfigurationError, match="Another run"):
            client(loopback).map(TASK, ["a"], resume=path, progress=False)
        yield "b"

    assert said(asking.map(TASK, rows(), resume=path, progress=False)) == ["a", "b"]


def test_no_token_is_on_disk(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", lambda s: Answer(400, json={"error": f"bad {TOKEN}"}))
    path = tmp_path / "rows.jsonl"
    result = client(loopback).map(TASK, [f"my {TOKEN}"], resume=path, progress=False)
    assert TOKEN not in path.read_text()
    assert TOKEN not in repr(result) + str(result._repr_mimebundle_())
    other = client(loopback).map(TASK, ["a"], progress=False)
    assert TOKEN.encode() not in pickle.dumps(other)
    with pytest.raises(errors.ConfigurationError, match="knows no client"):
        pickle.loads(pickle.dumps(other)).retry()


def test_pictures_are_kept_as_files(loopback: Loopback, tmp_path: Path) -> None:
    source, path = tmp_path / "in", tmp_path / "rows.jsonl"
    source.mkdir()
    for index in range(3):
        Image.new("RGB", (4, 3), (index, 0, 0)).save(source / f"{index}.png")
    loopback.route(
        "POST", "/", lambda s: Answer(body=s.body, headers={"content-type": "image/png"})
    )
    asking = client(loopback)
    first = asking.map("image-to-image", source, resume=path, progress=False)
    assert len(list((tmp_path / "rows.jsonl.files").glob("*.png"))) == 3
    second = asking.map("image-to-image", source, resume=path, progress=False)
    assert len(loopback.requests) == 3
    assert [row.result.tobytes() for row in first] == [row.result.tobytes() for row in second]
    sorted((tmp_path / "rows.jsonl.files").iterdir())[0].unlink()
    third = asking.map("image-to-image", source, resume=path, progress=False)
    assert len(loopback.requests) == 4
    assert [row.result.tobytes() for row in first] == [row.result.tobytes() for row in third]


def test_rows_that_stay_on_disk(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", lambda s: Answer(400) if s.json()["inputs"] == "row 4" else echo(s))
    path = tmp_path / "rows.jsonl"
    result = client(loopback).map(TASK, iter(texts(20)), resume=path, collect=False, progress=False)
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
        client(loopback).map(TASK, texts(2), collect=False)


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


def finished(path: Path) -> list[str]:
    """The inputs of the rows that a file holds, whole lines only."""
    lines = path.read_bytes().split(b"\n")[1:-1] if path.exists() else []
    return [line["inputs"]["text"] for line in map(json.loads, lines) if "answer" in line]


def wait_for(path: Path, count: int, process: "subprocess.Popen[str]") -> None:
    """Return once a file holds so many lines."""

    def there() -> bool:
        assert process.poll() is None, process.communicate()
        return path.exists() and path.read_bytes().count(b"\n") > count

    until(there, f"{count:,} lines in {path.name}", seconds=120)


def test_ten_thousand_rows_through_failures_refusals_and_a_kill(tmp_path: Path) -> None:
    count, path = 10_000, tmp_path / "rows.jsonl"
    with labels(fails=20, bad=1000, refuses=500, pause=0.1) as server:
        process = child(server.url, path, count)
        wait_for(path, 4000, process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        before = finished(path)
        assert 3900 < len(before) < count
        asking = InferenceClient(base_url=server.url, token="none")
        rows = (f"row {index}" for index in range(count))
        result = asking.map(TASK, rows, resume=path, progress=False)
        stats = server.stats()
    expected = [None if index % 1000 == 7 else f"row {index}" for index in range(count)]
    assert said(result) == expected
    assert len(result.failed) == 10
    assert stats["statuses"]["503"] >= count // 20
    assert stats["statuses"]["429"] >= count // 500
    assert not set(before) & set(stats["twice"])
    assert len(stats["twice"]) <= 64


def test_an_interrupt_keeps_what_is_done(tmp_path: Path) -> None:
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
        assert int(done) == len(finished(path)) >= 100
        result = InferenceClient(base_url=server.url, token="none").map(
            TASK, texts(int(done)), resume=path, progress=False
        )
        assert said(result) == texts(int(done))


# The async client


def test_awaited_rows(loopback: Loopback) -> None:
    loopback.route("POST", "/", lambda s: Answer(400) if s.json()["inputs"] == "row 4" else echo(s))

    async def run() -> tuple[BatchResult, BatchResult]:
        async with AsyncInferenceClient(base_url=loopback.url) as asking:
            result = await asking.map(TASK, texts(30), progress=False)
            loopback.route("POST", "/", echo)
            return result, await result.retry()

    result, again = asyncio.run(run())
    assert len(result.failed) == 1
    assert said(again) == texts(30)


def test_rows_one_by_one_in_order_with_little_in_memory(loopback: Loopback) -> None:
    loopback.route("POST", "/", echo)
    taken = 0

    def rows() -> Any:
        nonlocal taken
        for text in texts(1000):
            taken += 1
            yield text

    async def run() -> list[str]:
        seen = []
        async with AsyncInferenceClient(base_url=loopback.url) as asking:
            async for row in asking.map(TASK, rows(), concurrency=8, progress=False):
                seen.append(row.result[0].label)
                assert taken <= len(seen) + 17
                if len(seen) == 100:
                    break
        return seen

    assert asyncio.run(run()) == texts(100)
    assert taken < 130


def test_going_through_resumed_rows(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", echo)
    path = tmp_path / "rows.jsonl"

    async def run(count: int) -> list[str]:
        async with AsyncInferenceClient(base_url=loopback.url) as asking:
            rows = asking.map(TASK, iter(texts(count)), resume=path, progress=False)
            return [row.result[0].label async for row in rows]

    assert asyncio.run(run(300)) == texts(300)
    assert asyncio.run(run(310)) == texts(310)
    assert len(loopback.requests) == 310


def test_cancelling_an_awaited_run_keeps_what_is_done(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", echo)
    path = tmp_path / "rows.jsonl"

    async def run() -> None:
        enough = asyncio.Event()

        def told(progress: Progress) -> None:
            if progress.done >= 20:
                enough.set()

        async with AsyncInferenceClient(base_url=loopback.url) as asking:
            rows = (f"row {index}" for index in range(10**9))
            task = asyncio.ensure_future(_all(asking, rows, told))
            await enough.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    async def _all(asking: AsyncInferenceClient, rows: Any, told: Any) -> None:
        await asking.map(TASK, rows, resume=path, progress=told)

    asyncio.run(run())
    assert len(finished(path)) >= 20
