"""Segment people from their background with MediaPipe's selfie network.

Made for video calls, where someone always is in front of the camera, it finds a person in a cup of
coffee, too, and is as sure of it. A face within the mask is what tells them apart.
"""

import threading
from typing import TYPE_CHECKING, Annotated, Literal, TypedDict

import msgspec
import numpy as np
from numpy.typing import NDArray

from hfwidgets.engine.base import images
from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.images import Pixels
from hfwidgets.engine.base.runtimes import require_modules
from hfwidgets.engine.base.weights import WEIGHTS
from hfwidgets.engine.vision.faces import CenterFace

if TYPE_CHECKING:
    from ai_edge_litert.interpreter import Interpreter
    from PIL.Image import Image

Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]
_MIN_PEOPLE_SHARE = 0.002
"""A smaller share of the image counts as no person."""

_FACELESS = 0.3
"""The certainty of a person without a face, such as one from behind: below the usual threshold."""


class SelfieSegmenter:
    """The loaded network; its interpreter holds one image at a time."""

    def __init__(self, interpreter: "Interpreter") -> None:
        interpreter.allocate_tensors()
        self._interpreter = interpreter
        self._input = interpreter.get_input_details()[0]
        self._output = interpreter.get_output_details()[0]
        self._lock = threading.Lock()

    @classmethod
    def load(cls) -> "SelfieSegmenter":
        """Open it; about 0.2 s and 30 MB."""
        from ai_edge_litert.interpreter import Interpreter

        return cls(Interpreter(str(WEIGHTS["selfie"].path("model.tflite")), num_threads=1))

    def person_probabilities(self, image: "Image") -> Pixels:
        """Return how likely each pixel belongs to a person, 0 to 1, shape (height, width)."""
        from PIL import Image

        height, width = self._input["shape"][1:3]
        small = images.to_pixels(image.resize((int(width), int(height)), Image.Resampling.BILINEAR))
        # The interpreter keeps its input and output in shared buffers.
        with self._lock:
            self._interpreter.set_tensor(self._input["index"], small[None] / 255)
            self._interpreter.invoke()
            mask = self._interpreter.get_tensor(self._output["index"])[0, ..., 0]
        likely = Image.fromarray(np.clip(mask, 0, 1))
        return images.to_pixels(likely.resize(image.size, Image.Resampling.BILINEAR))


class Segment(TypedDict):
    """A segment; the mask is a PNG file in base64, as large as the image."""

    label: str
    score: float
    mask: str


def image_segmentation(
    models: LoadedModels,
    inputs: bytes,
    *,
    threshold: Fraction = 0.5,
    mask_threshold: Fraction = 0.5,
    subtask: Literal["semantic"] = "semantic",
) -> list[Segment]:
    """Return one segment, "person", or none.

    Its score is the mean over its mask times the certainty of its best face.
    """
    from PIL import Image

    image = images.open_image(inputs)
    likely = models.get(SelfieSegmenter).person_probabilities(image)
    inside = likely > mask_threshold
    if inside.mean() < _MIN_PEOPLE_SHARE:
        return []
    score = float(likely[inside].mean()) * _find_face(models.get(CenterFace), image, inside)
    if score < threshold:
        return []
    mask = Image.fromarray(inside.astype(np.uint8) * 255)
    return [{"label": "person", "score": score, "mask": images.to_base64_png(mask)}]


def _find_face(detector: CenterFace, image: "Image", inside: NDArray[np.bool_]) -> float:
    """Return the score of the best face that is mostly inside the mask, at least _FACELESS."""
    best = _FACELESS
    for box, score in zip(*detector.detect_faces(image, _FACELESS), strict=True):
        left, top, right, bottom = (max(0, round(float(edge))) for edge in box)
        face = inside[top:bottom, left:right]
        if face.size and face.mean() > 0.5:
            best = max(best, float(score))
    return best


CAPABILITY = Capability(
    name="people",
    model="google/mediapipe-selfie-segmentation",
    serves={"image-segmentation": image_segmentation},
    weights=("selfie", "centerface"),
    measured={"image-segmentation": (30, 30)},
    license="Apache-2.0",
    languages=(),
    limits=(
        "Finds people near the camera, all in one mask, and nothing else; those whose face is not "
        "seen need a threshold below 0.3."
    ),
    why_unavailable=require_modules("ai_edge_litert", "onnxruntime"),
)
