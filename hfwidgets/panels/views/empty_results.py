"""What stands in the place of a result, before it and where it is empty, read from its type."""

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

OUTCOME_TEXTS = (
    ("mask", "Segments"),
    ("box", "Objects and their boxes"),
    ("entity", "Entities"),
    ("answer", "The answer"),
    ("blob", "The tracks"),
    ("chunks", "The transcript"),
    ("label", "Labels and their scores"),
    ("token_str", "Words and their scores"),
    ("choices", "The answer"),
    ("generated_text", "The text"),
    ("summary_text", "The summary"),
    ("translation_text", "The translation"),
)
"""What a result consists of, by a field of the declared result; the first one counts."""

OUTPUT_TEXTS = {"image": "The image", "audio": "The audio", "video": "The video"}
"""The same, by the kind of file that the result is."""

DEFAULT_EMPTY_TEXT = "Nothing came back."


def empty_text(task: BaseTask) -> str:
    """Return the text for an empty result of a task."""
    names = _result_fields(task)
    return next((text for name, text in EMPTY_TEXTS if name in names), DEFAULT_EMPTY_TEXT)


def outcome_text(task: BaseTask) -> str:
    """Return what will stand in the place of a task's result."""
    names = _result_fields(task)
    found = next((text for name, text in OUTCOME_TEXTS if name in names), "")
    found = found or OUTPUT_TEXTS.get(task.output, "The result")
    return f"{found} will appear here."


def _result_fields(task: BaseTask) -> set[str]:
    """Return the names of the fields of a task's result, at any depth."""
    types = [
        kind for kind in _nested_types(task.signature.return_annotation) if isinstance(kind, type)
    ]
    bases = [base for kind in types for base in kind.__mro__]
    return {name for base in bases for name in vars(base).get("__annotations__", {})}


def _nested_types(annotation: Any) -> list[Any]:
    """Return a type and all types inside it."""
    return [annotation, *(kind for part in get_args(annotation) for kind in _nested_types(part))]
