"""Pydantic AI drives the engine, by both of OpenAI's APIs."""

from typing import Any

import pytest
from pydantic import BaseModel

from tests.peers.conftest import Address

pydantic_ai = pytest.importorskip("pydantic_ai")
models = pytest.importorskip("pydantic_ai.models.openai")
providers = pytest.importorskip("pydantic_ai.providers.openai")


class Person(BaseModel):
    """A person."""

    name: str
    age: int


@pytest.fixture(params=["OpenAIChatModel", "OpenAIResponsesModel"])
def model(request: pytest.FixtureRequest, address: Address) -> Any:
    """Create a model of each API."""
    provider = providers.OpenAIProvider(base_url=address.openai_url, api_key=address.key)
    return getattr(models, request.param)("default", provider=provider)


SETTINGS: Any = {"max_tokens": 60}


def test_text(model: Any) -> None:
    agent = pydantic_ai.Agent(model, model_settings=SETTINGS)
    assert "Paris" in agent.run_sync("What is the capital of France?").output


def test_structured_output(model: Any) -> None:
    agent = pydantic_ai.Agent(model, output_type=pydantic_ai.NativeOutput(Person))
    result = agent.run_sync("Ann is 31 years old. Extract the person.")
    assert isinstance(result.output, Person)


def test_tool_is_called_once(model: Any) -> None:
    cities: list[str] = []
    agent = pydantic_ai.Agent(model, model_settings=SETTINGS)

    @agent.tool_plain
    def get_weather(city: str) -> str:
        """Get the weather in a city."""
        cities.append(city)
        return "21 degrees and sunny"

    assert agent.run_sync("What is the weather in Rome?").output
    assert len(cities) == 1
