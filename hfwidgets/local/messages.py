"""Conversations as they come over the wire, and as the chat model's template can take them."""

from typing import Any, Literal

import msgspec

from hfwidgets.local.refusal import bad

SYSTEM = "You are a friendly assistant who answers in simple, correct English."


class Function(msgspec.Struct):
    """The function of a tool, or a call of one."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    arguments: str | dict[str, Any] | None = None


class Call(msgspec.Struct):
    """A call that the assistant made earlier in the conversation."""

    function: Function
    id: str | None = None
    type: Literal["function"] = "function"


class Message(msgspec.Struct):
    """One message; what servers add to their answers (reasoning, refusal, audio) is not read."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[dict[str, Any]] | None = None
    tool_calls: list[Call] | None = None
    tool_call_id: str | None = None
    name: str | None = None

    @property
    def text(self) -> str:
        """The content as plain text; a 400 when it holds anything else."""
        if isinstance(self.content, list):
            return "\n".join(map(_part, self.content))
        return self.content or ""


def templated(messages: list[Message], system: str = SYSTEM) -> list[dict[str, str]]:
    """The conversation for the model's template, which knows no tools.

    A system message is put before one that has none: the template's own brings the engine's model
    to gibberish. An empty one leaves that to the template.
    """
    plain = [_plain(message) for message in messages]
    if system and plain[0]["role"] != "system":
        plain.insert(0, {"role": "system", "content": system})
    return plain


def question(messages: list[Message]) -> str:
    """What the user asked last."""
    return next((message.text for message in reversed(messages) if message.role == "user"), "")


def _plain(message: Message) -> dict[str, str]:
    text = message.text
    if message.role == "developer":
        return {"role": "system", "content": text}
    if message.role == "tool":
        return {"role": "user", "content": f"The result of the function call is: {text}"}
    calls = [f"{call.function.name}({_arguments(call)})" for call in message.tool_calls or []]
    return {"role": message.role, "content": "\n".join(filter(None, [text, *calls]))}


def _arguments(call: Call) -> str:
    given = call.function.arguments
    return given if isinstance(given, str) else msgspec.json.encode(given or {}).decode()


def _part(part: dict[str, Any]) -> str:
    if part.get("type") == "text" and isinstance(part.get("text"), str):
        return str(part["text"])
    kind = part.get("type")
    raise bad(
        f"The embedded chat model reads text only, and a message holds a part of type {kind!r}. "
        "Leave it out, or use a provider with a model that sees pictures.",
        "messages",
    )
