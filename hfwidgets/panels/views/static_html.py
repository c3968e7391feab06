"""A panel's last result as static HTML that reads anywhere: no script, nothing from elsewhere."""

from typing import TYPE_CHECKING

from hfwidgets import errors
from hfwidgets.panels.document.outputs import StaticForm, empty_form
from hfwidgets.panels.document.protocol import View
from hfwidgets.panels.views import previews
from hfwidgets.panels.views.comparison_view import view_html
from hfwidgets.panels.views.empty_results import DEFAULT_EMPTY_TEXT, empty_text
from hfwidgets.panels.views.history import HistoryItem, HistorySource
from hfwidgets.panels.views.nothing_view import NothingView
from hfwidgets.panels.views.parts import (
    MAX_EXCERPT_LENGTH,
    result_html,
    thumbnail_html,
    value_html,
)
from hfwidgets.panels.views.registry import view_kind
from hfwidgets.panels.views.table_view import TableView
from hfwidgets.panels.views.video_view import VideoView
from hfwidgets.results import overlay
from hfwidgets.results.audio import Audio, player_html
from hfwidgets.results.show import escape_html
from hfwidgets.tasks import BaseTask, controls

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_AUDIO_BYTES = 512 << 10
"""The largest input audio that is kept, in bytes; that of a result is in `results.audio`."""

KINDS_WITH_INPUT = frozenset({"boxes", "masks", "spans", "cells", "predictions"})
"""Views that show the input they are drawn on."""


def render_static_html(task: BaseTask, item: HistoryItem | None, name: str) -> StaticForm:
    """Render the last run for where no kernel answers; `name` stands for a panel without one."""
    if item is None:
        return empty_form(name)
    source = item.source.get()
    # A view that is drawn on its input shows it already.
    inputs = ""
    if view_kind(item.view) not in KINDS_WITH_INPUT:
        inputs = "".join(
            _input_html(name, value, task.controls.get(name))
            for name, value in source.inputs.items()
        )
    body = f"<p><b>{escape_html(task.label)}</b></p>{inputs}{_view_html(task, item.view, source)}"
    text = f"{name}\n{_plain_text(item.view, source.result)}"
    return StaticForm(body, text, _render_png(source.result))


def _render_png(result: object) -> bytes | None:
    """Return a result that is an image, or is drawn on one, as a PNG of at most 800 pixels."""
    try:
        image = result if previews.is_image(result) else getattr(result, "image", None)
        return overlay.encode_png(overlay.fit_image(image)[0]) if previews.is_image(image) else None
    except Exception:  # the input is gone, or a box is odd: the HTML says what there is
        return None


def _view_html(task: BaseTask, view: View, source: HistorySource) -> str:
    if isinstance(view, NothingView):
        text = view.text or empty_text(task) or DEFAULT_EMPTY_TEXT
        return f"<p>{escape_html(text)}</p>"
    if isinstance(view, VideoView) and source.poster is not None:
        return _video_html(result_html(source.result), source.poster)
    return view_html(view, source.result)


def _video_html(player: str, poster: "Image") -> str:
    """Put a video's first frame where it is seen if players are removed, or none was embedded."""
    frame = overlay.image_html(overlay.fit_image(poster)[0], "The first frame of the video")
    head, tag, rest = player.partition("</video>")
    return f"{head}{frame}{tag}{rest}" if tag else f"<figure>{frame}</figure>{player}"


def _plain_text(view: View, result: object) -> str:
    text = getattr(result, "text", None)
    if not isinstance(text, str):
        return repr(result)[:MAX_EXCERPT_LENGTH]
    rest = view.rest.columns if isinstance(view.rest, TableView) else {}
    others = (f"{name}: {cells[0]}" for name, cells in rest.items())
    return "\n".join([text[:MAX_EXCERPT_LENGTH], *others])


def _input_html(name: str, value: object, control: controls.Control | None) -> str:
    """Render an input. Media given by path are embedded, and the path is left out."""
    if not isinstance(control, controls.MediaInput) or _is_web_url(value):
        return value_html(name, value)
    return thumbnail_html(name, value) if control.kind == "image" else _audio_html(value)


def _is_web_url(value: object) -> bool:
    return isinstance(value, str) and value.startswith(("http://", "https://"))


def _audio_html(value: object) -> str:
    """Render a player for short audio."""
    try:
        audio = Audio(previews.load_media(value, "audio").read())
    except errors.HfWidgetsError:
        return ""
    if len(audio) > MAX_AUDIO_BYTES:
        return ""
    return player_html(audio, audio.mime, "audio", MAX_AUDIO_BYTES)
