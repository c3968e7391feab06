"""Model text in Markdown as safe, static HTML that needs no kernel, style sheet or script.

Raw HTML is escaped, links are absolute http, https and mailto only, no image loads by itself, and
the result passes an allow-list (`nh3`). Formulas become MathML. A second interpreter in the page,
such as MathJax in JupyterLab, finds nothing to read: its delimiters are broken up. The time grows
with the length of the text, and each of its characters is kept.
"""

import functools
import html
import re
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import nh3
from markdown_it import MarkdownIt, helpers
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from hfwidgets.results import formulas, markdown_rules
from hfwidgets.results.code_html import highlight_code
from hfwidgets.results.show import break_math

TAGS = frozenset([
    "a", "b", "blockquote", "br", "code", "del", "div", "em", "h1", "h2", "h3", "h4", "h5",
    "h6", "hr", "i", "li", "ol", "p", "pre", "s", "span", "strong", "table", "tbody", "td",
    "th", "thead", "tr", "ul"
]) | formulas.TAGS  # fmt: skip
ATTRIBUTES: Mapping[str, set[str]] = {
    "a": {"href", "title"},
    "ol": {"start"},
    "td": {"align"},
    "th": {"align"},
    "annotation": {"encoding"},
    **{tag: set(names) for tag, names in formulas.ATTRIBUTES.items()},
}
SCHEMES = frozenset({"http", "https", "mailto"})

MAX_CODE_CHARS = 40_000
"""Characters of code that are highlighted in one text; code after that stays plain."""

MAX_FORMULA_CHARS = 8_000
"""Characters of formulas that become MathML in one text; formulas after that stay LaTeX."""

_SURROGATES = re.compile("[\ud800-\udfff]")
_CLOSINGS = {"$": "$", "$$": "$$", "\\(": "\\)", "\\[": "\\]"}


def markdown_to_html(text: str) -> str:
    """Return Markdown as a safe HTML fragment without ids, classes, scripts or remote images."""
    # Halves of a character cannot be encoded: nh3 would fail on them.
    whole = _SURROGATES.sub("\ufffd", text)
    return _build_cleaner().clean(_build_parser().render(whole, {}))


@functools.cache
def _build_cleaner() -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=set(TAGS),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        url_schemes=set(SCHEMES),
        url_relative="deny",
        link_rel="noopener noreferrer",
    )


@functools.cache
def _build_parser() -> MarkdownIt:
    # Far above the depth where `parse_too_deep` steps in, since beyond maxNesting text is dropped.
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 3 * markdown_rules.MAX_DEPTH})
    parser.enable(["table", "strikethrough"]).disable(["lheading", "html_block", "html_inline"])
    parser.normalizeLink = markdown_rules.normalize_link  # type: ignore[method-assign]
    parser.validateLink = markdown_rules.is_safe_link  # type: ignore[method-assign]
    # The helpers are a module that all parsers share: a function replaced in
    # it would change them all.
    parser.helpers = SimpleNamespace(  # type: ignore[assignment]
        parseLinkLabel=markdown_rules.find_label_end,
        parseLinkDestination=helpers.parseLinkDestination,
        parseLinkTitle=helpers.parseLinkTitle,
    )
    blocks, inlines = parser.block.ruler, parser.inline.ruler
    blocks.at("reference", markdown_rules.parse_definition)
    blocks.at("paragraph", markdown_rules.parse_paragraph)
    # `at` forgets which blocks a rule may interrupt, so they are listed again.
    blocks.at("table", markdown_rules.parse_table, {"alt": ["paragraph", "reference"]})
    blocks.before("table", "too_deep", markdown_rules.parse_too_deep)
    blocks.before(
        "fence",
        "formula",
        markdown_rules.parse_block_formula,
        {"alt": ["paragraph", "blockquote"]},
    )
    inlines.at("text", markdown_rules.parse_text)
    inlines.before("escape", "formula", markdown_rules.parse_inline_formula)
    parser.core.ruler.at("inline", markdown_rules.parse_inline)
    for name, rule in _RENDER_RULES.items():
        parser.add_render_rule(name, rule)
    return parser


def _take_from_budget(env: Any, name: str, size: int, limit: int) -> bool:
    """True if something of this size may still be rendered in full; counts it if so."""
    spent = env.get(name, 0) + size
    if spent > limit:
        return False
    env[name] = spent
    return True


def _render_formula(
    _: RendererHTML, tokens: Sequence[Token], at: int, __: object, env: object
) -> str:
    token = tokens[at]
    is_display = token.markup in ("$$", "\\[")
    mathml = None
    if _take_from_budget(env, "formula_chars", len(token.content), MAX_FORMULA_CHARS):
        mathml = formulas.latex_to_mathml(token.content, is_display)
    # Neither MathJax nor KaTeX reads inside code.
    drawn = mathml or f"<code>{html.escape(_formula_source(token), quote=False)}</code>"
    return f"<p>{drawn}</p>\n" if token.block else drawn


def _formula_source(token: Token) -> str:
    return f"{token.markup}{token.content}{_CLOSINGS[token.markup]}"


def _render_text(_: RendererHTML, tokens: Sequence[Token], at: int, *__: object) -> str:
    return break_math(html.escape(tokens[at].content, quote=False))


def _render_image(_: RendererHTML, tokens: Sequence[Token], at: int, *__: object) -> str:
    """Return a link in place of the image: loading its address could leak the conversation."""
    token = tokens[at]
    label = _write_label(token.children or ()) or "image"
    address = html.escape(str(token.attrGet("src") or ""))
    title = html.escape(str(token.attrGet("title") or ""))
    hint = f' title="{title}"' if title else ""
    return f'<a href="{address}"{hint}>{break_math(html.escape(label))} (image)</a>'


def _write_label(tokens: Sequence[Token]) -> str:
    """Return an image's label as plain text; markdown-it's own way drops code and formulas."""
    return "".join(map(_label_part, tokens))


def _label_part(token: Token) -> str:
    if token.type == "image":
        return _write_label(token.children or ())
    if token.type in ("softbreak", "hardbreak"):
        return "\n"
    return _formula_source(token) if token.type == "formula" else token.content


def _render_code(_: RendererHTML, tokens: Sequence[Token], at: int, __: object, env: object) -> str:
    """Return a code block below the words after its fence, as the live view has them."""
    token = tokens[at]
    info = token.info.strip()
    language = info.split()[0] if info else ""
    marked = None
    if _take_from_budget(env, "code_chars", len(token.content), MAX_CODE_CHARS):
        marked = highlight_code(token.content, language)
    if marked is None:
        marked = html.escape(token.content, quote=False)
    head = f"<div><i>{break_math(html.escape(info, quote=False))}</i></div>" if info else ""
    return f"{head}<pre><code>{marked}</code></pre>\n"


def _render_source(_: RendererHTML, tokens: Sequence[Token], at: int, *__: object) -> str:
    return f"<pre>{html.escape(tokens[at].content, quote=False)}</pre>\n"


_RENDER_RULES: Mapping[str, Callable[..., str]] = {
    "formula": _render_formula,
    "text": _render_text,
    "image": _render_image,
    "fence": _render_code,
    "code_block": _render_code,
    "source": _render_source,
}
