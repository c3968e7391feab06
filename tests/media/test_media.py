"""Inputs of every form, and every way in which they can be wrong."""

import base64
import io
import json
import pathlib
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hfwidgets import errors, media
from hfwidgets.core.flow import Reply, Send
from hfwidgets.core.run_flow import perform_blocking, run_flow
from hfwidgets.media import Media
from hfwidgets.media._load import decode_data_url
from hfwidgets.media._media import MemorySource
from tests.plugins.sample_media import encode_image, make_image, make_noise_png, make_wav, run_local

PNG, JPEG, WAV = encode_image(), encode_image(make_image((300, 200)), "JPEG"), make_wav()


def load_media(source: Any, kind: str | None = "image") -> Media:
    found: Media = run_local(media.load(source, kind))
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "boat.dat"  # the name does not tell its type
    path.write_bytes(PNG)
    return path


def test_bytes_of_all_forms_are_sent_unchanged() -> None:
    for source in (PNG, bytearray(PNG), memoryview(PNG), io.BytesIO(PNG)):
        found = load_media(source)
        assert (found.mime, found.size, found.read()) == ("image/png", len(PNG), PNG)


def test_a_file_is_known_by_its_first_bytes_not_its_name(file: Path) -> None:
    for source in (file, str(file)):
        found = load_media(source)
        assert (found.mime, found.name, found.read()) == ("image/png", "boat.dat", PNG)
    with file.open("rb") as opened:
        assert load_media(opened).read() == PNG


def test_a_file_object_is_read_from_its_position() -> None:
    opened = io.BytesIO(b"head" + PNG)
    opened.seek(4)
    assert load_media(opened).read() == PNG


def test_a_file_object_can_be_read_again_for_a_retry() -> None:
    found = load_media(io.BytesIO(PNG))
    assert b"".join(found) == b"".join(found) == PNG


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "TGA"])
def test_images_of_every_usual_format_are_recognized(kind: str) -> None:
    assert load_media(encode_image(kind=kind)).mime == Image.MIME[kind]


@pytest.mark.parametrize(
    ("head", "kind", "mime"),
    [
        (b"fLaC", "audio", "audio/flac"),
        (b"ID3\x04", "audio", "audio/mpeg"),
        (b"\xff\xfb\x90d", "audio", "audio/mpeg"),
        (b"\xff\xf1\x50\x80", "audio", "audio/aac"),
        (b"OggS\x00\x02", "audio", "audio/ogg"),
        (b"\x1aE\xdf\xa3\x01\x00B\x82\x84webm", "audio", "audio/webm"),
        (b"\x1aE\xdf\xa3\x01\x00B\x82\x84webm", "video", "video/webm"),
        (b"\x00\x00\x00 ftypM4A ", "audio", "audio/m4a"),
        (b"\x00\x00\x00 ftypisom", "video", "video/mp4"),
        (b"\x00\x00\x00 ftypisom", "audio", "audio/m4a"),
        (b"#!AMR\n", "audio", "audio/AMR"),
        (b"FORM\x00\x00\x00\x00AIFF", "audio", "audio/aiff"),
        (b"RIFF\x00\x00\x00\x00AVI ", "video", "video/x-msvideo"),
    ],
)
def test_audio_and_video_are_recognized(head: bytes, kind: str, mime: str) -> None:
    assert load_media(head.ljust(200, b"\x01"), kind).mime == mime


def test_a_pil_image_keeps_its_pixels() -> None:
    image = Image.frombytes("RGB", (8, 8), bytes(range(192)))
    with Image.open(io.BytesIO(load_media(image).read())) as back:
        assert back.format == "PNG"
        assert back.tobytes() == image.tobytes()


def test_a_pil_image_opened_from_a_jpeg_is_sent_as_jpeg() -> None:
    with Image.open(io.BytesIO(JPEG)) as image:
        assert load_media(image).mime == "image/jpeg"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr", "F", "I;16"])
def test_pil_images_of_every_mode_are_sent(mode: str) -> None:
    assert load_media(Image.new(mode, (4, 4))).mime == "image/png"


@pytest.mark.parametrize(
    ("array", "mode"),
    [
        (np.zeros((5, 7), np.uint8), "L"),
        (np.zeros((5, 7, 1), np.uint8), "L"),
        (np.zeros((5, 7, 2), np.uint8), "LA"),
        (np.zeros((5, 7, 3), np.uint8), "RGB"),
        (np.zeros((5, 7, 4), np.uint8), "RGBA"),
        (np.full((5, 7, 3), 255, np.int64), "RGB"),
        (np.ones((5, 7), bool), "L"),
        (np.ones((5, 7, 3), np.float64)[::-1], "RGB"),
    ],
)
def test_arrays_become_images(array: Any, mode: str) -> None:
    with Image.open(io.BytesIO(load_media(array).read())) as back:
        assert (back.size, back.mode) == ((7, 5), mode)


def test_floats_are_scaled_to_bytes() -> None:
    array = np.array([[0.0, 0.5, 1.0]], np.float32)
    with Image.open(io.BytesIO(load_media(array).read())) as back:
        assert list(back.tobytes()) == [0, 128, 255]


@pytest.mark.parametrize(
    ("array", "word"),
    [
        (np.zeros((3, 5, 7)), "channels to the end"),
        (np.zeros(5), "shape"),
        (np.zeros((0, 5)), "shape"),
        (np.full((5, 7), 2.0), "0 to 1"),
        (np.full((5, 7), np.nan), "0 to 1"),
        (np.full((5, 7), 300, np.int32), "0 to 255"),
        (np.full((5, 7), "a"), "numbers"),
        (pd.DataFrame({"a": [1, 2]}), "DataFrame"),
    ],
)
def test_arrays_that_are_not_images_are_refused(array: Any, word: str) -> None:
    with pytest.raises(errors.InputError, match=word):
        load_media(array)


@pytest.mark.parametrize(
    "source",
    [
        (np.zeros(80, np.float32), 8000),
        (8000, np.zeros(80, np.float32)),
        (np.zeros(80, np.int16), np.int64(8000)),
        ([0.0] * 80, 8000),
        (np.zeros(80, ">i2"), np.array(8000)),
        (np.full(80, 1.5), 8000.0),
        {"array": np.zeros(80), "sampling_rate": 8000, "path": None},
    ],
)
def test_samples_with_a_rate_become_a_wave_file(source: Any) -> None:
    found = load_media(source, "audio")
    assert found.mime == "audio/wav"
    assert struct.unpack_from("<HHI", found.read(), 20) == (1, 1, 8000)
    assert found.size == 44 + 160


def test_channels_may_be_first_or_last() -> None:
    first, last = np.zeros((2, 80)), np.zeros((80, 2))
    assert load_media((first, 8000), "audio").read() == load_media((last, 8000), "audio").read()


@pytest.mark.parametrize(
    ("source", "word"),
    [
        (np.zeros(80), "rate"),
        ((np.zeros((80, 90)), 8000), "shape"),
        ((np.zeros(0), 8000), "empty"),
        ((np.array([np.nan]), 8000), "NaN"),
        ((np.zeros(80, complex), 8000), "complex"),
        ({"array": np.zeros(80)}, "sampling_rate"),
        ((np.zeros(80), "8000"), "hertz; here it is '8000'"),
        ((np.zeros(80), 8000.5), "hertz; here it is 8000.5"),
        ((None, np.zeros(80)), "hertz; here it is None"),
        ((np.zeros(80), 0), "hertz; here it is 0"),
        ([np.zeros(80), 8000], "Pass a tuple"),
        ((np.zeros(80), 10**12), "cannot be written as WAV"),
        ((np.full(80, 3000.0), 8000), "reaches 3000"),
    ],
)
def test_samples_that_are_not_audio_are_refused(source: Any, word: str) -> None:
    with pytest.raises(errors.InputError, match=word):
        load_media(source, "audio")


def make_bomb() -> bytes:
    """Return an image of 40,000 by 40,000 pixels in a few hundred bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    head = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (b"", "empty"),
        (io.BytesIO(), "empty"),
        (PNG[:60], "cut off"),
        (JPEG[: len(JPEG) // 2], "cut off"),
        (JPEG[:10], "damaged"),
        (encode_image(kind="GIF")[:30], "damaged"),
        (encode_image(kind="WEBP")[:-20], "damaged"),
        (make_bomb(), "too many pixels"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "HTML page"),
        (b'{"error": "not found"}', "JSON"),
        (b"just words", "text"),
        (b"%PDF-1.7 ...", "Convert it to PNG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "Convert it to PNG"),
        (bytes(range(1, 200)), "unknown type"),
        (WAV, "audio/wav, not an image"),
        ("data:image/png;base64,@@@", "base64"),
        ("data:image/png", "comma"),
        ("s3://bucket/boat.png", "only http"),
        ("boat\0.png", "no file"),
        (12, "Cannot make an image from int"),
        (None, "Cannot make an image from NoneType"),
    ],
)
def test_bad_inputs_get_one_clear_error(source: Any, words: str) -> None:
    with pytest.raises(errors.InputError, match=words):
        load_media(source)


def test_the_error_for_a_missing_file_explains_how_to_pass_content() -> None:
    with pytest.raises(FileNotFoundError, match="pass a file's content as bytes") as caught:
        load_media("/nowhere/boat.png")
    assert isinstance(caught.value, errors.InputError)
    with pytest.raises(errors.InputError) as long:
        load_media("x" * 50_000)
    assert len(str(long.value)) < 500


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(errors.InputError, match="folder"):
        load_media(tmp_path)


def test_files_opened_as_text_are_refused(file: Path) -> None:
    with file.open(encoding="latin-1") as opened, pytest.raises(TypeError, match="'rb'"):
        load_media(opened)
    with pytest.raises(TypeError, match="'rb'"):
        load_media(io.StringIO("text"))


NOISE = make_noise_png(24)
WORN = encode_image(Image.open(io.BytesIO(NOISE)), "JPEG")


@given(st.integers(0, len(NOISE) - 40))
def test_a_cut_png_is_refused(length: int) -> None:
    with pytest.raises(errors.InputError):
        load_media(NOISE[:length])


@given(st.integers(0, len(WORN) - 40))
def test_a_cut_jpeg_is_refused(length: int) -> None:
    with pytest.raises(errors.InputError):
        load_media(WORN[:length])


def test_an_image_with_trailing_bytes_passes() -> None:
    for data in (PNG, JPEG, encode_image(kind="WEBP")):
        assert load_media(data + b"\0" * 100).size == len(data) + 100


def test_large_images_are_not_decoded_to_be_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    data = make_noise_png(300)

    def load(_: Any) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", load)
    assert load_media(data).size == len(data)


def test_files_are_read_in_pieces(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_bytes(make_noise_png(400))
    found = load_media(file)
    sizes = [len(piece) for piece in found.chunks(10_000)]
    assert max(sizes) == 10_000
    assert sum(sizes) == found.size
    monkeypatch.setattr(pathlib.Path, "read_bytes", lambda _: pytest.fail("read whole"))
    assert sum(map(len, found.base64_chunks())) == -(-(found.size or 0) // 3) * 4


@pytest.mark.parametrize("change", [b"", PNG + b"more"])
def test_a_file_that_changes_while_it_is_sent_is_an_error(file: Path, change: bytes) -> None:
    found = load_media(file)
    file.write_bytes(change)
    with pytest.raises(errors.InputError, match="changed"):
        b"".join(found)


def test_a_deleted_file_is_an_error(file: Path) -> None:
    found = load_media(file)
    file.unlink()
    with pytest.raises(errors.InputError, match="no longer"):
        found.read()


class TricklingSource(MemorySource):
    """A source that returns a few bytes at a time, as pipes do."""

    def __init__(self, data: bytes, most: int) -> None:
        super().__init__(data)
        self.most = most

    def open(self) -> Any:
        file = io.BytesIO(self.data)
        read = file.read
        file.read = lambda size=-1: read(min(size, self.most))  # type: ignore[method-assign]
        return file


@given(st.binary(max_size=500), st.integers(1, 100))
def test_base64_in_pieces_is_base64(data: bytes, most: int) -> None:
    found = Media(TricklingSource(data, most))
    assert b"".join(found.base64_chunks()) == base64.b64encode(data)


@given(st.binary(max_size=2000))
def test_sniffing_never_fails(data: bytes) -> None:
    assert media.sniff(data) is None or "/" in str(media.sniff(data))


@given(st.binary(min_size=1, max_size=300))
def test_data_urls_are_decoded_to_their_bytes(data: bytes) -> None:
    url = Media(MemorySource(data), mime="image/png").data_url()
    assert url.startswith("data:image/png;base64,")
    assert decode_data_url(url) == data


def test_data_urls_may_be_percent_encoded() -> None:
    assert decode_data_url("data:,a%20b") == b"a b"


LEAVES = st.recursive(
    st.none() | st.integers() | st.text() | st.binary(min_size=1, max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def replace_by_media(value: Any) -> Any:
    if isinstance(value, bytes):
        return Media(MemorySource(value))
    if isinstance(value, list):
        return [replace_by_media(item) for item in value]
    return {k: replace_by_media(v) for k, v in value.items()} if isinstance(value, dict) else value


def replace_by_base64(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, list):
        return [replace_by_base64(item) for item in value]
    return {k: replace_by_base64(v) for k, v in value.items()} if isinstance(value, dict) else value


@given(LEAVES)
def test_media_in_json_become_their_base64(value: Any) -> None:
    body = media.json_body(replace_by_media(value))
    whole = body if isinstance(body, bytes) else b"".join(body)
    assert json.loads(whole) == replace_by_base64(value)


def test_large_bodies_have_a_size_and_can_be_sent_again() -> None:
    data = make_noise_png(500)
    body = media.json_body({"inputs": Media(MemorySource(data)), "parameters": {"é": 1}})
    assert not isinstance(body, bytes)
    first, second = b"".join(body), b"".join(body)
    assert first == second
    assert len(first) == body.size
    assert base64.b64decode(json.loads(first)["inputs"]) == data
    assert max(map(len, body)) < 300_000
    assert f"{len(data):,} bytes" in body.summary


def test_values_that_json_cannot_hold_are_a_type_error() -> None:
    with pytest.raises(TypeError, match="object"):
        media.json_body({"inputs": object()})


def test_urls_stay_urls_until_bytes_are_needed() -> None:
    found = load_media("https://example.org/a%20boat.png")
    assert (found.url, found.name, found.size) == (
        "https://example.org/a%20boat.png",
        "a boat.png",
        None,
    )
    assert run_local(media.to_url(found)) == found.url
    with pytest.raises(errors.InputError, match="never fetched"):
        found.read()


def test_data_urls_are_passed_on() -> None:
    url = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    found = load_media(url)
    assert run_local(media.to_url(found)) == url
    assert found.read() == PNG


def test_small_files_become_data_urls_at_once_and_large_ones_while_they_are_sent() -> None:
    assert (
        run_local(media.to_url(load_media(PNG)))
        == Media(MemorySource(PNG), mime="image/png").data_url()
    )
    large = run_local(media.to_url(load_media(make_noise_png(400)), "image/jpeg"))
    assert isinstance(large, media.InlineDataUrl)
    body = media.json_body({"url": large})
    assert isinstance(body, media.Body)
    text = json.loads(b"".join(body))["url"]
    assert text == str(large)
    assert text.startswith("data:image/png;base64,")


def fetch_media(url: str, answer: Reply | Exception) -> Media:
    """Return what `ensure_bytes` makes of an answer."""

    def perform(step: Any) -> Any:
        if not isinstance(step, Send):
            return perform_blocking(step)
        assert (step.method, step.url, step.limit) == ("GET", url, media.INPUT_LIMIT)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return run_flow(media.ensure_bytes(load_media(url)), perform)


def test_a_url_is_fetched_and_its_type_sniffed() -> None:
    reply = Reply(200, {"content-type": "image/jpeg"}, PNG)
    assert fetch_media("https://example.org/boat", reply).mime == "image/png"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (errors.NotFoundError("no", Reply(404)), "answered 404"),
        (errors.OutputError("too much"), "larger than"),
        (Reply(200, {}, b"<html>Sign in</html>"), "the file's own URL"),
        (Reply(200, {}, b""), "empty"),
        (Reply(200, {}, PNG[:50]), "cut off"),
    ],
)
def test_a_url_without_an_image_is_an_input_error(answer: Any, words: str) -> None:
    with pytest.raises(errors.InputError, match=words):
        fetch_media("https://example.org/boat", answer)


@given(st.binary(max_size=200), st.integers(1, 30))
def test_base64_is_read_in_pieces(data: bytes, size: int) -> None:
    text = base64.b64encode(data).decode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hfwidgets.media._load.PIECE", 4 * size)
        assert media.decode_base64(text) == data


def test_the_repr_of_media_has_no_folder(file: Path) -> None:
    assert repr(load_media(file)) == f"<Media boat.dat image/png, {len(PNG)} bytes>"


def test_data_urls_are_read_as_browsers_read_them() -> None:
    data = PNG + b"\xfb\xff\xfe" * 20 + b"\xff"
    text = base64.b64encode(data).decode()
    urlsafe = base64.urlsafe_b64encode(data).decode()
    for form in (text, text.rstrip("="), base64.encodebytes(data).decode(), urlsafe):
        assert load_media(f"data:image/png;base64,{form}").read() == data


@pytest.mark.parametrize("code", ["-", "+"])
def test_line_ends_in_base64_are_dropped_across_pieces(code: str) -> None:
    text = ("AAA" + code + "\r\n") * (1 << 19)
    assert media.decode_base64(text) == base64.b64decode("AAA+" * (1 << 19))
    with pytest.raises(ValueError, match="base64"):
        media.decode_base64("model is loading")
