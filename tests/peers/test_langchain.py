"""LangChain's OpenAI classes drive the engine."""

from typing import Any

import pytest
from pydantic import BaseModel

from tests.peers.conftest import Address

langchain = pytest.importorskip("langchain_openai")


class Person(BaseModel):
    """A person."""

    name: str
    age: int


@pytest.fixture
def chat(address: Address) -> Any:
    """Create a chat model."""
    return langchain.ChatOpenAI(
        model="default", base_url=address.openai_url, api_key=address.key, max_tokens=60
    )


def test_chat(chat: Any) -> None:
    assert "Paris" in chat.invoke("What is the capital of France?").content


def test_streamed_chat(chat: Any) -> None:
    pieces = [piece.content for piece in chat.stream("What is the capital of France?")]
    assert len(pieces) > 2
    assert "Paris" in "".join(pieces)


def test_tools(chat: Any, weather_tool: dict[str, Any]) -> None:
    answer = chat.bind_tools([weather_tool]).invoke("What is the weather in Rome?")
    assert [call["name"] for call in answer.tool_calls] == ["get_weather"]


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_structured_output(chat: Any, method: str) -> None:
    structured = chat.with_structured_output(Person, method=method)
    assert isinstance(structured.invoke("Ann is 31 years old. Extract the person."), Person)


def test_responses(address: Address) -> None:
    chat = langchain.ChatOpenAI(
        model="default",
        base_url=address.openai_url,
        api_key=address.key,
        use_responses_api=True,
        max_tokens=40,
    )
    assert "Paris" in str(chat.invoke("What is the capital of France?").content)


def test_embeddings(address: Address) -> None:
    embeddings = langchain.OpenAIEmbeddings(
        model="default",
        base_url=address.openai_url,
        api_key=address.key,
        check_embedding_ctx_length=False,
    )
    assert len(embeddings.embed_query("a boat")) == 384
