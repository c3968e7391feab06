"""Tool calls from a model that knows none: the function is chosen by meaning, its arguments written
under its JSON schema, so that a call is always valid, though not always right."""

import asyncio
from typing import Any, Literal

import msgspec

from hfwidgets.engine.base import schema
from hfwidgets.engine.base.capability import Kit
from hfwidgets.engine.base.http_errors import bad
from hfwidgets.engine.chat.messages import Function, Message, question
from hfwidgets.engine.text.minilm import MiniLM
from hfwidgets.errors import near

ENOUGH = 0.2
"""The least cosine similarity between a request and a function's description, found by trial."""

LIMIT = 512
"""Tokens for the arguments when the caller sets no limit."""


class Tool(msgspec.Struct):
    """A function that the model may call."""

    function: Function
    type: Literal["function"] = "function"

    @property
    def about(self) -> str:
        """What is compared with the request."""
        name = self.function.name.replace("_", " ")
        return f"{name}: {self.function.description or ''}"


class Named(msgspec.Struct):
    """A function by its name."""

    name: str


class NamedTool(msgspec.Struct):
    """The one tool to be called."""

    function: Named
    type: Literal["function"] = "function"


ToolChoice = Literal["auto", "none", "required"] | NamedTool


async def chosen(
    kit: Kit, messages: list[Message], tools: list[Tool], choice: ToolChoice
) -> Tool | None:
    """The tool to call now, or None when the answer is to be text."""
    if isinstance(choice, NamedTool):
        return _named(tools, choice.function.name)
    if choice == "required" and not tools:
        raise bad("tool_choice 'required' needs tools.", "tool_choice")
    # A result that has just come is to be told in words, or the model would call forever.
    told = messages[-1].role == "tool" and choice == "auto"
    if not tools or choice == "none" or told:
        return None
    return await asyncio.to_thread(_nearest, kit, question(messages), tools, choice == "required")


def _named(tools: list[Tool], name: str) -> Tool:
    names = {tool.function.name: tool for tool in tools}
    if name not in names:
        known = ", ".join(names) or "none"
        raise bad(
            f"tool_choice names {name!r}; the tools are {known}.{near(name, names)}", "tool_choice"
        )
    return names[name]


def _nearest(kit: Kit, asked: str, tools: list[Tool], required: bool) -> Tool | None:
    """The tool whose description means most nearly what is asked."""
    vectors = kit.get(MiniLM).embed([asked, *(tool.about for tool in tools)])
    likeness = vectors[1:] @ vectors[0]
    best = int(likeness.argmax())
    return tools[best] if required or likeness[best] >= ENOUGH else None


def request(messages: list[Message], tool: Tool, limit: int | None) -> dict[str, Any]:
    """The chat request that makes the model write the arguments."""
    function = tool.function
    shape = schema.tightened(function.parameters or {"type": "object", "properties": {}})
    prompt = (
        f"Request: {question(messages)}\nFunction: {function.name} - {function.description or ''}\n"
        "Arguments as JSON, copied from the request:"
    )
    system = "You extract function arguments from a request as JSON."
    return {
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": prompt}],
        "max_tokens": limit or LIMIT,
        "response_format": {"type": "json_schema", "json_schema": {"schema": shape}},
    }
