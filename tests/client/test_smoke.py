"""Make the shortest calls with both clients."""

import asyncio

import pytest

from hfwidgets import AsyncInferenceClient, InferenceClient, errors
from tests.plugins.loopback import Answer, Loopback, chat_answer, chat_events

HELLO = [{"role": "user", "content": "Hello"}]


def test_a_task_is_posted_to_the_url_as_given(loopback: Loopback) -> None:
    loopback.answer(Answer(json=[[{"label": "GOOD", "score": 0.75}]]))
    labels = InferenceClient(base_url=loopback.url + "/here").text_classification("Fine!", top_k=1)
    assert loopback.requests[0].path == "/here"
    assert loopback.requests[0].json() == {"inputs": "Fine!", "parameters": {"top_k": 1}}
    assert labels[0].label == labels[0]["label"] == "GOOD"
    assert labels[0].score == 0.75


def test_chat_streams_in_both_clients(loopback: Loopback) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    loopback.answer(*[chat_events("Hel", "lo", usage=usage)] * 2)
    stream = InferenceClient(base_url=loopback.url).chat_completion(HELLO, stream=True)
    texts = [c.choices[0].delta.content for c in stream if c.choices]
    assert texts == ["Hel", "lo", None]
    assert stream.text == "Hello"
    assert stream.result.choices[0].finish_reason == "stop"
    assert stream.usage.total_tokens == 3

    async def run() -> str:
        async with AsyncInferenceClient(base_url=loopback.url) as client:
            awaited = await client.chat_completion(HELLO, stream=True)
            return "".join([c.choices[0].delta.content or "" async for c in awaited if c.choices])

    assert asyncio.run(run()) == "Hello"


@pytest.mark.parametrize("suffix", ["", "/v1", "/v1/chat/completions", "/v1/"])
def test_chat_finds_its_route(loopback: Loopback, suffix: str) -> None:
    loopback.answer(chat_answer("Hi"))
    out = InferenceClient(base_url=loopback.url + suffix).chat.completions.create(
        model="m", messages=HELLO, stream=False
    )
    assert loopback.requests[0].path == "/v1/chat/completions"
    assert loopback.requests[0].json()["model"] == "m"
    assert out.text == "Hi"
    assert out.meta is not None
    assert out.meta.usage.total_tokens == 5


@pytest.mark.parametrize("url", ["http://[::1", "http://a b/", "http://example:port/"])
def test_a_malformed_url_is_our_own_error(url: str) -> None:
    with pytest.raises(errors.HfWidgetsError):
        InferenceClient(base_url=url).text_classification("x")
    with pytest.raises(errors.HfWidgetsError):
        asyncio.run(AsyncInferenceClient(base_url=url).text_classification("x"))
