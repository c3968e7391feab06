"""The front end's built files: what a widget carries and what a page fetches when it needs it."""

import functools
import hashlib
from pathlib import Path

from hfwidgets.errors import ConfigurationError

STATIC_DIR = Path(__file__).parents[2] / "static"
CHUNKS = ("markdown", "highlight", "math", "task")


@functools.cache
def read_asset(name: str) -> bytes:
    """A built file's bytes.

    Raises:
        ConfigurationError: the front end was not built.
    """
    try:
        return (STATIC_DIR / name).read_bytes()
    except FileNotFoundError:
        raise ConfigurationError(
            f"The panels' front end is not built ({name} is missing). Installing the package "
            "builds it: run 'pip install -e .' in a checkout, or install hfwidgets from a wheel."
        ) from None


def read_asset_text(name: str) -> str:
    """A built file as text."""
    return read_asset(name).decode()


@functools.cache
def chunk_digest(chunk: str) -> str:
    """What tells one build of a chunk from another, for the page's cache."""
    return hashlib.sha256(read_asset(f"{chunk}.js")).hexdigest()[:16]


def chunk_digests() -> dict[str, str]:
    """All chunks with their digests."""
    return {name: chunk_digest(name) for name in CHUNKS}
