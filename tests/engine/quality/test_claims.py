"""What a capability claims is what was measured on the held-out items."""

import pytest

from hfwidgets import InferenceClient, engine_process
from hfwidgets.engine.registry import builtin_capabilities
from tests.engine.quality.checks import CHECKS, find_claim, load_items, make_speechless_audio

QUICK = (
    "text-classification",
    "table-question-answering",
    "token-classification",
    "zero-shot-classification",
    "sentence-similarity",
    "summarization",
)
"""Tasks whose items take seconds; `python -m tests.engine.quality` measures the others, too."""


@pytest.mark.parametrize("task", QUICK)
def test_quick_claims_hold(engine: engine_process.EngineState, task: str) -> None:
    verdicts = list(CHECKS[task](InferenceClient(provider="local")))
    claimed, total = find_claim(task)
    assert len(verdicts) == total
    assert sum(verdict.is_right for verdict in verdicts) >= claimed


def count_items(task: str) -> int:
    items = load_items("chat" if task == "chat-completion" else task)
    if task == "automatic-speech-recognition":
        return len(items["sentences"]) + len(make_speechless_audio())
    if isinstance(items, dict):
        return sum(len(group["items"]) for group in items["sets"])
    if isinstance(items[0], dict):
        return sum(len(group["questions"]) for group in items)
    if task == "token-classification":
        return sum(len(entities) for _, entities in items)
    return len(items)


def test_claims_are_made_on_all_items_of_their_task() -> None:
    claims = [
        (task, total)
        for capability in builtin_capabilities()
        for task, (_, total) in capability.measured.items()
    ]
    assert {task for task, _ in claims} == set(CHECKS)
    for task, total in claims:
        assert total == count_items(task) >= 30
