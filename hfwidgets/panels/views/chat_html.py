"""A conversation as static HTML that reads anywhere: no script, no style, no remote parts."""

import base64

from hfwidgets.panels.conversation import Entries, Entry
from hfwidgets.results import markdown
from hfwidgets.results.show import escape_attribute, escape_html

SPEAKERS = {"user": "You", "assistant": "Assistant", "tool": "Tool", "system": "System"}
MAX_EXCERPT_LENGTH = 200
"""Characters of the last message that the plain text has."""

MAX_IMAGE_BYTES = 1_000_000
"""The largest image that is kept in the notebook file, in bytes."""


class ChatTranscript:
    """Renders conversations, each message once: an addition costs the same at any length."""

    def __init__(self) -> None:
        self._rendered_entries: dict[tuple[int, str], str] = {}

    def render(self, entries: Entries, system: str | None, name: str) -> tuple[str, str]:
        """Render a conversation as safe HTML and as plain text; `name` stands for an empty one."""
        if not entries:
            return f"<p>{escape_html(name)}: run this cell for a live panel.</p>", name
        # Rebuilt from what is still there, so that removed messages do not stay in memory.
        self._rendered_entries = {
            self._entry_key(e): self._rendered_entries.get(self._entry_key(e)) or _render_entry(e)
            for e in entries
        }
        head = _render_part("System", f"<p>{escape_html(system)}</p>") if system else ""
        body = head + "".join(self._rendered_entries.values())
        return body, f"{name}\n{_plain_excerpt(entries[-1])}"

    @staticmethod
    def _entry_key(entry: Entry) -> tuple[int, str]:
        return entry.number, entry.note


def _plain_excerpt(entry: Entry) -> str:
    """Return the start of a message as one line, which keeps the notebook file small."""
    text = " ".join(entry.text.split())
    ellipsis = "…" if len(text) > MAX_EXCERPT_LENGTH else ""
    return f"{speaker_name(entry)}: {text[:MAX_EXCERPT_LENGTH]}{ellipsis}"


def speaker_name(entry: Entry) -> str:
    """Return the name that people read for a message's role."""
    role = str(entry.message["role"])
    return SPEAKERS.get(role, role)


def _render_entry(entry: Entry) -> str:
    # What users type is plain text; only other roles write Markdown.
    if entry.message["role"] == "user":
        text = f'<div dir="auto" style="white-space:pre-wrap">{escape_html(entry.text)}</div>'
    else:
        text = f'<div dir="auto">{markdown.markdown_to_html(entry.text)}</div>'
    calls = "".join(
        f"<p>Tool call <code>{escape_html(call.name)}({escape_html(call.arguments)})</code></p>"
        for call in entry.tool_calls
    )
    note = f"<p><em>{escape_html(entry.note)}</em></p>" if entry.note else ""
    images = "".join(_render_image(content, mime) for content, mime in entry.images)
    return _render_part(speaker_name(entry), images + text + calls + note)


def _render_part(speaker: str, body: str) -> str:
    return f'<div style="margin:0 0 1em"><b>{escape_html(speaker)}</b>{body}</div>'


def _render_image(content: bytes, mime: str) -> str:
    if len(content) > MAX_IMAGE_BYTES or not mime.startswith("image/"):
        return f"<p>[an image of {len(content):,} bytes]</p>"
    source = f"data:{escape_attribute(mime)};base64,{base64.b64encode(content).decode()}"
    return f'<img alt="attached image" style="max-width:320px" src="{source}">'
