"""Helpers for tests of rows."""

import json
from pathlib import Path
from typing import Any

from hfwidgets import InferenceClient
from hfwidgets.batch import BatchResult
from tests.plugins.loopback import Answer, Loopback, Seen

TOKEN = "hf_" + "k" * 34
TASK = "text-classification"


def echo(seen: Seen) -> Answer:
    return Answer(json=[{"label": seen.json()["inputs"], "score": 1.0}])


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
