"""Conversations as they come over the wire, and as the chat model's template can take them."""

import base64
import binascii
from typing import Any, Literal

import msgspec

from hfwidgets.engine.base import images
from hfwidgets.engine.base.http_errors import RefusedError, bad_request

SYSTEM_PROMPT = "You are a friendly assistant who answers in simple, correct English."


class ToolFunction(msgspec.Struct):
    """The function of a tool, or a call of one."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    arguments: str | dict[str, Any] | None = None


class ToolCall(msgspec.Struct):
    """A call that the assistant made earlier in the conversation."""

    function: ToolFunction
    id: str | None = None
    type: Literal["function"] = "function"


class ChatMessage(msgspec.Struct):
    """One message; what servers add to their answers (reasoning, refusal, audio) is not read."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[dict[str, Any]] | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    name: str | None = None

    @property
    def text(self) -> str:
        """The content as plain text, without its pictures; a 400 when it holds anything else."""
        if isinstance(self.content, list):
            return "\n".join(part["text"] for part in self.content if _part_kind(part) == "text")
        return self.content or ""

    @property
    def has_image(self) -> bool:
        """Whether the content holds a picture."""
        parts = self.content if isinstance(self.content, list) else []
        return any(_part_kind(part) == "image_url" for part in parts)


def check_images(messages: list[ChatMessage], sees: bool, tools: bool) -> None:
    """Refuse pictures where they would not be heeded."""
    for message in messages:
        if message.has_image and not sees:
            raise _unsupported_part_error("image_url")
        if message.has_image and tools:
            raise bad_request(
                "Tools are chosen from words alone; ask about a picture without them.", "tools"
            )
        if message.has_image and message.role != "user":
            raise bad_request(
                f"The {message.role}'s message holds a picture; only the user's may.", "messages"
            )


def to_template_messages(
    messages: list[ChatMessage], system: str = SYSTEM_PROMPT
) -> list[dict[str, Any]]:
    """The conversation for the model's template, which knows no tools.

    A system message is put before one that has none: the template's own brings the engine's model
    to gibberish. An empty one leaves that to the template.
    """
    plain = [_to_template_message(message) for message in messages]
    if system and plain[0]["role"] != "system":
        plain.insert(0, {"role": "system", "content": system})
    return plain


def last_user_text(messages: list[ChatMessage]) -> str:
    """What the user asked last."""
    return next((message.text for message in reversed(messages) if message.role == "user"), "")


def _to_template_message(message: ChatMessage) -> dict[str, Any]:
    if message.has_image and isinstance(message.content, list):
        return {"role": message.role, "content": [_to_llama_part(part) for part in message.content]}
    text = message.text
    if message.role == "developer":
        return {"role": "system", "content": text}
    if message.role == "tool":
        return {"role": "user", "content": f"The result of the function call is: {text}"}
    calls = [f"{call.function.name}({_arguments_json(call)})" for call in message.tool_calls or []]
    return {"role": message.role, "content": "\n".join(filter(None, [text, *calls]))}


def _arguments_json(call: ToolCall) -> str:
    given = call.function.arguments
    return given if isinstance(given, str) else msgspec.json.encode(given or {}).decode()


def _part_kind(part: dict[str, Any]) -> str:
    """What a part of a message is; a 400 for one that is neither text nor a picture."""
    kind = part.get("type")
    if kind == "image_url" or (kind == "text" and isinstance(part.get("text"), str)):
        return str(kind)
    raise _unsupported_part_error(kind)


def _unsupported_part_error(kind: Any) -> RefusedError:
    if kind != "image_url":
        said = f"A message holds a part of type {kind!r}, which no embedded chat model reads."
        return bad_request(
            f"{said} Parts are of type 'text' with a 'text', or 'image_url'.", "messages"
        )
    return bad_request(
        "The embedded chat model reads text only, and a message holds a part of type 'image_url'. "
        "Leave it out, or use a provider with a model that sees pictures; one of your own does "
        "with its projector: hfwidgets serve --chat FILE.gguf --mmproj FILE.gguf.",
        "messages",
    )


def _to_llama_part(part: dict[str, Any]) -> dict[str, Any]:
    """A part as llama.cpp reads it: pictures as PNG files, of which it knows all kinds."""
    if part["type"] == "text":
        return {"type": "text", "text": part["text"]}
    given = part.get("image_url")
    url = str(given.get("url") if isinstance(given, dict) else given)
    try:
        image = images.to_base64_png(images.open_image(_decode_data_url(url)))
    except RefusedError as refusal:
        raise bad_request(str(refusal), "messages") from refusal
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image}"}}


def _decode_data_url(url: str) -> bytes:
    """What a data URL holds; a 400 for any other, since the engine fetches nothing."""
    head, _, data = url.partition(",")
    if not (head.startswith("data:") and head.endswith(";base64")):
        raise bad_request(
            "The embedded engine fetches no pictures: send the picture itself, as the URL "
            "data:image/png;base64,... with its bytes in base64.",
            "messages",
        )
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error as error:
        raise bad_request(f"The picture is no base64: {error}.", "messages") from error
