"""LaTeX as MathML that browsers draw by themselves, from a short list of elements and attributes.

Model text is untrusted: links, classes, styles, colors and anything that could paint over its
neighbors are dropped. The LaTeX source is kept inside, as an annotation.
"""

import functools
import html
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MAX_FORMULA_CHARS = 1_000
"""Characters; a longer formula stays LaTeX."""

MAX_DEPTH = 60

_WORD = re.compile(r"[a-z ]{1,40}")
_FLAG = re.compile(r"true|false")
_WIDTH = re.compile(r"-?0?\.\d{1,4}em|[012](?:\.\d{1,4})?em")
"""Spaces up to 3 em, as \\quad and \\qquad make; back by less than 1 em, as \\! does."""

ATTRIBUTES: dict[str, dict[str, re.Pattern[str]]] = {
    "math": {"display": re.compile("block|inline")},
    "menclose": {"notation": _WORD},
    "mfrac": {"linethickness": re.compile(r"0(?:px|em|pt)?")},
    "mi": {"mathvariant": re.compile("normal")},
    "mo": {
        "stretchy": _FLAG,
        "fence": _FLAG,
        "separator": _FLAG,
        "form": re.compile("prefix|infix|postfix"),
        "movablelimits": _FLAG,
        "accent": _FLAG,
        "largeop": _FLAG,
    },
    "mover": {"accent": _FLAG},
    "munder": {"accentunder": _FLAG},
    "mspace": {"width": _WIDTH, "linebreak": re.compile("newline")},
    "mstyle": {"displaystyle": _FLAG, "scriptlevel": re.compile("[0-3]")},
    "mtable": {"columnalign": _WORD},
    "mtd": {"columnalign": _WORD},
}
"""Attributes by element, each with a pattern for its whole value."""

TAGS = frozenset(ATTRIBUTES) | {
    *("annotation", "mmultiscripts", "mn", "mphantom", "mprescripts", "mroot", "mrow", "ms"),
    *("msqrt", "msub", "msubsup", "msup", "mtext", "mtr", "munderover", "none", "semantics"),
}


@functools.lru_cache(maxsize=256)
def latex_to_mathml(tex: str, is_block: bool) -> str | None:
    """Return a formula as MathML; None where it is too long, faulty or uses unknown commands."""
    if len(tex) > MAX_FORMULA_CHARS:
        return None
    from latex2mathml.converter import convert_to_element

    try:
        root = convert_to_element(tex)
        inner = "".join(_write_element(child, 0) for child in root)
    except Exception:  # half a formula raises anything, deep ones a RecursionError
        return None
    display = ' display="block"' if is_block else ""
    source = html.escape(tex, quote=False)
    return (
        f"<math{display}><semantics><mrow>{inner}</mrow>"
        f'<annotation encoding="application/x-tex">{source}</annotation></semantics></math>'
    )


def _write_element(element: "Element", depth: int) -> str:
    """Return an element as HTML; one that is not on the list becomes a plain row of its children.

    Raises:
        ValueError: a command is unknown, or the formula is nested too deeply.
    """
    if depth > MAX_DEPTH:
        raise ValueError("nested too deeply")
    # latex2mathml writes symbols as character references, and everything else unescaped.
    text = html.unescape(element.text or "")
    # latex2mathml writes commands that it does not know as text; half a formula misleads.
    if text.lstrip().startswith("\\") and len(text.strip()) > 1:
        raise ValueError(f"unknown command {text!r}")
    tag = element.tag if element.tag in TAGS else "mrow"
    allowed = ATTRIBUTES.get(element.tag, {})
    attributes = "".join(
        f' {name}="{value}"'
        for name, value in element.attrib.items()
        if name in allowed and allowed[name].fullmatch(value)
    )
    inner = "".join(_write_element(child, depth + 1) for child in element)
    return f"<{tag}{attributes}>{html.escape(text, quote=False)}{inner}</{tag}>"
