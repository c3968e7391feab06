"""Let a chat model use the tools of MCP servers, turn by turn."""

import json
from collections.abc import AsyncGenerator, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias, cast

from hfwidgets import errors
from hfwidgets.client import AsyncInferenceClient
from hfwidgets.errors.user_warnings import warn
from hfwidgets.mcp._limits import MAX_DESCRIPTION_CHARS, PATIENCE, why_unusable
from hfwidgets.mcp._server import MCPConnection, ServerType
from hfwidgets.results.chat import ChatCompletionStreamOutput
from hfwidgets.results.record import Record

if TYPE_CHECKING:
    from mcp.types import Tool


class ToolMessage(Record):
    """A tool's answer, as the message that the model is sent."""

    role: str
    tool_call_id: str
    name: str
    content: str


TurnItem: TypeAlias = ChatCompletionStreamOutput | ToolMessage
ChatMessage: TypeAlias = Mapping[str, Any]
OpenAITool: TypeAlias = dict[str, Any]
"""A tool in OpenAI's form: `{"type": "function", "function": {"name", "parameters", ...}}`."""


class MCPClient:
    """A chat model with the tools of MCP servers.

    Args:
        model: A model's id on the Hub, or its name at `base_url`.
        provider, base_url, api_key: As for `AsyncInferenceClient`.

    Attributes:
        available_tools: The servers' tools, in OpenAI's form.
        reserved_names: Tools of the client's own, whose names no server's tool may have.

    Raises:
        ConfigurationError: Neither a model nor a base_url.
    """

    reserved_names: ClassVar[frozenset[str]] = frozenset()

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
        # With a base_url the address no longer names the model, and servers need it in the payload.
        self.payload_model = model
        self.client = AsyncInferenceClient(
            base_url or model,
            provider=provider,
            token=api_key,
        )
        self.available_tools: list[OpenAITool] = []
        self._servers: list[MCPConnection] = []
        self._server_by_tool: dict[str, MCPConnection] = {}

    async def add_mcp_server(
        self,
        type: ServerType,  # noqa: A002 - the field's name
        *,
        allowed_tools: Iterable[str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the field's name
        **params: Any,
    ) -> None:
        """Connect a server and add its tools.

        A tool whose name or schema no service accepts is left out with a warning, and so is one
        whose name another tool has.

        Args:
            type: `stdio` starts a program, `http` and `sse` call a URL.
            allowed_tools: The only tools that the model may use; None allows all.
            timeout: Seconds that the server may take for each answer; None allows a minute to
                start and five for a call.
            params: For stdio `command`, `args`, `env`, `cwd`; for http and sse `url`, `headers`,
                `sse_read_timeout` (seconds without an event); for http `terminate_on_close`.

        Raises:
            MCPServerError: The server does not start in time, does not support MCP, or sends more
                than the limits allow.
        """
        # The HTTP transports bound their single waits by it too; a program has no such parameter.
        if timeout is not None and type != "stdio":
            params = {"timeout": timeout, **params}
        server = await MCPConnection.connect(type, params, timeout)
        try:
            tools = await server.list_tools(timeout)
        # The server is not listed yet, so `cleanup` would not end it.
        except BaseException:
            await server.close(PATIENCE)
            raise
        self._servers.append(server)
        for tool in _filter_allowed(tools, allowed_tools):
            # One tool that a service refuses would make it refuse the whole request.
            if problem := self._find_problem(tool):
                name = tool.name if len(tool.name) <= 60 else f"{tool.name[:60]}…"
                warn(f"The tool {name!r} of {server.name} is left out: {problem}.")
                continue
            self._server_by_tool[tool.name] = server
            self.available_tools.append(_to_openai_tool(tool))

    def _find_problem(self, tool: "Tool") -> str | None:
        if tool.name in self._server_by_tool:
            return "another server has a tool of this name"
        if tool.name in self.reserved_names:
            return "the agent has a tool of this name"
        return why_unusable(tool.name, tool.input_schema)

    async def process_single_turn_with_tools(
        self,
        messages: list[ChatMessage],
        exit_loop_tools: list[OpenAITool] | None = None,
        exit_if_first_chunk_no_tool: bool = False,
    ) -> AsyncGenerator[TurnItem, None]:
        """Let the model answer once, and run the tool calls that it asks for.

        Yields the chunks of its answer, then a `ToolMessage` per call. The answer and the tool
        messages are added to `messages`. A tool's failure becomes its message's text, so that the
        model can try something else.

        Args:
            messages: The conversation so far.
            exit_loop_tools: More tools, which are not run: a call of one ends the turn.
            exit_if_first_chunk_no_tool: End, with nothing added, once the model writes text in
                place of calling a tool.
        """
        ends = {tool["function"]["name"] for tool in exit_loop_tools or ()}
        # A server's tool must not replace one of the same name that ends the turn.
        others = [tool for tool in self.available_tools if tool["function"]["name"] not in ends]
        tools = [*(exit_loop_tools or ()), *others]
        # Some services refuse a tool_choice without tools.
        choice = {"tools": tools, "tool_choice": "auto"} if tools else {}
        stream = await self.client.chat_completion(
            messages, model=self.payload_model, stream=True, **cast(Any, choice)
        )
        async with stream:
            async for chunk in stream:
                yield chunk
                if exit_if_first_chunk_no_tool and _is_text_only(chunk):
                    return
        # Pieces of tool calls are merged by the stream.
        choices = stream.result.choices or []
        if not choices:
            return
        answer = choices[0].message
        calls = answer.get("tool_calls") or []
        message = {"role": "assistant", "content": answer.get("content")}
        # Some services refuse an empty list of tool calls.
        messages.append({**message, "tool_calls": calls} if calls else message)
        for call in calls:
            tool_message = await self._run_tool_call(call, ends)
            messages.append(tool_message)
            yield tool_message
            if tool_message.name in ends:
                return

    async def _run_tool_call(self, call: Mapping[str, Any], ends: set[str]) -> ToolMessage:
        """Return the message for a call, of which a model may have left out any part."""
        function = call.get("function") or {}
        name, text = str(function.get("name") or ""), function.get("arguments")
        message = ToolMessage(
            role="tool", tool_call_id=str(call.get("id") or ""), name=name, content=""
        )
        if name in ends:
            return message
        try:
            arguments = json.loads(text or "{}")
        except (ValueError, TypeError, RecursionError) as error:
            message["content"] = f"The arguments are not JSON ({error}). Call the tool again."
            return message
        if not isinstance(arguments, dict):
            message["content"] = "The arguments must be a JSON object. Call the tool again."
        elif name not in self._server_by_tool:
            known = ", ".join(self._server_by_tool) or "none"
            message["content"] = f"Unknown tool {name!r}. The tools are: {known}."
        else:
            message["content"] = await self._server_by_tool[name].call_tool(name, arguments)
        return message

    async def cleanup(self) -> None:
        """End the servers and close the connections."""
        # Emptied first, so that a second cleanup never closes a server again.
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
    """Return the tools that a list of names allows; warn about a name that no tool has."""
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


def _to_openai_tool(tool: "Tool") -> OpenAITool:
    function: dict[str, Any] = {"name": tool.name, "parameters": tool.input_schema}
    if tool.description:
        function["description"] = tool.description[:MAX_DESCRIPTION_CHARS]
    return {"type": "function", "function": function}


def _is_text_only(chunk: ChatCompletionStreamOutput) -> bool:
    """True if a chunk has text and no tool call."""
    return any(
        choice.delta.get("content") and not choice.delta.get("tool_calls")
        for choice in chunk.choices or ()
    )
