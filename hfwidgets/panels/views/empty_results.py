"""What a panel says when a result is empty, read from the declared type of the result."""

from typing import Any, get_args

from hfwidgets.tasks import BaseTask

EMPTY_TEXTS = (
    ("mask", "No segments were found in this image."),
    ("box", "No objects were found in this image."),
    ("entity", "No entities were found in this text."),
    ("answer", "No answer was found."),
    ("blob", "No audio came back."),
    ("chunks", "No speech was found."),
    ("generated_text", "No text came back."),
    ("label", "No label came back."),
)
"""Texts by a field of the declared result; the first field that the type has counts."""

DEFAULT_EMPTY_TEXT = "Nothing came back."


def empty_text(task: BaseTask) -> str:
    """Return the text for an empty result of a task."""
    types = [
        kind for kind in _nested_types(task.signature.return_annotation) if isinstance(kind, type)
    ]
    bases = [base for kind in types for base in kind.__mro__]
    names = {name for base in bases for name in vars(base).get("__annotations__", {})}
    return next((text for name, text in EMPTY_TEXTS if name in names), DEFAULT_EMPTY_TEXT)


def _nested_types(annotation: Any) -> list[Any]:
    """Return a type and all types inside it."""
    return [annotation, *(kind for part in get_args(annotation) for kind in _nested_types(part))]
