"""Images as the engine reads them: every mode and orientation, and no more than it can bear."""

import io

import numpy as np
import pytest
from PIL import Image

from hfwidgets.engine.base.http_errors import RefusedError
from hfwidgets.engine.base.images import MAX_ASPECT_RATIO, MAX_PIXELS, MAX_SIDE, open_image
from tests.plugins.sample_media import encode_image, make_image

RAMP = np.linspace(0, 1, 64).reshape(8, 8)


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        (Image.fromarray((RAMP * 65_535).astype(np.uint16)), "PNG"),
        (Image.fromarray((RAMP * 65_535).astype(np.uint16)), "TIFF"),
        (Image.fromarray((RAMP * 65_535).astype(np.int32)), "TIFF"),
        (Image.fromarray(RAMP.astype(np.float32)), "TIFF"),
        (Image.fromarray((RAMP * 255).astype(np.uint8)), "PNG"),
    ],
)
def test_deep_images_keep_their_shades(image: Image.Image, kind: str) -> None:
    found = open_image(encode_image(image, kind))
    assert found.mode == "RGB"
    assert np.abs(np.asarray(found)[..., 1] / 255 - RAMP).max() < 0.01


def test_images_are_upright_and_on_white() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert open_image(encode_image(make_image(), "JPEG", exif=exif)).size == (30, 40)
    clear = Image.new("RGBA", (4, 4), (9, 9, 9, 0))
    assert open_image(encode_image(clear)).getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        ((MAX_SIDE + 1, 500), "each side may have at most 16384"),
        ((39_000_000, 1), "each side"),
        ((1, 39_000_000), "each side"),
        ((5000, 1), "at most 200 times"),
        ((1, 5000), "at most 200 times"),
        ((MAX_ASPECT_RATIO + 1, 1), "at most 200 times"),
        ((8000, 8000), "at most 40 million"),
    ],
)
def test_images_that_would_cost_too_much_are_refused(size: tuple[int, int], words: str) -> None:
    with pytest.raises(RefusedError, match=words) as caught:
        open_image(encode_image(Image.new("1", size)))
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "size", [(MAX_ASPECT_RATIO, 1), (1, MAX_ASPECT_RATIO), (16_000, 100), (1, 1)]
)
def test_long_images_within_the_limits_are_read(size: tuple[int, int]) -> None:
    assert open_image(encode_image(Image.new("1", size))).size == size
    assert size[0] * size[1] < MAX_PIXELS


@pytest.mark.parametrize(
    "content",
    [b"", b"no image", encode_image()[:60], encode_image(make_image((99, 99)), "JPEG")[:500]],
)
def test_what_is_not_an_image_is_refused(content: bytes) -> None:
    with pytest.raises(RefusedError):
        open_image(content)


def test_avif_is_read_where_pillow_can() -> None:
    file = io.BytesIO()
    make_image().save(file, "AVIF")
    assert open_image(file.getvalue()).size == (40, 30)
