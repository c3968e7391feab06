"""Rows through a real server: order, errors, retries, results."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
from PIL import Image

import hfwidgets as hf
from hfwidgets import InferenceClient, errors
from hfwidgets.batch import BatchResult
from hfwidgets.testing import CannedRequest, answers
from tests.batch.rows import TASK, asked, echo, inputs_of, labels_of, make_client, refuse, texts
from tests.plugins.loopback import Answer, Loopback, Seen, chat_answer


def test_rows_come_back_in_order(loopback: Loopback) -> None:
    loopback.route("POST", "/", echo)
    result = make_client(loopback).map(TASK, texts(50), progress=False)
    assert labels_of(result) == texts(50)
    assert [row.index for row in result] == list(range(50))
    assert result[7].inputs == "row 7"
    assert result.results[7] == result[7].result
    assert result.counts == {"done": 50, "failed": 0, "pending": 0}
    assert result.stopped is None
    assert repr(result).startswith("<BatchResult text-classification: 50 done")


def test_hf_map_creates_its_own_client() -> None:
    with answers(chat_completion=lambda request: request.inputs[0]["content"].upper()):
        result = hf.map("chat-completion", ["a", "b"], model="m", progress=False)
    assert [row.result.text for row in result] == ["A", "B"]


def test_an_error_of_one_row_does_not_end_the_run(loopback: Loopback) -> None:
    def answer(seen: Seen) -> Answer:
        bad = "row 3" in inputs_of(seen)
        return Answer(400, json={"error": "no such thing"}) if bad else echo(seen)

    loopback.route("POST", "/", answer)
    result = make_client(loopback).map(TASK, [*texts(6), None], progress=False)
    assert labels_of(result) == ["row 0", "row 1", "row 2", None, "row 4", "row 5", None]
    assert [row.index for row in result.failed] == [3, 6]
    assert isinstance(result.errors[3], errors.BadRequestError)
    assert isinstance(result.errors[6], errors.InputError)
    assert "no such thing" in result._repr_mimebundle_()["text/html"]


def test_on_error_raise_ends_the_run(loopback: Loopback) -> None:
    loopback.route("POST", "/", Answer(400, json={"error": "no such thing"}))
    with pytest.raises(errors.BadRequestError, match="no such thing"):
        make_client(loopback).map(TASK, texts(500), on_error="raise", progress=False)
    assert len(loopback.requests) < 100


def test_transient_failures_are_retried(loopback: Loopback) -> None:
    seen_once: set[str] = set()
    statuses = {"row 1": 503, "row 2": 500, "row 3": 429, "row 4": 502}

    def answer(seen: Seen) -> Answer:
        text = seen.json()["inputs"]
        if text in statuses and text not in seen_once:
            seen_once.add(text)
            return Answer(statuses[text], json={"error": "for now"})
        return echo(seen)

    loopback.route("POST", "/", answer)
    result = make_client(loopback).map(TASK, texts(6), batch_size=1, progress=False)
    assert labels_of(result) == texts(6)
    assert len(loopback.requests) == 10


def test_a_row_is_retried_at_most_three_times(loopback: Loopback) -> None:
    loopback.route("POST", "/", Answer(503, json={"error": "down"}))
    result = make_client(loopback).map(TASK, ["a"], progress=False)
    assert isinstance(result.errors[0], errors.ServerError)
    assert len(loopback.requests) == 4


def test_an_error_that_every_row_would_meet_ends_the_run(loopback: Loopback) -> None:
    loopback.route("POST", "/", Answer(401, json={"error": "unknown user"}))
    with pytest.raises(errors.AuthenticationError):
        make_client(loopback).map(TASK, texts(1000), progress=False)
    assert len(loopback.requests) < 100


def test_finished_rows_stay_when_credits_run_out(loopback: Loopback) -> None:
    def answer(seen: Seen) -> Answer:
        paid = all(int(text.split()[1]) < 20 for text in inputs_of(seen))
        return echo(seen) if paid else Answer(402, json={"error": "no credits"})

    loopback.route("POST", "/", answer)
    client = make_client(loopback)
    with pytest.warns(UserWarning, match="no credits"):
        result = client.map(TASK, texts(400), concurrency=4, batch_size=4, progress=False)
    assert labels_of(result)[:20] == texts(20)
    assert result.counts["done"] == 20
    assert result.counts["pending"] > 300
    assert "no credits" in (result.stopped or "")
    loopback.route("POST", "/", echo)
    assert labels_of(result.retry()) == texts(400)


def test_retry_processes_only_unfinished_rows(loopback: Loopback) -> None:
    loopback.route("POST", "/", refuse("row 1", "row 4"))
    result = make_client(loopback).map(TASK, texts(6), progress=False)
    loopback.requests.clear()
    loopback.route("POST", "/", echo)
    again = result.retry()
    assert labels_of(again) == texts(6)
    assert {*asked(loopback)} == {"row 1", "row 4"}
    assert len(result.failed) == 2


def test_retry_continues_with_an_iterator(loopback: Loopback) -> None:
    loopback.route("POST", "/", Answer(401))
    rows = (text for text in texts(900))
    client = make_client(loopback)
    loopback.route("POST", "/", lambda s: echo(s) if max(inputs_of(s)) < "row 2" else Answer(401))
    with pytest.warns(UserWarning, match="401"):
        result = client.map(TASK, rows, concurrency=2, batch_size=1, progress=False)
    assert result.counts["done"] < 900
    loopback.route("POST", "/", echo)
    assert labels_of(result.retry()) == texts(900)


def test_to_pandas_joins_the_input_table(loopback: Loopback) -> None:
    loopback.route("POST", "/", refuse("b"))
    frame = pd.DataFrame({"review": ["a", "b", "c"], "label": [5, 6, 7]}, index=["x", "y", "z"])
    found = make_client(loopback).map(TASK, frame, column="review", progress=False).to_pandas()
    assert list(found.columns) == ["review", "label", "label_result", "score", "error"]
    assert list(found.index) == ["x", "y", "z"]
    assert found.loc["z", "label_result"] == "c"
    assert found.loc["x", "score"] == 1.0
    assert "400" in found.loc["y", "error"]
    assert pd.isna(found.loc["x", "error"])


def test_to_pandas_keeps_rows_with_equal_index_values_apart(loopback: Loopback) -> None:
    loopback.route("POST", "/", echo)
    frame = pd.DataFrame({"text": ["a", "b", "c"], "label": 0, "label_result": 0}, index=[7, 7, 8])
    found = make_client(loopback).map(TASK, frame, progress=False).to_pandas()
    assert list(found["text"]) == list(found["label_result2"]) == ["a", "b", "c"]
    assert list(found.index) == [7, 7, 8]
    series = pd.Series(["a", "b"], index=["x", "x"])
    found = make_client(loopback).map(TASK, series, progress=False).to_pandas()
    assert list(found["inputs"]) == list(found["label"]) == ["a", "b"]
    frame.columns = pd.MultiIndex.from_tuples([("one", "text"), ("one", "n"), ("two", "n")])
    asked = make_client(loopback).map(TASK, frame, column="('one', 'text')", progress=False)
    assert list(asked.to_pandas()["label"]) == ["a", "b", "c"]


def test_to_pandas_of_texts_and_objects() -> None:
    with answers(chat_completion="Hi", summarization="short", feature_extraction=[[0.5, 1.0]]):
        client = InferenceClient()
        chats = client.map("chat-completion", ["a", "b"], model="m", progress=False).to_pandas()
        sums = client.map("summarization", pd.Series(["a"], name="t"), progress=False).to_pandas()
        arrays = client.map("feature-extraction", ["a"], progress=False).to_pandas()
    assert list(chats["result"]) == ["Hi", "Hi"]
    assert list(chats["inputs"]) == [
        [{"role": "user", "content": "a"}],
        [{"role": "user", "content": "b"}],
    ]
    assert list(sums.columns) == ["t", "result", "error"]
    assert arrays["result"][0].shape == (1, 2)


def entities(request: CannedRequest) -> Any:
    names = [name for name in ("Ada", "Bob") if name in request.inputs]
    return [
        {"entity_group": "PER", "score": 0.9, "word": name, "start": 0, "end": 3} for name in names
    ]


def test_to_pandas_has_one_line_per_entity(tmp_path: Path) -> None:
    frame = pd.DataFrame({"text": ["Ada met Bob", "nobody", None, "Bob"], "id": [1, 2, 3, 4]})
    with answers(token_classification=entities):
        result = hf.map("token-classification", frame, progress=False)
    found = result.to_pandas()
    assert list(found["id"]) == [1, 1, 2, 3, 4]
    assert list(found.index) == [0, 0, 1, 2, 3]
    assert list(found["word"].fillna("")) == ["Ada", "Bob", "", "", "Bob"]
    assert list(found["entity_group"].fillna("")) == ["PER", "PER", "", "", "PER"]
    assert list(found["error"].notna()) == [False, False, False, True, False]


def test_to_pandas_has_one_line_per_box_and_one_for_labels() -> None:
    box = {"xmin": 1, "ymin": 2, "xmax": 3, "ymax": 4}
    labels = [{"label": "A", "score": 0.9, "why": "x"}, {"label": "B", "score": 0.1, "why": "y"}]
    image = Image.new("RGB", (8, 8))
    with answers(
        object_detection=[{"label": "cat", "score": 0.5, "box": box}] * 2,
        text_classification=labels,
    ):
        boxes = hf.map("object-detection", [image], progress=False).to_pandas()
        best = hf.map("text-classification", ["a"], progress=False).to_pandas()
    assert list(boxes["box.xmax"]) == [3, 3]
    assert list(best["label"]) == ["A"]


def test_tokens_and_cost_are_counted(loopback: Loopback) -> None:
    loopback.route("POST", "/v1/chat/completions", chat_answer("Hi"))
    messages: list[str] = []
    result = make_client(loopback).map(
        "chat-completion", texts(5), progress=lambda progress: messages.append(str(progress))
    )
    assert result.tokens == 25
    assert "tokens 25" in messages[-1]
    assert "done 5 of 5" in messages[-1]
    assert "took" in messages[-1]
    assert "finished" not in messages[-1]


def test_the_user_s_http_client_is_used_in_threads(loopback: Loopback) -> None:
    loopback.route("POST", "/", echo)
    threads = set()

    class Seen(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            threads.add(threading.current_thread().name)
            return super().handle_request(request)

    with httpx.Client(transport=Seen()) as http:
        result = make_client(loopback, http_client=http).map(TASK, texts(20), progress=False)
    assert labels_of(result) == texts(20)
    assert threads
    assert threading.current_thread().name not in threads


def test_map_works_inside_a_running_loop(loopback: Loopback) -> None:
    loopback.route("POST", "/", echo)

    async def cell() -> BatchResult:
        return make_client(loopback).map(TASK, texts(5), progress=False)

    assert labels_of(asyncio.run(cell())) == texts(5)


def test_the_source_is_read_in_the_caller_s_thread(loopback: Loopback) -> None:
    loopback.route("POST", "/", echo)
    threads = set()

    def rows() -> Any:
        for text in texts(600):
            threads.add(threading.get_ident())
            yield text

    make_client(loopback).map(TASK, rows(), progress=False)
    assert threads == {threading.get_ident()}


def test_a_source_s_error_is_raised(loopback: Loopback) -> None:
    loopback.route("POST", "/", echo)

    def rows() -> Any:
        yield "a"
        raise KeyError("the database is gone")

    with pytest.raises(KeyError, match="the database is gone"):
        make_client(loopback).map(TASK, rows(), progress=False)


def test_rows_are_recorded_and_replayed(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", echo)
    with hf.recordings(tmp_path):
        make_client(loopback).map(TASK, texts(10), progress=False)
        assert labels_of(make_client(loopback).map(TASK, texts(10), progress=False)) == texts(10)
    assert len(asked(loopback)) == 10
