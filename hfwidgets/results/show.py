"""Static, safe representations of results: plain text and HTML without a kernel or scripts."""

from typing import Any

from hfwidgets.core.meta import Meta

MAX_REPR_LENGTH = 200


def escape_html(text: str) -> str:
    """Return a text with HTML's special characters escaped."""
    import html  # loads all of HTML's entities, which are not needed before something is shown

    return html.escape(text)


def short_repr(value: Any) -> str:
    """Return a repr of about 200 characters at most; bytes are only counted, images measured."""
    if isinstance(value, bytes):
        return f"<{len(value):,} bytes>"
    if hasattr(value, "getbbox") and hasattr(value, "width"):
        return f"<{value.width} x {value.height}>"
    text = repr(value)
    return shorten(text, len(value)) if isinstance(value, str) else text


def shorten(text: str, length: int | None = None) -> str:
    """Return a text's start and its length; short texts unchanged."""
    if len(text) <= MAX_REPR_LENGTH:
        return text
    return f"{text[:MAX_REPR_LENGTH]}… ({length or len(text):,} characters)"


def mime_bundle(plain: str, html: str, meta: Meta | None) -> dict[str, Any]:
    """Return the static forms of a result that a notebook stores."""
    foot = (
        f'<div style="opacity:.7;font-size:90%">{escape_html(meta.summary())}</div>' if meta else ""
    )
    return {"text/plain": plain, "text/html": f'<div class="hfw-result">{html}{foot}</div>'}


def paragraph_html(text: str) -> str:
    """Return a text with its line breaks as safe HTML."""
    return f'<div style="white-space:pre-wrap">{escape_html(text)}</div>'
