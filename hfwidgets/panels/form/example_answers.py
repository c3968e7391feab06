"""Kept answers to the tasks' examples, so that panels can be looked at where nobody can be asked.

They are what the embedded engine answered, word for word; `tests/panels/store_examples.py` asks it
anew. Each goes through its task like a fresh answer, and says when and by whom it was given.
"""

import datetime
import functools
import json
from pathlib import Path
from typing import Any

from hfwidgets.core.flow import Infer
from hfwidgets.core.meta import Meta
from hfwidgets.core.run_flow import perform_blocking, run_flow
from hfwidgets.results.record import set_meta
from hfwidgets.tasks import BaseTask, examples

ANSWERS_FILE = Path(__file__).with_suffix(".json")
STORED_PROVIDER = "a stored answer, nothing was sent"


@functools.cache
def _load_answers() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ANSWERS_FILE.read_text(encoding="utf-8"))
    return found


def has_answer(task: BaseTask) -> bool:
    """Whether the answer to a task's example is kept."""
    return task.name in _load_answers()


def replay_answer(task: BaseTask) -> Any:
    """The typed result of a task's example; may block, since its pictures are drawn."""
    stored = _load_answers()[task.name]

    def perform(step: Any) -> Any:
        return stored["raw"] if isinstance(step, Infer) else perform_blocking(step)

    result = run_flow(task.flow(None, **examples.make_arguments(task.example)), perform)
    meta = Meta(task.name, STORED_PROVIDER, stored["model"])
    meta.recorded = datetime.datetime.fromisoformat(stored["on"])
    return set_meta(result, meta)
