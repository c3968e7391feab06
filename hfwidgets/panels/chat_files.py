"""A conversation as files to save and to open, as raw JSON, and with images from variables."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hfwidgets import errors
from hfwidgets.panels.call_tools import CallTools
from hfwidgets.panels.conversation import Conversation, check_plain_messages
from hfwidgets.panels.document.protocol import AttachedImage, ResultFiles, Save
from hfwidgets.panels.form import variables
from hfwidgets.panels.views import previews, raw_json
from hfwidgets.panels.views.chat_html import speaker_name
from hfwidgets.tasks import controls

MAX_FILE_BYTES = 64 << 20
"""The largest conversation that is opened, in bytes."""

CONVERSATION_UPLOAD = "conversation"
"""The name under which the page uploads a conversation to open."""


class ChatFiles(CallTools):
    """Adds to a panel with `messages` what is written to files and read from them."""

    messages: Any
    system: Any
    _hfw_conversation: Conversation
    _hfw_answer_number: int

    def export(self, path: str | Path) -> Path:
        """Write the conversation and its settings to a file, without any token.

        Args:
            path: a path that ends in .md becomes Markdown for people, any other JSON, which `load`
                reads.

        Returns:
            The path.
        """
        path = Path(path)
        text = self._hfw_to_markdown() if path.suffix == ".md" else self._hfw_to_json()
        path.write_text(text, encoding="utf-8")
        return path

    def load(self, path: str | Path) -> None:
        """Replace the conversation by an exported one, or by a JSON list of messages.

        Raises:
            InputError: the file is not a conversation.
        """
        self._hfw_load_text(Path(path).read_text(encoding="utf-8"))

    def _hfw_load_text(self, text: str) -> None:
        try:
            content = json.loads(text)
        except ValueError as error:
            raise errors.InputError(f"This is not a conversation: not JSON ({error}).") from error
        settings: Mapping[str, Any] = {}
        if isinstance(content, dict):
            settings, content = content, content.get("messages")
        # Checked before anything changes, so that a faulty file leaves the panel as it is.
        messages = check_plain_messages(content)
        for name in ("model", "provider", "parameters"):
            if name in settings:
                setattr(self, name, settings[name])
        self.messages = messages

    def _hfw_to_json(self) -> str:
        content = {
            "task": self.task,
            "model": self.model or None,
            "provider": self.provider or None,
            "parameters": self.parameters,
            "messages": self.messages,
        }
        return json.dumps(content, ensure_ascii=False, indent=1)

    def _hfw_to_markdown(self) -> str:
        """Return the conversation for people; images are only mentioned."""
        parts = [f"**System**\n\n{self.system}"] if self.system else []
        for entry in self._hfw_conversation.entries:
            images = [f"[{len(content):,} bytes of {mime}]" for content, mime in entry.images]
            calls = [f"`{call.name}({call.arguments})`" for call in entry.tool_calls]
            body = "\n\n".join([*images, entry.text, *calls]).strip()
            parts.append(f"**{speaker_name(entry)}**\n\n{body}")
        return "\n\n".join(parts) + "\n"

    # Actions of the page

    def _hfw_result_files(self) -> ResultFiles | None:
        """Return what can be saved; None if there is nothing."""
        entries = self._hfw_conversation.entries
        if not entries:
            return None
        number = entries[-1].number
        saves = [
            Save(label=label, id=f"talk.{number}.{ending}", name=f"conversation.{ending}")
            for label, ending in (("JSON", "json"), ("Markdown", "md"))
        ]
        has_answer = number == self._hfw_answer_number
        return ResultFiles(n=number, raw=f"raw.{number}" if has_answer else "", saves=saves)

    def _hfw_find_chat_file(self, name: str) -> previews.PageFile | None:
        """Return `raw.<n>`, `talk.<n>.json`, `talk.<n>.md`, or an attached image `attached.<n>`."""
        kind, _, rest = name.partition(".")
        if kind == "raw" and self.results:
            return raw_json.to_json_text(self.results[-1]).encode(), "application/json"
        if kind == "talk":
            markdown = rest.endswith(".md")
            text = self._hfw_to_markdown() if markdown else self._hfw_to_json()
            return text.encode(), "text/markdown" if markdown else "application/json"
        if kind == "attached" and self._hfw_attached_image is not None:
            return previews.preview_input(self._hfw_attached_image, "image")
        return None

    _hfw_attached_image: Any = None

    def _hfw_open_upload(self, data: bytes) -> None:
        """Open a conversation that the page has uploaded."""
        self._hfw_require_idle()
        if len(data) > MAX_FILE_BYTES:
            raise errors.InputError(
                f"The conversation has {len(data):,} bytes; {MAX_FILE_BYTES:,} is the limit."
            )
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise errors.InputError("This is not a conversation: not a text file.") from error
        self._hfw_load_text(text)

    def _hfw_do_names(self, name: str) -> None:
        found = variables.find_variables(controls.MediaInput("image"), variables.namespace())
        self._hfw_mirror.set("names", name, value=found)

    def _hfw_do_variable(self, name: str, variable: str) -> None:
        """Attach an image of the notebook to the next message."""
        self._hfw_attached_image = variables.read_variable(variable)
        number = (self._hfw_mirror.get("attached") or {"n": 0})["n"] + 1
        image = AttachedImage(n=number, id=f"attached.{number}", about=variable)
        self._hfw_mirror.set("attached", value=image)
