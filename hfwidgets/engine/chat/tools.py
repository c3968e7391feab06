"""Call tools with a model that cannot: the function is chosen by meaning, and the model writes the
arguments under the function's JSON schema. A call is always valid, though not always right."""

from typing import Any, Literal

import msgspec
from anyio import to_thread

from hfwidgets.engine.base import schema
from hfwidgets.engine.base.capability import LoadedModels
from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.chat.messages import ChatMessage, ToolFunction, last_user_text
from hfwidgets.engine.text.minilm import MiniLM
from hfwidgets.errors import did_you_mean

MIN_SIMILARITY = 0.2
"""The least cosine similarity of a request and a function's description; found by trial."""

MAX_ARGUMENT_TOKENS = 512

"""Tokens of the arguments when the caller sets no limit."""


class Tool(msgspec.Struct):
    """A function that the model may call."""

    function: ToolFunction
    type: Literal["function"] = "function"

    @property
    def search_text(self) -> str:
        """Return the text that is compared with the request."""
        name = self.function.name.replace("_", " ")
        return f"{name}: {self.function.description or ''}"


class FunctionName(msgspec.Struct):
    """A function's name."""

    name: str


class NamedTool(msgspec.Struct):
    """The one tool to call."""

    function: FunctionName
    type: Literal["function"] = "function"


ToolChoice = Literal["auto", "none", "required"] | NamedTool


async def choose_tool(
    models: LoadedModels, messages: list[ChatMessage], tools: list[Tool], choice: ToolChoice
) -> Tool | None:
    """Return the tool to call now, or None when the answer is to be text."""
    if isinstance(choice, NamedTool):
        return _find_tool(tools, choice.function.name)
    if choice == "required" and not tools:
        raise bad_request("tool_choice 'required' needs tools.", "tool_choice")
    # After a tool's result the answer must be text, or the model would call forever.
    has_result = messages[-1].role == "tool" and choice == "auto"
    if not tools or choice == "none" or has_result:
        return None
    return await to_thread.run_sync(
        _find_nearest_tool, models, last_user_text(messages), tools, choice == "required"
    )


def _find_tool(tools: list[Tool], name: str) -> Tool:
    names = {tool.function.name: tool for tool in tools}
    if name not in names:
        known = ", ".join(names) or "none"
        raise bad_request(
            f"tool_choice names {name!r}; the tools are {known}.{did_you_mean(name, names)}",
            "tool_choice",
        )
    return names[name]


def _find_nearest_tool(
    models: LoadedModels, request: str, tools: list[Tool], required: bool
) -> Tool | None:
    """Return the tool whose description is nearest to the request, unless all are too far."""
    vectors = models.get(MiniLM).embed([request, *(tool.search_text for tool in tools)])
    similarity = vectors[1:] @ vectors[0]
    best = int(similarity.argmax())
    return tools[best] if required or similarity[best] >= MIN_SIMILARITY else None


def build_arguments_request(
    messages: list[ChatMessage], tool: Tool, limit: int | None
) -> dict[str, Any]:
    """Return the chat request that makes the model write the arguments."""
    function = tool.function
    # Under the schema even a small model can only write valid arguments.
    shape = schema.tighten_schema(function.parameters or {"type": "object", "properties": {}})
    prompt = (
        f"Request: {last_user_text(messages)}\nFunction: {function.name} - "
        f"{function.description or ''}\n"
        "Arguments as JSON, copied from the request:"
    )
    system = "You extract function arguments from a request as JSON."
    return {
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": prompt}],
        "max_tokens": limit or MAX_ARGUMENT_TOKENS,
        "response_format": {"type": "json_schema", "json_schema": {"schema": shape}},
    }
