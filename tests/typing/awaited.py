"""What a type checker knows of the async client: read by mypy and pyright, never run."""

from typing import assert_type

from PIL.Image import Image

from hfwidgets import AsyncInferenceClient
from hfwidgets.core.streams import AsyncStream
from hfwidgets.results import Elements, Text
from hfwidgets.results.chat import ChatCompletionOutput, ChatCompletionStreamOutput
from hfwidgets.results.posted import RawResponse
from hfwidgets.results.text import SummarizationOutput, TextClassificationOutputElement

MESSAGES = [{"role": "user", "content": "Hello"}]


async def tasks(client: AsyncInferenceClient) -> None:
    """Results by task."""
    labels = await client.text_classification("x", top_k=3)
    assert_type(labels, Elements[TextClassificationOutputElement])
    assert_type(await client.summarization("x"), SummarizationOutput)
    assert_type(await client.text_to_image("x"), Image)


async def chat(client: AsyncInferenceClient, streamed: bool) -> None:
    """Chat, whole and streamed."""
    assert_type(await client.chat_completion(MESSAGES), ChatCompletionOutput)
    stream = await client.chat_completion(MESSAGES, stream=True)
    assert_type(stream, AsyncStream[ChatCompletionStreamOutput, ChatCompletionOutput])
    async for chunk in stream:
        assert_type(chunk, ChatCompletionStreamOutput)
    either = await client.chat_completion(MESSAGES, stream=streamed)
    assert_type(
        either,
        ChatCompletionOutput | AsyncStream[ChatCompletionStreamOutput, ChatCompletionOutput],
    )
    alias = await client.chat.completions.create(messages=MESSAGES, stream=False)
    assert_type(alias, ChatCompletionOutput)


async def others(client: AsyncInferenceClient) -> None:
    """Text generation and requests outside the tasks."""
    assert_type(await client.text_generation("x"), Text)
    assert_type(await client.text_generation("x", stream=True), AsyncStream[str, Text])
    assert_type(await client.post(json={}), RawResponse)
    assert_type(await client.post(json={}, stream=True), AsyncStream[bytes, RawResponse])
    assert_type(await client.health_check("http://x"), bool)


async def wrong(client: AsyncInferenceClient) -> None:
    """What a type checker must refuse."""
    client.summarization("x")  # type: ignore[unused-awaitable]
    await client.text_classification(3)  # type: ignore[arg-type]
