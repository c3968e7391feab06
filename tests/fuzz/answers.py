"""Answers of servers, good and odd: a good one for each task, and ways to spoil it.

All randomness comes from a `random.Random` that the caller seeds, so a failing case can be repeated
by its number.
"""

import base64
import copy
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.plugins.sample_media import encode_image, make_mask_base64, make_wav

BOX = {"xmin": 1, "ymin": 1, "xmax": 6, "ymax": 6}
LABELS = [{"label": "A", "score": 0.75}, {"label": "B", "score": 0.25}]
PNG, WAV = encode_image(), make_wav(0.05)
VIDEO = b"\x00\x00\x00 ftypisom" + bytes(64)
TEXT_DETAILS = {"finish_reason": "length", "generated_tokens": 1, "prefill": [], "tokens": []}


@dataclass
class Played:
    """One task's call and its good answer.

    Attributes:
        arguments: The arguments of the call.
        answer: The good answer: JSON, or the bytes of a file.
        required: The fields that each record of the result has.
        chunks: The good stream, for a task that can stream.
    """

    arguments: Mapping[str, Any]
    answer: Any
    required: tuple[str, ...] = ()
    chunks: list[Any] = field(default_factory=list)


def chat_chunk(delta: Any, **more: Any) -> dict[str, Any]:
    return {"id": "c", "choices": [{"index": 0, "delta": delta, **more}]}


CALL_PIECE = {"index": 0, "id": "1", "function": {"name": "f", "arguments": '{"a": 1}'}}
MESSAGE = {"role": "assistant", "content": "Hi", "tool_calls": [CALL_PIECE]}

PLAYED: dict[str, Played] = {
    "audio-classification": Played({"audio": WAV}, LABELS, ("label", "score")),
    "audio-to-audio": Played(
        {"audio": WAV},
        [{"label": "a", "content-type": "audio/wav", "blob": base64.b64encode(WAV).decode()}],
        ("blob",),
    ),
    "automatic-speech-recognition": Played(
        {"audio": WAV, "return_timestamps": True},
        {"text": "hi you", "chunks": [{"text": "hi", "timestamp": [0.0, 0.02]}]},
        ("text",),
    ),
    "text-to-speech": Played({"text": "hi"}, WAV),
    "chat-completion": Played(
        {"messages": [{"role": "user", "content": "Hi"}]},
        {
            "id": "c",
            "model": "m",
            "choices": [
                {
                    "index": 0,
                    "message": MESSAGE,
                    "finish_reason": "stop",
                    "logprobs": {"content": [{"token": "Hi", "logprob": -1, "top_logprobs": []}]},
                }
            ],
            "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
        },
        ("choices",),
        [
            chat_chunk({"role": "assistant", "content": "H"}),
            chat_chunk({"content": "i", "reasoning_content": "Well"}),
            chat_chunk({"tool_calls": [CALL_PIECE]}),
            chat_chunk({}, finish_reason="stop"),
            {"choices": [], "usage": {"prompt_tokens": 1, "total_tokens": 2}},
        ],
    ),
    "document-question-answering": Played(
        {"image": PNG, "question": "?"},
        [{"answer": "x", "score": 0.5, "start": 0, "end": 0}],
        ("answer",),
    ),
    "visual-question-answering": Played(
        {"image": PNG, "question": "?"}, [{"answer": "x", "score": 0.5}], ("score",)
    ),
    "tabular-classification": Played({"table": {"a": [1, 2]}}, ["x", "y"]),
    "tabular-regression": Played({"table": {"a": [1, 2]}}, [1.5, 2]),
    "text-classification": Played({"text": "hi"}, [LABELS], ("label", "score")),
    "zero-shot-classification": Played(
        {"text": "hi", "candidate_labels": ["A", "B"]},
        {"sequence": "hi", "labels": ["A", "B"], "scores": [0.9, 0.1]},
        ("label", "score"),
    ),
    "token-classification": Played(
        {"text": "Ada"},
        [{"entity_group": "PER", "score": 0.9, "word": "Ada", "start": 0, "end": 3}],
        ("word", "score"),
    ),
    "fill-mask": Played(
        {"text": "[MASK]"},
        [{"score": 0.9, "token": 3, "token_str": "a", "sequence": "a"}],
        ("token_str", "score"),
    ),
    "question-answering": Played(
        {"question": "?", "context": "x"},
        {"answer": "x", "score": 0.5, "start": 0, "end": 1},
        ("answer", "score"),
    ),
    "table-question-answering": Played(
        {"table": {"a": ["1"]}, "query": "?"},
        {"answer": "1", "cells": ["1"], "coordinates": [[0, 0]], "aggregator": "NONE"},
        ("answer",),
    ),
    "sentence-similarity": Played({"sentence": "a", "other_sentences": ["b", "c"]}, [0.5, 0.25]),
    "feature-extraction": Played({"text": "a"}, [[0.5, 0.25], [1, 2]]),
    "summarization": Played({"text": "a"}, [{"summary_text": "b"}], ("summary_text",)),
    "translation": Played({"text": "a"}, [{"translation_text": "b"}], ("translation_text",)),
    "text-generation": Played(
        {"prompt": "a", "details": True},
        [{"generated_text": "b", "details": TEXT_DETAILS}],
        ("generated_text",),
        [
            {"index": 0, "token": {"id": 1, "text": "b", "logprob": -1.0, "special": False}},
            {"index": 1, "token": {"id": 2, "text": "c"}, "details": {"finish_reason": "length"}},
        ],
    ),
    "image-classification": Played({"image": PNG}, LABELS, ("label", "score")),
    "image-segmentation": Played(
        {"image": PNG},
        [{"label": "a", "score": 0.5, "mask": make_mask_base64()}],
        ("label", "mask"),
    ),
    "image-to-image": Played({"image": PNG, "prompt": "x"}, PNG),
    "image-to-text": Played({"image": PNG}, [{"generated_text": "b"}], ("generated_text",)),
    "image-to-video": Played({"image": PNG}, VIDEO),
    "object-detection": Played(
        {"image": PNG}, [{"label": "a", "score": 0.5, "box": BOX}], ("label", "score", "box")
    ),
    "text-to-image": Played({"prompt": "x"}, PNG),
    "text-to-video": Played({"prompt": "x"}, VIDEO),
    "zero-shot-image-classification": Played(
        {"image": PNG, "candidate_labels": ["A", "B"]}, LABELS, ("label", "score")
    ),
    "zero-shot-object-detection": Played(
        {"image": PNG, "candidate_labels": ["a"]},
        [{"label": "a", "score": 0.5, "box": BOX}],
        ("label", "score", "box"),
    ),
}

ODD_VALUES: list[Any] = [
    *(None, True, False, 0, -1, 3, 2**70, 1e308, -0.5, float("nan"), float("inf")),
    *("", " ", "x", "5", "nan", "\ud83d", "\ude00", "<b>&", "\x00\x1b[2J", "é" * 300, "data:,x"),
    *(
        [],
        {},
        [[]],
        [{}],
        [None],
        [1, "a"],
        {"a": {}},
        {"text": 3},
        {"error": "odd"},
        [[1], [2, 3]],
    ),
    *({"xmin": "a"}, {"type": "text", "text": "t"}, [{"type": "thinking", "thinking": "t"}]),
    {"keys": 1, "items": 2, "meta": 3, "raw": 4, "text": [5], "get": 6},
]

ERROR_BODIES: list[Any] = [
    {"error": "busy"},
    {"error": {"message": "busy", "type": "x", "code": 7}},
    {"error": ["busy", {"message": 1}]},
    {"error": True},
    {"object": "error", "message": "busy"},
    {"detail": "busy"},
    {"detail": [{"loc": None, "msg": "busy"}, {"loc": ["body", 1], "msg": None}]},
    {"errors": {"text": ["busy"]}},
    {"title": "busy", "status": 422},
    {"message": {"deep": "busy"}},
    {"reason": "busy"},
    {"error": "", "message": None},
]

CONTENT_TYPES = [
    "application/json",
    "text/event-stream",
    "text/html; charset=utf-8",
    "text/plain",
    "application/x-ndjson",
    "application/problem+json",
    "application/octet-stream",
    "image/png",
    "audio/wav",
    "nonsense",
    "",
]


def _break_bytes(rng: random.Random, body: bytes) -> bytes:
    """Cut, double or poke a body."""
    at = rng.randrange(len(body) + 1)
    poked = bytes([rng.randrange(256)])
    return rng.choice([body[:at], body[at:], body + body, body[:at] + poked + body[at + 1 :]])


RAW_BODIES: list[Callable[[random.Random, bytes], bytes]] = [
    lambda rng, body: b"",
    lambda rng, body: b"<!DOCTYPE html><html><body><h1>It works</h1></body></html>",
    lambda rng, body: b"[" * rng.choice([10, 900, 200_000]),
    lambda rng, body: b'{"a":' * 50_000,
    lambda rng, body: b"[" * 300 + b"]" * 300,
    lambda rng, body: bytes(rng.randrange(256) for _ in range(rng.randrange(80))),
    lambda rng, body: b"\xef\xbb\xbf" + body,
    lambda rng, body: body.decode("utf-8", "replace").encode("utf-16"),
    lambda rng, body: b'"' + b"9" * 5000,
    lambda rng, body: b"9" * 5000,
    lambda rng, body: b"null",
    lambda rng, body: b'{"a": NaN, "a": -Infinity}',
    _break_bytes,
]


def mutate(rng: random.Random, value: Any, rounds: int = 1) -> Any:
    """Return JSON with some of its values replaced, dropped, moved or wrapped."""
    found = copy.deepcopy(value)
    for _ in range(rounds):
        holders = list(_iter_holders(found))
        if not holders or rng.random() < 0.1:
            found = copy.deepcopy(
                rng.choice([*ODD_VALUES, [found], {"data": found}, {"outputs": found}])
            )
            continue
        holder, key = rng.choice(holders)
        action = rng.random()
        if action < 0.2:
            del holder[key]
        elif action < 0.3:
            holder[key] = [holder[key]]
        elif action < 0.35:
            holder[key] = {"value": holder[key]}
        elif action < 0.4 and isinstance(holder, dict):
            name = rng.choice(["explanation", "error", "items", "content-type"])
            holder[name] = copy.deepcopy(rng.choice(ODD_VALUES))
        elif action < 0.45 and isinstance(holder, list):
            holder.append(copy.deepcopy(rng.choice(ODD_VALUES)))
        else:
            holder[key] = copy.deepcopy(rng.choice(ODD_VALUES))
    return found


def _iter_holders(value: Any) -> Any:
    """Yield each container inside a value with each of its keys."""
    if isinstance(value, (dict, list)):
        for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
            yield value, key
            yield from _iter_holders(inner)


def encode(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    return json.dumps(value, default=lambda file: base64.b64encode(file).decode()).encode()


def odd_body(rng: random.Random, played: Played) -> bytes:
    """Return a body that may be good, odd, an error or no JSON at all."""
    kind = rng.random()
    if kind < 0.65:
        return encode(mutate(rng, played.answer, rng.choice([1, 1, 2, 4])))
    if kind < 0.8:
        return encode(rng.choice([*ERROR_BODIES, *ODD_VALUES]))
    return rng.choice(RAW_BODIES)(rng, encode(played.answer))


def odd_stream(rng: random.Random, played: Played) -> list[bytes]:
    """Return a stream's bytes, in any cut, of chunks that may be odd."""
    chunks = [mutate(rng, c, rng.choice([0, 0, 1, 2])) for c in played.chunks]
    if rng.random() < 0.3:
        chunks.insert(rng.randrange(len(chunks) + 1), rng.choice([*ERROR_BODIES, *ODD_VALUES]))
    form = rng.random()
    if form < 0.7:
        name = rng.choice([b"", b"", b"", b"event: error\n", b"event: message\n"])
        body = b"".join(name + b"data: " + encode(c) + b"\n\n" for c in chunks)
        body += rng.choice([b"data: [DONE]\n\n", b"", b": bye\n\n"])
    elif form < 0.8:
        body = b"\n".join(map(encode, chunks))
    elif form < 0.9:
        body = encode(mutate(rng, played.answer, 1))
    else:
        body = rng.choice(RAW_BODIES)(rng, encode(played.answer))
    if rng.random() < 0.15:
        body = _break_bytes(rng, body)
    cuts = sorted(rng.randrange(len(body) + 1) for _ in range(rng.choice([0, 1, 5])))
    return [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
