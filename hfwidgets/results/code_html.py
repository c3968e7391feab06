"""Source code as HTML with its keywords and comments marked."""

import html
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pygments.token import _TokenType

MAX_HIGHLIGHTED_CHARS = 20_000
"""Characters; longer code stays plain."""

MAX_LINE_CHARS = 1_000
"""Characters; code with a longer line stays plain: some lexers need quadratic time for it."""

LANGUAGES = frozenset(
    {
        *("bash", "c", "c++", "c#", "cpp", "cs", "csharp", "css", "diff", "dockerfile", "go"),
        *("golang", "haskell", "html", "ini", "java", "javascript", "js", "json", "jsx", "julia"),
        *(
            "kotlin",
            "latex",
            "lua",
            "makefile",
            "matlab",
            "objective-c",
            "perl",
            "php",
            "powershell",
        ),
        *(
            "py",
            "py3",
            "python",
            "python3",
            "r",
            "rb",
            "ruby",
            "rs",
            "rust",
            "scala",
            "sh",
            "shell",
        ),
        *("sql", "swift", "toml", "ts", "tsx", "typescript", "xml", "yaml", "yml", "zsh"),
    }
)
"""The languages that models write; their lexers were measured to need linear time."""

_MARKS = {"Keyword": "b", "Comment": "i"}
"""Elements by the first part of a token's kind."""

_LONG_LINE = re.compile(rf"[^\n]{{{MAX_LINE_CHARS + 1}}}")


def highlight_code(code: str, language: str, limit: int = MAX_HIGHLIGHTED_CHARS) -> str | None:
    """Return code as escaped HTML with bold keywords and italic comments.

    Colors are left out, because no color fits every theme.

    Args:
        code: the source code.
        language: its name after the fence, in any case.
        limit: the most characters that are highlighted.

    Returns:
        None where the code stays plain: unknown languages, long code or long lines.
    """
    name = language.lower()
    if name not in LANGUAGES or len(code) > limit or _LONG_LINE.search(code):
        return None
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        lexer = get_lexer_by_name(name, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
    return "".join(_render_tokens(lexer.get_tokens(code)))


def _render_tokens(tokens: "Iterable[tuple[_TokenType, str]]") -> Iterator[str]:
    """Yield tokens with their marks, neighbors of one kind under one mark."""
    for mark, group in groupby(tokens, key=lambda token: _MARKS.get("".join(token[0][:1]))):
        text = html.escape("".join(text for _, text in group), quote=False)
        yield f"<{mark}>{text}</{mark}>" if mark else text
