"""A panel's last result as static HTML that reads anywhere: no script, nothing from afar."""

import base64
import io
from collections.abc import Mapping
from html import escape
from typing import Any

from hfwidgets import errors
from hfwidgets.panels.form.inputs import to_text_columns
from hfwidgets.panels.views import previews
from hfwidgets.panels.views.build import empty_view
from hfwidgets.panels.views.history import HistoryItem
from hfwidgets.results import html_table, markdown, overlay
from hfwidgets.results.audio import Audio, player_html
from hfwidgets.tasks import BaseTask, controls

MAX_EXCERPT_LENGTH = 2000
"""Characters of an input text that are kept."""

THUMBNAIL_SIZE = 320
"""The longest side of an input's picture, in pixels."""

MAX_AUDIO_BYTES = 512 << 10
"""The largest input sound that is kept, in bytes; that of a result is in `results.audio`."""


def render_static_html(task: BaseTask, item: HistoryItem | None, name: str) -> tuple[str, str]:
    """The last run as safe HTML and as plain text; `name` stands for a panel that was not run."""
    if item is None:
        return f"<p>{escape(name)}: run this cell for a live panel.</p>", name
    kind = item.view["kind"]
    own = {"boxes", "masks", "spans", "cells", "predictions"}
    given = item.inputs.items()
    shown = (
        "" if kind in own else "".join(_render_input(n, v, task.controls.get(n)) for n, v in given)
    )
    body = f"<p><b>{escape(task.label)}</b></p>{shown}{_render_result(task, item)}"
    return body, f"{name}\n{_plain_text(item)}"


def _render_result(task: BaseTask, item: HistoryItem) -> str:
    view = item.view
    if view["kind"] == "nothing":
        words = view["text"] or empty_view(task)[1] or "Nothing came back."
        return f"<p>{escape(words)}</p>"
    if view["kind"] == "spans":
        return _render_spans(view) + _render_repr(item.result)
    if view["kind"] in ("cells", "predictions"):
        return _render_table(view) + _render_rest(view)
    if view["kind"] == "picture":
        words = f"picture, {view['width']} by {view['height']} pixels"
        return f"<figure>{overlay.image_html(overlay.fit_image(item.result)[0], words)}</figure>"
    if view["kind"] == "video" and item.poster is not None:
        return _render_video(_render_repr(item.result), item.poster)
    if view.get("markdown"):
        return markdown.markdown_to_html(view["text"])
    if view["kind"] == "groups":
        return "".join(map(_render_repr, item.result))
    if view["kind"] == "parts":
        return "".join(_render_part(part) for part in item.result.items())
    return _render_repr(item.result)


def _render_video(player: str, poster: Any) -> str:
    """A film with its first picture: what is seen where players are taken out, or it is large."""
    still = overlay.image_html(overlay.fit_image(poster)[0], "The first picture of the film")
    head, tag, rest = player.partition("</video>")
    return f"{head}{still}{tag}{rest}" if tag else f"<figure>{still}</figure>{player}"


def _render_part(part: tuple[str, Any]) -> str:
    name, value = part
    return f"<p>{escape(name)}</p>{_render_value(name, value) or _render_repr(value)}"


def _render_repr(result: Any) -> str:
    """A result's own static form."""
    make = getattr(result, "_repr_mimebundle_", None)
    if make is None:
        return f'<div style="white-space:pre-wrap">{escape(str(result))}</div>'
    found: Mapping[str, Any] = make()
    return str(found.get("text/html") or f"<pre>{escape(str(found.get('text/plain', '')))}</pre>")


def _plain_text(item: HistoryItem) -> str:
    text = getattr(item.result, "text", None)
    if not isinstance(text, str):
        return repr(item.result)[:MAX_EXCERPT_LENGTH]
    rest = item.view.get("rest", {}).get("columns", {})
    others = (f"{name}: {cells[0]}" for name, cells in rest.items())
    return "\n".join([text[:MAX_EXCERPT_LENGTH], *others])


def _render_input(name: str, value: Any, control: controls.Control | None) -> str:
    """An input; where a picture or sound was named by its path, what is there and not the path."""
    if not isinstance(control, controls.MediaInput) or _is_web_url(value):
        return _render_value(name, value)
    return _render_thumbnail(name, value) if control.kind == "image" else _render_audio(value)


def _is_web_url(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("http://", "https://"))


def _render_audio(value: Any) -> str:
    """A player for a short sound."""
    try:
        sound = Audio(previews.load_media(value, "audio").read())
    except errors.HfWidgetsError:
        return ""
    return (
        player_html(sound, sound.mime, "audio", MAX_AUDIO_BYTES)
        if len(sound) <= MAX_AUDIO_BYTES
        else ""
    )


def _render_value(name: str, value: Any) -> str:
    if isinstance(value, str):
        more = "…" if len(value) > MAX_EXCERPT_LENGTH else ""
        text = f"<i>{escape(name)}:</i> {escape(value[:MAX_EXCERPT_LENGTH])}{more}"
        return f'<p style="white-space:pre-wrap">{text}</p>'
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return f"<p><i>{escape(name)}:</i> {escape(', '.join(value))[:MAX_EXCERPT_LENGTH]}</p>"
    return _render_thumbnail(name, value)


def _render_thumbnail(name: str, value: Any) -> str:
    """An input picture, made small; nothing for what is no picture."""
    from hfwidgets.media import open_upright

    try:
        found = previews.load_media(value, "image")
        image = open_upright(found).convert("RGB")
    except errors.HfWidgetsError:
        return ""
    image.thumbnail((THUMBNAIL_SIZE, THUMBNAIL_SIZE))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    data = base64.b64encode(out.getvalue()).decode()
    return f'<p><img alt="{escape(name)}" src="data:image/jpeg;base64,{data}"></p>'


def _render_spans(view: Mapping[str, Any]) -> str:
    """The text with its spans marked; of spans that overlap, the first."""
    text, at, pieces = view["text"], 0, []
    for span in sorted(view["rows"], key=lambda row: row["start"]):
        if span["start"] < at:
            continue
        pieces.append(escape(text[at : span["start"]]))
        inside = escape(text[span["start"] : span["end"]])
        label = f" <small>{escape(span['label'])}</small>" if span["label"] != inside else ""
        pieces.append(f'<mark style="{html_table.MARK_STYLE}">{inside}{label}</mark>')
        at = span["end"]
    return f'<p style="white-space:pre-wrap">{"".join(pieces)}{escape(text[at:])}</p>'


def _render_rest(view: Mapping[str, Any]) -> str:
    """Return the fields that a view leaves out as a table."""
    if "rest" not in view:
        return ""
    columns = view["rest"]["columns"]
    return html_table.to_html_table(list(columns), zip(*columns.values(), strict=True))


def _render_table(view: Mapping[str, Any]) -> str:
    table: dict[str, list[Any]] = dict(to_text_columns(view["columns"]))
    if view["kind"] == "predictions":
        table["Prediction"] = view["values"]
    marked = {tuple(cell) for cell in view.get("cells", ())}
    answer = f"<p><b>{escape(view['answer'])}</b></p>" if "answer" in view else ""
    rows = zip(*table.values(), strict=True)
    return f"{answer}{html_table.to_html_table(list(table), rows, marked=marked)}"
