"""Stored answers to the tasks' examples, so that panels show something where nothing can be sent.

They are verbatim answers of the embedded engine; `tests/panels/store_examples.py` records them.
Each passes through its task like a live answer, and shows when and by which model it was made.
"""

import datetime
import functools
import json
from pathlib import Path
from typing import Any

from hfwidgets.core.flow import Infer
from hfwidgets.core.meta import Meta
from hfwidgets.core.run_flow import perform_blocking, run_flow
from hfwidgets.tasks import BaseTask, examples

ANSWERS_FILE = Path(__file__).with_suffix(".json")
STORED_PROVIDER = "a stored answer, nothing was sent"


@functools.cache
def _load_answers() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ANSWERS_FILE.read_text(encoding="utf-8"))
    return found


def has_answer(task: BaseTask) -> bool:
    """True if the answer to a task's example is stored."""
    return task.name in _load_answers()


def replay_answer(task: BaseTask) -> Any:
    """Return the typed result of a task's example; may block, since its images are drawn."""
    stored = _load_answers()[task.name]

    # Only the request is replaced: inputs are read and answers decoded as in a live call.
    def perform(step: object) -> Any:
        return stored["raw"] if isinstance(step, Infer) else perform_blocking(step)

    result: Any = run_flow(task.flow(None, **examples.make_arguments(task.example)), perform)
    meta = Meta(task.name, STORED_PROVIDER, stored["model"])
    meta.recorded = datetime.datetime.fromisoformat(stored["on"])
    result.meta = meta
    return result
