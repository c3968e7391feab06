"""Text in pictures: PP-OCRv6, one network that finds lines and one that reads them.

Facts from PaddleOCR's defaults: the finder wants sides that are multiples of 32 and answers how
surely each pixel is text; its regions are shrunken and are grown again by 1.6 times their area over
their outline. The reader wants lines of 48 pixels, has its characters in its metadata, and says
each once per run (CTC, class 0 is none). Lines are taken as level: no turned text.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hfwidgets.engine.base import images
from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.images import Pixels
from hfwidgets.engine.base.runtimes import OnnxModel, require_modules
from hfwidgets.engine.base.weights import WEIGHTS

if TYPE_CHECKING:
    from PIL.Image import Image

MODEL = "PaddlePaddle/PP-OCRv6-small"
_MIN_SHORT_SIDE, _MAX_LONG_SIDE, _SIDE_MULTIPLE = 736, 1600, 32
_PIXEL_THRESHOLD, _BOX_THRESHOLD, _UNCLIP_RATIO = 0.3, 0.5, 1.6
_MIN_BOX_SIDE = 3  # pixels of a region's shorter side
_LINE_HEIGHT, _MAX_LINE_WIDTH = 48, 3200

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


@dataclass(frozen=True, slots=True)
class TextPiece:
    """A stretch of text and where it stands, in pixels of the picture."""

    text: str
    box: Box

    @property
    def center_y(self) -> float:
        """The height at which it stands."""
        return (self.box[1] + self.box[3]) / 2

    @property
    def height(self) -> float:
        """How tall it is."""
        return self.box[3] - self.box[1]


class OcrReader:
    """The loaded networks."""

    def __init__(self, find: OnnxModel, read: OnnxModel) -> None:
        self._detector = find
        self._recognizer = read
        known = read.metadata["character"].splitlines()
        self._characters = ["", *known, " "]

    @classmethod
    def load(cls) -> "OcrReader":
        """Open it; about 0.5 s and 150 MB."""
        weight = WEIGHTS["ocr"]
        return cls(OnnxModel(weight.path("find.onnx")), OnnxModel(weight.path("read.onnx")))

    def read_lines(self, image: "Image") -> list[str]:
        """The text line by line, from the top; pieces side by side are one line."""
        return [" ".join(piece.text for piece in row) for row in self.read_rows(image)]

    def read_rows(self, image: "Image") -> list[list[TextPiece]]:
        """The pieces of text as they are read: rows from the top, each from the left."""
        read = ((self._read_box(image, box), box) for box in self._find_boxes(image))
        pieces = [TextPiece(text, box) for text, box in read if text]
        rows: list[list[TextPiece]] = []
        for piece in sorted(pieces, key=lambda piece: piece.center_y):
            if rows and abs(piece.center_y - rows[-1][-1].center_y) < piece.height / 2:
                rows[-1].append(piece)
            else:
                rows.append([piece])
        return [sorted(row, key=lambda piece: piece.box[0]) for row in rows]

    def _find_boxes(self, image: "Image") -> Iterator[Box]:
        """Where text stands."""
        scale = max(1.0, _MIN_SHORT_SIDE / min(image.size))
        scale = min(scale, _MAX_LONG_SIDE / max(image.size))
        width, height = (
            max(1, round(side * scale / _SIDE_MULTIPLE)) * _SIDE_MULTIPLE for side in image.size
        )
        inputs = {"x": _preprocess(image.resize((width, height)))}
        sure = np.asarray(self._detector(inputs)[0])[0, 0]
        across, down = image.width / width, image.height / height
        for rows, columns in find_regions(sure > _PIXEL_THRESHOLD):
            tall, wide = np.ptp(rows) + 1, np.ptp(columns) + 1
            if min(tall, wide) < _MIN_BOX_SIDE or sure[rows, columns].mean() < _BOX_THRESHOLD:
                continue
            grown = tall * wide * _UNCLIP_RATIO / (2 * (tall + wide))
            yield (
                max(0.0, (columns.min() - grown) * across),
                max(0.0, (rows.min() - grown) * down),
                min(float(image.width), (columns.max() + 1 + grown) * across),
                min(float(image.height), (rows.max() + 1 + grown) * down),
            )

    def _read_box(self, image: "Image", box: Box) -> str:
        """What is written in a box."""
        left, top, right, bottom = (round(edge) for edge in box)
        line = image.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
        width = min(_MAX_LINE_WIDTH, max(16, round(line.width * _LINE_HEIGHT / line.height)))
        found = self._recognizer({"x": _preprocess(line.resize((width, _LINE_HEIGHT)))})[0]
        classes = np.asarray(found)[0].argmax(1)
        changed = np.diff(classes, prepend=0) != 0
        return "".join(self._characters[index] for index in classes[changed]).strip()


def _preprocess(image: "Image") -> Pixels:
    """A picture as the networks want it: blue, green, red; -1 to 1; channels first."""
    values = (images.to_pixels(image)[..., ::-1] / np.float32(127.5) - 1).transpose(2, 0, 1)
    return np.ascontiguousarray(values[None], np.float32)


def find_regions(mask: NDArray[np.bool_]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """The connected regions of a mask, each as its pixels' rows and columns.

    Every pixel takes the smallest number among its neighbours' and its own until none changes;
    sweeping the numbers along whole runs makes that a few rounds.
    """
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
        parent = parent[parent]
    rows, columns = np.nonzero(mask)
    owner = parent[runs[rows, columns]]
    order = np.argsort(owner, kind="stable")
    cuts = np.flatnonzero(np.diff(owner[order])) + 1
    for part in np.split(order, cuts):
        if len(part):
            yield rows[part], columns[part]


def image_to_text(kit: LoadedModels, inputs: bytes) -> list[dict[str, str]]:
    """What is written in the picture, line by line."""
    return [{"generated_text": "\n".join(kit.get(OcrReader).read_lines(images.open_image(inputs)))}]


CAPABILITY = Capability(
    name="ocr",
    model=MODEL,
    serves={"image-to-text": image_to_text},
    weights=("ocr",),
    license="Apache-2.0",
    languages=("English", "Chinese"),
    limits="Reads printed text in level lines (OCR); it does not describe pictures.",
    why_unavailable=require_modules("onnxruntime"),
)
