"""Chat and text generation by a causal model of the user's own: a tiny one with random weights."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from hfwidgets import InferenceClient
from tests.engine.requests import answered, refused
from tests.engine.test_custom_gguf import serving

pytest.importorskip("torch", reason="torch is not installed (hfwidgets[transformers])")
pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("diffusers", reason="diffusers is not installed")
from tests.engine import tiny_models as tiny

MESSAGES = [{"role": "user", "content": "ann went to rome"}]


@pytest.fixture(scope="module")
def http(light_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """`hfwidgets serve` with a model that converses and one that has no template."""
    root = tmp_path_factory.mktemp("models")
    bare, gpt = tiny.gpt(root / "bare", None), tiny.gpt(root / "gpt", positions=20_000)
    options = (f"--model=text_generation={bare}", f"--model=chat_completion={gpt}")
    with serving(*options) as client:
        yield client


def chat(http: httpx.Client, **parameters: Any) -> dict[str, Any]:
    """A chat answer."""
    body = {"messages": MESSAGES, "max_tokens": 6} | parameters
    reply = http.post("/v1/chat/completions", json=body)
    assert reply.status_code == 200, reply.text
    whole: dict[str, Any] = reply.json()
    return whole


def said(whole: dict[str, Any]) -> str:
    """What the answer says."""
    return str(whole["choices"][0]["message"]["content"])


def test_it_answers(http: httpx.Client) -> None:
    whole = chat(http)
    assert whole["model"] == "gpt"
    assert set(said(whole).split()) <= {word for word in tiny.WORDS if word[0] != "["}
    usage = whole["usage"]
    assert usage["prompt_tokens"] == 9, "user : ann went to rome . ann :"
    assert usage["completion_tokens"] <= 6
    assert whole["choices"][0]["finish_reason"] in ("length", "stop")
    assert said(chat(http)) == said(whole), "nothing is drawn unless asked for"
    assert "gpt" in http.get("/health").json()["loaded"]


def test_it_draws_by_seeds(http: httpx.Client) -> None:
    def drawn(**options: Any) -> str:
        return said(chat(http, **{"temperature": 2.0, "top_p": 1.0, "max_tokens": 20, **options}))

    first = drawn(seed=1)
    assert drawn(seed=1) == first
    assert drawn(seed=2) != first
    likeliest = said(chat(http, max_tokens=20))
    for name, value in {"top_k": 1, "top_p": 1e-6, "min_p": 1.0}.items():
        assert drawn(seed=1, **{name: value}) == likeliest, name
    several = chat(http, n=3, seed=1, temperature=2.0)
    assert len({choice["message"]["content"] for choice in several["choices"]}) > 1


def test_what_is_written_weighs(http: httpx.Client) -> None:
    def most(words: list[str]) -> int:
        return max(map(words.count, words))

    usual = said(chat(http, max_tokens=60)).split()
    for name, value in {
        "frequency_penalty": 2,
        "presence_penalty": 2,
        "repetition_penalty": 2,
    }.items():
        varied = said(chat(http, max_tokens=60, **{name: value})).split()
        assert most(varied) < most(usual), name
    noon = tiny.WORDS.index("noon")
    assert set(said(chat(http, logit_bias={str(noon): 100})).split()) == {"noon"}
    body = {"messages": MESSAGES, "logit_bias": {"9999": 1}}
    assert "'9999'" in http.post("/v1/chat/completions", json=body).text


def test_log_probabilities(http: httpx.Client) -> None:
    whole = chat(http, logprobs=True, top_logprobs=2, max_tokens=2)
    [first, _] = whole["choices"][0]["logprobs"]["content"]
    assert first["logprob"] == first["top_logprobs"][0]["logprob"] < 0
    assert first["top_logprobs"][0]["logprob"] > first["top_logprobs"][1]["logprob"]
    assert bytes(first["bytes"]).decode() == first["token"]


def test_it_streams(http: httpx.Client) -> None:
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
    assert "".join(parts) == said(chat(http))
    raw = http.post("/v1/chat/completions", json=body | {"stream_options": {"include_usage": True}})
    last = raw.text.split("data: ")[-2]
    assert json.loads(last)["usage"]["completion_tokens"] == 6


def test_a_client_that_leaves_ends_it(http: httpx.Client) -> None:
    body = {"messages": MESSAGES, "max_tokens": 4096, "stream": True, "temperature": 2, "top_p": 1}
    started = time.monotonic()
    with http.stream("POST", "/v1/chat/completions", json=body) as reply:
        next(reply.iter_lines())
    chat(http)  # one generation at a time: it has to wait for what still runs
    assert time.monotonic() - started < 10


def test_what_it_cannot_do(http: httpx.Client) -> None:
    def refusal(status: int = 400, **body: Any) -> str:
        reply = http.post("/v1/chat/completions", json={"messages": MESSAGES, **body})
        assert reply.status_code == status, reply.text
        return str(reply.json()["error"]["message"])

    for asked in (
        {"response_format": {"type": "json_object"}},
        {"tools": [{"function": {"name": "go"}}], "tool_choice": "required"},
    ):
        assert "writes freely" in refusal(**asked)
    assert "no chat template" in refusal(501, model="bare")
    long = [{"role": "user", "content": "ann " * 30_000}]
    assert "gpt holds 20000" in refusal(messages=long)
    picture = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]
    assert "reads text only" in refusal(messages=picture)


def test_text_generation(http: httpx.Client) -> None:
    [plain] = answered(http, "bare", "ann went", max_new_tokens=5)
    [whole] = answered(http, "bare", "ann went", max_new_tokens=5, return_full_text=True)
    assert whole["generated_text"] == "ann went" + plain["generated_text"]
    options = {"details": True, "top_n_tokens": 2, "max_new_tokens": 5}
    [told] = answered(http, "bare", "ann went", **options)
    details = told["details"]
    assert details["input_length"] == 2
    assert details["finish_reason"] in ("length", "eos_token")
    assert "".join(token["text"] for token in details["tokens"]) == plain["generated_text"]
    assert {len(top) for top in details["top_tokens"]} == {2}
    drawn = {"temperature": 2.0, "typical_p": 0.5, "seed": 3, "max_new_tokens": 8}
    first = answered(http, "bare", "ann went", **drawn)
    assert answered(http, "bare", "ann went", **drawn) == first
    grammar = {"type": "json", "value": {"type": "object"}}
    assert "writes freely" in refused(http, "bare", "ann", grammar=grammar)


def test_it_stops_before_a_stop_sequence(http: httpx.Client) -> None:
    [whole] = answered(http, "bare", "the ferry", max_new_tokens=12)
    word = whole["generated_text"].split()[2]
    options = {"max_new_tokens": 12, "stop": [f" {word}"], "details": True}
    [cut] = answered(http, "bare", "the ferry", **options)
    assert cut["details"]["finish_reason"] == "stop_sequence"
    assert cut["generated_text"] == whole["generated_text"].partition(f" {word}")[0]


def test_our_client_streams(http: httpx.Client) -> None:
    client = InferenceClient(model=f"{http.base_url}/models/bare", token="k")
    [whole] = answered(http, "bare", "ann went", max_new_tokens=5)
    assert (
        "".join(client.text_generation("ann went", max_new_tokens=5, stream=True))
        == (whole["generated_text"])
    )
    other = InferenceClient(base_url=f"{http.base_url}/v1", token="k")
    answer = other.chat_completion(MESSAGES, model="gpt", max_tokens=6)
    assert answer.choices[0].message.content == said(chat(http))


def test_openais_completions(http: httpx.Client) -> None:
    body = {"prompt": "ann", "model": "bare", "max_tokens": 3, "logprobs": 2, "echo": False}
    whole = http.post("/v1/completions", json=body).json()
    [choice] = whole["choices"]
    assert "".join(choice["logprobs"]["tokens"]) == choice["text"]
    assert [len(top) for top in choice["logprobs"]["top_logprobs"]] == [2] * len(
        choice["logprobs"]["tokens"]
    )
