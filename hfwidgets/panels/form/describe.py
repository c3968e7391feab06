"""A task's form, read from its declaration: no task is known here by its name."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hfwidgets.notebook import background_loop
from hfwidgets.panels.document.protocol import Form, TaskChoice
from hfwidgets.panels.form import fields
from hfwidgets.panels.views.empty_results import empty_text, outcome_text
from hfwidgets.tasks import BaseTask, controls, examples
from hfwidgets.tasks.examples import Example

ALIAS_PARAMETERS = frozenset(
    {"labels", "stop_sequences", "encoding_format", "details", "parameters"}
)
"""Older names of other parameters, and what changes only the result's Python type."""

VERBS = {"Answer": "Ask", "Continue": "Generate", "Fill": "Fill in"}
"""Verbs of what the user does, where the description has what the model does."""

MAX_DESCRIPTION_LENGTH = 60


def describe_form(task: BaseTask, choices: Iterable[BaseTask] = ()) -> Form:
    """Describe a task's form for the page; examples are added by the panel.

    Args:
        task: the declaration.
        choices: tasks that the same panel can switch to.
    """
    inputs, others = split_parameters(task)
    parameters = [fields.describe_field(task, name) for name in others]
    advanced = [field for field in parameters if field.advanced]
    for field in advanced:
        field.advanced = False  # they are behind a fold already
    return Form(
        task=task.name,
        label=task.label,
        help=task.doc,
        inputs=[fields.describe_field(task, name) for name in inputs],
        basics=[field for field in parameters if field not in advanced],
        fields=advanced,
        providers=background_loop.list_providers(task.name),
        unserved=fields.list_unserving(task),
        empty=empty_text(task),
        verb=describe_verb(task),
        outcome=outcome_text(task),
        tasks=[TaskChoice(name=t.name, label=t.label, domain=t.domain) for t in choices],
    )


def split_parameters(task: BaseTask) -> tuple[list[str], list[str]]:
    """Return the names of a task's inputs and of its other parameters, as a person sees them.

    A prompt is an input too, even where an image comes first and the prompt is keyword-only.
    """
    first = [name for name in task.inputs if name in task.controls]
    has_prompt = "prompt" not in first and isinstance(task.hints.get("prompt"), controls.TextBox)
    inputs = [*first, "prompt"] if has_prompt else first
    hidden = {*inputs, *fields.HIDDEN_PARAMETERS, *ALIAS_PARAMETERS}
    others = [name for name in task.controls if name not in hidden]
    # Hints are written in the order in which people need the parameters.
    hinted = [name for name in task.hints if name in others]
    return inputs, list(dict.fromkeys([*hinted, *others]))


def describe_verb(task: BaseTask) -> str:
    """Return what the button that runs a task says: the verb that its description opens with."""
    verb = task.doc.partition(" ")[0].strip(".,:")
    return VERBS.get(verb, verb) or "Run"


def task_examples(task: BaseTask) -> list[Mapping[str, Any]]:
    """Return a task's examples: the declared one and those that `MORE_EXAMPLES` adds."""
    return [task.example, *(dict(more) for more in examples.MORE_EXAMPLES.get(task.name, ()))]


def describe_examples(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return each example in a few words; those about the same image or columns by what differs."""
    subjects = [_describe_subject(example) for example in found]
    abouts = [
        (subjects.count(subject) > 1 and _describe_content(example)) or subject
        for subject, example in zip(subjects, found, strict=True)
    ]
    return [_shorten(about) for about in abouts]


def _shorten(text: str) -> str:
    if len(text) < MAX_DESCRIPTION_LENGTH:
        return text
    return f"{text[: MAX_DESCRIPTION_LENGTH - 3]}…"


def _describe_subject(example: Mapping[str, Any]) -> str:
    """Return what an example is about: its image, its text or its table's columns."""
    for value in example.values():
        if isinstance(value, Example):
            return value.alt
    tables = [value for value in example.values() if isinstance(value, Mapping)]
    return _find_text(example) or ", ".join(name for table in tables for name in table)


def _describe_content(example: Mapping[str, Any]) -> str:
    """Return an example's text, or its table's first row."""
    tables = [value for value in example.values() if isinstance(value, Mapping)]
    cells = (str(cells[0]) for table in tables for cells in table.values())
    return _find_text(example) or ", ".join(cells)


def _find_text(example: Mapping[str, Any]) -> str:
    for value in example.values():
        if isinstance(value, str):
            return value
        if isinstance(value, list) and value and isinstance(value[-1], Mapping):  # messages
            return str(value[-1].get("content", ""))
    return ""
