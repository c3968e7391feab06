"""Write raw answers as JSON, with the media in them as files in a folder next to it.

In the JSON a file stands as `{"$file": "<hash>.png"}`; `"as"` says how the answer held it: as
base64 text, or as a data URL, whose head it repeats. Keys of an answer that begin with a dollar
sign get one more.
"""

import base64
import binascii
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hfwidgets import errors
from hfwidgets.media import HEAD_SIZE, sniff

MIN_BASE64_LENGTH = 256
"""Shorter base64 texts stay in the JSON, in characters."""

_NAME = re.compile(r"[0-9a-f]{32}\.[a-z0-9]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_DATA_URL = re.compile(r"data:[\w.+/-]+;base64,")

_EXTENSIONS = {
    "audio/flac": "flac",
    "audio/m4a": "m4a",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
    "image/gif": "gif",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "video/mp4": "mp4",
    "video/webm": "webm",
}


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file completely or not at all; only its owner may read it.

    Raises:
        OSError: The disk is full, or the folder cannot be written to.
    """
    # Written next to its place, since a rename is atomic within one file system only.
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).replace(path)
    # An interrupt must not leave the temporary file either.
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


class MediaFiles:
    """A folder of files, each named by the hash of its content."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, data: bytes) -> str:
        """Write a file unless it is there already; return its name."""
        end = _EXTENSIONS.get(sniff(data[:HEAD_SIZE]) or "", "bin")
        name = f"{hashlib.sha256(data).hexdigest()[:32]}.{end}"
        if not (self.folder / name).exists():
            write_atomic(self.folder / name, data)
        return name

    def get(self, name: str) -> bytes:
        """Return the content of a file.

        Raises:
            OutputError: The file is missing, or the name is not one that `put` gives.
        """
        # Recordings are merged from other people's branches: a name may not lead out of the folder.
        if not _NAME.fullmatch(name):
            raise errors.OutputError(f"{name!r} is not the name of a file of a recording.")
        try:
            return (self.folder / name).read_bytes()
        except OSError as error:
            raise errors.OutputError(
                f"The file {name} of a recorded answer is missing in {self.folder}.",
                advice="Record the answer again.",
            ) from error

    def pack(self, value: object) -> Any:
        """Write the media of an answer and return the rest as data for JSON."""
        if isinstance(value, (bytes, bytearray, memoryview)):
            return {"$file": self.put(bytes(value))}
        if isinstance(value, Mapping):
            return {_escape_key(str(k)): self.pack(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.pack(item) for item in value]
        return (
            self._pack_text(value)
            if isinstance(value, str) and len(value) >= MIN_BASE64_LENGTH
            else value
        )

    def _pack_text(self, text: str) -> Any:
        # Whether text or data URL: its head is stored, since servers write it differently.
        head = _DATA_URL.match(text)
        start = head[0] if head else ""
        data = decode_media(text[len(start) :])
        return {"$file": self.put(data), "as": start or "base64"} if data is not None else text

    def unpack(self, value: object) -> Any:
        """Return a packed answer in its first form, its media read back."""
        if isinstance(value, list):
            return [self.unpack(item) for item in value]
        if not isinstance(value, dict):
            return value
        # An answer's own key `$file` was written as `$$file`.
        if "$file" in value:
            data, form = self.get(str(value["$file"])), value.get("as")
            start = "" if form == "base64" else form
            return data if form is None else f"{start}{base64.b64encode(data).decode()}"
        return {k.removeprefix("$"): self.unpack(v) for k, v in value.items()}


def _escape_key(key: str) -> str:
    return f"${key}" if key.startswith("$") else key


def decode_media(text: str) -> bytes | None:
    """Return the image, audio or video that a text encodes in base64; None for other texts."""
    if len(text) < MIN_BASE64_LENGTH or len(text) % 4 or not _BASE64.fullmatch(text):
        return None
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    kind = (sniff(data[:HEAD_SIZE]) or "").partition("/")[0]
    # Unused bits at the end of base64 may be set: only a text that comes back the same is replaced.
    is_exact = kind in ("image", "audio", "video") and base64.b64encode(data).decode() == text
    return data if is_exact else None


def to_pretty_json(value: object) -> str:
    """Return JSON with sorted keys that reads and compares well.

    What fits into a line is written as one, and so are lists of numbers and each of a stream's
    `chunks`.
    """
    return _format_value(value, 0) + "\n"


def _format_value(value: object, depth: int) -> str:
    # An embedding with one number per line would be a file of 384 lines or more.
    line = json.dumps(value, ensure_ascii=False, sort_keys=True)
    if not isinstance(value, (dict, list)) or len(line) + depth <= 96 or _is_number_list(value):
        return line
    pad = " " * (depth + 2)
    if isinstance(value, list):
        items = [_format_value(item, depth + 2) for item in value]
        return _format_block("[", items, "]", pad)
    named = (
        f"{json.dumps(key, ensure_ascii=False)}: {_format_field(key, value[key], depth + 2)}"
        for key in sorted(value)
    )
    return _format_block("{", list(named), "}", pad)


def _format_field(key: str, value: object, depth: int) -> str:
    if key != "chunks" or not isinstance(value, list):
        return _format_value(value, depth)
    # One chunk per line, so that a diff names the chunk that changed.
    items = [json.dumps(item, ensure_ascii=False, sort_keys=True) for item in value]
    return _format_block("[", items, "]", " " * (depth + 2))


def _format_block(start: str, items: list[str], end: str, pad: str) -> str:
    if not items:
        return start + end
    joined = ",\n".join(pad + item for item in items)
    return f"{start}\n{joined}\n{pad[2:]}{end}"


def _is_number_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, (int, float)) for item in value)
