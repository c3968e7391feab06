"""Rows that share a request: how many requests, whose error, and the same results as alone."""

import asyncio
import json
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

import hfwidgets as hf
from hfwidgets import AsyncInferenceClient, InferenceClient, errors
from hfwidgets.batch import BatchResult, _group_size
from hfwidgets.batch._group_size import MAX_UNPROVEN_REFUSALS, GroupSize
from tests.batch.rows import TASK, asked, echo, inputs_of, labels_of, make_client, refuse, texts
from tests.plugins.loopback import Answer, Loopback, Seen

EMBED = "feature-extraction"


def vector(text: str) -> list[float]:
    return [float(len(text)), float(sum(map(ord, text)))]


def embed(seen: Seen) -> Answer:
    """Answer as text-embeddings-inference does: one vector per text, a list for one text, too."""
    return Answer(json=[vector(text) for text in inputs_of(seen)])


def sizes(loopback: Loopback) -> list[int]:
    """Return how many rows each request was for."""
    return [len(inputs_of(seen)) for seen in loopback.requests]


@pytest.fixture
def always_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every answer count as a quick one, on a slow machine too."""
    monkeypatch.setattr(_group_size, "QUICK_SECONDS", 600.0)


def test_ten_thousand_texts_take_few_requests(always_quick: None, loopback: Loopback) -> None:
    loopback.route("POST", "/", embed)
    result = make_client(loopback).map(EMBED, texts(10_000), progress=False)
    assert result.counts["done"] == 10_000
    assert all((row.result == [vector(f"row {row.index}")]).all() for row in result)
    assert len(loopback.requests) <= 10_000 / 32
    assert sorted(asked(loopback)) == sorted(texts(10_000))


ANSWERS: dict[str, Callable[[str], Any]] = {
    "text-classification": lambda text: [{"label": text, "score": 0.5}],
    "token-classification": lambda text: (
        [] if "3" in text else [{"entity_group": "N", "score": 0.5, "word": text}]
    ),
    "fill-mask": lambda text: [
        {"score": 0.5, "token": 1, "token_str": text, "sequence": text},
        {"score": 0.4, "token": 2, "token_str": "b", "sequence": "b"},
    ],
    "zero-shot-classification": lambda text: {
        "sequence": text,
        "labels": ["a", "b"],
        "scores": [0.9, 0.1],
    },
    "summarization": lambda text: {"summary_text": text},
    "translation": lambda text: {"translation_text": text},
}
"""Each task's answer to one text of a list."""


@pytest.mark.parametrize("task", ANSWERS)
def test_each_row_has_the_result_that_it_has_alone(loopback: Loopback, task: str) -> None:
    def answer(seen: Seen) -> Answer:
        found = [ANSWERS[task](text) for text in inputs_of(seen)]
        return Answer(json=found if isinstance(seen.json()["inputs"], list) else found[0])

    loopback.route("POST", "/", answer)
    options = {"candidate_labels": ["a", "b"]} if task.startswith("zero-shot") else {}
    client = make_client(loopback)
    together = client.map(task, texts(20), progress=False, **options)
    assert sizes(loopback) == [20]
    alone = client.map(task, texts(20), batch_size=1, progress=False, **options)
    assert sizes(loopback)[1:] == [1] * 20
    assert together.results == alone.results
    assert together[0].result.meta.provider == "endpoint"


@pytest.mark.parametrize("is_nested", [True, False])
def test_vectors_have_the_shape_that_they_have_alone(loopback: Loopback, is_nested: bool) -> None:
    def answer(seen: Seen) -> Answer:
        is_list = is_nested or isinstance(seen.json()["inputs"], list)
        return embed(seen) if is_list else Answer(json=vector(seen.json()["inputs"]))

    loopback.route("POST", "/", answer)
    client = make_client(loopback)
    result = client.map(EMBED, texts(33), progress=False)
    assert {row.result.shape for row in result} == {client.feature_extraction("a").shape}
    assert np.stack(result.results).shape == ((33, 1, 2) if is_nested else (33, 2))


def test_openai_embeddings(always_quick: None, loopback: Loopback) -> None:
    def answer(seen: Seen) -> Answer:
        inputs = seen.json()["input"]
        many = inputs if isinstance(inputs, list) else [inputs]
        data = [{"index": at, "embedding": vector(text)} for at, text in enumerate(many)]
        return Answer(json={"data": data[::-1]})

    loopback.route("POST", "/v1/embeddings", answer)
    client = InferenceClient(base_url=f"{loopback.url}/v1", token="none")
    result = client.map(EMBED, texts(100), progress=False)
    assert [row.result.tolist() for row in result] == [[vector(text)] for text in texts(100)]
    assert len(loopback.requests) == 4  # one text alone, 31, 64 and the rest


def test_an_error_belongs_to_its_row(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", refuse("row 3", "row 40", "row 41"))
    client = make_client(loopback)
    files = [tmp_path / "together.jsonl", tmp_path / "alone.jsonl"]
    together = client.map(TASK, texts(100), resume=files[0], progress=False)
    assert list(together.errors) == [3, 40, 41]
    assert labels_of(together) == [
        t if t[4:] not in ("3", "40", "41") else None for t in texts(100)
    ]
    assert len(loopback.requests) < 40
    alone = client.map(TASK, texts(100), resume=files[1], batch_size=1, progress=False)
    assert {at: str(error) for at, error in together.errors.items()} == {
        at: str(error) for at, error in alone.errors.items()
    }
    first, second = map(read_lines, files)
    assert first == second


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a file by row, without the moments."""
    found = [json.loads(line) for line in path.read_text().splitlines()[1:]]
    for line in found:
        del line["at"]
        line.get("served", {}).pop("seconds", None)
        # A label of one text is nested as deeply as the server nests it.
        line["answer"] = str(line.get("answer")).strip("[]")
    return sorted(found, key=lambda line: line["row"])


@pytest.mark.parametrize("status", [400, 413, 422, 500, 504])
@pytest.mark.parametrize("limit", [1, 10])
def test_a_server_with_a_limit(loopback: Loopback, status: int, limit: int) -> None:
    def answer(seen: Seen) -> Answer:
        count = len(inputs_of(seen))
        message = f"batch size {count} > maximum allowed batch size {limit}"
        return echo(seen) if count <= limit else Answer(status, json={"error": message})

    loopback.route("POST", "/", answer)
    result = make_client(loopback).map(TASK, texts(300), concurrency=2, progress=False)
    assert labels_of(result) == texts(300)
    assert result.failed == []
    if status in (400, 413, 422):  # its size is to blame, so that later lists are smaller
        assert len(loopback.requests) < 300 / min(limit, 8) + 20


PAIR = [{"label": "A", "score": 0.9}, {"label": "B", "score": 0.1}]


@pytest.mark.parametrize(
    "odd",
    [
        Answer(json=PAIR),
        Answer(json=[PAIR]),
        Answer(json={"label": "A"}),
        Answer(json=[{"label": "A", "score": 0.9}]),
        Answer(body=b"not JSON"),
        Answer(404),
    ],
)
@pytest.mark.parametrize("count", [2, 50])
def test_a_server_that_takes_no_lists(loopback: Loopback, odd: Answer, count: int) -> None:
    loopback.route("POST", "/", lambda s: echo(s) if len(inputs_of(s)) == 1 else odd)
    result = make_client(loopback).map(TASK, texts(count), progress=False)
    assert labels_of(result) == texts(count)
    # After a 404 the client looks once at what the server lists.
    assert len(loopback.requests) <= count + MAX_UNPROVEN_REFUSALS + 1


def test_text_embeddings_inference_classifies_lists_of_lists(
    always_quick: None, loopback: Loopback
) -> None:
    """Two texts in a list are one pair to it, and more are refused."""

    def answer(seen: Seen) -> Answer:
        inputs = seen.json()["inputs"]
        if isinstance(inputs, str):
            return Answer(json=[{"label": inputs, "score": 1}])
        if isinstance(inputs[0], list):
            return Answer(json=[[{"label": text, "score": 1}] for [text] in inputs])
        if len(inputs) > 2:
            return Answer(422, json={"error": "inputs must be one or two texts"})
        return Answer(json=PAIR)

    loopback.route("POST", "/", answer)
    client = make_client(loopback)
    assert labels_of(client.map(TASK, texts(100), progress=False)) == texts(100)
    assert len(loopback.requests) == 4  # the refused list, then 32, 64 and the rest
    assert labels_of(client.map(TASK, texts(2), progress=False)) == texts(2)


def test_rows_with_parameters_of_their_own_are_sent_apart(loopback: Loopback) -> None:
    loopback.route("POST", "/", echo)
    rows = [{"text": text, "top_k": 1 + at // 10} for at, text in enumerate(texts(30))]
    result = make_client(loopback).map(TASK, rows, progress=False)
    assert labels_of(result) == texts(30)
    assert sizes(loopback) == [10, 10, 10]
    assert {seen.json()["parameters"]["top_k"] for seen in loopback.requests} == {1, 2, 3}


def test_inputs_that_are_not_a_text_are_sent_alone(loopback: Loopback) -> None:
    loopback.route("POST", "/", embed)
    rows = ["a", ["b", "c"], "d", "", None]
    result = make_client(loopback).map(EMBED, rows, progress=False)
    assert [row.result.shape for row in result[:4]] == [(1, 2), (2, 2), (1, 2), (1, 2)]
    assert isinstance(result.errors[4], errors.InputError)


def test_busy_and_failing_servers_are_asked_again(loopback: Loopback) -> None:
    replies = iter([Answer(429, headers={"retry-after": "0.01"}), Answer(503), Answer(502)])
    loopback.route("POST", "/", lambda seen: next(replies, None) or echo(seen))
    result = make_client(loopback).map(TASK, texts(20), progress=False)
    assert labels_of(result) == texts(20)
    assert sizes(loopback) == [20] * 4


def test_a_row_that_ends_the_server_s_connection_is_found(loopback: Loopback) -> None:
    def answer(seen: Seen) -> Answer:
        return Answer(503) if "row 3" in inputs_of(seen) else echo(seen)

    loopback.route("POST", "/", answer)
    result = make_client(loopback).map(TASK, texts(5), progress=False)
    assert list(result.errors) == [3]
    assert sizes(loopback)[:4] == [5] * 4


def test_a_server_that_breaks_off_at_lists_is_soon_sent_none(loopback: Loopback) -> None:
    loopback.route(
        "POST",
        "/",
        lambda s: echo(s) if len(inputs_of(s)) == 1 else Answer(chunks=[b"["], cut=True),
    )
    result = make_client(loopback).map(TASK, texts(100), progress=False)
    assert labels_of(result) == texts(100)
    # Four lists of which the first is tried four times, the others at most as often.
    assert sum(size > 1 for size in sizes(loopback)) <= 16
    assert sizes(loopback).count(1) == 100


def test_rows_are_recorded_one_by_one(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", embed)
    client = make_client(loopback)
    with hf.recordings(tmp_path):
        alone = client.feature_extraction("row 3")
        together = client.map(EMBED, texts(10), progress=False)
        assert sorted(asked(loopback)) == sorted(texts(10))
        again = client.map(EMBED, texts(10), batch_size=3, progress=False)
        assert [client.feature_extraction(text).tolist() for text in texts(10)] == [
            row.result.tolist() for row in again
        ]
    assert sorted(asked(loopback)) == sorted(texts(10))
    assert together[3].result.tolist() == alone.tolist()
    assert together[3].result.meta.recorded == alone.meta.recorded
    with hf.recordings(tmp_path, mode="replay"):
        replayed = client.map(EMBED, texts(12), progress=False)
    assert list(replayed.errors) == [10, 11]
    assert isinstance(replayed.errors[11], errors.NotRecordedError)


def test_a_group_beyond_the_timeout_is_split(loopback: Loopback) -> None:
    is_over = threading.Event()

    def answer(seen: Seen) -> Answer:
        if len(inputs_of(seen)) > 4:
            is_over.wait(60)
        return echo(seen)

    loopback.route("POST", "/", answer)
    client = make_client(loopback, timeout=1)
    assert labels_of(client.map(TASK, texts(16), progress=False)) == texts(16)
    assert sorted(sizes(loopback)) == [4, 4, 4, 4, 8, 16]
    is_over.set()


def test_the_async_client_and_its_iteration(loopback: Loopback) -> None:
    loopback.route("POST", "/", refuse("row 3"))

    async def run() -> tuple[BatchResult, list[int]]:
        async with AsyncInferenceClient(base_url=loopback.url) as client:
            result = await client.map(TASK, texts(200), progress=False)
            rows = client.map(TASK, iter(texts(200)), progress=False)
            return result, [row.index async for row in rows]

    result, indices = asyncio.run(run())
    assert list(result.errors) == [3]
    assert indices == list(range(200))
    assert len(loopback.requests) < 40


def test_the_user_s_http_client(loopback: Loopback) -> None:
    loopback.route("POST", "/", refuse("row 3"))
    with httpx.Client() as http:
        result = make_client(loopback, http_client=http).map(TASK, texts(50), progress=False)
    assert list(result.errors) == [3]
    assert len(loopback.requests) < 20


def test_workers_of_an_executor(loopback: Loopback) -> None:
    loopback.route("POST", "/", refuse("row 3"))
    with ProcessPoolExecutor(1, get_context("spawn")) as executor:
        result = make_client(loopback).map(TASK, texts(50), executor=executor, progress=False)
    assert [t for t in labels_of(result) if t] == [t for t in texts(50) if t != "row 3"]
    assert isinstance(result.errors[3], errors.BadRequestError)
    assert len(loopback.requests) < 20


def test_a_task_that_takes_one_input_has_no_batch_size(loopback: Loopback) -> None:
    client = make_client(loopback)
    with pytest.raises(errors.ConfigurationError, match="one input per request"):
        client.map("chat-completion", ["a"], batch_size=2)
    with pytest.raises(errors.ConfigurationError, match="batch_size"):
        client.map(TASK, ["a"], batch_size=0)
    assert loopback.requests == []


def test_the_size_follows_the_server_s_answers() -> None:
    size = GroupSize(32, 64)
    assert size.may_start(0)
    assert not size.may_start(1)
    size.record_success(32, 0.1)
    assert size.may_start(9)
    assert size.size == 64
    size.record_refusal(64, is_too_large=True)
    size.record_success(32, 0.1)
    assert size.size == 32
    size.record_refusal(32, is_too_large=False)
    assert size.size == 32


def test_the_size_stays_where_answers_are_slow() -> None:
    size = GroupSize(32, 64)
    size.record_success(32, 1.5)
    assert size.size == 32


def test_rows_are_sent_alone_once_every_list_was_refused() -> None:
    size = GroupSize(32, 64)
    for _ in range(MAX_UNPROVEN_REFUSALS):
        assert size.size == 32
        size.record_refusal(8, is_too_large=False)
    assert size.size == 1
