"""List models with their prices, and compute what a call then costs."""

from typing import Any

import pytest

from hfwidgets import InferenceClient, errors
from tests.plugins.asker import TOKEN, Asker
from tests.plugins.loopback import Answer, Loopback, chat_answer

HELLO = [{"role": "user", "content": "Hello"}]
ROUTER = {
    "object": "list",
    "data": [
        {
            "id": "org/big",
            "object": "model",
            "created": 1,
            "owned_by": "org",
            "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"]},
            "providers": [
                {
                    "provider": "together",
                    "status": "live",
                    "context_length": 131072,
                    "pricing": {"input": 0.5, "output": 2},
                    "supports_tools": True,
                    "supports_structured_output": False,
                },
                {
                    "provider": "groq",
                    "status": "live",
                    "context_length": 8192,
                    "pricing": {"input": 0.25, "output": 4},
                },
                {"provider": "cerebras", "status": "staging"},
            ],
        },
        {"id": "org/<small>", "providers": [{"provider": "groq", "status": "live"}]},
    ],
}


@pytest.fixture
def catalogue(loopback: Loopback) -> None:
    loopback.route("GET", "/router/v1/models", Answer(json=ROUTER))


@pytest.mark.usefixtures("catalogue")
def test_chat_models_with_prices(ask: Asker, loopback: Loopback) -> None:
    found = ask(None, "models")
    big, small = found
    assert (big.id, big.task, big.providers) == (
        "org/big",
        "conversational",
        ["together", "groq", "cerebras"],
    )
    assert (big.context_length, big.input_price, big.output_price) == (131072, 0.25, 2)
    assert big.supports_tools is True
    assert big.offers[0].supports_structured_output is False
    assert big.input_modalities == ["text", "image"]
    assert (small.context_length, small.input_price, small.supports_tools) == (None, None, None)
    assert loopback.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.usefixtures("catalogue")
def test_the_catalogue_can_be_narrowed(ask: Asker) -> None:
    assert [m.id for m in ask(None, "models", "chat-completion", search="SMALL")] == ["org/<small>"]
    assert [m.id for m in ask(None, "models", provider="together")] == ["org/big"]
    assert [m.id for m in ask(None, "models", "conversational", "groq", "big")] == ["org/big"]
    with pytest.raises(errors.UnknownProviderError):
        ask(None, "models", provider="nobody")
    with pytest.raises(errors.UnknownTaskError):
        ask(None, "models", "no-task")


@pytest.mark.usefixtures("catalogue")
def test_the_catalogue_is_a_table(ask: Asker) -> None:
    found = ask(None, "models")
    assert repr(found).splitlines()[1].split("  ")[0] == "org/big"
    html = found._repr_mimebundle_()["text/html"]
    assert "org/&lt;small&gt;" in html
    assert "131,072" in html
    frame = found.to_pandas()
    assert list(frame["provider"]) == ["together", "groq", "cerebras", "groq"]
    assert frame["output_price"][0] == 2


def test_models_of_another_task(ask: Asker, loopback: Loopback) -> None:
    mapping = {"fal-ai": {"status": "live", "providerId": "x", "task": "text-to-image"}}
    rows: list[Any] = [
        {"id": "org/a", "pipeline_tag": "text-to-image", "inferenceProviderMapping": mapping},
        {
            "id": "org/b",
            "inferenceProviderMapping": [{"provider": "replicate", **mapping["fal-ai"]}],
        },
        {"modelId": "org/c"},
    ]
    loopback.route("GET", "/hub/api/models", Answer(json=rows))
    found = ask(None, "models", "text_to_image", search="cat")
    assert [m.id for m in found] == ["org/a", "org/b", "org/c"]
    assert [m.providers for m in found] == [["fal-ai"], ["replicate"], []]
    query = loopback.requests[0].query
    assert query["inference_provider"] == ["all"]
    assert query["pipeline_tag"] == ["text-to-image"]
    assert query["search"] == ["cat"]
    ask(None, "models", "text-to-image", "fal-ai")
    assert loopback.requests[1].query["inference_provider"] == ["fal-ai"]


@pytest.mark.usefixtures("catalogue")
def test_a_price_that_is_known_gives_the_cost(loopback: Loopback) -> None:
    answer = chat_answer("Hi")  # 3 tokens in, 2 out
    answer.headers = {"x-inference-provider": "together"}
    loopback.route("POST", "/router/v1/chat/completions", answer)
    settings = Asker("sync", loopback).settings(None, model="org/big:cheapest")
    with InferenceClient(**settings) as client:
        assert client.chat_completion(HELLO).meta.cost is None
        assert len(loopback.requests) == 1
        client.models()
        assert client.chat_completion(HELLO).meta.cost == pytest.approx((3 * 0.5 + 2 * 2) / 1e6)
        assert client.chat_completion(HELLO, model="org/<small>").meta.cost is None


def test_a_catalogue_that_cannot_be_read(ask: Asker, loopback: Loopback) -> None:
    loopback.route("GET", "/router/v1/models", Answer(json={"models": []}))
    with pytest.raises(errors.OutputError, match="list of models cannot be read"):
        ask(None, "models")
