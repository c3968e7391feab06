"""Renders what a notebook stores of an answer: safe, static text and HTML, and its origin."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from hfwidgets.errors import OutputError, redact
from hfwidgets.magics import media_files, schema
from hfwidgets.magics.build_call import CHAT, MagicCall
from hfwidgets.magics.media_files import Bundle
from hfwidgets.magics.schema import strip_code_fence
from hfwidgets.notebook import Listing
from hfwidgets.results import Meta, html_table
from hfwidgets.results import table as tables
from hfwidgets.results.differences import read_text
from hfwidgets.results.record import TextRecord
from hfwidgets.results.show import RESULT_CLASSES, escape_html

# A fence closes with the same mark, as in Markdown; an unclosed one is not a block.
_FENCE = re.compile(
    r"^(`{3,}|~{3,})[ \t]*([\w+#.-]*)[^\n]*\n(.*?)^\1[ \t]*$", re.DOTALL | re.MULTILINE
)


def render_progress(call: MagicCall, text: str, form: str, note: str | None) -> Bundle:
    """Return the view of an answer that is still arriving."""
    plain = text or note or "…"
    foot = escape_html(note) if note else "…"
    return _build_bundle(plain, _to_html(_choose_live_form(call, form), text) if text else "", foot)


def _choose_live_form(call: MagicCall, form: str) -> str:
    # A reply of a shape arrives as JSON, which Markdown would reflow while it grows.
    rich = form == "markdown" or (form == "auto" and call.task.name == CHAT and call.shape is None)
    return "markdown" if rich else "text"


def render_result(
    call: MagicCall, result: object, form: str, *, note: str | None = None, verbose: bool = False
) -> Bundle:
    """Return the view that stays.

    Raises:
        OutputError: the result cannot be shown in this form.
    """
    meta = getattr(result, "meta", None)
    made = _build_view(call, result, form)
    details = _format_details(meta) if meta and verbose else []
    summary = meta.origin() if meta else None
    foot = list(filter(None, [note, summary, *details]))
    tail = foot if verbose else list(filter(None, [note, _format_recorded_date(meta)]))
    plain = "\n".join(filter(None, [made["text/plain"], *tail]))
    below = [line for line in foot if line != summary or not _is_result_view(made)]
    return {**made, **_build_bundle(plain, made["text/html"], "<br>".join(map(escape_html, below)))}


def _is_result_view(made: Bundle) -> bool:
    """True if a view is a result's own, which names its origin itself."""
    return str(made["text/html"]).startswith(f'<div class="{RESULT_CLASSES}">')


def _format_recorded_date(meta: Meta | None) -> str | None:
    """Return when an answer was recorded; shown even where nothing else about it is."""
    return f"(recorded on {meta.recorded:%Y-%m-%d})" if meta and meta.recorded else None


def _build_bundle(plain: str, html: str, foot: str) -> Bundle:
    small = f'<div style="opacity:.7;font-size:90%">{foot}</div>' if foot else ""
    return {"text/plain": plain, "text/html": f'<div class="{RESULT_CLASSES}">{html}{small}</div>'}


def _build_view(call: MagicCall, result: Any, form: str) -> Bundle:
    if call.shape is not None and form == "auto":
        form = "table" if schema.is_row_shape(call.shape) else "json"
    if form in media_files.MEDIA_KINDS:
        return media_files.render_media(result, form)
    if form in _DATA_VIEWS:
        plain, html = _DATA_VIEWS[form](result)
        return {"text/plain": plain, "text/html": html}
    text = read_text(result)
    # A transcript with times has a view of its own, though it is text too.
    if text is None or (form == "auto" and getattr(result, "chunks", None)):
        return _build_own_view(result, form)
    others = result.fields_beyond_text() if isinstance(result, TextRecord) else {}
    if form == "auto" and others:
        lines = (f"{name}: {html_table.format_cell(value)}" for name, value in others.items())
        return {"text/plain": "\n".join([text, *lines]), "text/html": result._html_()}
    form = _choose_live_form(call, form) if form == "auto" else form
    plain = _split_code(text)[1] if form == "code" else text
    return {"text/plain": plain, "text/html": _to_html(form, text)}


def _build_own_view(result: object, form: str) -> Bundle:
    """Return the result's own view."""
    if form != "auto":
        raise OutputError(
            f"A {type(result).__name__} is not text and has no {form} view. "
            f"Use -f auto, json, table or raw{_format_media_forms(result)}."
        )
    if media_files.media_kind(result) == "image":
        return media_files.render_image(result)
    show = getattr(result, "_repr_mimebundle_", None)
    made = dict(show()) if show else {"text/plain": repr(result)}
    made.setdefault("text/html", _paragraph_html(made["text/plain"]))
    return made


def _format_media_forms(result: object) -> str:
    return "".join(
        f", or {kind}" for kind in media_files.MEDIA_KINDS if media_files.find_media(result, kind)
    )


def _to_html(form: str, text: str) -> str:
    return _HTML_WRITERS[form](text)


def _paragraph_html(text: str) -> str:
    return f'<div style="white-space:pre-wrap">{escape_html(text)}</div>'


def _markdown_html(text: str) -> str:
    from hfwidgets.results import markdown

    return markdown.markdown_to_html(text)


def _code_html(text: str) -> str:
    language, code = _split_code(text)
    # The fence must be longer than any run of backquotes in the code.
    marks = "`" * (2 + max([1, *(len(run) for run in re.findall(r"`+", code))]))
    return _markdown_html(f"{marks}{language}\n{code}\n{marks}")


def _math_html(text: str) -> str:
    inner = re.sub(r"^\s*(```\w*|\$\$|\\\[)|(```|\$\$|\\\])\s*$", "", text).strip()
    return _markdown_html(f"$$\n{inner}\n$$")


def _sanitize_html(text: str) -> str:
    """Return a model's HTML with plain elements only: no script, style, link, image or id."""
    import nh3

    # JupyterLab trusts the outputs of cells that it ran and does not sanitize them; an image's
    # address alone could carry data away.
    return str(nh3.clean(text, tags=_PLAIN_TAGS, attributes={}))


_PLAIN_TAGS = set(
    """b blockquote br code dd del div dl dt em h1 h2 h3 h4 h5 h6 hr i ins kbd li ol p pre q s samp
    small span strong sub sup table tbody td tfoot th thead tr u ul var""".split()  # noqa: SIM905
)

_HTML_WRITERS: dict[str, Callable[[str], str]] = {
    "text": _paragraph_html,
    "markdown": _markdown_html,
    "code": _code_html,
    "math": _math_html,
    "html": _sanitize_html,
}


def _split_code(text: str) -> tuple[str, str]:
    """Return language and code of the fenced blocks in a text; all of it without a fence."""
    found = _FENCE.findall(text)
    if not found:
        return "", text.strip("\n")
    return found[0][1], "\n\n".join(code.rstrip("\n") for _, _, code in found)


def extract_code(text: str) -> str:
    """Return the code in an answer."""
    return _split_code(text)[1]


def _json_view(result: object) -> tuple[str, str]:
    text = read_text(result)
    data = result if text is None else _parse_json(text, "json")
    plain = json.dumps(data, ensure_ascii=False, indent=2, default=_to_plain_value)
    return plain, _code_html(f"```json\n{plain}\n```")


def _raw_view(result: object) -> tuple[str, str]:
    plain = json.dumps(result, ensure_ascii=False, indent=2, default=_to_plain_value)
    return plain, _paragraph_html(plain)


def _table_view(result: object) -> tuple[str, str]:
    text = read_text(result)
    rows = result if text is None else _parse_json(text, "table")
    if isinstance(rows, Mapping):
        # Under this name schema.py wraps rows, since servers want an object at the root.
        rows = rows["rows"] if list(rows) == ["rows"] else [rows]
    if not isinstance(rows, list) or (text and not all(isinstance(r, Mapping) for r in rows)):
        raise OutputError(
            "The answer is not a list of objects with named values, so it has no table view."
        )
    rows = tables.flat_rows(rows)
    names = list(dict.fromkeys(name for row in rows for name in row))
    listing = Listing(({name: row.get(name) for name in names} for row in rows), "No rows.")
    return str(listing), listing._repr_mimebundle_()["text/html"]


def _parse_json(text: str, form: str) -> Any:
    try:
        return json.loads(strip_code_fence(text))
    except ValueError as error:
        raise OutputError(f"The answer is not JSON, so it has no {form} view: {error}.") from None


def _to_plain_value(value: object) -> Any:
    """Return a value as JSON: arrays as lists, dataclasses and models by their fields."""
    for name in ("tolist", "model_dump"):
        if callable(method := getattr(value, name, None)):
            return method()
    return dict(vars(value)) if hasattr(value, "__dataclass_fields__") else repr(value)


_DATA_VIEWS: dict[str, Callable[[Any], tuple[str, str]]] = {
    "json": _json_view,
    "raw": _raw_view,
    "table": _table_view,
}


def _format_details(meta: Meta) -> list[str]:
    """Return the lines of `-v`: first token, token counts, the server's times, the request id."""
    usage = meta.usage
    first, request = meta.first_token_seconds, meta.request_id
    found = [
        f"first token after {first:.2f} s" if first is not None else None,
        f"{usage.prompt_tokens} tokens in, {usage.completion_tokens} out" if usage else None,
        *(f"{name} {seconds:.3f} s" for name, seconds in meta.timings.items()),
        f"request {request}" if request else None,
    ]
    return [line for line in found if line]


def build_metadata(call: MagicCall, result: object, *, stopped: bool = False) -> dict[str, Any]:
    """Return what the notebook stores with the view; no token, header, path or input is in it."""
    meta = getattr(result, "meta", None)
    known = {
        "task": call.task.name,
        "model": (meta.model if meta else None) or call.model,
        "provider": meta.provider if meta else call.settings.get("provider"),
        "params": {name: _summarize_parameter(value) for name, value in call.params.items()},
        "input": f"sha256:{call.fingerprint()}",
        "stopped": stopped or None,
    }
    return {"hfwidgets": {name: value for name, value in known.items() if value is not None}}


def _summarize_parameter(value: object) -> Any:
    """Return a parameter for the notebook: numbers and short texts; anything else by its type."""
    if isinstance(value, bool | int | float):
        return value
    # A longer text may be a prompt, and the notebook's metadata holds no input.
    if isinstance(value, str) and len(value) <= 200:
        return redact(value)
    return f"<{type(value).__name__}>"
