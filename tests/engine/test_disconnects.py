"""Clients that leave, queues that fill up, and processes that crash."""

import asyncio
import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, aclosing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import pytest
import soxr
from PIL import Image

from hfwidgets.engine.base.http_errors import RefusedError
from hfwidgets.engine.base.llama import Llama
from hfwidgets.engine.base.weights import WEIGHTS
from hfwidgets.engine.chat.chat import MODEL
from hfwidgets.engine.server.engine import MAX_WAITING
from hfwidgets.engine.server.request_queue import RequestQueue
from hfwidgets.tasks import examples
from tests.engine import samples
from tests.engine.conftest import Server, run_server
from tests.plugins.engine import make_cache
from tests.plugins.waiting import until

LONG = {
    "messages": [{"role": "user", "content": "Count from one to a thousand."}],
    "max_tokens": 1800,
    "logit_bias": {"2": -100},  # never the token that ends the turn: it generates up to the limit
}


def state(http: httpx.Client) -> dict[str, Any]:
    """Return the engine's health."""
    return http.get("/health").json()


@contextmanager
def connected(
    server: Server, body: dict[str, Any] | bytes, path: str = "/v1/chat/completions"
) -> Iterator[None]:
    """Send a request on a separate connection that closes with the block."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n"
            f"Authorization: Bearer {server.key}\r\nContent-Length: {len(content)}\r\n\r\n".encode()
            + content
        )
        yield


PROMPT = "Salty words and sweet ones. " * 250
"""About 1,500 tokens, which the chat model reads for half a minute."""

TEXTS = [f"{index} times a sentence of some ten words. " * 12 for index in range(2000)]


def task_path(task: str) -> str:
    return f"/models/default/pipeline/{task}"


SLOW_REQUESTS: dict[str, Callable[[], tuple[str, dict[str, Any] | bytes]]] = {
    "chat": lambda: (
        "/v1/chat/completions",
        {"messages": [{"role": "user", "content": PROMPT}]},
    ),
    "streamed chat": lambda: (
        "/v1/chat/completions",
        {"messages": [{"role": "user", "content": PROMPT}], "stream": True},
    ),
    "responses": lambda: ("/v1/responses", {"input": PROMPT}),
    "streamed responses": lambda: ("/v1/responses", {"input": PROMPT, "stream": True}),
    "completions": lambda: ("/v1/completions", {"prompt": PROMPT}),
    "text-generation": lambda: (task_path("text-generation"), {"inputs": PROMPT}),
    "streamed text-generation": lambda: (
        task_path("text-generation"),
        {"inputs": PROMPT, "stream": True},
    ),
    "fill-mask": lambda: (task_path("fill-mask"), {"inputs": PROMPT + "He drinks [MASK]."}),
    "question-answering": lambda: (
        task_path("question-answering"),
        {"inputs": {"question": "Who bakes?", "context": "Anna bakes bread. " + PROMPT}},
    ),
    "feature-extraction": lambda: (task_path("feature-extraction"), {"inputs": TEXTS}),
    "embeddings": lambda: ("/v1/embeddings", {"input": TEXTS}),
    "sentence-similarity": lambda: (
        task_path("sentence-similarity"),
        {"inputs": {"source_sentence": "a", "sentences": TEXTS}},
    ),
    "summarization": lambda: (task_path("summarization"), {"inputs": "".join(TEXTS[:42])}),
    "text-to-speech": lambda: (
        task_path("text-to-speech"),
        {"inputs": "The library is closed on Sundays. " * 140},
    ),
    "automatic-speech-recognition": lambda: (
        task_path("automatic-speech-recognition"),
        samples.encode_audio(np.tile(decode_speech(), 150)[: 16_000 * 590], 16_000, "FLAC"),
    ),
    "image-to-image": lambda: (
        task_path("image-to-image"),
        samples.encode_image(Image.new("RGB", (1400, 1000), "red")),
    ),
    "image-to-text": lambda: (
        task_path("image-to-text"),
        samples.encode_image(samples.draw_text([f"Line {i} of many words" for i in range(90)], 14)),
    ),
}


def decode_speech() -> samples.Samples:
    """Return the example of speech at 16 kHz."""
    speech, rate = samples.decode_audio(examples.SPEECH_FILE.read_bytes())
    resampled: samples.Samples = soxr.resample(speech, rate, 16_000)
    return resampled


def measure_cpu_seconds(server: Server) -> float:
    """Return the CPU time that the engine and its child have used."""
    engine = psutil.Process(server.pid)
    times = [process.cpu_times() for process in (engine, *engine.children())]
    return sum(one.user + one.system for one in times)


@pytest.mark.parametrize("name", SLOW_REQUESTS)
def test_leaving_before_the_first_byte_frees_the_slot(
    server: Server, http: httpx.Client, full_weights: object, name: str
) -> None:
    path, body = SLOW_REQUESTS[name]()
    with connected(server, body, path):
        until(lambda: state(http)["working"] == 1, "the request runs")
    before = measure_cpu_seconds(server)
    until(lambda: state(http)["working"] == 0, "its turn is free", seconds=300)
    # CPU time, which passes as fast on a machine that is busy with other work.
    assert measure_cpu_seconds(server) - before < 15, "the rest of the work was done"


@pytest.mark.parametrize("stream", [True, False])
def test_leaving_client_frees_its_turn(server: Server, http: httpx.Client, stream: bool) -> None:
    body = {**LONG, "stream": stream}
    with connected(server, body), connected(server, body):
        until(lambda: state(http)["working"] == 2, "both requests work")
    until(lambda: state(http)["working"] == 0, "both turns are free")


def test_leaving_client_leaves_the_queue(server: Server, http: httpx.Client) -> None:
    with connected(server, LONG), connected(server, LONG):
        until(lambda: state(http)["working"] == 2, "both requests work")
        with connected(server, LONG):
            until(lambda: state(http)["waiting"] == 1, "a third waits")
        until(lambda: state(http)["waiting"] == 0, "it has left the queue")
        assert state(http)["working"] == 2
    until(lambda: state(http)["working"] == 0, "all turns are free")


async def busy_slots(llama: Llama) -> list[bool]:
    """Return which slots of llama.cpp's server work."""
    assert llama._http is not None or await llama.tokenize("a")
    assert llama._http is not None
    return [slot["is_processing"] for slot in (await llama._http.get("/slots")).json()]


def test_closed_stream_frees_the_slot(light_weights: object) -> None:
    async def run() -> None:
        llama = Llama(lambda: WEIGHTS["smollm2"].path("model.gguf"), MODEL)
        try:
            async with aclosing(llama.stream("/v1/chat/completions", LONG)) as events:
                await anext(events)
                assert True in await busy_slots(llama)
            async with asyncio.timeout(60):
                while True in await busy_slots(llama):
                    await asyncio.sleep(0.01)
        finally:
            await llama.close()

    asyncio.run(run())


def test_a_prompt_is_abandoned_before_its_first_token(light_weights: object) -> None:
    prompt = {"messages": [{"role": "user", "content": "Salty words. " * 300}], "max_tokens": 1}
    progress: list[int] = []

    async def is_reading(llama: Llama) -> bool:
        assert llama._http is not None
        slots = (await llama._http.get("/slots")).json()
        busy = [slot for slot in slots if slot["is_processing"]]
        progress.extend(slot["n_prompt_tokens_processed"] for slot in busy)
        return bool(busy)

    async def run() -> None:
        llama = Llama(lambda: WEIGHTS["smollm2"].path("model.gguf"), MODEL)
        await llama.tokenize("The model is loaded.")
        reading = asyncio.ensure_future(anext(llama.stream("/v1/chat/completions", prompt)))
        try:
            async with asyncio.timeout(60):
                while not await is_reading(llama):
                    await asyncio.sleep(0.01)
                reading.cancel()
                while await is_reading(llama):
                    await asyncio.sleep(0.01)
        finally:
            await llama.close()

    asyncio.run(run())
    assert max(progress) < 900, "the whole prompt has 1,231 tokens"


def test_leaving_in_the_middle_of_the_body_logs_nothing(
    tmp_path: Path, light_weights: Path
) -> None:
    log, cache = tmp_path / "log", make_cache(tmp_path / "cache", light_weights)
    with log.open("w") as errors, run_server(cache, errors) as server:
        host, _, port = server.url.removeprefix("http://").partition(":")
        for kind in ("application/json", "multipart/form-data; boundary=b"):
            path = "/v1/chat/completions" if "json" in kind else "/v1/audio/transcriptions"
            with socket.create_connection((host, int(port))) as connection:
                connection.sendall(
                    f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n"
                    f"Authorization: Bearer {server.key}\r\n"
                    "Content-Length: 5000\r\n\r\n--b".encode()
                )
        headers = {"Authorization": f"Bearer {server.key}"}
        assert httpx.get(f"{server.url}/health", headers=headers).json()["working"] == 0
    assert log.read_text() == ""


def test_chat_model_crash_fails_one_request(server: Server, http: httpx.Client) -> None:
    body = {**LONG, "stream": True}
    with http.stream("POST", "/v1/chat/completions", json=body) as reply:
        lines = reply.iter_lines()
        next(lines)
        os.kill(server.child().pid, signal.SIGKILL)
        rest = "".join(lines)
    assert "ended during the request (signal 9)" in rest
    again = http.post("/v1/chat/completions", json={**LONG, "max_tokens": 3, "logit_bias": None})
    assert again.status_code == 200


def test_crash_before_the_first_token(server: Server, http: httpx.Client) -> None:
    http.post("/v1/completions", json={"prompt": "x", "max_tokens": 1}).raise_for_status()
    child = server.child()
    child.suspend()
    replies: list[httpx.Response] = []
    body = {"prompt": "The capital of France is", "max_tokens": 2}
    asking = threading.Thread(
        target=lambda: replies.append(http.post("/v1/completions", json=body))
    )
    asking.start()
    until(lambda: state(http)["working"] == 1, "the request has reached the child")
    child.kill()
    asking.join(60)
    assert replies[0].status_code == 500
    assert "Try again" in replies[0].json()["error"]["message"]
    assert http.post("/v1/completions", json=body).json()["choices"][0]["text"].startswith(" Paris")


def test_full_queue_sends_retry_after() -> None:
    async def run() -> None:
        gate = RequestQueue(working=1, waiting=1)
        finish = asyncio.Event()

        async def hold() -> None:
            async with gate.hold_turn():
                await finish.wait()

        async with asyncio.TaskGroup() as group:
            group.create_task(hold())
            await asyncio.sleep(0)
            waiting = group.create_task(hold())
            await asyncio.sleep(0)
            assert (gate.working_count, gate.waiting_count) == (1, 1)
            with pytest.raises(RefusedError) as caught:
                async with gate.hold_turn():
                    raise AssertionError("There was no engine_process.")
            assert caught.value.status == 503
            assert caught.value.retry_after is not None
            waiting.cancel()
            await asyncio.wait([waiting])
            assert gate.waiting_count == 0
            finish.set()
        assert gate.working_count == 0

    asyncio.run(run())


def test_full_engine_replies_503(server: Server, http: httpx.Client) -> None:
    with ExitStack() as stack:
        for _ in range(2 + MAX_WAITING):
            stack.enter_context(connected(server, LONG))
        until(lambda: state(http)["waiting"] == MAX_WAITING, "the queue is full")
        for stream in (False, True):
            reply = http.post("/v1/chat/completions", json={**LONG, "stream": stream})
            assert reply.status_code == 503
            assert int(reply.headers["retry-after"]) >= 1
            assert reply.json()["error"]["type"] == "overloaded_error"
        tasks = http.post(f"{server.task('text-classification')}", json={"inputs": "x"})
        assert tasks.status_code == 200, "other models go on"
    until(lambda: state(http)["working"] + state(http)["waiting"] == 0, "all have left")
