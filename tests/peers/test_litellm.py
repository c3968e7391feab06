"""LiteLLM drives the engine."""

from typing import Any

import pytest

from tests.peers.conftest import Address

litellm = pytest.importorskip("litellm")
MESSAGES = [{"role": "user", "content": "What is the capital of France?"}]


def test_chat(address: Address) -> None:
    answer = litellm.completion(
        "openai/default",
        MESSAGES,
        api_base=address.openai_url,
        api_key=address.key,
        max_tokens=30,
    )
    assert "Paris" in answer.choices[0].message.content
    assert answer.usage.completion_tokens > 0


def test_streamed_chat(address: Address) -> None:
    stream = litellm.completion(
        "openai/default",
        MESSAGES,
        api_base=address.openai_url,
        api_key=address.key,
        max_tokens=30,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    texts = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    assert "Paris" in "".join(filter(None, texts))
    assert chunks[-1].usage.completion_tokens > 0


def test_tools(address: Address, weather_tool: dict[str, Any]) -> None:
    answer = litellm.completion(
        "openai/default",
        [{"role": "user", "content": "What is the weather in Rome?"}],
        api_base=address.openai_url,
        api_key=address.key,
        tools=[weather_tool],
    )
    [call] = answer.choices[0].message.tool_calls
    assert call.function.name == "get_weather"


def test_responses(address: Address) -> None:
    answer = litellm.responses(
        "What is the capital of France?",
        "openai/default",
        api_base=address.openai_url,
        api_key=address.key,
        max_output_tokens=30,
    )
    assert "Paris" in answer.output[0].content[0].text


def test_embeddings(address: Address) -> None:
    answer = litellm.embedding(
        "openai/default", ["a boat"], api_base=address.openai_url, api_key=address.key
    )
    assert len(answer.data[0]["embedding"]) == 384
