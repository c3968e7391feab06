"""Load photos with free licenses from packages, and vary them.

scikit-image's own list names each photo's source: `skimage/data/README.txt` and the docstrings of
`skimage.data`. Those of NASA and the U.S. Navy are in the public domain, the others CC0.
"""

import functools
import io
import tempfile
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import matplotlib
from PIL import Image, ImageEnhance, ImageOps

from hfwidgets.engine.base.weights import Wheel
from hfwidgets.engine.install import fetch

_NAMES = (
    *("astronaut", "brick", "camera", "chelsea", "coffee", "coins", "grass", "moon", "page"),
    "motorcycle_left",
)
_MEMBERS = (*(f"{name}.png" for name in _NAMES), "hubble_deep_field.jpg", "rocket.jpg")
SCIKIT_IMAGE = Wheel(
    "scikit-image",
    "0.26.0",
    "74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af",
    13_711_217,
    {f"skimage/data/{name}": name.partition(".")[0] for name in _MEMBERS},
    # The same file for all: pip then downloads it on every platform.
    ("--platform=manylinux_2_28_x86_64", "--implementation=cp", "--python-version=3.11"),
)


@functools.cache
def load_photos() -> dict[str, Image.Image]:
    """Load all photos by their names; downloads 14 MB."""
    with tempfile.TemporaryDirectory() as folder:
        wheel = fetch.download_package(SCIKIT_IMAGE, Path(folder), lambda _: None)
        fetch.verify_checksum(SCIKIT_IMAGE.package, SCIKIT_IMAGE.sha256, wheel)
        into = Path(folder) / "photos"
        into.mkdir()
        fetch.unpack_members(SCIKIT_IMAGE.members, wheel, into)
        found = {file.name: file.read_bytes() for file in into.iterdir()}
    for name in ("china", "flower"):
        found[name] = (files("sklearn.datasets.images") / f"{name}.jpg").read_bytes()
    samples = Path(matplotlib.get_data_path()) / "sample_data"
    found["grace_hopper"] = (samples / "grace_hopper.jpg").read_bytes()
    return {name: Image.open(io.BytesIO(data)).convert("RGB") for name, data in found.items()}


def make_photo(names: Sequence[str], form: str) -> Image.Image:
    """Return a photo, or several side by side, in one of several forms."""
    parts = [load_photos()[name] for name in names]
    height = min(part.height for part in parts)
    parts = [part.resize((part.width * height // part.height, height)) for part in parts]
    whole = Image.new("RGB", (sum(part.width for part in parts), height))
    left = 0
    for part in parts:
        whole.paste(part, (left, 0))
        left += part.width
    return _FORMS[form](whole)


_FORMS = {
    "plain": lambda image: image,
    "mirrored": ImageOps.mirror,
    "small": lambda image: image.reduce(2),
    "dark": lambda image: ImageEnhance.Brightness(image).enhance(0.5),
    "tilted": lambda image: image.rotate(10, Image.Resampling.BICUBIC, fillcolor="gray"),
}
