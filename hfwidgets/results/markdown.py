"""Model text in Markdown to safe, static HTML that needs no kernel, style sheet or script.

Raw HTML is escaped, links are http, https and mailto only, no picture loads by itself, and what
comes out passes an allow-list once more (`nh3`). Formulas stay as their LaTeX source between dollar
signs, which readers that know MathJax draw and others can read.
"""

import functools
import html
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

TAGS = frozenset([
    "a", "b", "blockquote", "br", "code", "del", "div", "em", "h1", "h2", "h3", "h4", "h5",
    "h6", "hr", "i", "li", "ol", "p", "pre", "s", "span", "strong", "table", "tbody", "td",
    "th", "thead", "tr", "ul"
])  # fmt: skip
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}, "td": {"align"}, "th": {"align"}}
SCHEMES = frozenset({"http", "https", "mailto"})

MAX_HIGHLIGHTED_CHARS = 20_000
"""Characters; longer code stays plain."""

_INLINE_FORMULAS = (
    (re.compile(r"\$\$([^$]+?)\$\$"), "$$"),
    (re.compile(r"\\\[([\s\S]+?)\\\]"), "$$"),
    (re.compile(r"\\\(([\s\S]+?)\\\)"), "$"),
    (re.compile(r"\$(?!\s)((?:\\[^\n]|[^\\$\n])+?)(?<!\s)\$(?![\d$])"), "$"),
)
_MONEY_PATTERN = re.compile(
    r"\d[\d.,]*(?:\s*(?:[-–—]|/|and|or|to|bis|et|y)\s*|[^=+*^_{}\\]*[a-z]{3,})", re.IGNORECASE
)
_BLOCK_FORMULA = re.compile(r" {0,3}(?:\$\$([\s\S]+?)\$\$|\\\[([\s\S]+?)\\\])[ \t]*(?:\n+|$)")


def markdown_to_html(text: str) -> str:
    """Markdown as a safe HTML fragment; it holds no ids, classes, scripts or remote pictures."""
    return nh3.clean(
        _build_parser().render(text),
        tags=set(TAGS),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        url_schemes=set(SCHEMES),
        link_rel="noopener noreferrer",
    )


@functools.cache
def _build_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.inline.ruler.before("escape", "formula", _parse_inline_formula)
    parser.block.ruler.before(
        "fence", "formula", _parse_block_formula, {"alt": ["paragraph", "blockquote"]}
    )
    for name, rule in _RENDER_RULES.items():
        parser.add_render_rule(name, rule)
    return parser


def _parse_inline_formula(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] not in "$\\":
        return False
    for pattern, mark in _INLINE_FORMULAS:
        found = pattern.match(state.src, state.pos)
        if (
            found is None
            or not found[1].strip()
            or (pattern is _INLINE_FORMULAS[-1][0] and _MONEY_PATTERN.match(found[1]))
        ):
            continue
        if not silent:
            token = state.push("formula", "", 0)
            token.content, token.markup = found[1].strip(), mark
        state.pos = found.end()
        return True
    return False


def _parse_block_formula(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    if state.is_code_block(start):
        return False
    source = state.getLines(start, end, state.blkIndent, False)
    found = _BLOCK_FORMULA.match(source)
    if found is None:
        return False
    if not silent:
        token = state.push("formula", "", 0)
        token.block, token.content, token.markup = True, (found[1] or found[2]).strip(), "$$"
        state.line = start + source[: found.end()].rstrip("\n").count("\n") + 1
    return True


def _render_formula(_: RendererHTML, tokens: Sequence[Token], at: int, *__: Any) -> str:
    token = tokens[at]
    shown = html.escape(f"{token.markup}{token.content}{token.markup}", quote=False)
    return f"<p>{shown}</p>\n" if token.block else shown


def _render_text(_: RendererHTML, tokens: Sequence[Token], at: int, *__: Any) -> str:
    """Plain text; a dollar sign in it must not be taken for the start of a formula."""
    return html.escape(tokens[at].content, quote=False).replace("$", "<span>$</span>")


def _render_image(_: RendererHTML, tokens: Sequence[Token], at: int, *__: Any) -> str:
    """A link in place of the picture: its address alone could carry a conversation away."""
    token = tokens[at]
    label = html.escape(token.content or "picture")
    return f'<a href="{html.escape(str(token.attrGet("src") or ""))}">{label} (picture)</a>'


def _render_code(_: RendererHTML, tokens: Sequence[Token], at: int, *__: Any) -> str:
    token = tokens[at]
    language = token.info.split()[0] if token.info.strip() else ""
    return f"<pre><code>{highlight_code(token.content, language)}</code></pre>\n"


_RENDER_RULES = {
    "formula": _render_formula,
    "text": _render_text,
    "image": _render_image,
    "fence": _render_code,
    "code_block": _render_code,
}


def highlight_code(code: str, language: str) -> str:
    """Code as escaped HTML: keywords bold, comments italic; no colour fits every theme."""
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    if not language or len(code) > MAX_HIGHLIGHTED_CHARS:
        return html.escape(code, quote=False)
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return html.escape(code, quote=False)
    return "".join(_render_tokens(lexer.get_tokens(code)))


def _render_tokens(tokens: Any) -> Iterator[str]:
    """Tokens with their marks, neighbours of one kind under one mark."""
    for mark, group in groupby(tokens, key=lambda token: _find_mark(token[0])):
        text = html.escape("".join(text for _, text in group), quote=False)
        before, after = mark
        yield f"{before}{text}{after}"


@functools.cache
def _find_mark(kind: Any) -> tuple[str, str]:
    from pygments.token import Comment, Keyword

    if kind in Keyword:
        return "<b>", "</b>"
    if kind in Comment:
        return "<i>", "</i>"
    return "", ""
