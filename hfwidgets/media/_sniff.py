"""What a file is, by its first bytes; names and declared types are not trusted."""

import re

HEAD_SIZE = 4096
"""How many of a file's first bytes `sniff` wants to see."""

_PREFIXES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"\x00\x00\x01\x00", "image/x-icon"),
    (b"\x00\x00\x00\x0cJXL ", "image/jxl"),
    (b"\xff\x0a", "image/jxl"),
    (b"\x00\x00\x00\x0cjP  ", "image/jp2"),
    (b"8BPS", "image/vnd.adobe.photoshop"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"#!AMR", "audio/AMR"),
    (b".snd", "audio/basic"),
    (b"caff", "audio/x-caf"),
    (b"\xff\xf1", "audio/aac"),
    (b"\xff\xf9", "audio/aac"),
    (b"%PDF", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
)

_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_BRANDS: tuple[tuple[bytes, str], ...] = (
    (b"avif", "image/avif"),
    (b"avis", "image/avif"),
    (b"heic", "image/heic"),
    (b"heix", "image/heic"),
    (b"mif1", "image/heif"),
    (b"M4A", "audio/m4a"),
    (b"M4B", "audio/m4a"),
    (b"qt", "video/quicktime"),
)
_AS_AUDIO = {"video/webm": "audio/webm", "video/mp4": "audio/m4a", "video/ogg": "audio/ogg"}


def sniff(head: bytes, kind: str | None = None) -> str | None:
    """The MIME type of a file that begins like this, None when nothing is recognised.

    Containers that may hold sound alone (WebM, MP4) count as sound where `kind` is "audio".
    """
    found = (
        _match_prefix(head)
        or _match_riff(head)
        or _match_container(head)
        or _match_short_magic(head)
        or _match_text(head)
    )
    return _AS_AUDIO.get(found, found) if found and kind == "audio" else found


def _match_prefix(head: bytes) -> str | None:
    return next((mime for magic, mime in _PREFIXES if head.startswith(magic)), None)


def _match_riff(head: bytes) -> str | None:
    if head[:4] in (b"RIFF", b"RF64"):
        return _RIFF.get(head[8:12])
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "audio/aiff"
    return None


def _match_container(head: bytes) -> str | None:
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return next((mime for magic, mime in _BRANDS if brand.startswith(magic)), "video/mp4")
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "video/webm" if b"webm" in head[:64] else "video/x-matroska"
    if head[:4] == b"OggS":
        return "video/ogg" if b"theora" in head[:64] else "audio/ogg"
    return None


def _match_short_magic(head: bytes) -> str | None:
    """Types whose magic is so short that more of the header is looked at."""
    if head[:2] == b"BM" and head[6:10] == b"\x00" * 4:
        return "image/bmp"
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
        return "audio/mpeg" if version != 1 and layer != 0 and head[2] >> 4 != 15 else None
    return None


def _match_text(head: bytes) -> str | None:
    start = head[:512].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith(b"<"):
        if re.search(rb"<svg[\s>]", head[:HEAD_SIZE].lower()):
            return "image/svg+xml"
        return (
            "text/html" if re.match(rb"<(!doctype html|html|head|body|!--)", start) else "text/xml"
        )
    if not start or b"\x00" in head:
        return None
    try:
        head[:512].decode()
    except UnicodeDecodeError as error:
        if error.start < len(head[:512]) - 4:
            return None
    return "application/json" if start[:1] in (b"{", b"[") else "text/plain"
