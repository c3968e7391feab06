"""Async calls never block the loop, and a canceled call leaves nothing open."""

import asyncio
import gc
import threading
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx
import pytest

from hfwidgets import AsyncInferenceClient, InferenceTimeoutError, errors
from hfwidgets.core import auth, flow
from tests.core.test_streams import HELLO
from tests.plugins.clients import Held
from tests.plugins.loopback import Answer, Loopback, Seen, chat_answer, chat_events
from tests.plugins.waiting import LIMIT, Slow, free

pytestmark = pytest.mark.usefixtures("each_transport")

T = TypeVar("T")


def ran(loopback: Loopback, work: Callable[[AsyncInferenceClient], Awaitable[T]], **to: Any) -> T:
    """Run work with a client in a new loop."""

    async def run() -> T:
        async with AsyncInferenceClient(base_url=loopback.url, **to) as client:
            return await work(client)

    return asyncio.run(run())


async def gone(loopback: Loopback) -> bool:
    """True if the server sees the connection close."""
    return await asyncio.to_thread(loopback.gone.wait, LIMIT)


def test_cancelling_a_task_that_reads_a_stream_closes_its_connection(
    loopback: Loopback, held: Held
) -> None:
    async def work(client: AsyncInferenceClient) -> str:
        stream = await client.chat_completion(HELLO, stream=True)
        first = asyncio.Event()

        async def read() -> None:
            async for _ in stream:
                first.set()

        task = asyncio.create_task(read())
        await first.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await gone(loopback)
        return stream.text

    assert ran(loopback, work) == "Hel"


def test_cancelling_a_plain_call_closes_its_connection(loopback: Loopback) -> None:
    asked, left = threading.Event(), threading.Event()

    def slow(_: Seen) -> Answer:
        asked.set()
        left.wait(LIMIT)
        return Answer(body=b"x" * 5_000_000)  # more than a socket holds: a gone reader is noticed

    loopback.answer(slow)

    async def work(client: AsyncInferenceClient) -> None:
        task = asyncio.ensure_future(client.chat_completion(HELLO))
        assert await asyncio.to_thread(asked.wait, LIMIT)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        left.set()
        assert await gone(loopback)

    ran(loopback, work)


def test_a_stream_dropped_unread_does_not_leak(loopback: Loopback, held: Held) -> None:
    async def work(client: AsyncInferenceClient) -> None:
        stream = await client.chat_completion(HELLO, stream=True)
        del stream
        gc.collect()
        assert await gone(loopback)

    ran(loopback, work)


def test_a_stream_left_in_the_middle_and_dropped_does_not_leak(
    loopback: Loopback, held: Held
) -> None:
    async def work(client: AsyncInferenceClient) -> None:
        async for _ in await client.chat_completion(HELLO, stream=True):
            break
        gc.collect()
        assert await gone(loopback)

    ran(loopback, work)


def test_aclose_and_with_blocks(loopback: Loopback, held: Held) -> None:
    async def work(client: AsyncInferenceClient) -> list[Any]:
        async with await client.chat_completion(HELLO, stream=True) as stream:
            await anext(stream)
        assert await gone(loopback)
        assert stream.closed
        return [item async for item in stream]

    assert ran(loopback, work) == []


def test_aclose_from_another_task_ends_the_reader_quietly(loopback: Loopback, held: Held) -> None:
    async def work(client: AsyncInferenceClient) -> str:
        stream = await client.chat_completion(HELLO, stream=True)
        await anext(stream)
        begun = asyncio.Event()

        async def read() -> list[Any]:
            begun.set()  # what follows does not give the loop back before it waits for bytes
            return [item async for item in stream]

        task = asyncio.create_task(read())
        await begun.wait()
        await stream.aclose()
        assert await asyncio.wait_for(task, LIMIT) == []
        return stream.text

    assert ran(loopback, work) == "Hel"


def test_20_full_streams_use_one_connection(loopback: Loopback) -> None:
    loopback.answer(*[chat_events("a", "b") for _ in range(20)])

    async def work(client: AsyncInferenceClient) -> None:
        for _ in range(20):
            stream = await client.chat_completion(HELLO, stream=True)
            assert len([item async for item in stream]) == 3

    ran(loopback, work)
    assert loopback.connections == 1


def test_50_calls_use_one_connection(loopback: Loopback) -> None:
    loopback.answer(*[chat_answer("Hi") for _ in range(50)])

    async def work(client: AsyncInferenceClient) -> None:
        for _ in range(50):
            assert (await client.chat_completion(HELLO)).text == "Hi"

    ran(loopback, work)
    assert loopback.connections == 1


def test_a_broken_stream_keeps_what_came(loopback: Loopback) -> None:
    answer = chat_events("Hel", "lo", done=False)
    answer.chunks, answer.cut = list(answer.chunks or ())[:2], True
    loopback.answer(answer)

    async def work(client: AsyncInferenceClient) -> str:
        stream = await client.chat_completion(HELLO, stream=True)
        with pytest.raises(errors.StreamBrokenError):
            async for _ in stream:
                pass
        return stream.text

    assert ran(loopback, work) == "Hello"


def test_the_timeout_holds_between_chunks(loopback: Loopback, held: Held) -> None:
    async def work(client: AsyncInferenceClient) -> str:
        stream = await client.chat_completion(HELLO, stream=True)
        with pytest.raises(InferenceTimeoutError, match=r"timeout of 1 s"):
            async for _ in stream:
                pass
        assert await gone(loopback)
        return stream.text

    assert ran(loopback, work, timeout=1.0) == "Hel"


def test_looking_for_a_token_does_not_block_the_loop(
    loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow()
    monkeypatch.setattr(auth, "find_machine_token", slow)
    loopback.answer(chat_answer("Hi"))

    async def work(client: AsyncInferenceClient) -> Any:
        return await free(client.chat_completion(HELLO), slow)

    assert ran(loopback, work).text == "Hi"


def test_waiting_for_a_model_does_not_block_the_loop(loopback: Loopback) -> None:
    """Nothing but the wait can let another task run between its announcement and the request."""
    loading = Answer(503, json={"error": "Model x is currently loading", "estimated_time": 0.05})
    loopback.answer(loading, chat_answer("Hi"))
    others: list[bool] = []
    turned = asyncio.Event()

    async def sending(_: httpx.Request) -> None:
        others.append(turned.is_set())

    async def run() -> None:
        loop = asyncio.get_running_loop()
        flow.wait_listener.set(lambda reason, seconds: loop.call_soon(turned.set) and None)
        async with httpx.AsyncClient(event_hooks={"request": [sending]}) as http:
            client = AsyncInferenceClient(base_url=loopback.url, http_client=http)
            await client.chat_completion(HELLO)

    asyncio.run(run())
    assert others == [False, True]
