"""Static, safe representations of results: plain text and HTML without a kernel or scripts."""

import re
from collections.abc import Callable
from typing import Any

from hfwidgets.core.meta import Meta
from hfwidgets.core.surrogates import repair_text

MAX_REPR_LENGTH = 200

NO_MATH_CLASSES = "mathjax_ignore tex2jax_ignore"
"""Classes of HTML that MathJax (versions 3 and 2) leaves alone."""

RESULT_CLASSES = f"hfw-result {NO_MATH_CLASSES}"

_MATH_SIGNS = re.compile(r"[$\\]")


def escape_html(text: str) -> str:
    """Return a text as the content of an HTML element, which no other interpreter reads.

    JupyterLab runs MathJax over the HTML of outputs: a label of a model could become a link, or
    paint over its neighbors. Attributes need `escape_attribute`.
    """
    return break_math(escape_attribute(text))


def escape_attribute(text: str) -> str:
    """Return a text as the value of an HTML attribute."""
    import html  # loads all of HTML's entities, which are not needed before something is shown

    return html.escape(text)


def break_math(escaped: str) -> str:
    """Return escaped HTML in which no formula of MathJax or KaTeX can begin.

    Both look for their delimiters in the text between two tags: a dollar sign or backslash in a
    tag by itself is never part of one.
    """
    return _MATH_SIGNS.sub(r"<span>\g<0></span>", escaped)


def short_repr(value: Any) -> str:
    """Return a repr of about 200 characters at most; bytes are only counted, images measured."""
    if isinstance(value, bytes):
        return f"<{len(value):,} bytes>"
    if hasattr(value, "getbbox") and hasattr(value, "width"):
        return f"<{value.width} x {value.height}>"
    try:
        text = repr(value)
    except Exception as error:  # nested too deeply, or an object whose repr fails
        return f"<{type(value).__name__} without a repr: {type(error).__name__}>"
    return shorten(text, len(value)) if isinstance(value, str) else text


def shorten(text: str, length: int | None = None) -> str:
    """Return a text's start and its length; short texts unchanged."""
    if len(text) <= MAX_REPR_LENGTH:
        return text
    return f"{text[:MAX_REPR_LENGTH]}… ({length or len(text):,} characters)"


def mime_bundle(plain: str, html: str, meta: Meta | None) -> dict[str, Any]:
    """Return the static forms of a result that a notebook stores."""
    foot = (
        f'<div style="opacity:.7;font-size:90%">{escape_html(meta.origin())}</div>' if meta else ""
    )
    markup = f'<div class="{RESULT_CLASSES}">{html}{foot}</div>'
    return {"text/plain": repair_text(plain), "text/html": repair_text(markup)}


def show_result(
    write_text: Callable[[], str], write_html: Callable[[], str], meta: Meta | None
) -> dict[str, Any]:
    """Return the static forms of a result that may hold anything a server can send.

    A form that cannot be written is replaced: a notebook must show that there is a result.

    Args:
        write_text: Writes the plain text.
        write_html: Writes safe HTML.
        meta: The origin of the result.
    """
    try:
        plain = write_text()
    except Exception as error:
        plain = f"<a result that cannot be shown: {type(error).__name__}>"
    try:
        html = write_html()
    except Exception:
        html = paragraph_html(plain)
    return mime_bundle(plain, html, meta)


def paragraph_html(text: str) -> str:
    """Return a text with its line breaks as safe HTML."""
    return f'<div dir="auto" style="white-space:pre-wrap">{escape_html(text)}</div>'
