"""What views are built from: a result's inputs and parameters, and the files the page may fetch."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hfwidgets.errors import HfWidgetsError
from hfwidgets.media import Media, open_upright
from hfwidgets.panels.document.protocol import LabelRow, Save, View
from hfwidgets.panels.views import fields, previews, raw_json
from hfwidgets.panels.views.registry import registered_views
from hfwidgets.results.item_fields import item_label, item_score
from hfwidgets.tasks import controls
from hfwidgets.tasks.tables import is_table

if TYPE_CHECKING:
    from PIL.Image import Image

FileMaker = Callable[[], previews.PageFile]
ImageOpener = Callable[[], "Image"]

MAX_ROWS = 500
"""Rows of a result that are sent to the page; the others stay in Python."""


class ViewContext:
    """Builds the views of one result and keeps the files that they name.

    Args:
        prefix: begins the ids of this result's files.
        inputs: the task's inputs; spans are found in their texts.
        input_controls: the controls of the task, which tell images, audio and texts apart.
        parameters: the other parameters that were sent.

    Attributes:
        files: makers of the files that the views name, by id.
    """

    def __init__(
        self,
        prefix: str,
        inputs: Mapping[str, Any],
        input_controls: Mapping[str, controls.Control],
        parameters: Mapping[str, Any],
    ) -> None:
        self._prefix = prefix
        self.inputs = inputs
        self._controls = input_controls
        self.parameters = parameters
        self.files: dict[str, FileMaker] = {}

    def build_view(self, result: object, name: str = "0") -> View:
        """Build the view of a result, or of a part of one; `name` begins the names of its files."""
        # A view of a record may ask for views of its parts, so this is called recursively.
        for registered in registered_views():
            # A builder may trip over a field that a server filled in an odd way: then a more
            # general view shows the result.
            with contextlib.suppress(Exception):
                view = registered.build(result, self, name)
                if view is not None:
                    return view
        raise AssertionError("the generic view shows every result")

    def make_part(self, name: str) -> "ViewContext":
        """Return a context for a part of the result, whose files have names of their own."""
        return ViewContext(f"{self._prefix}.{name}", self.inputs, self._controls, self.parameters)

    # Files

    def add_file(self, name: str, make: FileMaker) -> str:
        """Register a file of this result and return its id."""
        key = f"{self._prefix}.{name}"
        self.files[key] = make
        return key

    def add_raw_json(self, result: object) -> str:
        """Register the result as JSON for people and return the file's id."""
        return self.add_file("raw", lambda: previews.text_file(raw_json.to_json_text(result)))

    def add_save(self, name: str, label: str, make: FileMaker) -> Save:
        """Register a file that the result can be saved as."""
        return Save(label=label, id=self.add_file(f"save.{name}", make), name=name)

    def add_saves(self, result: object) -> list[Save]:
        """Register all files that the result can be saved as."""
        return [
            self.add_save(name, label, make) for name, label, make in raw_json.save_formats(result)
        ]

    # Inputs

    @property
    def has_media_input(self) -> bool:
        """True if the task is about an image, audio or a video."""
        return any(isinstance(control, controls.MediaInput) for control in self._controls.values())

    def input_texts(self) -> list[str]:
        """Return the input texts, longest first.

        Empty where the task is about media: paths are texts too, and a question about an image
        does not contain its answers.
        """
        if self.has_media_input:
            return []
        texts = [value for value in self.inputs.values() if isinstance(value, str)]
        return sorted(texts, key=len, reverse=True)

    def input_table(self) -> Any:
        """Return the input table; None if there is none."""
        return next((value for value in self.inputs.values() if is_table(value)), None)

    def input_image_opener(self) -> ImageOpener | None:
        """Return a function that decodes the input image; None if it is not available."""
        for name, control in self._controls.items():
            value = self.inputs.get(name)
            if _is_media_control(control, "image") and hasattr(value, "getbbox"):
                return lambda: self.inputs[name]
        found = self.input_media("image")
        return (lambda: open_upright(found)) if found else None

    def input_media(self, kind: str) -> Media | None:
        """Return the input of a kind; None if there is none, or it is a URL, or it cannot be read.

        URLs are never fetched for display.
        """
        for name, control in self._controls.items():
            value = self.inputs.get(name)
            if value is not None and _is_media_control(control, kind):
                # A file that is gone since the call costs its preview only.
                with contextlib.suppress(HfWidgetsError):
                    found = previews.load_media(value, kind)
                    return found if found.source is not None else None
        return None


def as_records(result: object) -> Sequence[Mapping[str, Any]] | None:
    """Return the result's records: those of a list, or a single labeled and scored one.

    None if the result is something else, or empty.
    """
    if isinstance(result, list):
        items = result[:MAX_ROWS]
        return items if items and all(isinstance(item, Mapping) for item in items) else None
    # A record that stands for a text is displayed as one, even if it has a score.
    if isinstance(result, Mapping) and fields.record_text(result) is None:
        labeled = item_label(result) is not None and item_score(result) is not None
        return [result] if labeled else None
    return None


def label_rows(items: Sequence[Mapping[str, Any]]) -> list[LabelRow]:
    """Return one row per item, with its label and score."""
    return [LabelRow(label=item_label(item) or "", score=item_score(item)) for item in items]


def _is_media_control(control: controls.Control | None, kind: str) -> bool:
    return isinstance(control, controls.MediaInput) and control.kind == kind
