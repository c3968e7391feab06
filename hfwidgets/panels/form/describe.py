"""A task's form, read from its declaration: no task is known here by its name."""

from collections.abc import Iterable
from typing import Any

from hfwidgets.notebook import background_loop
from hfwidgets.panels.form import fields
from hfwidgets.panels.views import build
from hfwidgets.tasks import BaseTask, controls, examples
from hfwidgets.tasks.examples import Example

ALIAS_PARAMETERS = frozenset(
    {"labels", "stop_sequences", "encoding_format", "details", "parameters"}
)
"""Older names of other parameters, and what changes only the result's Python type."""


def describe_form(task: BaseTask, tasks: Iterable[BaseTask] = ()) -> dict[str, Any]:
    """What a page needs to draw the form.

    Args:
        task: whose form it is.
        tasks: those to choose from in the same panel.

    Returns:
        `inputs` (always shown), `basics` (shown below them), `fields` (folded away), and words.
    """
    inputs, others = split_parameters(task)
    further = [fields.describe_field(task, name) for name in others]
    return {
        "task": task.name,
        "label": task.label,
        "help": task.doc,
        "inputs": [fields.describe_field(task, name) for name in inputs],
        "basics": [field for field in further if not field["advanced"]],
        "fields": [{**field, "advanced": False} for field in further if field["advanced"]],
        "providers": background_loop.list_providers(task.name),
        "empty": build.empty_view(task)[1] or "Nothing came back.",
        "tasks": [{"name": t.name, "label": t.label, "domain": t.domain} for t in tasks],
    }


def split_parameters(task: BaseTask) -> tuple[list[str], list[str]]:
    """The names of a task's inputs and of its other parameters, as a person sees them.

    A prompt beside a picture is an input too, though it may only be given by name.
    """
    first = [name for name in task.inputs if name in task.controls]
    beside = "prompt" in task.hints and "prompt" not in first
    written = ["prompt"] if beside and isinstance(task.hints["prompt"], controls.TextBox) else []
    hidden = {*first, *written, *fields.HIDDEN_PARAMETERS, *ALIAS_PARAMETERS}
    rest = [name for name in task.controls if name not in hidden]
    hinted = [name for name in task.hints if name in rest]
    return [*first, *written], list(dict.fromkeys([*hinted, *rest]))


def task_examples(task: BaseTask) -> list[dict[str, Any]]:
    """The task's examples: the declared one and what `examples.MORE` adds."""
    return [task.example, *(dict(more) for more in examples.MORE_EXAMPLES.get(task.name, ()))]


def describe_example(sample: dict[str, Any]) -> str:
    """What an example is about, in words."""
    for value in sample.values():
        if isinstance(value, Example):
            return value.alt
    text = next((value for value in sample.values() if isinstance(value, str)), "")
    return text if len(text) < 60 else f"{text[:57]}…"
