"""A chat model with the tools of MCP servers, turn by turn."""

import json
from collections.abc import AsyncGenerator, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias, cast

from hfwidgets import errors
from hfwidgets.client import AsyncInferenceClient
from hfwidgets.errors.user_warnings import warn
from hfwidgets.mcp._server import MCPConnection, ServerType
from hfwidgets.results.chat import ChatCompletionStreamOutput
from hfwidgets.results.record import Record

if TYPE_CHECKING:
    from mcp.types import Tool


class ToolMessage(Record):
    """What a tool answered, as the message that the model is sent."""

    role: str
    tool_call_id: str
    name: str
    content: str


TurnItem: TypeAlias = ChatCompletionStreamOutput | ToolMessage


class MCPClient:
    """A chat model with the tools of MCP servers.

    Args:
        model: a model's id on the Hub, or its name at `base_url`.
        provider, base_url, api_key: as for `AsyncInferenceClient`.

    Attributes:
        available_tools: the tools that the model is told of, in OpenAI's form.

    Raises:
        ConfigurationError: neither a model nor a base_url.
    """

    def __init__(
        self,
        *,
        model: str | None = None,
        provider: str | None = None,
        base_url: str | None = None,
        api_key: str | None = None,
    ) -> None:
        if model is None and base_url is None:
            raise errors.ConfigurationError("Pass model=, base_url= or both.")
        self.payload_model = model
        self.client = AsyncInferenceClient(
            base_url or model,
            provider=provider,
            token=api_key,
        )
        self.available_tools: list[dict[str, Any]] = []
        self._servers: list[MCPConnection] = []
        self._server_by_tool: dict[str, MCPConnection] = {}

    async def add_mcp_server(
        self,
        type: ServerType,  # noqa: A002 - the field's name
        *,
        allowed_tools: Iterable[str] | None = None,
        **params: Any,
    ) -> None:
        """Connect a server and take its tools.

        Args:
            type: stdio starts a program, http and sse call a URL.
            allowed_tools: The only tools that the model may use; None allows all.
            params: For stdio command, args, env, cwd; for http and sse url, headers, timeout
                (seconds for an answer), sse_read_timeout; for http terminate_on_close.

        Raises:
            MCPServerError: It does not start, or does not speak MCP.
        """
        server = await MCPConnection.connect(type, params)
        self._servers.append(server)
        tools = await server.list_tools()
        for tool in _filter_allowed(tools, allowed_tools):
            if tool.name in self._server_by_tool:
                warn(
                    f"There is a tool {tool.name!r} already: that of {server.name} is left out.",
                )
                continue
            self._server_by_tool[tool.name] = server
            self.available_tools.append(_to_openai_tool(tool))

    async def process_single_turn_with_tools(
        self,
        messages: list[Any],
        exit_loop_tools: list[dict[str, Any]] | None = None,
        exit_if_first_chunk_no_tool: bool = False,
    ) -> AsyncGenerator[TurnItem, None]:
        """Let the model answer once and do the tool calls that it asks for.

        Yields the chunks of its answer, then a `ToolMessage` for each call. The answer and the tool
        messages are added to `messages`. What goes wrong with a tool becomes its message's text,
        so that the model can make up for it.

        Args:
            messages: The conversation so far.
            exit_loop_tools: More tools, which are not run: a call of one ends the turn.
            exit_if_first_chunk_no_tool: End, with nothing added, once the model speaks instead of
                calling a tool.
        """
        ends = {tool["function"]["name"] for tool in exit_loop_tools or ()}
        tools = [*(exit_loop_tools or ()), *self.available_tools]
        choice = {"tools": tools, "tool_choice": "auto"} if tools else {}
        stream = await self.client.chat_completion(
            messages, model=self.payload_model, stream=True, **cast(Any, choice)
        )
        async with stream:
            async for chunk in stream:
                yield chunk
                if exit_if_first_chunk_no_tool and _is_text_only(chunk):
                    return
        answers = stream.result.choices or []
        if not answers:
            return
        said = answers[0].message
        calls = said.get("tool_calls") or []
        spoken = {"role": "assistant", "content": said.get("content")}
        messages.append({**spoken, "tool_calls": calls} if calls else spoken)
        for call in calls:
            message = await self._run_tool_call(call, ends)
            messages.append(message)
            yield message
            if message.name in ends:
                return

    async def _run_tool_call(self, call: Mapping[str, Any], ends: set[str]) -> ToolMessage:
        """The message for a call that the model asked for."""
        name, text = call["function"]["name"], call["function"]["arguments"]
        message = ToolMessage(role="tool", tool_call_id=call["id"], name=name, content="")
        if name in ends:
            return message
        try:
            arguments = json.loads(text or "{}")
        except ValueError as error:
            message["content"] = f"The arguments are not JSON ({error}). Call the tool again."
            return message
        if not isinstance(arguments, dict):
            message["content"] = "The arguments must be a JSON object. Call the tool again."
        elif name not in self._server_by_tool:
            known = ", ".join(self._server_by_tool) or "none"
            message["content"] = f"There is no tool {name!r}. There are: {known}."
        else:
            message["content"] = await self._server_by_tool[name].call_tool(name, arguments)
        return message

    async def cleanup(self) -> None:
        """End the servers and close the connections."""
        servers, self._servers = self._servers, []
        self._server_by_tool.clear()
        self.available_tools.clear()
        for server in servers:
            await server.close()
        await self.client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.cleanup()


def _filter_allowed(tools: "list[Tool]", allowed: Iterable[str] | None) -> "list[Tool]":
    """The tools that a list of names allows; a name that no tool has gets a warning."""
    if allowed is None:
        return tools
    names, known = list(allowed), [tool.name for tool in tools]
    for name in names:
        if name not in known:
            warn(
                f"allowed_tools names {name!r}, which the server does not have."
                f"{errors.did_you_mean(name, known)}",
            )
    return [tool for tool in tools if tool.name in names]


def _to_openai_tool(tool: "Tool") -> dict[str, Any]:
    """A tool in OpenAI's form."""
    function = {"name": tool.name, "parameters": tool.input_schema}
    if tool.description:
        function["description"] = tool.description
    return {"type": "function", "function": function}


def _is_text_only(chunk: ChatCompletionStreamOutput) -> bool:
    """Whether a chunk has text and no call."""
    return any(
        choice.delta.get("content") and not choice.delta.get("tool_calls")
        for choice in chunk.choices or ()
    )
