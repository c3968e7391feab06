"""A conversation as static HTML that reads anywhere: no script, no style, nothing from afar."""

import base64
from html import escape

from hfwidgets.panels.conversation import Entries, Entry
from hfwidgets.results import markdown

SPEAKERS = {"user": "You", "assistant": "Assistant", "tool": "Tool", "system": "System"}
MAX_EXCERPT_LENGTH = 200
MAX_IMAGE_BYTES = 1_000_000
"""Bytes of a picture that is still kept in the notebook file."""


class ChatTranscript:
    """Writes conversations, each message once: a long conversation costs only what is new."""

    def __init__(self) -> None:
        self._rendered_entries: dict[tuple[int, str], str] = {}

    def render(self, entries: Entries, system: str | None, name: str) -> tuple[str, str]:
        """The conversation as safe HTML and as plain text; `name` stands for an empty one."""
        if not entries:
            return f"<p>{escape(name)}: run this cell for a live panel.</p>", name
        self._rendered_entries = {
            self._entry_key(e): self._rendered_entries.get(self._entry_key(e)) or _render_entry(e)
            for e in entries
        }
        head = _render_part("System", f"<p>{escape(system)}</p>") if system else ""
        return head + "".join(
            self._rendered_entries.values()
        ), f"{name}\n{_plain_excerpt(entries[-1])}"

    @staticmethod
    def _entry_key(entry: Entry) -> tuple[int, str]:
        return entry.number, entry.note


def _plain_excerpt(entry: Entry) -> str:
    """The beginning of a message: whoever reads plain text has a line, and the file stays small."""
    text = " ".join(entry.text.split())
    return (
        f"{_speaker_name(entry)}: "
        f"{text[:MAX_EXCERPT_LENGTH]}{'…' if len(text) > MAX_EXCERPT_LENGTH else ''}"
    )


def _speaker_name(entry: Entry) -> str:
    role = str(entry.message["role"])
    return SPEAKERS.get(role, role)


def _render_entry(entry: Entry) -> str:
    said = markdown.markdown_to_html(entry.text)
    if entry.message["role"] == "user":
        said = f'<div style="white-space:pre-wrap">{escape(entry.text)}</div>'
    calls = "".join(
        f"<p>Tool call <code>{escape(call['name'])}({escape(call['arguments'])})</code></p>"
        for call in entry.tool_calls
    )
    note = f"<p><em>{escape(entry.note)}</em></p>" if entry.note else ""
    pictures = "".join(_render_image(content, kind) for content, kind in entry.images)
    return _render_part(_speaker_name(entry), pictures + said + calls + note)


def _render_part(speaker: str, body: str) -> str:
    return f'<div style="margin:0 0 1em"><b>{escape(speaker)}</b>{body}</div>'


def _render_image(content: bytes, kind: str) -> str:
    if len(content) > MAX_IMAGE_BYTES or not kind.startswith("image/"):
        return f"<p>[a picture of {len(content):,} bytes]</p>"
    source = f"data:{escape(kind)};base64,{base64.b64encode(content).decode()}"
    return f'<img alt="attached picture" style="max-width:320px" src="{source}">'
