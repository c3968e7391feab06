"""Pillow images of every mode, orientation and state, as they are sent and as they are shown."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from hfwidgets import errors, media
from hfwidgets.media import Media
from tests.plugins.sample_media import encode_image, make_image, run_local

RAMP = np.linspace(0, 1, 64).reshape(8, 8)


def load(source: Any) -> Media:
    found: Media = run_local(media.load(source, "image"))
    return found


def sent_image(source: Any) -> Image.Image:
    image = Image.open(io.BytesIO(load(source).read()))
    image.load()
    return image


def tilted_image(orientation: int) -> Image.Image:
    """Return an image that is blue at its upper edge once it is turned upright."""
    upright = make_image((40, 30))
    upright.paste("blue", (0, 0, 40, 10))
    exif = Image.Exif()
    exif[0x0112] = orientation
    back = {1: None, 3: 3, 6: 2, 8: 4}[orientation]  # ROTATE_180, _90 and _270 undo it
    stored = upright if back is None else upright.transpose(Image.Transpose(back))
    file = io.BytesIO(encode_image(stored, "JPEG", exif=exif, quality=95))
    return Image.open(file)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("form", ["path", "bytes", "file", "pil", "converted", "copy"])
def test_every_source_of_one_photo_is_the_same_upright_image(
    form: str, orientation: int, tmp_path: Path
) -> None:
    image = tilted_image(orientation)
    data = image.fp.getvalue()  # type: ignore[attr-defined]
    (tmp_path / "a.jpg").write_bytes(data)
    source = {
        "path": tmp_path / "a.jpg",
        "bytes": data,
        "file": io.BytesIO(data),
        "pil": image,
        "converted": image.convert("RGB"),
        "copy": image.copy(),
    }[form]
    shown = media.open_upright(load(source))
    assert shown.size == (40, 30)
    red, _, blue = shown.getpixel((20, 4))
    assert blue > 200 > 60 > red
    red, _, blue = shown.getpixel((20, 25))
    assert red > 200 > 60 > blue


def test_an_image_that_was_turned_upright_already_is_not_turned_again() -> None:
    upright = ImageOps.exif_transpose(tilted_image(6))
    assert media.open_upright(load(upright)).size == (40, 30)


def test_a_jpeg_is_sent_without_where_and_when_it_was_taken() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x0132] = 6, "2026:03:03 12:00:00"
    image = Image.open(io.BytesIO(encode_image(make_image(), "JPEG", exif=exif)))
    found = sent_image(image)
    assert found.format == "JPEG"
    assert dict(found.getexif()) == {0x0112: 6}


def gray_images() -> list[Any]:
    sixteen = (RAMP * 65_535).round().astype(np.uint16)
    return [
        pytest.param(Image.fromarray(sixteen), id="I;16"),
        pytest.param(Image.frombytes("I;16B", (8, 8), sixteen.astype(">u2").tobytes()), id="I;16B"),
        pytest.param(Image.fromarray(sixteen.astype(np.int32)), id="I with 16 bits"),
        pytest.param(Image.fromarray((RAMP * 255).round().astype(np.int32)), id="I with 8 bits"),
        pytest.param(Image.fromarray((RAMP * 2e9).astype(np.int32)), id="I with 31 bits"),
        pytest.param(Image.fromarray(RAMP.astype(np.float32)), id="F to 1"),
        pytest.param(Image.fromarray((RAMP * 255).astype(np.float32)), id="F to 255"),
        pytest.param(Image.fromarray((RAMP * 65_535).astype(np.float32)), id="F to 65535"),
        pytest.param(Image.fromarray((RAMP * 2 - 1).astype(np.float32)), id="F from -1"),
    ]


@pytest.mark.parametrize("image", gray_images())
def test_deep_gray_images_keep_their_shades(image: Image.Image) -> None:
    for found in (sent_image(image), media.to_rgb(image)):
        shades = np.asarray(found.convert("L"), float) / 255
        assert np.abs(shades - RAMP).max() < 0.01


def test_an_array_of_16_bits_is_the_image_that_pillow_makes_of_it() -> None:
    for top in (65_535, 200):
        array = (RAMP * top).round().astype(np.uint16)
        found, expected = sent_image(array), sent_image(Image.fromarray(array))
        assert np.array_equal(np.asarray(found.convert("L")), np.asarray(expected.convert("L")))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_files_with_16_bits_are_shown_with_their_shades(kind: str) -> None:
    deep = Image.fromarray((RAMP * 65_535).round().astype(np.uint16))
    shown = media.open_upright(load(encode_image(deep, kind)))
    assert np.abs(np.asarray(shown.convert("L"), float) / 255 - RAMP).max() < 0.01


def test_a_float_tiff_is_shown_with_its_shades() -> None:
    data = encode_image(Image.fromarray(RAMP.astype(np.float32)), "TIFF")
    shown = media.open_upright(load(data))
    assert np.abs(np.asarray(shown.convert("L"), float) / 255 - RAMP).max() < 0.01


def test_an_image_with_nan_is_refused() -> None:
    with pytest.raises(errors.InputError, match="NaN"):
        load(Image.fromarray(np.full((4, 4), np.nan, np.float32)))


@pytest.mark.parametrize("mode", ["LA", "La", "PA", "RGBA", "RGBa"])
def test_transparency_is_kept(mode: str) -> None:
    steps = {"La": ("LA", "La"), "RGBa": ("RGBa",), "PA": ("PA",), "LA": ("LA",), "RGBA": ()}
    image = Image.new("RGBA", (4, 4), (200, 0, 0, 0))
    image.paste((200, 0, 0, 255), (0, 0, 2, 4))
    for step in steps[mode]:
        image = image.convert(step)
    assert image.mode == mode
    alpha = sent_image(image).convert("RGBA").getchannel("A")
    assert (alpha.getpixel((0, 0)), alpha.getpixel((3, 3))) == (255, 0)


@pytest.mark.parametrize("mode", ["1", "CMYK", "YCbCr", "HSV", "LAB", "RGBX"])
def test_other_modes_are_converted(mode: str) -> None:
    if mode == "LAB":
        red = Image.frombytes("LAB", (4, 4), bytes((136, 80, 67)) * 16)
    else:
        red = make_image((4, 4)).convert(mode)
    found = sent_image(red).convert("RGB").getpixel((1, 1))
    assert found[0] > 200 or mode == "1"
    assert found[1] < 40 or mode == "1"


def test_alpha_put_into_a_jpeg_in_place_is_sent_as_png() -> None:
    image = Image.open(io.BytesIO(encode_image(make_image(), "JPEG")))
    image.putalpha(7)
    assert sent_image(image).getpixel((0, 0))[3] == 7


@pytest.mark.parametrize("size", [(0, 0), (0, 5), (5, 0)])
def test_an_image_without_pixels_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(errors.InputError, match="no pixels"):
        load(Image.new("RGB", size))


def test_a_closed_image_is_refused() -> None:
    image = Image.open(io.BytesIO(encode_image()))
    image.close()
    with pytest.raises(errors.InputError, match="Open it again"):
        load(image)
    file = io.BytesIO(encode_image())
    lazy = Image.open(file)
    file.close()
    with pytest.raises(errors.InputError, match="Open it again"):
        load(lazy)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP"])
def test_a_lazily_opened_image_that_is_cut_off_is_refused(kind: str) -> None:
    whole = encode_image(Image.effect_noise((64, 64), 90).convert("RGB"), kind)
    lazy = Image.open(io.BytesIO(whole[: len(whole) * 2 // 3]))
    with pytest.raises(errors.InputError, match="Open it again"):
        load(lazy)


LONG = media.MAX_SIDE + 1


@pytest.mark.parametrize("size", [(LONG, 1), (1, LONG)])
@pytest.mark.parametrize("form", ["pil", "png", "array"])
def test_each_side_has_a_limit(size: tuple[int, int], form: str) -> None:
    image = Image.new("L", size)
    source: Any = {"pil": image, "png": encode_image(image), "array": np.asarray(image)}[form]
    with pytest.raises(errors.InputError, match=r"too many pixels.*65,535"):
        load(source)
    assert load(Image.new("L", (size[0] - (size[0] > 1), size[1] - (size[1] > 1)))).size


def test_transparent_parts_show_the_background() -> None:
    clear = Image.new("RGBA", (2, 2), (9, 9, 9, 0))
    assert media.to_rgb(clear).getpixel((0, 0)) == (255, 255, 255)
    assert media.to_rgb(clear, "black").getpixel((0, 0)) == (0, 0, 0)
    palette = Image.new("P", (2, 2), 1)
    palette.info["transparency"] = 1
    assert media.to_rgb(palette).getpixel((0, 0)) == (255, 255, 255)
