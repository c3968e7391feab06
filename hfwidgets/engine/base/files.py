"""A task's result that travels as a file's bytes instead of JSON."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileResult:
    """The bytes of a file and what they are."""

    content: bytes
    mime: str
