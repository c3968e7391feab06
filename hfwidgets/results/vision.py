"""Results of the vision tasks, named as the field names them; images are Pillow's."""

import functools
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hfwidgets import errors
from hfwidgets.core.meta import Meta
from hfwidgets.media import HEAD_SIZE, Media, open_upright, sniff
from hfwidgets.results import html_table, overlay, show
from hfwidgets.results.audio import player_html
from hfwidgets.results.record import Elements, Record, TextRecord, fields_beyond

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

R = TypeVar("R", bound=Record)

EMBED_LIMIT = 4 << 20
"""The largest video that is put into a notebook, in bytes."""


class ImageClassificationOutputElement(Record):
    """A label and its score, between 0 and 1."""

    label: str
    score: float


class ZeroShotImageClassificationOutputElement(Record):
    """One of the candidate labels and its score, between 0 and 1."""

    label: str
    score: float


class ImageToTextOutput(TextRecord):
    """Text that describes an image, or that was read in it."""

    text_field = "generated_text"

    generated_text: str

    @property
    def image_to_text_output_generated_text(self) -> str | None:
        """`generated_text` under the other name that huggingface_hub has for it."""
        return self.get("generated_text")

    def _html_(self) -> str:
        return super()._html_() if self.text else show.paragraph_html("No text.")


class SourceImage:
    """The input image that results refer to, decoded when it is first needed."""

    def __init__(self, media: Media) -> None:
        self._media = media

    @functools.cached_property
    def image(self) -> "Image":
        """Return the image, turned upright, as servers see it."""
        found: Image = open_upright(self._media)
        return found


class _ImagePart(Record):
    """A part of an image."""

    @property
    def _image(self) -> "Image":
        source: SourceImage | None = vars(self).get("_source_image")
        if source is None:
            raise errors.InputError(
                "The input image is not available: only results of a call refer to it."
            )
        return source.image


class ObjectDetectionBoundingBox(Record):
    """A box in pixels from the upper left corner of the image."""

    xmin: int
    ymin: int
    xmax: int
    ymax: int


class ObjectDetectionOutputElement(_ImagePart):
    """An object: its label, its score between 0 and 1, and its box."""

    label: str
    score: float
    box: ObjectDetectionBoundingBox

    @property
    def crop(self) -> "Image":
        """Return the part of the input image inside the box; InputError when it cannot be read."""
        return self._image.crop(_clamp_box(self.box, self._image))


class ZeroShotObjectDetectionOutputElement(ObjectDetectionOutputElement):
    """An object with one of the candidate labels, its score between 0 and 1, and its box."""


def _clamp_box(box: ObjectDetectionBoundingBox, image: "Image") -> tuple[int, int, int, int]:
    """Return the box within the image, at least one pixel wide and high."""
    left, right = sorted((box.xmin or 0, box.xmax or 0))
    top, bottom = sorted((box.ymin or 0, box.ymax or 0))
    x = min(max(0, round(left)), image.width - 1)
    y = min(max(0, round(top)), image.height - 1)
    return (
        x,
        y,
        min(max(x + 1, round(right)), image.width),
        min(max(y + 1, round(bottom)), image.height),
    )


class ImageSegmentationOutputElement(_ImagePart):
    """A segment: its label, its score where the server sent one, and its mask.

    The mask is a Pillow image in mode L, of the input's size: 255 inside, 0 outside.
    """

    required_fields = frozenset({"label", "mask"})

    label: str
    score: float | None
    mask: Any

    @property
    def crop(self) -> "Image":
        """Return the segment cut out of the input image: RGBA, transparent outside the mask."""
        shape = self.mask.convert("L").resize(self._image.size)
        cut = self._image.convert("RGBA")
        cut.putalpha(shape)
        return cut.crop(shape.getbbox() or (0, 0, 1, 1))


class Annotations(Elements[R]):
    """Parts of an image, drawn into it for display."""

    noun = "parts"
    draw = staticmethod(overlay.draw_boxes)

    def __init__(self, items: Iterable[R] = (), source: SourceImage | None = None) -> None:
        super().__init__(items)
        self._source_image = source
        for item in self:
            vars(item)["_source_image"] = source

    @property
    def image(self) -> "Image":
        """Return the input image with everything drawn in, at most 800 pixels wide and high.

        Raises:
            InputError: the input image cannot be read any more.
        """
        if self._source_image is None:
            raise errors.InputError(
                "The input image is not available: only results of a call refer to it."
            )
        return self.draw(self._source_image.image, self)

    def plot(self) -> "Figure":
        """Return the annotated image as a matplotlib figure."""
        from hfwidgets.results import plot

        return plot.plot_image(self.image)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the annotated image (.png, .jpg, .webp) or the values (.json, .csv) to a file."""
        target = Path(path)
        if target.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
            return super().save(target)
        self.image.save(target)
        return target

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        try:
            figure = overlay.image_html(self.image, overlay.alt_text(self, self.noun))
            png = {"image/png": overlay.encode_png(self.image)}
        except Exception:  # the input is gone, or a box is odd: the values are still worth showing
            figure, png = "", {}
        html = f"<figure>{figure}</figure>" if figure else ""
        bundle = show.show_result(
            lambda: repr(list(self)), lambda: f"{html}{self._html_()}", self.meta
        )
        return {**bundle, **png}

    def _html_(self) -> str:
        return (
            html_table.records_to_html(self._row_values(item) for item in self)
            if self
            else f"<p>No {self.noun}.</p>"
        )

    def _row_values(self, item: R) -> dict[str, Any]:
        known = {"label": item.get("label"), "score": item.get("score")}
        return {**known, **fields_beyond(item, {*known, "mask", "box"})}


class Detections(Annotations[R]):
    """Objects found in an image."""

    noun = "objects"

    def _row_values(self, item: R) -> dict[str, Any]:
        box = item.get("box") or {}
        sides = {side: box.get(side) for side in ("xmin", "ymin", "xmax", "ymax")}
        return {**super()._row_values(item), **sides}


class Segments(Annotations[R]):
    """Segments of an image."""

    noun = "segments"
    draw = staticmethod(overlay.draw_masks)

    def _row_values(self, item: R) -> dict[str, Any]:
        mask = item.get("mask")
        # Masks may be soft: a pixel counts from the middle of the range on.
        covered = sum(mask.convert("L").histogram()[128:]) if mask is not None else 0
        share = covered / (mask.width * mask.height) if mask is not None else None
        return {**super()._row_values(item), "share of the image": share}


class Video(bytes):
    """An encoded video, as the server sent it.

    Attributes:
        mime: its type, by its first bytes; None when it is not recognized.
    """

    meta: Meta | None = None

    @functools.cached_property
    def mime(self) -> str | None:
        return sniff(self[:HEAD_SIZE], "video")

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the video to a file, unchanged."""
        target = Path(path)
        target.write_bytes(self)
        return target

    def __repr__(self) -> str:
        return f"<Video {self.mime or 'of unknown type'}, {len(self):,} bytes>"

    __str__ = __repr__  # not the bytes: a print would flood the notebook

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return show.show_result(self.__repr__, self._html_, self.meta)

    def _html_(self) -> str:
        """Return a player that never starts by itself."""
        return player_html(self, self.mime, "video", EMBED_LIMIT)
