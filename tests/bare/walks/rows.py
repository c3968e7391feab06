"""Rows by hf.map and both clients: lists, dicts, files, resuming, errors, progress."""

import asyncio
import io
import sys
from pathlib import Path

import hfwidgets as hf
from hfwidgets.testing import answers

TASK = "text-classification"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


with answers(text_classification=[{"label": "A", "score": 1.0}]):
    result = hf.map(TASK, ["a", "b"])
    assert result.counts == {"done": 2, "failed": 0, "pending": 0}
    assert "2 done" in repr(result)
    assert "<table" in result._repr_mimebundle_()["text/html"]
    sys.stderr = Terminal()
    hf.map(TASK, ["a", "b"])
    assert "done 2 of 2" in sys.stderr.getvalue()
    sys.stderr = sys.__stderr__
    with hf.InferenceClient() as client:
        assert (
            client.map(TASK, ({"text": "a"} for _ in range(3)), concurrency=1).counts["done"] == 3
        )
    path = Path("rows.jsonl")
    for _ in range(2):
        assert hf.map(TASK, ["a", None], resume=path, limit=2).counts["failed"] == 1
    stored = hf.map(TASK, ["a", None], resume=path, collect=False)
    assert stored[0].result[0].label == "A"
    Path("texts").mkdir()
    Path("texts/a.txt").write_text("a")
    assert hf.map(TASK, Path("texts")).counts["done"] == 1

    async def iterate() -> int:
        async with hf.AsyncInferenceClient() as client:
            await client.map(TASK, ["a", "b"], progress=False)
            return len([row async for row in client.map(TASK, ["a", "b"], progress=False)])

    assert asyncio.run(iterate()) == 2
    message = ""
    try:
        result.to_pandas()
    except ImportError as error:
        message = str(error)
    assert "pip install pandas" in message
    import numpy as np

    assert hf.map(TASK, np.array(["a", "b"]), limit=np.int64(1)).counts["done"] == 1
print("walked", 10)
