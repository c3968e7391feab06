"""Detect faces with CenterFace.

Sources, from the model's authors: RGB pixels unscaled, sides that are multiples of 32, and four
maps at a quarter of the size: how likely a face's center is here, the logarithms of its height and
width, the center's offsets, five landmarks.
"""

from typing import TYPE_CHECKING, Annotated, TypedDict

import msgspec
import numpy as np
from numpy.typing import NDArray

from hfwidgets.engine.base import images
from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.runtimes import OnnxModel, require_modules
from hfwidgets.engine.base.weights import WEIGHTS

if TYPE_CHECKING:
    from PIL.Image import Image

Boxes = NDArray[np.float32]

_SIDE_MULTIPLE, _MAP_STRIDE = 32, 4
_MAX_SIDE = 1024
"""Pixels of the longer side that the network sees; faces under about 10 of them are missed."""

_MAX_OVERLAP = 0.3
"""Boxes that share more than this of their area count as one face."""

# The model's file fixes the input's shape at (10, 3, 32, 32), though the network accepts any: its
# four numbers (protobuf: dimension, its value) are replaced by dimensions without a value.
_FIXED_SHAPE = b"".join(b"\x0a\x02\x08" + bytes([size]) for size in (10, 3, 32, 32))
_DYNAMIC_SHAPE = b"\x0a\x02\x12\x00" * 4


class CenterFace:
    """The loaded network."""

    def __init__(self, network: OnnxModel) -> None:
        self._network = network

    @classmethod
    def load(cls) -> "CenterFace":
        """Open it; about 0.1 s and 40 MB."""
        model = WEIGHTS["centerface"].path("model.onnx").read_bytes()
        return cls(OnnxModel(model.replace(_FIXED_SHAPE, _DYNAMIC_SHAPE, 1)))

    def detect_faces(self, image: "Image", threshold: float) -> tuple[Boxes, NDArray[np.float32]]:
        """Return boxes (left, top, right, bottom) in pixels, and their scores, best first."""
        # Small images are not enlarged: the network finds no more faces in them, only slower.
        scale = min(1.0, _MAX_SIDE / max(image.size))
        width, height = (
            max(_SIDE_MULTIPLE, round(side * scale / _SIDE_MULTIPLE) * _SIDE_MULTIPLE)
            for side in image.size
        )
        pixels = images.to_pixels(image.resize((width, height))).transpose(2, 0, 1)[None]
        heat, size, offset, _ = self._network({"input.1": np.ascontiguousarray(pixels)})
        rows, columns = np.nonzero(heat[0, 0] > threshold)
        heights, widths = np.exp(size[0][:, rows, columns]) * _MAP_STRIDE
        # The offset map stores rows first, so it is reversed to match (columns, rows).
        centers = np.stack([columns, rows]) + offset[0][::-1, rows, columns] + 0.5
        left, top = centers * _MAP_STRIDE - np.stack([widths, heights]) / 2
        boxes = np.stack([left, top, left + widths, top + heights], 1)
        boxes = boxes.clip(0, [*(width, height) * 2])
        scores = heat[0, 0][rows, columns]
        kept = _suppress_overlaps(boxes, scores)
        back = np.array([image.width / width, image.height / height] * 2)
        return (boxes[kept] * back).astype(np.float32), scores[kept]


def _suppress_overlaps(boxes: Boxes, scores: NDArray[np.float32]) -> list[int]:
    """Return the indices of the boxes not covered by a better one, best first."""
    left = list(np.argsort(-scores))
    kept: list[int] = []
    # Greedy: the best box removes all that overlap it, then the best of the rest follows.
    while left:
        best = left.pop(0)
        kept.append(int(best))
        left = [
            other
            for other in left
            if _intersection_over_union(boxes[best], boxes[other]) < _MAX_OVERLAP
        ]
    return kept


def _intersection_over_union(one: Boxes, other: Boxes) -> float:
    """Return the area that two boxes share, as a part of the area of both together."""
    sides = np.maximum(0, np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]))
    common = sides.prod()
    return float(common / ((one[2:] - one[:2]).prod() + (other[2:] - other[:2]).prod() - common))


class FaceBox(TypedDict):
    """A box in pixels, from the image's left and top."""

    xmin: int
    ymin: int
    xmax: int
    ymax: int


class DetectedFace(TypedDict):
    """A face, as the Hub's wire has objects."""

    label: str
    score: float
    box: FaceBox


def object_detection(
    models: LoadedModels,
    inputs: bytes,
    *,
    threshold: Annotated[float, msgspec.Meta(ge=0.05, le=1)] = 0.5,
) -> list[DetectedFace]:
    """Return the faces with their boxes, best first."""
    boxes, scores = models.get(CenterFace).detect_faces(images.open_image(inputs), threshold)
    return [
        {"label": "face", "score": float(score), "box": _to_face_box(box)}
        for box, score in zip(boxes, scores, strict=True)
    ]


def _to_face_box(box: Boxes) -> FaceBox:
    left, top, right, bottom = (round(float(edge)) for edge in box)
    return {"xmin": left, "ymin": top, "xmax": right, "ymax": bottom}


CAPABILITY = Capability(
    name="faces",
    model="star-clouds/centerface",
    serves={"object-detection": object_detection},
    weights=("centerface",),
    measured={"object-detection": (30, 30)},
    license="MIT",
    languages=(),
    limits="Finds faces and nothing else; it does not identify people.",
    why_unavailable=require_modules("onnxruntime"),
)
