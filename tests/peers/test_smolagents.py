"""smolagents' model for OpenAI-compatible servers drives the engine."""

from typing import Any

import pytest

from tests.peers.conftest import Address

smolagents = pytest.importorskip("smolagents")


@pytest.fixture
def model(address: Address) -> Any:
    """Create a chat model."""
    return smolagents.OpenAIModel(
        model_id="default", api_base=address.openai_url, api_key=address.key, max_tokens=40
    )


def ask(text: str) -> list[dict[str, Any]]:
    """Return a conversation with one message, in smolagents' form."""
    return [{"role": "user", "content": [{"type": "text", "text": text}]}]


def test_chat(model: Any) -> None:
    assert "Paris" in model.generate(ask("What is the capital of France?")).content


def test_streamed_chat(model: Any) -> None:
    pieces = model.generate_stream(ask("What is the capital of France?"))
    assert "Paris" in "".join(piece.content or "" for piece in pieces)


def test_tools(model: Any) -> None:
    @smolagents.tool
    def get_weather(city: str) -> str:
        """Get the weather in a city.

        Args:
            city: The city.
        """
        return "sunny"

    answer = model.generate(ask("What is the weather in Rome?"), tools_to_call_from=[get_weather])
    assert answer.tool_calls[0].function.name == "get_weather"
