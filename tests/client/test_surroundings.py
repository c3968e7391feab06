"""A client in other surroundings: forked processes, one loop after the other, never closed."""

import asyncio
import gc
import multiprocessing
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hfwidgets import AsyncInferenceClient, InferenceClient, errors
from tests.core.test_streams import HELLO
from tests.plugins.loopback import Answer, Loopback, Seen, chat_answer, chat_events

CHAT = "/v1/chat/completions"


def echoed(seen: Seen) -> Answer:
    return chat_answer(seen.json()["messages"][-1]["content"])


def asks(client: InferenceClient, word: str, start: Any, results: Any) -> None:
    start.wait(20)
    question = [{"role": "user", "content": word}]
    results.put((word, {client.chat_completion(question).text for _ in range(20)}))


def test_forked_processes_read_their_own_answers(loopback: Loopback) -> None:
    loopback.route("POST", CHAT, echoed)
    context: Any = multiprocessing.get_context("fork")
    start, results = context.Barrier(3), context.Queue()
    with InferenceClient(base_url=loopback.url) as client:
        client.chat_completion(HELLO)  # leaves a connection that the children inherit
        children = [
            context.Process(target=asks, args=(client, word, start, results)) for word in "abc"
        ]
        for child in children:
            child.start()
        found = [results.get(timeout=30) for _ in children]
        for child in children:
            child.join(10)
        assert client.chat_completion(HELLO).text == HELLO[-1]["content"]
    assert sorted(found) == [(word, {word}) for word in "abc"]


def test_an_async_client_serves_one_loop_after_the_other(loopback: Loopback) -> None:
    loopback.route("POST", CHAT, echoed)
    client = AsyncInferenceClient(base_url=loopback.url)

    async def ask() -> str:
        answer = await client.chat_completion(HELLO)
        return answer.text or ""

    assert {asyncio.run(ask()) for _ in range(4)} == {HELLO[-1]["content"]}
    assert len(client._caller.driver._own_http) == 1  # loops that are closed are forgotten


def test_an_async_client_serves_several_loops_at_once(loopback: Loopback) -> None:
    loopback.route("POST", CHAT, echoed)
    client = AsyncInferenceClient(base_url=loopback.url)

    async def ask() -> set[str]:
        return {(await client.chat_completion(HELLO)).text or "" for _ in range(10)}

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: asyncio.run(ask()), range(8)))
    assert found == [{HELLO[-1]["content"]}] * 8


def test_an_unclosed_client_leaves_no_warning(loopback: Loopback) -> None:
    loopback.route("POST", CHAT, chat_events("Hel", "lo"))
    gc.collect()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        stream = InferenceClient(base_url=loopback.url).chat_completion(HELLO, stream=True)
        assert len(list(stream)) == 3
        del stream
        gc.collect()
    assert [str(w.message) for w in caught if w.category is ResourceWarning] == []


@pytest.mark.parametrize("outlives", [False, True])
def test_an_async_client_that_is_not_closed_leaves_no_warning(
    loopback: Loopback, outlives: bool
) -> None:
    loopback.route("POST", CHAT, echoed)
    kept: list[AsyncInferenceClient] = []

    async def main() -> None:
        client = AsyncInferenceClient(base_url=loopback.url)
        kept.extend([client] if outlives else [])
        await client.chat_completion(HELLO)

    gc.collect()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asyncio.run(main())
        kept.clear()
        gc.collect()
    assert [str(w.message) for w in caught if w.category is ResourceWarning] == []


@pytest.mark.parametrize(
    "url", ["http://a..b/", "http://" + "a" * 70 + ".example", "http://xn--a.com", "http://☃.com:1"]
)
def test_a_name_that_no_host_can_have_is_said_so(url: str) -> None:
    with (
        InferenceClient(base_url=url, max_retries=0) as client,
        pytest.raises(errors.ConfigurationError, match="Not a URL that can be called"),
    ):
        client.chat_completion(HELLO)


def test_a_redirect_to_no_url_is_said_so(loopback: Loopback) -> None:
    loopback.answer(Answer(302, headers={"location": "http://[bad"}))
    with (
        InferenceClient(base_url=loopback.url, max_retries=0) as client,
        pytest.raises(errors.ConnectError, match="redirects to"),
    ):
        client.chat_completion(HELLO)
