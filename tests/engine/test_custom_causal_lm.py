"""Test chat and text generation with a custom causal model: tiny, with random weights."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from hfwidgets import InferenceClient
from tests.engine.requests import ask_model, expect_refusal, serve_models

pytest.importorskip("torch", reason="torch is not installed (hfwidgets[transformers])")
pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("diffusers", reason="diffusers is not installed")
import torch

from hfwidgets.engine.custom import causal_lm
from tests.engine import tiny_models as tiny

MESSAGES = [{"role": "user", "content": "ann went to rome"}]


@pytest.fixture(scope="module")
def http(light_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Run `hfwidgets serve` with a chat model and one without a chat template."""
    root = tmp_path_factory.mktemp("models")
    bare, gpt = tiny.gpt(root / "bare", None), tiny.gpt(root / "gpt", positions=20_000)
    options = (f"--model=text_generation={bare}", f"--model=chat_completion={gpt}")
    with serve_models(*options) as client:
        yield client


def request_chat(http: httpx.Client, **parameters: Any) -> dict[str, Any]:
    """Return the answer answer of a chat."""
    body = {"messages": MESSAGES, "max_tokens": 6} | parameters
    reply = http.post("/v1/chat/completions", json=body)
    assert reply.status_code == 200, reply.text
    answer: dict[str, Any] = reply.json()
    return answer


def content_of(answer: dict[str, Any]) -> str:
    """Return the text of an answer."""
    return str(answer["choices"][0]["message"]["content"])


def test_chat_answers(http: httpx.Client) -> None:
    answer = request_chat(http)
    assert answer["model"] == "gpt"
    assert set(content_of(answer).split()) <= {word for word in tiny.WORDS if word[0] != "["}
    usage = answer["usage"]
    assert usage["prompt_tokens"] == 9, "user : ann went to rome . ann :"
    assert usage["completion_tokens"] <= 6
    assert answer["choices"][0]["finish_reason"] in ("length", "stop")
    assert content_of(request_chat(http)) == content_of(answer), "greedy by default"
    assert "gpt" in http.get("/health").json()["loaded"]


def test_seeds_repeat_an_answer(http: httpx.Client) -> None:
    def sample(**options: Any) -> str:
        return content_of(
            request_chat(http, **{"temperature": 2.0, "top_p": 1.0, "max_tokens": 20, **options})
        )

    first = sample(seed=1)
    assert sample(seed=1) == first
    assert sample(seed=2) != first
    greedy = content_of(request_chat(http, max_tokens=20))
    for name, value in {"top_k": 1, "top_p": 1e-6, "min_p": 1.0}.items():
        assert sample(seed=1, **{name: value}) == greedy, name
    several = request_chat(http, n=3, seed=1, temperature=2.0)
    assert len({choice["message"]["content"] for choice in several["choices"]}) > 1


def test_penalties_and_biases_change_the_answer(http: httpx.Client) -> None:
    def highest_count(words: list[str]) -> int:
        return max(map(words.count, words))

    default = content_of(request_chat(http, max_tokens=60)).split()
    for name, value in {
        "frequency_penalty": 2,
        "presence_penalty": 2,
        "repetition_penalty": 2,
    }.items():
        varied = content_of(request_chat(http, max_tokens=60, **{name: value})).split()
        assert highest_count(varied) < highest_count(default), name
    noon = tiny.WORDS.index("noon")
    assert set(content_of(request_chat(http, logit_bias={str(noon): 100})).split()) == {"noon"}
    body = {"messages": MESSAGES, "logit_bias": {"9999": 1}}
    assert "'9999'" in http.post("/v1/chat/completions", json=body).text


def test_log_probabilities(http: httpx.Client) -> None:
    answer = request_chat(http, logprobs=True, top_logprobs=2, max_tokens=2)
    [first, _] = answer["choices"][0]["logprobs"]["content"]
    assert first["logprob"] == first["top_logprobs"][0]["logprob"] < 0
    assert first["top_logprobs"][0]["logprob"] > first["top_logprobs"][1]["logprob"]
    assert bytes(first["bytes"]).decode() == first["token"]


def test_chat_streams(http: httpx.Client) -> None:
    body = {"messages": MESSAGES, "max_tokens": 6, "stream": True}
    with openai.OpenAI(base_url=f"{http.base_url}/v1", api_key="k") as client:
        stream = client.chat.completions.create(
            model="gpt",
            messages=MESSAGES,
            max_tokens=6,
            stream=True,  # type: ignore
        )
        parts = [chunk.choices[0].delta.content or "" for chunk in stream]
    assert len(parts) > 3
    assert "".join(parts) == content_of(request_chat(http))
    raw = http.post("/v1/chat/completions", json=body | {"stream_options": {"include_usage": True}})
    last = raw.text.split("data: ")[-2]
    assert json.loads(last)["usage"]["completion_tokens"] == 6


def test_a_closed_stream_ends_the_generation(tmp_path: Path) -> None:
    source = {"task": "chat-completion", "source": tiny.gpt(tmp_path / "gpt", positions=20_000)}
    adapter = causal_lm.CausalLlamaAdapter(type("gpt", (causal_lm.CausalModel,), source))
    body = {"messages": MESSAGES, "temperature": 2.0, "max_tokens": 10_000, "seed": 1}
    steps: list[str] = []

    async def read_one_token() -> None:
        events = adapter.stream("/v1/chat/completions", body)
        async for event in events:
            if event["choices"][0]["delta"].get("content"):
                break
        await events.aclose()  # waits for the thread that generates

    hook = torch.nn.modules.module.register_module_forward_hook
    with hook(lambda module, *_: steps.append(type(module).__name__)):
        asyncio.run(read_one_token())
    assert 0 < steps.count("LlamaForCausalLM") < 1000


def test_unsupported_requests_are_refused(http: httpx.Client) -> None:
    def refusal(status: int = 400, **body: Any) -> str:
        reply = http.post("/v1/chat/completions", json={"messages": MESSAGES, **body})
        assert reply.status_code == status, reply.text
        return str(reply.json()["error"]["message"])

    for body in (
        {"response_format": {"type": "json_object"}},
        {"tools": [{"function": {"name": "go"}}], "tool_choice": "required"},
    ):
        assert "don't support response_format" in refusal(**body)
    assert "no chat template" in refusal(501, model="bare")
    long = [{"role": "user", "content": "ann " * 30_000}]
    assert "gpt holds 20000, answer included" in refusal(messages=long)
    image_message = [
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}
    ]
    assert "reads text only" in refusal(messages=image_message)


def test_text_generation(http: httpx.Client) -> None:
    [plain] = ask_model(http, "bare", "ann went", max_new_tokens=5)
    [full] = ask_model(http, "bare", "ann went", max_new_tokens=5, return_full_text=True)
    assert full["generated_text"] == "ann went" + plain["generated_text"]
    options = {"details": True, "top_n_tokens": 2, "max_new_tokens": 5}
    [detailed] = ask_model(http, "bare", "ann went", **options)
    details = detailed["details"]
    assert details["input_length"] == 2
    assert details["finish_reason"] in ("length", "eos_token")
    assert "".join(token["text"] for token in details["tokens"]) == plain["generated_text"]
    assert {len(top) for top in details["top_tokens"]} == {2}
    sampling = {"temperature": 2.0, "typical_p": 0.5, "seed": 3, "max_new_tokens": 8}
    first = ask_model(http, "bare", "ann went", **sampling)
    assert ask_model(http, "bare", "ann went", **sampling) == first
    grammar = {"type": "json", "value": {"type": "object"}}
    assert "don't support response_format" in expect_refusal(http, "bare", "ann", grammar=grammar)


def test_generation_stops_before_a_stop_sequence(http: httpx.Client) -> None:
    [answer] = ask_model(http, "bare", "the ferry", max_new_tokens=12)
    word = answer["generated_text"].split()[2]
    options = {"max_new_tokens": 12, "stop": [f" {word}"], "details": True}
    [cut] = ask_model(http, "bare", "the ferry", **options)
    assert cut["details"]["finish_reason"] == "stop_sequence"
    assert cut["generated_text"] == answer["generated_text"].partition(f" {word}")[0]


def test_our_client_streams(http: httpx.Client) -> None:
    client = InferenceClient(model=f"{http.base_url}/models/bare", token="k")
    [answer] = ask_model(http, "bare", "ann went", max_new_tokens=5)
    assert (
        "".join(client.text_generation("ann went", max_new_tokens=5, stream=True))
        == (answer["generated_text"])
    )
    other = InferenceClient(base_url=f"{http.base_url}/v1", token="k")
    answer = other.chat_completion(MESSAGES, model="gpt", max_tokens=6)
    assert answer.choices[0].message.content == content_of(request_chat(http))


def test_openai_completions(http: httpx.Client) -> None:
    body = {"prompt": "ann", "model": "bare", "max_tokens": 3, "logprobs": 2, "echo": False}
    answer = http.post("/v1/completions", json=body).json()
    [choice] = answer["choices"]
    assert "".join(choice["logprobs"]["tokens"]) == choice["text"]
    assert [len(top) for top in choice["logprobs"]["top_logprobs"]] == [2] * len(
        choice["logprobs"]["tokens"]
    )
