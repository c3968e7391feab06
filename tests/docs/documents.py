"""Find the code blocks of Markdown documents."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "notebooks" / "docs"

BLOCK = re.compile(r"^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def code_blocks(path: Path, *languages: str) -> Iterator[str]:
    """Yield the code blocks of a document in these languages."""
    for language, code in BLOCK.findall(path.read_text("utf-8")):
        if language in languages:
            yield code


def split_cells(code: str) -> list[str]:
    """Split a block at its cell magics, which begin cells of their own."""
    return [cell.strip() for cell in re.split(r"^(?=%%)", code, flags=re.MULTILINE)]
