"""Correct what axe-core finds in the pages that Sphinx, furo and pandas make."""

import re
from pathlib import Path
from typing import Any

REPLACED = (
    # Blocks that scroll can be reached with the keyboard.
    ("<pre>", '<pre tabindex="0">'),
    (
        '<div class="cell_output docutils container">',
        '<div class="cell_output docutils container" role="group" aria-label="Output" tabindex="0">',
    ),
    ('<p class="caption" role="heading">', '<p class="caption" role="heading" aria-level="2">'),
    ('<aside class="sidebar-drawer">', '<aside class="sidebar-drawer" aria-label="Site">'),
    ('<aside class="toc-drawer', '<aside aria-label="Contents" class="toc-drawer'),
    ('<div id="search-results">', '<h1>Search</h1>\n<div id="search-results">'),
)
EMPTY_HEADER = re.compile(r"<th\b[^>]*></th>")
"""The corner of a table with row labels, which heads nothing."""

SIGNATURE = re.compile(r"(?<=\n)<dl>\n((?:<dd>.*?</dd>\n)+)</dl>", re.DOTALL)
"""The parameters of a signature: a list of definitions without terms."""


def correct(html: str) -> str:
    """Return a page with these corrections."""
    for old, new in REPLACED:
        html = html.replace(old, new)
    return SIGNATURE.sub(_write_lines, EMPTY_HEADER.sub("<td></td>", html))


def _write_lines(match: re.Match[str]) -> str:
    lines = match[1].replace("<dd>", "<div>").replace("</dd>", "</div>")
    return f'<div class="sig-lines">\n{lines}</div>'


def correct_pages(app: Any, error: Exception | None) -> None:
    """Correct all pages when they are written."""
    if error is None and app.builder.format == "html":
        for path in Path(app.outdir).rglob("*.html"):
            path.write_text(correct(path.read_text("utf-8")), "utf-8")


def setup(app: Any) -> dict[str, bool]:
    app.connect("build-finished", correct_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
