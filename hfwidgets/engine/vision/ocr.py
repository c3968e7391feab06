"""Read text in images with PP-OCRv6: one network finds lines, another reads them.

Sources, from PaddleOCR's defaults: the detector needs sides that are multiples of 32 and returns
how likely each pixel is text; its regions are shrunken, and grown again by 1.6 times their area
over their perimeter. The recognizer needs lines of 48 pixels, has its characters in its metadata,
and repeats a character over a run of positions (CTC, class 0 is blank). Turned pages are first
straightened (`straighten.py`).
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

from hfwidgets.engine.base import images
from hfwidgets.engine.base.cancellation import raise_if_cancelled
from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.images import Pixels
from hfwidgets.engine.base.runtimes import OnnxModel, require_modules
from hfwidgets.engine.base.weights import WEIGHTS
from hfwidgets.engine.vision.straighten import Region, find_tilt, turn_image

if TYPE_CHECKING:
    from PIL.Image import Image

MODEL = "PaddlePaddle/PP-OCRv6-small"
_MIN_SHORT_SIDE, _MAX_LONG_SIDE, _SIDE_MULTIPLE = 736, 1600, 32
_PIXEL_THRESHOLD, _BOX_THRESHOLD, _UNCLIP_RATIO = 0.3, 0.5, 1.6
_MIN_BOX_SIDE = 3  # pixels of a region's shorter side
_LINE_HEIGHT, _MAX_LINE_WIDTH = 48, 3200
_MIN_CONFIDENCE = 0.6
"""Below this mean probability of its characters, a piece is taken for something other than text."""

_SURE = 0.85
"""At this mean probability a page is not upside down, so that it is read only once."""

_CERTAIN = 0.97
"""The mean probability at which a single character is believed."""

_MAX_PAGES = 4
"""Pages that are remembered, since people ask several questions about one."""

NO_TEXT = "No text was found in the image."

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels."""


@dataclass(frozen=True, slots=True)
class TextPiece:
    """A piece of text and its box in the image."""

    text: str
    box: Box
    confidence: float
    """The mean probability of its characters, 0 to 1."""

    @property
    def is_certain(self) -> bool:
        """True if this is text beyond doubt, which a single character rarely is."""
        size = sum(map(str.isalnum, self.text))
        return self.confidence >= (_SURE if size > 1 else _CERTAIN) and size > 0

    @property
    def center_y(self) -> float:
        """Return the vertical center, in pixels from the top."""
        return (self.box[1] + self.box[3]) / 2

    @property
    def height(self) -> float:
        """Return the height in pixels."""
        return self.box[3] - self.box[1]


class OcrReader:
    """The loaded detector and recognizer."""

    def __init__(self, detector: OnnxModel, recognizer: OnnxModel) -> None:
        self._detector = detector
        self._recognizer = recognizer
        known = recognizer.metadata["character"].splitlines()
        # Class 0 is the blank. The metadata leaves out the space, which PaddleOCR puts last.
        self._characters = ["", *known, " "]
        self._pages: dict[bytes, list[str]] = {}

    @classmethod
    def load(cls) -> "OcrReader":
        """Open it; about 0.5 s and 150 MB."""
        weight = WEIGHTS["ocr"]
        return cls(OnnxModel(weight.path("find.onnx")), OnnxModel(weight.path("read.onnx")))

    def read_file(self, content: bytes) -> list[str]:
        """Return the text of an image file line by line; the last few pages are remembered."""
        digest = hashlib.sha256(content).digest()
        lines = self._pages.get(digest)
        if lines is None:
            lines = self._pages[digest] = self.read_lines(images.open_image(content))
            # A dict keeps its order: the oldest page goes.
            for old in list(self._pages)[:-_MAX_PAGES]:
                self._pages.pop(old, None)
        return lines

    def read_lines(self, image: "Image") -> list[str]:
        """Return the text line by line from the top; pieces next to each other form one line."""
        return [" ".join(piece.text for piece in row) for row in self.read_rows(image)]

    def read_rows(self, image: "Image") -> list[list[TextPiece]]:
        """Return the pieces of text in reading order: rows from the top, each from the left."""
        pieces = [one for one in self._read_upright(image) if one.confidence >= _MIN_CONFIDENCE]
        # Edges in photos are read as single letters, of which not one is certain.
        if not any(piece.is_certain for piece in pieces):
            return []
        rows: list[list[TextPiece]] = []
        for piece in sorted(pieces, key=lambda piece: piece.center_y):
            # Half a line's height: pieces of one line differ less, the next line differs more.
            if rows and abs(piece.center_y - rows[-1][-1].center_y) < piece.height / 2:
                rows[-1].append(piece)
            else:
                rows.append([piece])
        return [sorted(row, key=lambda piece: piece.box[0]) for row in rows]

    def _read_upright(self, image: "Image") -> list[TextPiece]:
        """Return the pieces of a page, whichever way it is turned."""
        found = self._find_regions(image)
        tilt = find_tilt(region for region, _ in found)
        if tilt:
            image = turn_image(image, tilt)
            found = self._find_regions(image)
        pieces = self._read_boxes(image, [box for _, box in found])
        if not pieces or _mean_confidence(pieces) >= _SURE:
            return pieces
        # Level lines may still stand on their heads, where they are read as nonsense.
        image = turn_image(image, 180)
        turned = self._read_boxes(image, [box for _, box in self._find_regions(image)])
        return max(pieces, turned, key=_mean_confidence)

    def _read_boxes(self, image: "Image", boxes: list[Box]) -> list[TextPiece]:
        read = ((self._read_box(image, box), box) for box in boxes)
        return [TextPiece(text, box, sure) for (text, sure), box in read if text]

    def _find_regions(self, image: "Image") -> list[tuple[Region, Box]]:
        """Return the regions of text, each with its box."""
        # Text in small images is enlarged to a size the detector was trained on.
        scale = max(1.0, _MIN_SHORT_SIDE / min(image.size))
        scale = min(scale, _MAX_LONG_SIDE / max(image.size))
        width, height = (
            max(1, round(side * scale / _SIDE_MULTIPLE)) * _SIDE_MULTIPLE for side in image.size
        )
        inputs = {"x": _preprocess(image.resize((width, height)))}
        likely = np.asarray(self._detector(inputs)[0])[0, 0]
        across, down = image.width / width, image.height / height
        found = []
        for rows, columns in find_regions(likely > _PIXEL_THRESHOLD):
            tall, wide = np.ptp(rows) + 1, np.ptp(columns) + 1
            if min(tall, wide) < _MIN_BOX_SIDE or likely[rows, columns].mean() < _BOX_THRESHOLD:
                continue
            # For a rectangle, area times ratio over perimeter is the distance to grow on each side.
            grown = tall * wide * _UNCLIP_RATIO / (2 * (tall + wide))
            box = (
                max(0.0, (columns.min() - grown) * across),
                max(0.0, (rows.min() - grown) * down),
                min(float(image.width), (columns.max() + 1 + grown) * across),
                min(float(image.height), (rows.max() + 1 + grown) * down),
            )
            found.append((Region(rows, columns), box))
        return found

    def _read_box(self, image: "Image", box: Box) -> tuple[str, float]:
        """Return the text in a box, and the mean probability of its characters."""
        raise_if_cancelled()
        left, top, right, bottom = (round(edge) for edge in box)
        line = image.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
        width = min(_MAX_LINE_WIDTH, max(16, round(line.width * _LINE_HEIGHT / line.height)))
        found = self._recognizer({"x": _preprocess(line.resize((width, _LINE_HEIGHT)))})[0]
        shares = np.asarray(found)[0]
        classes = shares.argmax(1)
        changed = np.diff(classes, prepend=0) != 0  # CTC: a run of one class is one character
        text = "".join(self._characters[index] for index in classes[changed]).strip()
        chosen = shares.max(1)[changed & (classes > 0)]
        return text, float(chosen.mean()) if len(chosen) else 0.0


def _mean_confidence(pieces: list[TextPiece]) -> float:
    """Return the mean confidence of pieces, weighted by their lengths."""
    lengths = [len(piece.text) for piece in pieces]
    total = sum(piece.confidence * size for piece, size in zip(pieces, lengths, strict=True))
    return total / max(1, sum(lengths))


def _preprocess(image: "Image") -> Pixels:
    """Return an image as the networks need it: BGR, -1 to 1, shape (1, 3, height, width)."""
    values = (images.to_pixels(image)[..., ::-1] / np.float32(127.5) - 1).transpose(2, 0, 1)
    return np.ascontiguousarray(values[None], np.float32)


def find_regions(mask: NDArray[np.bool_]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield the connected regions of a mask, each as the rows and columns of its pixels.

    Every pixel gets the smallest label among its neighbors' and its own until none changes.
    Labeling horizontal runs instead of pixels reduces that to a few rounds.
    """
    # Written here, because scipy and OpenCV would each add over 30 MB for this one function.
    starts = np.diff(mask, axis=1, prepend=False) & mask
    runs = np.cumsum(starts.ravel()).reshape(mask.shape) * mask  # 1, 2, ... ; 0 outside
    parent = np.arange(runs.max() + 1)
    touching = (runs[1:] > 0) & (runs[:-1] > 0)
    pairs = np.unique(np.stack([runs[1:][touching], runs[:-1][touching]], 1), axis=0)
    while len(pairs):
        low, high = np.sort(parent[pairs], axis=1).T
        if (low == high).all():
            break
        np.minimum.at(parent, high, low)
        # Each round also follows one more link, which halves the length of all chains.
        parent = parent[parent]
    rows, columns = np.nonzero(mask)
    owner = parent[runs[rows, columns]]
    order = np.argsort(owner, kind="stable")
    cuts = np.flatnonzero(np.diff(owner[order])) + 1
    for part in np.split(order, cuts):
        if len(part):
            yield rows[part], columns[part]


class ImageText(TypedDict):
    """The text of an image, as the Hub's wire has it; `reason` says why it is empty."""

    generated_text: str
    reason: NotRequired[str]


def image_to_text(models: LoadedModels, inputs: bytes) -> list[ImageText]:
    """Return the text in the image, line by line; empty with the reason where there is none."""
    lines = models.get(OcrReader).read_lines(images.open_image(inputs))
    if not lines:
        return [{"generated_text": "", "reason": NO_TEXT}]
    return [{"generated_text": "\n".join(lines)}]


CAPABILITY = Capability(
    name="ocr",
    model=MODEL,
    serves={"image-to-text": image_to_text},
    weights=("ocr",),
    measured={"image-to-text": (30, 30)},
    license="Apache-2.0",
    languages=("English", "Chinese"),
    limits="Reads printed text (OCR), also on turned pages; it does not describe images.",
    why_unavailable=require_modules("onnxruntime"),
)
