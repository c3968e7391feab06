"""What a notebook keeps of an answer: static, safe text and HTML, and where it came from."""

import json
import re
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from hfwidgets.errors import OutputError, redacted
from hfwidgets.magics import media_files, schema
from hfwidgets.magics.build_call import CHAT, Call
from hfwidgets.magics.media_files import Bundle
from hfwidgets.magics.schema import bare
from hfwidgets.notebook import Listing
from hfwidgets.results import Meta
from hfwidgets.results import table as tables

_FENCE = re.compile(
    r"^(`{3,}|~{3,})[ \t]*([\w+#.-]*)[^\n]*\n(.*?)^\1[ \t]*$", re.DOTALL | re.MULTILINE
)


def text_of(result: Any) -> str | None:
    """The text that a result is or holds; None for one that is no text."""
    if isinstance(result, str):
        return str(result)
    text = getattr(result, "text", None)
    return text if isinstance(text, str) else None


def running(call: Call, text: str, form: str, note: str | None) -> Bundle:
    """The view of an answer that is still arriving."""
    plain = text or note or "…"
    foot = escape(note) if note else "…"
    return _bundle(plain, _html(_live_form(call, form), text) if text else "", foot)


def _live_form(call: Call, form: str) -> str:
    rich = form == "markdown" or (form == "auto" and call.task.name == CHAT and call.shape is None)
    return "markdown" if rich else "text"


def finished(
    call: Call, result: Any, form: str, *, note: str | None = None, verbose: bool = False
) -> Bundle:
    """The view that stays.

    Raises:
        OutputError: the result has no such form.
    """
    meta = getattr(result, "meta", None)
    made = _view(call, result, form)
    details = _details(meta) if meta and verbose else []
    summary = meta.summary() if meta else None
    foot = list(filter(None, [note, summary, *details]))
    tail = foot if verbose else list(filter(None, [note, _recorded(meta)]))
    plain = "\n".join(filter(None, [made["text/plain"], *tail]))
    below = [line for line in foot if line != summary or not _signed(made)]
    return {**made, **_bundle(plain, made["text/html"], "<br>".join(map(escape, below)))}


def _signed(made: Bundle) -> bool:
    """Whether a view is a result's own, which says itself where it came from."""
    return str(made["text/html"]).startswith('<div class="hfw-result">')


def _recorded(meta: Meta | None) -> str | None:
    """When an answer was recorded, for one that was: said where nothing else about it is."""
    return f"(recorded on {meta.recorded:%Y-%m-%d})" if meta and meta.recorded else None


def _bundle(plain: str, html: str, foot: str) -> Bundle:
    small = f'<div style="opacity:.7;font-size:90%">{foot}</div>' if foot else ""
    return {"text/plain": plain, "text/html": f'<div class="hfw-result">{html}{small}</div>'}


def _view(call: Call, result: Any, form: str) -> Bundle:
    if call.shape is not None and form == "auto":
        form = "table" if schema.gives_rows(call.shape) else "json"
    if form in media_files.KINDS:
        return media_files.view(result, form)
    if form in _AS_DATA:
        plain, html = _AS_DATA[form](result)
        return {"text/plain": plain, "text/html": html}
    text = text_of(result)
    if text is None or (form == "auto" and getattr(result, "chunks", None)):
        return _own(result, form)
    form = _live_form(call, form) if form == "auto" else form
    plain = _as_code(text)[1] if form == "code" else text
    return {"text/plain": plain, "text/html": _html(form, text)}


def _own(result: Any, form: str) -> Bundle:
    """The result's own view."""
    if form != "auto":
        raise OutputError(
            f"A {type(result).__name__} is no text and has no {form} view. "
            f"Use -f auto, json, table or raw{_media_forms(result)}."
        )
    if media_files.kind_of(result) == "image":
        return media_files.picture(result)
    show = getattr(result, "_repr_mimebundle_", None)
    made = dict(show()) if show else {"text/plain": repr(result)}
    made.setdefault("text/html", _paragraph(made["text/plain"]))
    return made


def _media_forms(result: Any) -> str:
    return "".join(f", or {kind}" for kind in media_files.KINDS if media_files.found(result, kind))


def _html(form: str, text: str) -> str:
    return _AS_HTML[form](text)


def _paragraph(text: str) -> str:
    return f'<div style="white-space:pre-wrap">{escape(text)}</div>'


def _markdown(text: str) -> str:
    from hfwidgets.results import markdown

    return markdown.to_html(text)


def _code(text: str) -> str:
    language, code = _as_code(text)
    marks = "`" * (2 + max([1, *(len(run) for run in re.findall(r"`+", code))]))
    return _markdown(f"{marks}{language}\n{code}\n{marks}")


def _math(text: str) -> str:
    inner = re.sub(r"^\s*(```\w*|\$\$|\\\[)|(```|\$\$|\\\])\s*$", "", text).strip()
    return _markdown(f"$$\n{inner}\n$$")


def _sanitised(text: str) -> str:
    """A model's HTML with plain elements only: no script, style, link target, picture or id."""
    import nh3

    return str(nh3.clean(text, tags=_PLAIN_TAGS, attributes={}))


_PLAIN_TAGS = set(
    """b blockquote br code dd del div dl dt em h1 h2 h3 h4 h5 h6 hr i ins kbd li ol p pre q s samp
    small span strong sub sup table tbody td tfoot th thead tr u ul var""".split()  # noqa: SIM905
)

_AS_HTML: dict[str, Callable[[str], str]] = {
    "text": _paragraph,
    "markdown": _markdown,
    "code": _code,
    "math": _math,
    "html": _sanitised,
}


def _as_code(text: str) -> tuple[str, str]:
    """Language and code of the fenced blocks in a text; all of it where there is no fence."""
    found = _FENCE.findall(text)
    if not found:
        return "", text.strip("\n")
    return found[0][1], "\n\n".join(code.rstrip("\n") for _, _, code in found)


def code_of(text: str) -> str:
    """The code in an answer."""
    return _as_code(text)[1]


def _json(result: Any) -> tuple[str, str]:
    text = text_of(result)
    data = result if text is None else _parsed(text, "json")
    plain = json.dumps(data, ensure_ascii=False, indent=2, default=_plain)
    return plain, _code(f"```json\n{plain}\n```")


def _raw(result: Any) -> tuple[str, str]:
    plain = json.dumps(result, ensure_ascii=False, indent=2, default=_plain)
    return plain, _paragraph(plain)


def _table(result: Any) -> tuple[str, str]:
    text = text_of(result)
    rows = result if text is None else _parsed(text, "table")
    if isinstance(rows, Mapping):
        rows = rows["rows"] if list(rows) == ["rows"] else [rows]
    if not isinstance(rows, list) or (text and not all(isinstance(r, Mapping) for r in rows)):
        raise OutputError("The answer is no list of objects with named values, so it is no table.")
    rows = tables.rows(rows)
    names = list(dict.fromkeys(name for row in rows for name in row))
    listing = Listing(({name: row.get(name) for name in names} for row in rows), "No rows.")
    return str(listing), listing._repr_mimebundle_()["text/html"]


def _parsed(text: str, form: str) -> Any:
    try:
        return json.loads(bare(text))
    except ValueError as error:
        raise OutputError(f"The answer is no JSON, so it has no {form} view: {error}.") from None


def _plain(value: Any) -> Any:
    """A value that is no JSON as one: arrays as lists, dataclasses and models by their fields."""
    for name in ("tolist", "model_dump"):
        if callable(method := getattr(value, name, None)):
            return method()
    return dict(vars(value)) if hasattr(value, "__dataclass_fields__") else repr(value)


_AS_DATA: dict[str, Callable[[Any], tuple[str, str]]] = {
    "json": _json,
    "raw": _raw,
    "table": _table,
}


def _details(meta: Meta) -> list[str]:
    """What `-v` adds: first token, token counts, the server's own times, the request's name."""
    usage = meta.usage
    first, request = meta.first_token_seconds, meta.request_id
    found = [
        f"first token after {first:.2f} s" if first is not None else None,
        f"{usage.prompt_tokens} tokens in, {usage.completion_tokens} out" if usage else None,
        *(f"{name} {seconds:.3f} s" for name, seconds in meta.timings.items()),
        f"request {request}" if request else None,
    ]
    return [line for line in found if line]


def metadata(call: Call, result: Any, *, stopped: bool = False) -> dict[str, Any]:
    """What the notebook keeps beside the view; no token, header, path or input is in it."""
    meta = getattr(result, "meta", None)
    known = {
        "task": call.task.name,
        "model": (meta.model if meta else None) or call.model,
        "provider": meta.provider if meta else call.settings.get("provider"),
        "params": {name: _kept(value) for name, value in call.params.items()},
        "seconds": round(meta.seconds, 3) if meta else None,
        "input": f"sha256:{call.fingerprint()}",
        "stopped": stopped or None,
    }
    return {"hfwidgets": {name: value for name, value in known.items() if value is not None}}


def _kept(value: Any) -> Any:
    """A parameter as the notebook keeps it: numbers and short words; anything else by its kind."""
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, str) and len(value) <= 200:
        return redacted(value)
    return f"<{type(value).__name__}>"
