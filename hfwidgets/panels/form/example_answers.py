"""Kept answers to the tasks' examples, so that panels can be looked at where nobody can be asked.

They are what the embedded engine answered, word for word; `tests/panels/store_examples.py` asks it
anew. Each goes through its task like a fresh answer, and says when and by whom it was given.
"""

import datetime
import functools
import json
from pathlib import Path
from typing import Any

from hfwidgets.core.flow import Do, Infer
from hfwidgets.core.meta import Meta
from hfwidgets.results.record import stamp
from hfwidgets.tasks import BaseTask, examples

FILE = Path(__file__).with_suffix(".json")
PROVIDER = "a stored answer, nothing was sent"


@functools.cache
def _kept() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def has(task: BaseTask) -> bool:
    """Whether the answer to a task's example is kept."""
    return task.name in _kept()


def answer(task: BaseTask) -> Any:
    """The typed result of a task's example; may block, since its pictures are drawn."""
    kept = _kept()[task.name]
    flow = task.flow(None, **examples.made(task.example))
    outcome: Any = None
    try:
        while True:
            step: Any = flow.send(outcome)
            outcome = kept["raw"] if isinstance(step, Infer) else _done(step)
    except StopIteration as end:
        meta = Meta(task.name, PROVIDER, kept["model"])
        meta.recorded = datetime.datetime.fromisoformat(kept["on"])
        return stamp(end.value, meta)


def _done(step: Any) -> Any:
    assert isinstance(step, Do)
    return step.call()
