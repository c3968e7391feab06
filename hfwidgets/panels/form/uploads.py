"""Uploads and form values from the page, turned into a task's inputs.

Every file comes by one protocol: pieces of at most 1 MiB, each sent when the one before has been
acknowledged in the document. Larger messages close the server's web socket without an error.
"""

import contextlib
import math
from dataclasses import dataclass, field
from typing import Any

from hfwidgets import errors
from hfwidgets.panels.document.protocol import UploadProgress
from hfwidgets.results.audio import Audio
from hfwidgets.tasks import controls, table_text

MAX_UPLOAD_BYTES = 256 << 20
"""The largest file that a page may send, in bytes; the page refuses larger ones itself."""


@dataclass
class _PartialFile:
    id: str
    total: int
    got: int = 0
    data: bytearray = field(default_factory=bytearray)


class Uploads:
    """Files that are arriving from the page, one for each name."""

    def __init__(self) -> None:
        self._partial_files: dict[str, _PartialFile] = {}

    def add_piece(
        self, data: bytes, *, name: str, upload: str, at: int, total: int
    ) -> bytes | None:
        """Add a piece; returns the whole file once it is complete, else None.

        Args:
            data: the piece.
            name: what the file is for; a new upload replaces the one before.
            upload: the upload's id. Pieces of an upload that was replaced are ignored.
            at: the piece's offset in bytes. A piece that was sent twice is ignored.
            total: the file's size in bytes.

        Raises:
            InputError: the file is too large.
        """
        if total > MAX_UPLOAD_BYTES:
            raise errors.InputError(
                f"The file has {total:,} bytes; {MAX_UPLOAD_BYTES:,} is the limit."
            )
        if at == 0:
            self._partial_files[name] = _PartialFile(upload, total)
        partial = self._partial_files.get(name)
        if partial is None or partial.id != upload or partial.got != at:
            return None
        partial.data += data
        partial.got += len(data)
        if partial.got < total:
            return None
        # The entry stays, as the page still waits for the last piece's acknowledgement.
        complete, partial.data = bytes(partial.data), bytearray()  # the bytes are held once
        return complete

    def upload_progress(self, name: str) -> UploadProgress:
        """Return how much of a file has arrived."""
        partial = self._partial_files.get(name, _PartialFile("", 0))
        return UploadProgress(id=partial.id, got=partial.got, total=partial.total)


def to_media_input(data: bytes, control: controls.Control) -> bytes | Audio:
    """Return a file's bytes as an input; audio as `Audio`, which can be played in the notebook."""
    return Audio(data) if getattr(control, "kind", "") == "audio" else data


def parse_table(data: bytes, control: controls.Control) -> Any:
    """Return a CSV file as an input.

    Raises:
        InputError: it is not a text in UTF-8.
    """
    try:
        rows = table_text.parse_rows(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise errors.InputError(
            "This is not a table: not a text in UTF-8. Save it as CSV in UTF-8."
        ) from error
    return parse_field_value(table_text.name_columns(rows), control)


def parse_field_value(value: object, control: controls.Control) -> Any:
    """Return a form field's value as a task takes it: a table's cells as numbers where they are."""
    if isinstance(control, controls.TableInput) and isinstance(value, dict):
        return {str(name): [_parse_cell(cell) for cell in cells] for name, cells in value.items()}
    return value


def _parse_cell(text: object) -> str | int | float | None:
    """Return a cell as the number it holds, None if it is empty, else as text.

    "nan" and "inf" stay texts: they are names more often than numbers, and JSON has neither.
    """
    if not isinstance(text, str) or not text.strip():
        return None
    # `int` first: a float would round long ids.
    for number in (int, float):
        # `isfinite` overflows with integers of more than 308 digits: they stay texts.
        with contextlib.suppress(ValueError, OverflowError):
            found = number(text)
            return found if math.isfinite(found) else text
    return text


def chunk_text(chunk: Any) -> str:
    """Return the text that a chunk of a stream adds, of a chat or of text generation."""
    if isinstance(chunk, str):
        return chunk
    for choice in chunk.get("choices") or ():
        return str((choice.get("delta") or {}).get("content") or "")
    token = chunk.get("token") or {}
    return "" if token.get("special") else str(token.get("text") or "")
