"""The front end's built files: what a widget carries and what a page fetches when it needs it."""

import functools
import hashlib
from pathlib import Path

from hfwidgets.errors import ConfigurationError

STATIC = Path(__file__).parents[2] / "static"
CHUNKS = ("markdown", "highlight", "math", "task")


@functools.cache
def read(name: str) -> bytes:
    """A built file's bytes.

    Raises:
        ConfigurationError: the front end was not built.
    """
    try:
        return (STATIC / name).read_bytes()
    except FileNotFoundError:
        raise ConfigurationError(
            f"The panels' front end is not built ({name} is missing). Installing the package "
            "builds it: run 'pip install -e .' in a checkout, or install hfwidgets from a wheel."
        ) from None


def text(name: str) -> str:
    """A built file as text."""
    return read(name).decode()


@functools.cache
def digest(chunk: str) -> str:
    """What tells one build of a chunk from another, for the page's cache."""
    return hashlib.sha256(read(f"{chunk}.js")).hexdigest()[:16]


def digests() -> dict[str, str]:
    """All chunks with their digests."""
    return {name: digest(name) for name in CHUNKS}
