"""Malformed requests of every kind end in a client error, never in a failure of the engine."""

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

CASES = 25
"""Requests per route; all routes together take seconds."""

MESSAGES = [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}

# Each body is valid but for one missing piece, so that no case reaches a model for long.
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {
        "model": "default",
        "messages": MESSAGES,
        "max_tokens": 1,
        "stop": ["."],
        "tools": [TOOL],
        "tool_choice": "none",
        "response_format": {"type": "json_schema", "json_schema": {"schema": {}}},
        "logit_bias": {"1": 2},
        "stream_options": {"include_usage": True},
    },
    "/v1/responses": {
        "model": "default",
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}],
        "max_output_tokens": 1,
        "tools": [{"type": "function", "name": "f", "parameters": {}}],
        "tool_choice": "none",
        "text": {"format": {"type": "text"}},
    },
    "/v1/completions": {"prompt": ["a"], "max_tokens": 1, "logprobs": 1, "stop": "."},
    "/v1/embeddings": {"input": ["a"], "encoding_format": "float", "dimensions": 384},
    "/v1/audio/speech": {"input": "Hi", "voice": "joe", "response_format": "pcm", "speed": 4},
    "/v1/images/generations": {"prompt": "a", "n": 1, "size": "8x8"},
    "/models/default/pipeline/text-classification": {"inputs": "a", "parameters": {"top_k": 1}},
    "/models/default/pipeline/sentence-similarity": {
        "inputs": {"source_sentence": "a", "sentences": ["b"]},
        "options": {"use_cache": True},
    },
    "/models/default/pipeline/table-question-answering": {
        "inputs": {"query": "How many?", "table": {"a": ["1"]}}
    },
    "/models/default/pipeline/tabular-regression": {"inputs": {"data": {"age": [1]}}},
    "/models/default/pipeline/image-classification": {"inputs": "aGVsbG8="},
    "/": {"inputs": {"source_sentence": "a", "sentences": ["b"]}, "options": {"use_cache": True}},
}

JUNK: list[Any] = [
    *(None, True, -1, 0, 1e308, 10**30, "", "\u0000", "\ud83d\ude00", "x" * 500, [], {}, [None]),
    *([[]], {"": None}, {"a": {"b": []}}, ["a", 1], "data:,", "NaN", [{}], {"type": 3}),
]


def mutate(body: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    """Replace, remove or add one value anywhere in the body."""
    changed = copy.deepcopy(body)
    node: Any = changed
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return changed
        key = draw.choice(keys)
        deeper = isinstance(node[key], dict | list) and node[key] and draw.random() < 0.6
        if not deeper:
            break
        node = node[key]
    action = draw.random()
    if action < 0.15:
        del node[key]
    elif action < 0.25 and isinstance(node, dict):
        node[draw.choice(["x", "model", "stream", "\ud7ff", "parameters"])] = draw.choice(JUNK)
    else:
        node[key] = draw.choice(JUNK)
    return changed


def make_bodies(path: str) -> Iterator[bytes]:
    """Yield mutated bodies, some of them cut off or with a broken byte."""
    draw = random.Random(path)
    for _ in range(CASES):
        content = json.dumps(mutate(BODIES[path], draw)).encode()
        fate = draw.random()
        if fate < 0.1:
            content = content[: draw.randrange(len(content))]
        elif fate < 0.2:
            at = draw.randrange(len(content))
            content = content[:at] + bytes([draw.randrange(128, 256)]) + content[at + 1 :]
        yield content


@pytest.mark.parametrize("path", BODIES)
def test_mutated_bodies(http: httpx.Client, full_weights: object, path: str) -> None:
    for content in make_bodies(path):
        reply = http.post(path, content=content, headers={"Content-Type": "application/json"})
        assert reply.status_code < 500 or reply.status_code == 501, (content, reply.text)
        if reply.status_code >= 400:
            assert reply.json()["error"], content
