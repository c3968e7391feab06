"""Read conversations from the wire, and prepare them for the chat model's template."""

import base64
import binascii
from typing import Any, Literal

import msgspec

from hfwidgets.engine.base import images
from hfwidgets.engine.base.http_errors import RefusedError, bad_request

SYSTEM_PROMPT = "You are a friendly assistant who answers in simple, correct English."


class ToolFunction(msgspec.Struct):
    """A tool's function, or a call of it."""

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
        """Return the content as plain text, without its images; 400 for any other part."""
        if isinstance(self.content, list):
            return "\n".join(part["text"] for part in self.content if _part_kind(part) == "text")
        return self.content or ""

    @property
    def has_image(self) -> bool:
        """True if the content includes an image."""
        parts = self.content if isinstance(self.content, list) else []
        return any(_part_kind(part) == "image_url" for part in parts)


def check_images(messages: list[ChatMessage], *, reads_images: bool, has_tools: bool) -> None:
    """Refuse images where they would be ignored."""
    for message in messages:
        if not message.has_image:
            continue
        if not reads_images:
            raise _unsupported_part_error("image_url")
        if has_tools:
            raise bad_request(
                "Tools are chosen by text alone; leave out the tools or the image.", "tools"
            )
        if message.role != "user":
            raise bad_request(
                f"A message of the role {message.role!r} has an image; only 'user' may.",
                "messages",
            )


def to_template_messages(
    messages: list[ChatMessage], system: str = SYSTEM_PROMPT
) -> list[dict[str, Any]]:
    """Return the conversation for the model's template, which does not support tools.

    A system message is added to a conversation without one: the template's own makes the default
    model write gibberish. An empty `system` leaves that to the template.
    """
    plain = [_to_template_message(message) for message in messages]
    # Found by trial: with the template's own system message, temperature 0 gives gibberish.
    if system and plain[0]["role"] != "system":
        plain.insert(0, {"role": "system", "content": system})
    return plain


def last_user_text(messages: list[ChatMessage]) -> str:
    """Return the text of the last user message."""
    return next((message.text for message in reversed(messages) if message.role == "user"), "")


def _to_template_message(message: ChatMessage) -> dict[str, Any]:
    if message.has_image and isinstance(message.content, list):
        return {"role": message.role, "content": [_to_llama_part(part) for part in message.content]}
    text = message.text
    if message.role == "developer":
        return {"role": "system", "content": text}
    # The template has no role for results, so the model reads them as the user's words.
    if message.role == "tool":
        return {"role": "user", "content": f"The result of the function call is: {text}"}
    calls = [f"{call.function.name}({_arguments_json(call)})" for call in message.tool_calls or []]
    return {"role": message.role, "content": "\n".join(filter(None, [text, *calls]))}


def _arguments_json(call: ToolCall) -> str:
    arguments = call.function.arguments
    if isinstance(arguments, str):
        return arguments
    return msgspec.json.encode(arguments or {}).decode()


def _part_kind(part: dict[str, Any]) -> str:
    """Return a part's type; 400 for one that is neither text nor an image."""
    kind = part.get("type")
    if kind == "image_url" or (kind == "text" and isinstance(part.get("text"), str)):
        return str(kind)
    raise _unsupported_part_error(kind)


def _unsupported_part_error(kind: object) -> RefusedError:
    if kind != "image_url":
        return bad_request(
            f"A message has a part of type {kind!r}; the local engine's chat models read 'text' "
            "and 'image_url'.",
            "messages",
        )
    return bad_request(
        "The local chat model reads text only, and a message has a part of type 'image_url'. Leave "
        "it out, use a provider whose model reads images, or serve your own with its projector: "
        "hfwidgets serve --chat FILE.gguf --mmproj FILE.gguf.",
        "messages",
    )


def _to_llama_part(part: dict[str, Any]) -> dict[str, Any]:
    """Return a part as llama.cpp reads it: images as PNG, whatever their format was."""
    if part["type"] == "text":
        return {"type": "text", "text": part["text"]}
    image_url = part.get("image_url")
    url = str(image_url.get("url") if isinstance(image_url, dict) else image_url)
    try:
        # llama.cpp reads fewer formats than clients send, and open_image() bounds the size.
        image = images.to_base64_png(images.open_image(_decode_data_url(url)))
    except RefusedError as refusal:
        raise bad_request(str(refusal), "messages") from refusal
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image}"}}


def _decode_data_url(url: str) -> bytes:
    """Return the content of a data URL; 400 for any other, since the engine downloads nothing."""
    head, _, data = url.partition(",")
    if not (head.startswith("data:") and head.endswith(";base64")):
        raise bad_request(
            "The local engine downloads no images: send the image itself, as the URL "
            "data:image/png;base64,... with its bytes in base64.",
            "messages",
        )
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error as error:
        raise bad_request(f"The image is not valid base64: {error}.", "messages") from error
