"""Double or denoise images with waifu2x (its networks for photos).

Sources, from waifu2x's ncnn port: the network consumes 7 pixels at each edge of its input, so tiles
are given 7 more; pixels are 0 to 1; the output has twice the size of what is left.
"""

import importlib
import itertools
import threading
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from hfwidgets.engine.base import images
from hfwidgets.engine.base.cancellation import raise_if_cancelled
from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.files import FileResult
from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.base.images import Pixels
from hfwidgets.engine.base.runtimes import require_modules
from hfwidgets.engine.base.weights import WEIGHTS

if TYPE_CHECKING:
    import ncnn

MAX_PIXELS = 1_500_000
"""Pixels of an image; each million takes about 6 s."""

_EDGE, _TILE = 7, 96  # larger tiles are no faster and take more memory

NoiseLevel = Literal[0, 1, 2, 3]
Side = Annotated[int, msgspec.Meta(ge=1, le=8192)]


class TargetSize(msgspec.Struct, forbid_unknown_fields=True):
    """The result's size in pixels."""

    width: Side
    height: Side


class Upscaler:
    """One network at a time: one that only enlarges, or one of four that also remove noise."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._noise: NoiseLevel | None = None
        self._network: Any = None

    @classmethod
    def load(cls) -> "Upscaler":
        """Return an empty holder; a network opens on use, in 0.02 s, and takes about 150 MB."""
        return cls()

    def double(self, image: Pixels, noise: NoiseLevel | None) -> NDArray[np.uint8]:
        """Return the image at twice its size, values 0 to 255, shape (2 height, 2 width, 3)."""
        height, width = image.shape[:2]
        edges = ((_EDGE, _EDGE), (_EDGE, _EDGE), (0, 0))
        # Repeating the border's pixels avoids dark seams where tiles meet the image's edge.
        framed = np.pad(image / np.float32(255), edges, "edge")
        whole = np.empty((height * 2, width * 2, 3), np.uint8)
        with self._lock:
            net = self._open_network(noise)
            for top, left in itertools.product(range(0, height, _TILE), range(0, width, _TILE)):
                raise_if_cancelled()
                tile = framed[top : top + _TILE + 2 * _EDGE, left : left + _TILE + 2 * _EDGE]
                doubled = self._upscale_tile(tile, net)
                rows, columns = doubled.shape[:2]
                whole[2 * top : 2 * top + rows, 2 * left : 2 * left + columns] = doubled
        return whole

    def _open_network(self, noise: NoiseLevel | None) -> "ncnn.Net":  # pyright: ignore[reportAttributeAccessIssue]
        """Return the network for this noise; only one is held, as each keeps its working memory."""
        if self._network is None or self._noise != noise:
            self._network = None
            net = importlib.import_module("ncnn").Net()
            # More threads would compete with the chat model's and gain little on two cores.
            net.opt.num_threads = 1
            net.opt.use_vulkan_compute = False
            name = "scale2.0x" if noise is None else f"noise{noise}_scale2.0x"
            weight = WEIGHTS["waifu2x"]
            net.load_param(str(weight.path(f"{name}.param")))
            net.load_model(str(weight.path(f"{name}.bin")))
            self._network, self._noise = net, noise
        return self._network

    @staticmethod
    def _upscale_tile(tile: Pixels, net: "ncnn.Net") -> NDArray[np.uint8]:  # pyright: ignore[reportAttributeAccessIssue]
        run = net.create_extractor()
        planes = np.ascontiguousarray(tile.transpose(2, 0, 1), np.float32)
        run.input("Input1", importlib.import_module("ncnn").Mat(planes))
        _, out = run.extract("Eltwise4")
        found: Pixels = np.array(out).transpose(1, 2, 0) * 255
        return np.clip(found.round(), 0, 255).astype(np.uint8)


def image_to_image(
    models: LoadedModels,
    inputs: bytes,
    *,
    target_size: TargetSize | None = None,
    noise: NoiseLevel | None = None,
) -> FileResult:
    """Return the image at twice its size, or scaled from there to `target_size`, as PNG.

    `noise` also removes noise and JPEG artifacts: 0 the least, 3 the most.
    """
    from PIL import Image

    image = images.open_image(inputs, MAX_PIXELS)
    large = Image.fromarray(models.get(Upscaler).double(images.to_pixels(image), noise))
    if target_size is not None:
        size = (target_size.width, target_size.height)
        if size[0] * size[1] > images.MAX_PIXELS:
            raise bad_request(
                f"target_size is more than {images.MAX_PIXELS / 1e6:.0f} million pixels."
            )
        large = large.resize(size, Image.Resampling.LANCZOS)
    return FileResult(images.to_png(large), "image/png")


CAPABILITY = Capability(
    name="upscale",
    model="nagadomi/waifu2x-upconv7-photo",
    serves={"image-to-image": image_to_image},
    weights=("waifu2x",),
    license="MIT (the networks; the package is BSD-3-Clause)",
    languages=(),
    limits=(
        "Doubles the size and removes noise; no prompts: it cannot change an image's content. "
        f"At most {MAX_PIXELS / 1e6} million pixels."
    ),
    why_unavailable=require_modules("ncnn"),
)
