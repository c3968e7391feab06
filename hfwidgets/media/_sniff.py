"""Tell what a file is by its first bytes; names and declared types are not trusted."""

import re

HEAD_SIZE = 4096
"""How many of a file's first bytes `sniff` needs."""

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
    (b"#!AMR", "audio/AMR"),
    (b".snd", "audio/basic"),
    (b"caff", "audio/x-caf"),
    (b"\x00\x00\x01\xba", "video/mpeg"),
    (b"FLV\x01", "video/x-flv"),
    (b"0&\xb2u\x8ef\xcf\x11", "video/x-ms-asf"),
    (b"%PDF", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
)

_RIFF_TYPES = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_BRANDS: tuple[tuple[bytes, str], ...] = (
    (b"avif", "image/avif"),
    (b"avis", "image/avif"),
    (b"hei", "image/heic"),
    (b"hev", "image/heic"),
    (b"mif1", "image/heif"),
    (b"msf1", "image/heif"),
    (b"M4A", "audio/m4a"),
    (b"M4B", "audio/m4a"),
    (b"qt", "video/quicktime"),
)
_QUICKTIME_ATOMS = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip"})
"""How QuickTime files begin that are older than the brand."""

_WEAK_TYPES = frozenset({None, "text/plain", "application/json", "text/xml"})
"""What `sniff` finds in bytes without a signature: a declared type of the right kind is better."""

_AS_AUDIO = {
    "video/webm": "audio/webm",
    "video/x-matroska": "audio/x-matroska",
    "video/mp4": "audio/m4a",
    "video/quicktime": "audio/m4a",  # the same container under another brand
    "video/ogg": "audio/ogg",
    "video/x-msvideo": "audio/x-msvideo",
    "video/x-ms-asf": "audio/x-ms-wma",
}


def sniff(head: bytes, kind: str | None = None) -> str | None:
    """Return the MIME type of a file that begins like this, None when it is not recognized.

    Containers that may hold audio alone (WebM, MP4, Matroska, AVI ...) count as audio where
    `kind` is "audio".
    """
    found = (
        # From the surest signature to the weakest: those at the end match other bytes by accident.
        _match_prefix(head)
        or _match_id3(head)
        or _match_riff(head)
        or _match_container(head)
        or _match_short_magic(head)
        or _match_text(head)
    )
    return _AS_AUDIO.get(found, found) if found and kind == "audio" else found


class DeclaredBytes(bytes):
    """The bytes of a file, as a server sent them.

    Attributes:
        declared_type: the server's label for them: a content-type, as it was sent.
    """

    declared_type: str = ""


def declare_type(data: bytes, label: str | None) -> DeclaredBytes:
    """Return bytes with the type that a content-type header or a data URL declares."""
    found = DeclaredBytes(data)
    found.declared_type = label or ""
    return found


def find_type(data: bytes, kind: str) -> str | None:
    """Return the type of a file by its bytes; by its label where the bytes have no signature.

    Audio without a header, such as audio/basic, may look like text.

    Args:
        data: the file; only `DeclaredBytes` have a label.
        kind: image, audio or video. Labels of other kinds do not count.
    """
    found = sniff(data[:HEAD_SIZE], kind)
    label = data.declared_type if isinstance(data, DeclaredBytes) else ""
    declared = label.partition(";")[0].strip().lower()
    return declared if found in _WEAK_TYPES and declared.startswith(f"{kind}/") else found


def find_id3_end(head: bytes) -> int | None:
    """Return where an ID3 tag at the beginning ends, in bytes; None without one."""
    if head[:3] != b"ID3" or len(head) < 10:
        return None
    # The length has 7 bits per byte, so that it never looks like the start of a frame.
    length = sum(
        (byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True)
    )
    footer = 10 if head[5] & 0x10 else 0
    return 10 + length + footer


def _match_prefix(head: bytes) -> str | None:
    return next((mime for magic, mime in _PREFIXES if head.startswith(magic)), None)


def _match_id3(head: bytes) -> str | None:
    """Look after an ID3 tag, which AAC and FLAC may have as well as MP3."""
    if head[:3] != b"ID3":
        return None
    end = find_id3_end(head)
    found = sniff(head[end:]) if end is not None and head[end : end + 2] else None
    # Anything else after the tag, such as padding, counts as MP3, for which the tag was made.
    return found if found in ("audio/aac", "audio/flac", "audio/ogg") else "audio/mpeg"


def _match_riff(head: bytes) -> str | None:
    if head[:4] in (b"RIFF", b"RF64"):
        return _RIFF_TYPES.get(head[8:12])
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "audio/aiff"
    return None


def _match_container(head: bytes) -> str | None:
    if head[4:8] == b"ftyp":
        return _match_brand(head)
    if head[4:8] in _QUICKTIME_ATOMS:
        return "video/quicktime"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "video/webm" if b"webm" in head[:64] else "video/x-matroska"
    if head[:4] == b"OggS":
        return "video/ogg" if b"theora" in head[:64] else "audio/ogg"
    return None


def _match_brand(head: bytes) -> str:
    found = _find_brand(head[8:12]) or "video/mp4"
    if found != "image/heif":
        return found
    # mif1 says "an image" only: the codec is among the compatible brands.
    size = int.from_bytes(head[:4], "big")
    brands = (head[at : at + 4] for at in range(16, min(size, len(head)), 4))
    coded = (_find_brand(brand) for brand in brands)
    return next((mime for mime in coded if mime in ("image/avif", "image/heic")), found)


def _find_brand(brand: bytes) -> str | None:
    return next((mime for magic, mime in _BRANDS if brand.startswith(magic)), None)


def _match_short_magic(head: bytes) -> str | None:
    """Match types whose magic is so short that more of the header must agree."""
    if head[:2] == b"BM" and head[6:10] == b"\x00" * 4:
        return "image/bmp"
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        # MPEG's frame header: 11 bits set, then version (1 is reserved), layer (0 means AAC's
        # ADTS, which needs a 12th bit) and, in the next byte, a bit rate below 15.
        version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
        if layer == 0:
            return "audio/aac" if head[1] & 0xF0 == 0xF0 else None
        return "audio/mpeg" if version != 1 and head[2] >> 4 != 15 else None
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
        # The last character may be cut in two; any other error means that this is not text.
        if error.reason != "unexpected end of data":
            return None
    return "application/json" if start[:1] in (b"{", b"[") else "text/plain"
