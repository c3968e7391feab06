"""Form data with a file, as servers of OpenAI's wire take audio."""

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from hfwidgets.media import Media


class MultipartForm:
    """Build a `multipart/form-data` body with one file, which is read while it is sent."""

    def __init__(self, file: Media, fields: Mapping[str, Any]) -> None:
        self._file = file
        self._boundary = os.urandom(16).hex()
        mime = file.mime or "application/octet-stream"
        import mimetypes

        suffix = mimetypes.guess_extension(mime) or ".wav"
        # A part ends with a line break. Here the file follows in place of the empty text, and the
        # tail begins with that break.
        self._head = self._build_part(
            f'name="file"; filename="audio{suffix}"\r\nContent-Type: {mime}', ""
        ).removesuffix(b"\r\n")
        texts = b"".join(self._build_part(f'name="{n}"', _to_text(v)) for n, v in fields.items())
        self._tail = b"\r\n" + texts + f"--{self._boundary}--\r\n".encode()
        self.size = len(self._head) + (file.size or 0) + len(self._tail)
        self.content_type = f"multipart/form-data; boundary={self._boundary}"

    def _build_part(self, head: str, text: str) -> bytes:
        lines = (f"--{self._boundary}", f"Content-Disposition: form-data; {head}", "", text, "")
        return "\r\n".join(lines).encode()

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        yield from self._file.chunks()
        yield self._tail


def _to_text(value: object) -> str:
    # As JSON, so that True is written as servers read it: true.
    return value if isinstance(value, str) else json.dumps(value)
