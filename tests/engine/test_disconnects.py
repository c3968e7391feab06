"""Clients that leave, queues that fill up, and processes that crash."""

import asyncio
import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, aclosing, contextmanager
from typing import Any

import httpx
import pytest

from hfwidgets.engine.base.http_errors import RefusedError
from hfwidgets.engine.base.llama import Llama
from hfwidgets.engine.base.weights import WEIGHTS
from hfwidgets.engine.chat.chat import MODEL
from hfwidgets.engine.server.engine import MAX_WAITING
from hfwidgets.engine.server.request_queue import RequestQueue
from tests.engine.conftest import Server
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
def connected(server: Server, body: dict[str, Any]) -> Iterator[None]:
    """Send a chat request on a separate connection that closes with the block."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    content = json.dumps(body).encode()
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            + f"Authorization: Bearer {server.key}\r\n".encode()
            + f"Content-Length: {len(content)}\r\n\r\n".encode()
            + content
        )
        yield


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


def test_closed_stream_frees_the_slot(light_weights: object) -> None:
    async def slots(llama: Llama) -> list[bool]:
        assert llama._http is not None
        return [slot["is_processing"] for slot in (await llama._http.get("/slots")).json()]

    async def run() -> None:
        llama = Llama(lambda: WEIGHTS["smollm2"].path("model.gguf"), MODEL)
        try:
            async with aclosing(llama.stream("/v1/chat/completions", LONG)) as events:
                await anext(events)
                assert True in await slots(llama)
            async with asyncio.timeout(60):
                while True in await slots(llama):
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
