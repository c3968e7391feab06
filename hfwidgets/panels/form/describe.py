"""A task's form, read from its declaration: no task is known here by its name."""

from collections.abc import Iterable
from typing import Any

from hfwidgets.notebook import background_loop
from hfwidgets.panels.form import fields
from hfwidgets.panels.views import build
from hfwidgets.tasks import BaseTask, controls, examples
from hfwidgets.tasks.examples import Example

ALIASES = frozenset({"labels", "stop_sequences", "encoding_format", "details", "parameters"})
"""Older names of other parameters, and what changes only the result's Python type."""


def form(task: BaseTask, tasks: Iterable[BaseTask] = ()) -> dict[str, Any]:
    """What a page needs to draw the form.

    Args:
        task: whose form it is.
        tasks: those to choose from in the same panel.

    Returns:
        `inputs` (always shown), `basics` (shown below them), `fields` (folded away), and words.
    """
    inputs, others = split(task)
    further = [fields.described_field(task, name) for name in others]
    return {
        "task": task.name,
        "label": task.label,
        "help": task.doc,
        "inputs": [fields.described_field(task, name) for name in inputs],
        "basics": [field for field in further if not field["advanced"]],
        "fields": [{**field, "advanced": False} for field in further if field["advanced"]],
        "providers": background_loop.provider_names(task.name),
        "empty": build.expected(task)[1] or "Nothing came back.",
        "tasks": [{"name": t.name, "label": t.label, "domain": t.domain} for t in tasks],
    }


def split(task: BaseTask) -> tuple[list[str], list[str]]:
    """The names of a task's inputs and of its other parameters, as a person sees them.

    A prompt beside a picture is an input too, though it may only be given by name.
    """
    first = [name for name in task.inputs if name in task.controls]
    beside = "prompt" in task.hints and "prompt" not in first
    written = ["prompt"] if beside and isinstance(task.hints["prompt"], controls.Lines) else []
    hidden = {*first, *written, *fields.HIDDEN, *ALIASES}
    rest = [name for name in task.controls if name not in hidden]
    hinted = [name for name in task.hints if name in rest]
    return [*first, *written], list(dict.fromkeys([*hinted, *rest]))


def samples(task: BaseTask) -> list[dict[str, Any]]:
    """The task's examples: the declared one and what `examples.MORE` adds."""
    return [task.example, *(dict(more) for more in examples.MORE.get(task.name, ()))]


def about(sample: dict[str, Any]) -> str:
    """What an example is about, in words."""
    for value in sample.values():
        if isinstance(value, Example):
            return value.alt
    text = next((value for value in sample.values() if isinstance(value, str)), "")
    return text if len(text) < 60 else f"{text[:57]}…"
