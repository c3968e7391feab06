"""Parts of an evaluation's row: its answers as a comparison, its inputs as what has a view."""

from collections.abc import Mapping, Sequence
from typing import Any

from hfwidgets import errors
from hfwidgets.evaluation import ScoredRow
from hfwidgets.evaluation.predictions import TEXTS
from hfwidgets.media import open_upright
from hfwidgets.panels.views import previews
from hfwidgets.results.audio import Audio
from hfwidgets.results.comparison import Comparison, ComparisonRow, measure_result
from hfwidgets.tasks import controls

MAX_TEXT_LENGTH = 5000
"""Characters of a value that is shown as text."""


def to_comparison(row: ScoredRow, task: str) -> Comparison:
    """Return a row's answers as a comparison; texts are compared with the right one."""
    comparison = Comparison(
        ComparisonRow(
            {
                "model": name,
                **measure_result(answer.result),
                "seconds": answer.seconds,
                "dollars": answer.dollars,
                "error": answer.error or None,
                "result": answer.result,
            }
        )
        for name, answer in row.answers.items()
    )
    if task in TEXTS and isinstance(row.label, str):
        comparison.reference = row.label
    return comparison


def describe_mark(row: ScoredRow, name: str) -> str:
    """Return whether a model's prediction is right, with a sign and in words."""
    state = row.answers[name].state
    if state != "scored":
        return f"✗ {state}"
    signs: Mapping[bool | None, str] = {True: "✓ right", False: "✗ wrong", None: ""}
    found = row.predictions[name]
    # What the label mapping made of it, which the result itself does not show.
    read_as = (
        f" (read as {found})"
        if row.right[name] is not None and isinstance(found, str | int)
        else ""
    )
    return f"{signs[row.right[name]]}{read_as}"


def to_viewable(value: object, control: controls.Control | None) -> object:
    """Return an input as what has a view: an image, audio, or a text."""
    if isinstance(control, controls.MediaInput) and not _is_web_url(value):
        try:
            found = previews.load_media(value, control.kind)
            if control.kind == "image":
                return open_upright(found)
            if control.kind == "audio":
                return Audio(found.read())
        except errors.HfWidgetsError:  # gone since the call; its name is still shown
            pass
    return to_short_text(value)


def _is_web_url(value: object) -> bool:
    return isinstance(value, str) and value.startswith(("http://", "https://"))


def to_short_text(value: object) -> str:
    """Return a value as text; messages of a chat as their contents."""
    if isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        contents = [str(one["content"]) for one in value if "content" in one]
        if contents:
            return "\n".join(contents)[:MAX_TEXT_LENGTH]
    return (value if isinstance(value, str) else repr(value))[:MAX_TEXT_LENGTH]


def read_correction(text: str, labels: Sequence[Any]) -> Any:
    """Return the label that a text names; a new text where labels are texts, else a number."""
    known = {str(label): label for label in labels}
    if text in known:
        return known[text]
    if all(isinstance(label, int | float) for label in labels):
        try:
            return float(text)
        except ValueError:
            raise errors.InputError(f"{text!r} is not a number, as the other labels are.") from None
    return text
