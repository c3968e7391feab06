"""Find tokens that were left in notebooks; report where they are, not what they are."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hfwidgets.errors import ConfigurationError
from hfwidgets.errors.secrets import find_tokens
from hfwidgets.notebook.listing import Listing

SHOWN_CHARACTERS = 4
"""How many of a token's characters a report shows."""

_SKIPPED_FOLDERS = {"node_modules", "site-packages", "__pycache__", ".git", ".venv", "venv", ".tox"}


class TokenFindings(Listing):
    """The tokens found, one per row; empty if all is well."""


def scan(folder: str | os.PathLike[str] = ".") -> TokenFindings:
    """Find the tokens in the notebooks of a folder and its subfolders, checkpoints included.

    Args:
        folder: A folder, or a single notebook.

    Raises:
        ConfigurationError: The folder does not exist.
    """
    root = Path(folder).expanduser()
    if not root.exists():
        raise ConfigurationError(f"Unknown folder {str(folder)!r}.")
    notebooks = [root] if root.is_file() else sorted(_iter_notebooks(root))
    rows = (row for path in notebooks for row in _iter_tokens(path, root))
    return TokenFindings(rows, f"No tokens in {len(notebooks)} notebooks.")


def _iter_notebooks(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        # In place: `os.walk` goes on with what is left.
        folders[:] = [name for name in folders if name not in _SKIPPED_FOLDERS]
        found = (Path(folder, name) for name in files if name.endswith(".ipynb"))
        yield from (path for path in found if path.exists())  # links may lead nowhere


def _iter_tokens(path: Path, root: Path) -> Iterator[dict[str, Any]]:
    shown = str(path.relative_to(root)) if path != root else path.name
    for place, text in _iter_texts(path):
        for found in find_tokens(text):
            # Of a short one, four characters would be too much.
            start = found[: min(SHOWN_CHARACTERS, len(found) // 3)]
            yield {"notebook": shown, "place": place, "token": f"{start}…"}


def _iter_texts(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the texts of a notebook with their places; a file of another kind as a whole."""
    text = path.read_text("utf-8", "replace")
    try:
        book = json.loads(text)
        cells = book["cells"]
        for number, cell in enumerate(cells, 1):
            yield f"cell {number}", _join_texts(cell.get("source"))
            yield f"output of cell {number}", _join_texts(cell.get("outputs"))
            rest = {k: v for k, v in cell.items() if k not in ("source", "outputs")}
            yield f"metadata of cell {number}", _join_texts(rest)
        yield "metadata", _join_texts({k: v for k, v in book.items() if k != "cells"})
    # Not a notebook, or one that is damaged or nested too deep: all of it is searched, even if some
    # cells were searched already.
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        yield "file", text


def _join_texts(value: object) -> str:
    """Join all texts in a value, one per line.

    A list of texts is a source or a stream in lines, each of which ends in a line break.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        # As in JSON, so that a text is recognized as a secret by its key too.
        return "\n".join(f'"{key}": "{_join_texts(item)}"' for key, item in value.items())
    if isinstance(value, list):
        plain = all(isinstance(item, str) for item in value)
        return ("" if plain else "\n").join(map(_join_texts, value))
    return ""
