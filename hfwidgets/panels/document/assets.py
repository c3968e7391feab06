"""The front end's built files: the widget's loader and the chunks that a page fetches."""

import functools
import hashlib
from pathlib import Path

from hfwidgets.errors import ConfigurationError

STATIC_DIR = Path(__file__).parents[2] / "static"
CHUNKS = ("ui", "markdown", "highlight", "math", "wave")


@functools.cache
def read_asset(name: str) -> bytes:
    """Return the bytes of a built file.

    Raises:
        ConfigurationError: the front end has not been built.
    """
    try:
        return (STATIC_DIR / name).read_bytes()
    except FileNotFoundError:
        raise ConfigurationError(
            f"The panels' front end has not been built ({name} is missing). Installing the package "
            "builds it: run 'pip install -e .' in a checkout, or install hfwidgets from a wheel."
        ) from None


def read_asset_text(name: str) -> str:
    """Return a built file as text."""
    return read_asset(name).decode()


@functools.cache
def chunk_digest(chunk: str) -> str:
    """Return a short hash of a chunk, by which the page's cache tells builds apart."""
    return hashlib.sha256(read_asset(f"{chunk}.js")).hexdigest()[:16]


def chunk_digests() -> dict[str, str]:
    """Return the hashes of all chunks by name."""
    return {name: chunk_digest(name) for name in CHUNKS}
