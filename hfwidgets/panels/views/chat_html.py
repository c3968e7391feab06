"""A conversation as static HTML that reads anywhere: no script, no style, no remote parts."""

import base64

from hfwidgets.panels.conversation import Entries, Entry
from hfwidgets.panels.document.outputs import StaticForm, empty_form
from hfwidgets.results import markdown
from hfwidgets.results.show import escape_attribute, escape_html

SPEAKERS = {"user": "You", "assistant": "Assistant", "tool": "Tool", "system": "System"}
MAX_IMAGE_BYTES = 1_000_000
"""The largest image that is kept in the notebook file, in bytes."""


class ChatTranscript:
    """Renders conversations, each message once: an addition costs the same at any length."""

    def __init__(self) -> None:
        self._rendered_entries: dict[tuple[int, str], StaticForm] = {}

    def render(self, entries: Entries, system: str | None, name: str) -> StaticForm:
        """Render a conversation for where no kernel answers; `name` stands for an empty one."""
        if not entries:
            return empty_form(name)
        # Rebuilt from what is still there, so that removed messages do not stay in memory.
        self._rendered_entries = {
            self._entry_key(e): self._rendered_entries.get(self._entry_key(e)) or _render_entry(e)
            for e in entries
        }
        parts = [*self._rendered_entries.values()]
        if system:
            words = _render_part("System", f"<p>{escape_html(system)}</p>")
            parts.insert(0, StaticForm(words, f"System: {system}"))
        body = "".join(part.html for part in parts)
        return StaticForm(body, "\n\n".join([name, *(part.text for part in parts)]))

    @staticmethod
    def _entry_key(entry: Entry) -> tuple[int, str]:
        return entry.number, entry.note


def speaker_name(entry: Entry) -> str:
    """Return the name that people read for a message's role."""
    role = str(entry.message["role"])
    return SPEAKERS.get(role, role)


def _render_entry(entry: Entry) -> StaticForm:
    # What users type is plain text; only other roles write Markdown.
    if entry.message["role"] == "user":
        text = f'<div dir="auto" style="white-space:pre-wrap">{escape_html(entry.text)}</div>'
    else:
        text = f'<div dir="auto">{markdown.markdown_to_html(entry.text)}</div>'
    called = [f"{call.name}({call.arguments})" for call in entry.tool_calls]
    calls = "".join(f"<p>Tool call <code>{escape_html(call)}</code></p>" for call in called)
    note = f"<p><em>{escape_html(entry.note)}</em></p>" if entry.note else ""
    images = "".join(_render_image(content, mime) for content, mime in entry.images)
    lines = [
        *("[image]" for _ in entry.images),
        entry.text,
        *(f"Tool call {call}" for call in called),
        entry.note,
    ]
    speaker = speaker_name(entry)
    return StaticForm(
        _render_part(speaker, images + text + calls + note),
        f"{speaker}: " + "\n".join(filter(None, lines)),
    )


def _render_part(speaker: str, body: str) -> str:
    return f'<div style="margin:0 0 1em"><b>{escape_html(speaker)}</b>{body}</div>'


def _render_image(content: bytes, mime: str) -> str:
    if len(content) > MAX_IMAGE_BYTES or not mime.startswith("image/"):
        return f"<p>[an image of {len(content):,} bytes]</p>"
    source = f"data:{escape_attribute(mime)};base64,{base64.b64encode(content).decode()}"
    return f'<img alt="attached image" style="max-width:320px" src="{source}">'
