"""What a page sends, turned into a task's inputs."""

import math
from typing import Any

from hfwidgets import errors
from hfwidgets.results.audio import Audio
from hfwidgets.tasks import controls

MAX_UPLOAD_BYTES = 256 << 20
"""The largest file that a page may send, in bytes; the page itself refuses larger ones."""


class Uploads:
    """Files on their way from the page, in pieces: the page sends the next when this one is in."""

    def __init__(self) -> None:
        self._partial_files: dict[str, tuple[str, bytearray, int]] = {}

    def add_piece(
        self,
        data: bytes,
        name: str,
        id: str,  # noqa: A002 - the page's name for it
        at: int,
        total: int,
        **_: Any,
    ) -> bytes | None:
        """Take a piece; the whole file once it is there, else None.

        Raises:
            InputError: the file is too large, or a piece of it was lost.
        """
        if total > MAX_UPLOAD_BYTES:
            raise errors.InputError(
                f"The file has {total:,} bytes; {MAX_UPLOAD_BYTES:,} is the limit."
            )
        if at == 0:
            self._partial_files[name] = (id, bytearray(), total)
        known, held, _total = self._partial_files.get(name, ("", bytearray(), 0))
        if known != id:
            return None  # another file was chosen meanwhile
        if len(held) == at:
            held += data
        return bytes(held) if len(held) == total else None

    def upload_progress(self, name: str) -> dict[str, Any]:
        """How far an input's file has come."""
        known, held, total = self._partial_files.get(name, ("", bytearray(), 0))
        return {"id": known, "got": len(held), "total": total}


def to_media_input(data: bytes, control: controls.Control) -> Any:
    """A file's bytes as an input; a sound can be looked at as such."""
    return Audio(data) if getattr(control, "kind", "") == "audio" else data


def parse_field_value(value: Any, control: controls.Control) -> Any:
    """A form field's value as a task takes it."""
    if isinstance(control, controls.TableInput) and isinstance(value, dict):
        return {str(name): [_parse_cell(cell) for cell in cells] for name, cells in value.items()}
    return value


def _parse_cell(text: Any) -> Any:
    """A cell's text as the number it is, None when it is empty, else as it stands."""
    if not isinstance(text, str) or not text.strip():
        return None
    for number in (int, float):
        try:
            found = number(text)
        except ValueError:
            continue
        return found if math.isfinite(found) else text
    return text


def chunk_text(chunk: Any) -> str:
    """The text that one part of a stream adds: of a chat, or of a generated text."""
    if isinstance(chunk, str):
        return chunk
    for choice in chunk.get("choices") or ():
        return str((choice.get("delta") or {}).get("content") or "")
    token = chunk.get("token") or {}
    return "" if token.get("special") else str(token.get("text") or "")
