"""Helpers for tests of rows."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hfwidgets import InferenceClient
from hfwidgets.batch import BatchResult
from tests.plugins.loopback import Answer, Loopback, Seen

TOKEN = "hf_" + "k" * 34
TASK = "text-classification"


def inputs_of(seen: Seen) -> list[str]:
    """Return the texts that a request is for."""
    inputs = seen.json()["inputs"]
    return inputs if isinstance(inputs, list) else [inputs]


def asked(loopback: Loopback) -> list[str]:
    """Return the texts of all requests, a text that was sent twice twice."""
    return [text for seen in loopback.requests for text in inputs_of(seen)]


def echo(seen: Seen) -> Answer:
    """Answer each text with itself as its label, a list of texts with a list."""
    answers = [[{"label": text, "score": 1.0}] for text in inputs_of(seen)]
    return Answer(json=answers if isinstance(seen.json()["inputs"], list) else answers[0])


def refuse(*bad: str) -> Callable[[Seen], Answer]:
    """Return a route that refuses these texts, and every list with one of them."""
    return lambda seen: Answer(400) if {*bad} & {*inputs_of(seen)} else echo(seen)


def make_client(loopback: Loopback, **more: Any) -> InferenceClient:
    return InferenceClient(base_url=loopback.url, token=TOKEN, **more)


def texts(count: int) -> list[str]:
    return [f"row {index}" for index in range(count)]


def labels_of(result: BatchResult) -> list[str | None]:
    return [row.result[0].label if row.state == "done" else None for row in result]


def answered_inputs(path: Path) -> list[str]:
    """Return the inputs of the answered rows that a file holds, by its whole lines."""
    lines = path.read_bytes().split(b"\n")[1:-1] if path.exists() else []
    return [line["inputs"]["text"] for line in map(json.loads, lines) if "answer" in line]
