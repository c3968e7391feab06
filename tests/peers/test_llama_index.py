"""LlamaIndex's classes for OpenAI-like servers drive the engine."""

from typing import Any

import pytest

from tests.peers.conftest import Address

openai_like = pytest.importorskip("llama_index.llms.openai_like")
embeddings_like = pytest.importorskip("llama_index.embeddings.openai_like")


@pytest.fixture
def llm(address: Address) -> Any:
    """Create a chat model."""
    return openai_like.OpenAILike(
        model="default",
        api_base=address.openai_url,
        api_key=address.key,
        is_chat_model=True,
        max_tokens=30,
        context_window=2048,
    )


def test_completion(llm: Any) -> None:
    assert "Paris" in llm.complete("What is the capital of France?").text


def test_streamed_completion(llm: Any) -> None:
    pieces = [piece.delta for piece in llm.stream_complete("What is the capital of France?")]
    assert "Paris" in "".join(filter(None, pieces))


def test_embeddings(address: Address) -> None:
    embeddings = embeddings_like.OpenAILikeEmbedding(
        model_name="default", api_base=address.openai_url, api_key=address.key
    )
    assert len(embeddings.get_text_embedding("a boat")) == 384
