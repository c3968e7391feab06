"""A conversation as static HTML that reads anywhere: no script, no style, nothing from afar."""

import base64
from html import escape

from hfwidgets.panels.conversation import Entries, Entry
from hfwidgets.results import markdown

SPEAKERS = {"user": "You", "assistant": "Assistant", "tool": "Tool", "system": "System"}
EXCERPT = 200
LARGEST_PICTURE = 1_000_000
"""Bytes of a picture that is still kept in the notebook file."""


class Transcript:
    """Writes conversations, each message once: a long conversation costs only what is new."""

    def __init__(self) -> None:
        self._written: dict[tuple[int, str], str] = {}

    def written(self, entries: Entries, system: str | None, name: str) -> tuple[str, str]:
        """The conversation as safe HTML and as plain text; `name` stands for an empty one."""
        if not entries:
            return f"<p>{escape(name)}: run this cell for a live panel.</p>", name
        self._written = {self._key(e): self._written.get(self._key(e)) or _html(e) for e in entries}
        head = _part("System", f"<p>{escape(system)}</p>") if system else ""
        return head + "".join(self._written.values()), f"{name}\n{_excerpt(entries[-1])}"

    @staticmethod
    def _key(entry: Entry) -> tuple[int, str]:
        return entry.number, entry.note


def _excerpt(entry: Entry) -> str:
    """The beginning of a message: whoever reads plain text has a line, and the file stays small."""
    text = " ".join(entry.text.split())
    return f"{_speaker(entry)}: {text[:EXCERPT]}{'…' if len(text) > EXCERPT else ''}"


def _speaker(entry: Entry) -> str:
    role = str(entry.message["role"])
    return SPEAKERS.get(role, role)


def _html(entry: Entry) -> str:
    said = markdown.to_html(entry.text)
    if entry.message["role"] == "user":
        said = f'<div style="white-space:pre-wrap">{escape(entry.text)}</div>'
    calls = "".join(
        f"<p>Tool call <code>{escape(call['name'])}({escape(call['arguments'])})</code></p>"
        for call in entry.calls
    )
    note = f"<p><em>{escape(entry.note)}</em></p>" if entry.note else ""
    pictures = "".join(_picture(content, kind) for content, kind in entry.pictures)
    return _part(_speaker(entry), pictures + said + calls + note)


def _part(speaker: str, body: str) -> str:
    return f'<div style="margin:0 0 1em"><b>{escape(speaker)}</b>{body}</div>'


def _picture(content: bytes, kind: str) -> str:
    if len(content) > LARGEST_PICTURE or not kind.startswith("image/"):
        return f"<p>[a picture of {len(content):,} bytes]</p>"
    source = f"data:{escape(kind)};base64,{base64.b64encode(content).decode()}"
    return f'<img alt="attached picture" style="max-width:320px" src="{source}">'
