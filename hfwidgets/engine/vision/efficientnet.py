"""Classify images with EfficientNet-Lite0, into the 1,000 classes of ImageNet.

Sources: the model's own table of blocks, padding "same" as TensorFlow pads, and inputs of
(pixel - 127) / 128.
"""

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import msgspec
import numpy as np

from hfwidgets.engine.base import images
from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.images import Pixels
from hfwidgets.engine.base.scores import LabelScore, Transform, rank_labels
from hfwidgets.engine.base.torch_file import load_tensors
from hfwidgets.engine.base.weights import WEIGHTS

if TYPE_CHECKING:
    from PIL.Image import Image

# Computed here in numpy, because these weights exist only as a torch file: torch would add 200 MB
# for 60 lines of convolutions that take 0.02 s.
MODEL = "google/efficientnet-lite0"
_SIDE, _CROP = 224, 0.875
_EPSILON = 1e-3
# For each stage: number of blocks, stride of the first one.
_STAGES = ((1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1))


class EfficientNet:
    """The loaded network: convolutions each followed by a batch normalization."""

    def __init__(self, weights: dict[str, Pixels], names: Sequence[str]) -> None:
        self.names = names
        self._weights = weights

    @classmethod
    def load(cls) -> "EfficientNet":
        """Open it; about 0.1 s and 40 MB."""
        found = load_tensors(WEIGHTS["efficientnet"].path("model.pth"))
        names = json.loads(WEIGHTS["imagenet"].path("names.json").read_bytes())
        return cls(found, names)

    def logits(self, image: "Image") -> list[float]:
        """Return one number per class; the largest is the likeliest."""
        x = self._batch_norm(self._stem(_preprocess(image)), "_bn0", active=True)
        block = 0
        for count, stride in _STAGES:
            for index in range(count):
                x = self._block(x, f"_blocks.{block}.", stride if index == 0 else 1)
                block += 1
        pooled = self._pointwise_conv(x, "_conv_head", "_bn1", active=True).mean((0, 1))
        scores = self._weights["_fc.weight"] @ pooled + self._weights["_fc.bias"]
        return [float(score) for score in scores]

    def _stem(self, x: Pixels) -> Pixels:
        weights = self._weights["_conv_stem.weight"]  # (32, 3, 3, 3)
        # The stem's 3 x 3 kernel over 3 channels becomes one product with 27 columns.
        shifted = np.concatenate(list(_kernel_views(x, 3, 2)), -1)
        return shifted @ weights.transpose(2, 3, 1, 0).reshape(-1, len(weights))

    def _block(self, x: Pixels, name: str, stride: int) -> Pixels:
        """Widen the channels, convolve each by itself, narrow them again (MBConv)."""
        y = x
        if name + "_expand_conv.weight" in self._weights:
            y = self._pointwise_conv(y, name + "_expand_conv", name + "_bn0", active=True)
        y = self._batch_norm(
            self._depthwise_conv(y, name + "_depthwise_conv", stride), name + "_bn1", active=True
        )
        y = self._pointwise_conv(y, name + "_project_conv", name + "_bn2", active=False)
        return y + x if y.shape == x.shape else y

    def _pointwise_conv(self, x: Pixels, name: str, norm: str, *, active: bool) -> Pixels:
        """Convolve single pixels, which is a matrix product."""
        weights = self._weights[name + ".weight"][:, :, 0, 0]
        return self._batch_norm(x @ weights.T, norm, active=active)

    def _depthwise_conv(self, x: Pixels, name: str, stride: int) -> Pixels:
        """Convolve each channel by itself, as a sum over shifted views: no loop over pixels."""
        weights = self._weights[name + ".weight"][:, 0]  # (channels, side, side)
        side = weights.shape[-1]
        kernel = weights.reshape(len(weights), -1).T
        shifts = _kernel_views(x, side, stride)
        # The first product makes a new array, which the others may then be added to in place.
        total: Pixels = next(shifts) * kernel[0]
        for part, row in zip(shifts, kernel[1:], strict=True):
            total += part * row
        return total

    def _batch_norm(self, x: Pixels, name: str, *, active: bool) -> Pixels:
        w = self._weights
        scale = w[name + ".weight"] / np.sqrt(w[name + ".running_var"] + np.float32(_EPSILON))
        shift = w[name + ".bias"] - w[name + ".running_mean"] * scale
        y = np.asarray(x * scale + shift, np.float32)
        return np.clip(y, 0, 6, out=y) if active else y


def _kernel_views(x: Pixels, side: int, stride: int) -> Iterator[Pixels]:
    """Yield the image as each cell of a kernel sees it, row by row: side * side views."""
    padded = np.pad(x, [*(_same_padding(size, side, stride) for size in x.shape[:2]), (0, 0)])
    height, width = (-(-size // stride) for size in x.shape[:2])
    for row in range(side):
        for column in range(side):
            down = slice(row, row + stride * height, stride)
            across = slice(column, column + stride * width, stride)
            yield padded[down, across][:height, :width]


def _same_padding(size: int, side: int, stride: int) -> tuple[int, int]:
    """Return how far a side is padded at its start and at its end."""
    # TensorFlow's "same" pads the end more than the start when the total is odd.
    total = max((-(-size // stride) - 1) * stride + side - size, 0)
    return total // 2, total - total // 2


def _preprocess(image: "Image") -> Pixels:
    """Return the central square, scaled and normalized, shape (224, 224, 3)."""
    from PIL import Image

    # The square is cut out before scaling: scaling a strip of 5000 x 1 as a whole takes 12 s.
    side = min(image.size) * _CROP
    left, top = (image.width - side) / 2, (image.height - side) / 2
    box = (left, top, left + side, top + side)
    middle = image.resize((_SIDE, _SIDE), Image.Resampling.BICUBIC, box=box)
    return (images.to_pixels(middle) - np.float32(127)) / np.float32(128)


def image_classification(
    models: LoadedModels,
    inputs: bytes,
    *,
    function_to_apply: Transform = "softmax",
    top_k: Annotated[int, msgspec.Meta(ge=1)] = 5,
) -> list[LabelScore]:
    """Return the likeliest classes with scores."""
    model = models.get(EfficientNet)
    return rank_labels(
        model.names, model.logits(images.open_image(inputs)), function_to_apply, top_k
    )


CAPABILITY = Capability(
    name="efficientnet",
    model=MODEL,
    serves={"image-classification": image_classification},
    weights=("efficientnet", "imagenet"),
    measured={"image-classification": (24, 32)},
    license="Apache-2.0",
    languages=(),
    limits="Photos, as classes of ImageNet: 1,000 kinds of animals, plants and objects.",
)
