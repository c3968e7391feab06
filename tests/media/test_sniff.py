"""Types by their first bytes: every signature, its neighbors that are not it, and audio alone."""

import io
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hfwidgets import errors, media
from hfwidgets.media import declare_type, find_type, mix_channels, sniff
from hfwidgets.media._sniff import find_id3_end
from tests.plugins.sample_media import make_wav, run_local

EBML = b"\x1aE\xdf\xa3\x01\x00\x00\x00\x00\x00\x00\x1fB\x86\x81\x01B\x82"
AAC = b"\xff\xf1\x50\x80\x02\x1f\xfc" * 40
MP3 = b"\xff\xfb\x90d" + b"\x00" * 200


def id3(size: int, flags: int = 0) -> bytes:
    """Return an ID3 tag with this many bytes of content."""
    length = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x04\x00" + bytes([flags]) + length + b"\x00" * size


TYPES = [
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\x89PNG\r\n\x1a", None),
    (b"\xff\xd8\xff\xe0", "image/jpeg"),
    (b"\xff\xd8\x00", None),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"GIF88a", "text/plain"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"\x00\x00\x01\x00", "image/x-icon"),
    (b"\x00\x00\x00\x0cJXL \r\n", "image/jxl"),
    (b"\xff\x0a", "image/jxl"),
    (b"\x00\x00\x00\x0cjP  \r\n", "image/jp2"),
    (b"8BPS\x00\x01", "image/vnd.adobe.photoshop"),
    (b"BM\x76\x00\x00\x00\x00\x00\x00\x00\x36", "image/bmp"),
    (b"BM\x76\x00\x00\x00\x00\x00\x01\x00\x36", None),
    (b"BMW cars", "text/plain"),
    (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "image/webp"),
    (b"RIFF\x24\x00\x00\x00WAVEfmt ", "audio/wav"),
    (b"RF64\xff\xff\xff\xffWAVEds64", "audio/wav"),
    (b"RIFF\x24\x00\x00\x00AVI LIST", "video/x-msvideo"),
    (b"RIFF\x24\x00\x00\x00ACONanih", None),
    (b"FORM\x00\x00\x00\x20AIFFCOMM", "audio/aiff"),
    (b"FORM\x00\x00\x00\x20AIFCFVER", "audio/aiff"),
    (b"FORM\x00\x00\x00\x20ILBMBMHD", None),
    (b"fLaC\x00\x00\x00\x22", "audio/flac"),
    (b"#!AMR\n", "audio/AMR"),
    (b"#!AMR-WB\n", "audio/AMR"),
    (b".snd\x00\x00\x00\x18", "audio/basic"),
    (b"caff\x00\x01", "audio/x-caf"),
    (b"OggS\x00\x02" + b"\x00" * 22 + b"\x01\x13OpusHead", "audio/ogg"),
    (b"OggS\x00\x02" + b"\x00" * 22 + b"\x01\x1e\x01vorbis", "audio/ogg"),
    (b"OggS\x00\x02" + b"\x00" * 22 + b"\x01\x2a\x80theora", "video/ogg"),
    (b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00", "video/mp4"),
    (b"\x00\x00\x00\x20ftypM4A \x00\x00\x02\x00", "audio/m4a"),
    (b"\x00\x00\x00\x20ftypM4B \x00\x00\x02\x00", "audio/m4a"),
    (b"\x00\x00\x00\x20ftypM4V \x00\x00\x02\x00", "video/mp4"),
    (b"\x00\x00\x00\x14ftypqt  \x00\x00\x02\x00", "video/quicktime"),
    (b"\x00\x00\x00\x20ftypavif\x00\x00\x00\x00", "image/avif"),
    (b"\x00\x00\x00\x20ftypavis\x00\x00\x00\x00", "image/avif"),
    (b"\x00\x00\x00\x20ftypheic\x00\x00\x00\x00", "image/heic"),
    (b"\x00\x00\x00\x20ftypheix\x00\x00\x00\x00", "image/heic"),
    (b"\x00\x00\x00\x20ftyphevc\x00\x00\x00\x00", "image/heic"),
    (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1miaf", "image/heif"),
    (b"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1heicmiaf", "image/heic"),
    (b"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1avifmiaf", "image/avif"),
    (b"\x00\x00\x00\x14ftypmif1\x00\x00\x00\x00mif1avif", "image/heif"),
    (b"\x00\x00\x00\x1cftypmsf1\x00\x00\x00\x00msf1hevcmiaf", "image/heic"),
    (b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00avif", "video/quicktime"),
    (b"\x00\x00\x10\x00moov\x00\x00\x00\x6cmvhd", "video/quicktime"),
    (b"\x00\x00\x10\x00mdat\x00\x00", "video/quicktime"),
    (b"\x00\x00\x00\x08wide\x00\x00", "video/quicktime"),
    (b"\x00\x00\x10\x00junk\x00\x00", None),
    (EBML + b"\x84webm", "video/webm"),
    (EBML + b"\x88matroska", "video/x-matroska"),
    (EBML.ljust(60, b"\x81") + b"webm", "video/webm"),
    (EBML.ljust(61, b"\x81") + b"webm", "video/x-matroska"),
    (b"OggS".ljust(58, b"\x01") + b"theora", "video/ogg"),
    (b"OggS".ljust(59, b"\x01") + b"theora", "audio/ogg"),
    (b"\x00\x00\x01\xba\x44", "video/mpeg"),
    (b"FLV\x01\x05", "video/x-flv"),
    (b"0&\xb2u\x8ef\xcf\x11\xa6\xd9", "video/x-ms-asf"),
    (MP3, "audio/mpeg"),
    (b"\xff\xf3\x90d", "audio/mpeg"),
    (b"\xff\xe3\x90d", "audio/mpeg"),
    (b"\xff\xeb\x90d", None),
    (b"\xff\xfb\xf0d", None),
    (b"\xff\xfb", None),
    (b"\xff\xf1\x50\x80", "audio/aac"),
    (b"\xff\xf9\x50\x80", "audio/aac"),
    (b"\xff\xf0\x50\x80", "audio/aac"),
    (b"\xff\xf8\x50\x80", "audio/aac"),
    (b"\xff\xe1\x50\x80", None),
    (b"\xff\x00\x50\x80", None),
    (b"\xff\xc1\x50\x80", None),
    (b"\xff\x1b\x90d", None),
    (b"\xff\xdb\x90d", None),
    (b"\xfe\xfb\x90d", None),
    (b"ID3", "audio/mpeg"),
    (id3(20) + MP3, "audio/mpeg"),
    (id3(20) + AAC, "audio/aac"),
    (id3(300) + AAC, "audio/aac"),
    (id3(20, 0x10) + b"3DI" + b"\x00" * 7 + AAC, "audio/aac"),
    (id3(20) + b"fLaC\x00", "audio/flac"),
    (id3(20) + b"OggS\x00\x02" + b"\x00" * 22 + b"\x01\x13OpusHead", "audio/ogg"),
    (id3(20) + b"<html>", "audio/mpeg"),
    (id3(20), "audio/mpeg"),
    (b"%PDF-1.7", "application/pdf"),
    (b"PK\x03\x04\x14", "application/zip"),
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"<!DOCTYPE html><p>", "text/html"),
    (b"<html lang=en>", "text/html"),
    (b"<HEAD>", "text/html"),
    (b"<body>", "text/html"),
    (b"<!-- x -->", "text/html"),
    (b"\xef\xbb\xbf  <html>", "text/html"),
    (b"<?xml version='1.0'?><rss/>", "text/xml"),
    (b"<?xml version='1.0'?>\n<svg xmlns='x'>", "image/svg+xml"),
    (b"<SVG\n>", "image/svg+xml"),
    (b"<svgx>", "text/xml"),
    (b"<p>" + b" " * 3000 + b"<svg>", "image/svg+xml"),
    (b"<p>" + b" " * 5000 + b"<svg>", "text/xml"),
    (b'{"error": 1}', "application/json"),
    (b" \n[1, 2]", "application/json"),
    (b"plain words", "text/plain"),
    ("süß".encode(), "text/plain"),
    (b"a" * 511 + "ü".encode(), "text/plain"),
    (b"a" * 509 + "\U0001f600".encode(), "text/plain"),
    (b"a" * 400 + b"\xff\xfe" + b"a" * 200, None),
    (b"words\x00words", None),
    (b"", None),
    (b"  \n", None),
    (b" " * 512 + b"words", None),
    (b" " * 511 + b"words", "text/plain"),
    (b"\x80\x81\x82\x83\x84\x85", None),
]


@pytest.mark.parametrize(("head", "mime"), TYPES)
def test_types_by_their_first_bytes(head: bytes, mime: str | None) -> None:
    assert sniff(head) == mime
    assert sniff(head, "image") == mime
    assert sniff(head, "video") == mime


@pytest.mark.parametrize(
    ("head", "mime"),
    [
        (EBML + b"\x84webm", "audio/webm"),
        (EBML + b"\x88matroska", "audio/x-matroska"),
        (b"\x00\x00\x00\x20ftypisom", "audio/m4a"),
        (b"\x00\x00\x00\x14ftypqt  ", "audio/m4a"),
        (b"\x00\x00\x10\x00moov\x00\x00\x00\x6cmvhd", "audio/m4a"),
        (b"OggS\x00\x02" + b"\x00" * 22 + b"\x01\x2a\x80theora", "audio/ogg"),
        (b"RIFF\x24\x00\x00\x00AVI LIST", "audio/x-msvideo"),
        (b"0&\xb2u\x8ef\xcf\x11\xa6\xd9", "audio/x-ms-wma"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"words", "text/plain"),
    ],
)
def test_containers_count_as_audio_where_audio_is_expected(head: bytes, mime: str) -> None:
    assert sniff(head, "audio") == mime
    if mime.startswith("audio/"):
        found = run_local(media.load(head.ljust(300, b"\x01"), "audio"))
        assert found.mime == mime


@pytest.mark.parametrize("size", [0, 1, 127, 128, 1 << 14, (1 << 21) + 5, (1 << 28) - 1])
def test_where_a_tag_ends(size: int) -> None:
    head = id3(0)[:6] + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    assert find_id3_end(head) == 10 + size
    with_footer = head[:5] + b"\x10" + head[6:]
    assert find_id3_end(with_footer) == 20 + size
    # The highest bit of a length's byte is not part of it.
    assert find_id3_end(head[:6] + bytes(byte | 0x80 for byte in head[6:])) == 10 + size
    assert find_id3_end(head[:9]) is None
    assert find_id3_end(b"IDx" + head[3:]) is None


def test_aac_after_a_tag_with_a_cover_is_aac(tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    path.write_bytes(id3(50_000) + AAC)
    assert run_local(media.load(path, "audio")).mime == "audio/aac"
    path.write_bytes(id3(50_000) + MP3)
    assert run_local(media.load(path, "audio")).mime == "audio/mpeg"
    path.write_bytes(id3(50_000)[:20_000])
    assert run_local(media.load(path, "audio")).mime == "audio/mpeg"


def wav_chunks(*chunks: tuple[bytes, bytes, int | None]) -> bytes:
    """Return a WAV file of chunks: name, content, and the length where it is not the content's."""
    body = b"".join(
        name + (len(data) if size is None else size).to_bytes(4, "little") + data
        for name, data, size in chunks
    )
    return b"RIFF" + (4 + len(body)).to_bytes(4, "little") + b"WAVE" + body


FORMAT = (b"fmt ", make_wav(0.1)[20:36], None)
LIST = (b"LIST", b"INFOabcd", None)


@pytest.mark.parametrize(
    "chunks",
    [
        [FORMAT, (b"data", b"", None)],
        [FORMAT, LIST, (b"data", b"", None)],
        [FORMAT, (b"data", b"", None), LIST],
        [FORMAT, (b"data", b"", 0xFFFFFFFF)],
        [FORMAT, (b"data", b"", 1000)],
        [FORMAT],
        [FORMAT, LIST],
    ],
)
def test_a_wav_file_without_samples_is_refused(chunks: Any) -> None:
    with pytest.raises(errors.InputError, match="without samples"):
        run_local(media.load(wav_chunks(*chunks), "audio"))


@pytest.mark.parametrize(
    "chunks",
    [
        [FORMAT, (b"data", b"\x01\x02", None)],
        [FORMAT, LIST, (b"data", b"\x01\x02" * 9, None)],
        [FORMAT, (b"note", b"odd", None), (b"\x00dat", b"a\x00\x00\x00\x02\x00\x81\x01", None)],
        [FORMAT, (b"data", b"\x81\x02" * 50, 0)],
        [FORMAT, (b"data", b"\x01\x02" * 50, 0xFFFFFFFF)],
        [FORMAT, (b"data", b"\x01\x02" * 50, 1000)],
        [FORMAT, (b"junk", b"\x01\x02", 1000)],
    ],
)
def test_a_wav_file_with_samples_is_accepted(chunks: Any) -> None:
    data = wav_chunks(*chunks)
    assert run_local(media.load(data, "audio")).read() == data


def test_a_wav_file_that_python_writes_without_samples_is_refused() -> None:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
    with pytest.raises(errors.InputError, match="without samples"):
        run_local(media.load(out.getvalue(), "audio"))


@pytest.mark.parametrize(
    ("data", "label", "kind", "mime"),
    [
        (b"words", "audio/basic", "audio", "audio/basic"),
        (b"words", " Audio/Basic ; rate=8000", "audio", "audio/basic"),
        (b"{1", "audio/pcm", "audio", "audio/pcm"),
        (b"<1", "audio/basic", "audio", "audio/basic"),
        (b"\x80\x81\x82", "audio/L16", "audio", "audio/l16"),
        (b"fLaC", "audio/basic", "audio", "audio/flac"),
        (b"words", "image/png", "audio", "text/plain"),
        (b"words", None, "audio", "text/plain"),
        (b"<html>", "audio/basic", "audio", "text/html"),
        (b"%PDF-1", "audio/basic", "audio", "application/pdf"),
        (b"a" * 4096 + b"\0", None, "audio", "text/plain"),
    ],
)
def test_a_label_counts_for_bytes_without_a_signature(
    data: bytes, label: str | None, kind: str, mime: str
) -> None:
    assert find_type(declare_type(data, label), kind) == mime
    assert find_type(data, kind) == sniff(data[:4096], kind)


def test_channels_in_opposite_phase_do_not_cancel() -> None:
    tone = np.sin(np.arange(800) / 9).astype(np.float32)
    opposite = np.stack([tone, -0.98 * tone], 1)
    assert np.array_equal(mix_channels(opposite), tone)
    assert np.array_equal(mix_channels(opposite[:, ::-1]), tone)


def test_other_channels_are_averaged() -> None:
    tone = np.sin(np.arange(800) / 9).astype(np.float32)
    silence = np.zeros_like(tone)
    assert np.allclose(mix_channels(np.stack([tone, tone], 1)), tone)
    assert np.allclose(mix_channels(np.stack([tone, silence], 1)), tone / 2)
    assert np.allclose(mix_channels(np.stack([tone] + [silence] * 7, 1)), tone / 8)
    assert mix_channels(tone) is tone
    assert np.array_equal(mix_channels(tone[:, None]), tone)
    assert mix_channels(np.zeros((0, 2), np.float32)).shape == (0,)
    assert not mix_channels(np.zeros((9, 2), np.float32)).any()
