"""OpenAI's Agents SDK drives the engine by its default, the Responses API."""

import asyncio
from typing import Any

import pytest

from tests.peers.conftest import Address

agents = pytest.importorskip("agents")
openai = pytest.importorskip("openai")


@pytest.fixture
def model(address: Address) -> Any:
    """Create a model of the Responses API."""
    agents.set_tracing_disabled(True)
    client = openai.AsyncOpenAI(base_url=address.openai_url, api_key=address.key)
    return agents.OpenAIResponsesModel("default", client)


def test_text(model: Any) -> None:
    agent = agents.Agent(name="Guide", model=model)
    result = agents.Runner.run_sync(agent, "What is the capital of France?")
    assert "Paris" in result.final_output


def test_tool_is_called_once(model: Any) -> None:
    cities: list[str] = []

    @agents.function_tool
    def get_weather(city: str) -> str:
        """Get the weather in a city."""
        cities.append(city)
        return "21 degrees and sunny"

    settings = agents.ModelSettings(max_tokens=60)
    agent = agents.Agent(name="Guide", model=model, tools=[get_weather], model_settings=settings)
    result = agents.Runner.run_sync(agent, "What is the weather in Rome?")
    assert result.final_output
    assert len(cities) == 1


def test_streamed_text(model: Any) -> None:
    agent = agents.Agent(name="Guide", model=model)

    async def run() -> str:
        result = agents.Runner.run_streamed(agent, "What is the capital of France?")
        pieces = [
            event.data.delta
            async for event in result.stream_events()
            if event.type == "raw_response_event"
            and event.data.type == "response.output_text.delta"
        ]
        return "".join(pieces)

    assert "Paris" in asyncio.run(run())
