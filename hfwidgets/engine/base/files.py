"""The result of a task that answers with a file instead of JSON."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileResult:
    """A file's bytes and its MIME type."""

    content: bytes
    mime: str
