"""What a conversation is kept as: files to save and to open, raw JSON; pictures from variables."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hfwidgets import errors
from hfwidgets.panels.call_tools import CallTools
from hfwidgets.panels.conversation import Conversation, check_messages
from hfwidgets.panels.form import variables
from hfwidgets.panels.views import previews, raw_json
from hfwidgets.panels.views.chat_html import SPEAKERS
from hfwidgets.tasks import controls

MAX_FILE_LENGTH = 20_000_000
"""Bytes of a conversation's file that are still opened."""


class ChatFiles(CallTools):
    """Adds to a panel with `messages` what is written to files and read from them."""

    messages: Any
    system: Any
    _conversation: Conversation
    _answer_number: int

    def export(self, path: str | Path) -> Path:
        """Write the conversation and its settings to a file, without any token; returns the path.

        A path ending in .md becomes Markdown for people, any other JSON, which `load` reads.
        """
        path = Path(path)
        text = self._to_markdown() if path.suffix == ".md" else self._to_json()
        path.write_text(text, encoding="utf-8")
        return path

    def load(self, path: str | Path) -> None:
        """Take over a conversation that was exported, or a JSON list of messages."""
        self._load_text(Path(path).read_text(encoding="utf-8"))

    def _load_text(self, text: str) -> None:
        try:
            content = json.loads(text)
        except ValueError as error:
            raise errors.InputError(f"This is no conversation: no JSON ({error}).") from error
        settings: Mapping[str, Any] = {}
        if isinstance(content, dict):
            settings, content = content, content.get("messages")
        messages = check_messages(content)
        for name in ("model", "provider", "parameters"):
            if name in settings:
                setattr(self, name, settings[name])
        self.messages = messages

    def _to_json(self) -> str:
        given = {"model": self.model, "provider": self.provider, "parameters": self.parameters}
        content = {"task": self.task, **given, "messages": self.messages}
        return json.dumps(content, ensure_ascii=False, indent=1)

    def _to_markdown(self) -> str:
        """The conversation for people; pictures are only named."""
        parts = [f"**System**\n\n{self.system}"] if self.system else []
        for entry in self._conversation.entries:
            role = str(entry.message["role"])
            pictures = [f"[{len(content):,} bytes of {kind}]" for content, kind in entry.images]
            calls = [f"`{call['name']}({call['arguments']})`" for call in entry.tool_calls]
            said = "\n\n".join([*pictures, entry.text, *calls]).strip()
            parts.append(f"**{SPEAKERS.get(role, role)}**\n\n{said}")
        return "\n\n".join(parts) + "\n"

    # What the page asks for

    def _result_files(self) -> dict[str, int] | None:
        """What there is to keep, by numbers that name it; None while there is nothing."""
        entries = self._conversation.entries
        if not entries:
            return None
        last = entries[-1]
        return {"n": last.number, "raw": int(last.number == self._answer_number)}

    def _find_chat_file(self, name: str) -> previews.PageFile | None:
        """`raw.<n>`, `talk.<n>.json`, `talk.<n>.md`, or `attached.<n>`, a picture of a variable."""
        room, _, rest = name.partition(".")
        if room == "raw" and self.results:
            return raw_json.to_json_text(self.results[-1]).encode(), "application/json"
        if room == "talk":
            markdown = rest.endswith(".md")
            text = self._to_markdown() if markdown else self._to_json()
            return text.encode(), "text/markdown" if markdown else "application/json"
        if room == "attached" and self._attached_image is not None:
            return previews.preview_input(self._attached_image, "image")
        return None

    _attached_image: Any = None

    def _do_open(self, text: str) -> None:
        self._require_idle()
        if len(text) > MAX_FILE_LENGTH:
            raise errors.InputError(f"The file has {len(text):,} characters: too many.")
        self._load_text(text)

    def _do_names(self, name: str) -> None:
        found = variables.find_variables(controls.MediaInput("image"), variables.namespace())
        self._mirror.set("names", name, value=found)

    def _do_variable(self, name: str, variable: str) -> None:
        """Attach a notebook's picture to the next message."""
        known = variables.namespace()
        if variable not in known:
            raise errors.InputError(f"There is no variable {variable!r} any more.")
        self._attached_image = known[variable]
        number = (self._mirror.get("attached") or {"n": 0})["n"] + 1
        shown = {"n": number, "id": f"attached.{number}", "about": variable}
        self._mirror.set("attached", value=shown)
