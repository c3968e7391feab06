"""Chat with tools of MCP servers: `MCPClient` for one turn, `Agent` for a task of several.

Needs the extra `hfwidgets[mcp]`. The names are the field's.

    async with MCPClient(model="Qwen/Qwen3-32B") as client:
        await client.add_mcp_server("stdio", command="python", args=["server.py"],
                                    allowed_tools=["add"])
        async for item in client.process_single_turn_with_tools(messages):
            ...

What a tool returns is untrusted text, as is what a model asks a tool to do: give `allowed_tools`.
Servers started by `stdio` inherit no variables of the environment but the harmless ones that the
`mcp` library lists, so no token reaches them unless `env=` hands it over.
"""

import asyncio
import contextlib
import json
import tempfile
import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Literal, Self, cast

from hfwidgets import errors
from hfwidgets.client import AsyncInferenceClient
from hfwidgets.results._record import Record
from hfwidgets.results.chat import ChatCompletionStreamOutput

if TYPE_CHECKING:
    from mcp import Client
    from mcp.types import CallToolResult, Tool

MOST_TURNS = 10
"""How often an agent may turn to its model for one task."""

ServerType = Literal["stdio", "sse", "http"]


class ToolMessage(Record):
    """What a tool answered, as the message that the model is sent."""

    role: str
    tool_call_id: str
    name: str
    content: str


Item = ChatCompletionStreamOutput | ToolMessage


class MCPServerError(errors.HfWidgetsError, RuntimeError):
    """An MCP server that did not start, or ended."""


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
        self._servers: list[_Server] = []
        self._homes: dict[str, _Server] = {}

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
        server = await _Server.started(type, params)
        self._servers.append(server)
        tools = await server.tools()
        for tool in _allowed(tools, allowed_tools):
            if tool.name in self._homes:
                warnings.warn(
                    f"There is a tool {tool.name!r} already: that of {server.name} is left out.",
                    stacklevel=2,
                )
                continue
            self._homes[tool.name] = server
            self.available_tools.append(_described(tool))

    async def process_single_turn_with_tools(
        self,
        messages: list[Any],
        exit_loop_tools: list[dict[str, Any]] | None = None,
        exit_if_first_chunk_no_tool: bool = False,
    ) -> AsyncGenerator[Item, None]:
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
                if exit_if_first_chunk_no_tool and _speaks(chunk):
                    return
        answers = stream.result.choices or []
        if not answers:
            return
        said = answers[0].message
        calls = said.get("tool_calls") or []
        spoken = {"role": "assistant", "content": said.get("content")}
        messages.append({**spoken, "tool_calls": calls} if calls else spoken)
        for call in calls:
            message = await self._done(call, ends)
            messages.append(message)
            yield message
            if message.name in ends:
                return

    async def _done(self, call: Mapping[str, Any], ends: set[str]) -> ToolMessage:
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
        elif name not in self._homes:
            known = ", ".join(self._homes) or "none"
            message["content"] = f"There is no tool {name!r}. There are: {known}."
        else:
            message["content"] = await self._homes[name].called(name, arguments)
        return message

    async def cleanup(self) -> None:
        """End the servers and close the connections."""
        servers, self._servers = self._servers, []
        self._homes.clear()
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


TASK_COMPLETE: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "task_complete",
        "description": "Call this when the user's task is done.",
        "parameters": {"type": "object", "properties": {}},
    },
}
ASK_QUESTION: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "ask_question",
        "description": "Call this, after having asked, when only the user can answer.",
        "parameters": {"type": "object", "properties": {}},
    },
}
PROMPT = (
    "You work on the user's task until it is done. Plan before each tool call and look at its "
    "result before the next. Do not guess what a tool can tell you. Call task_complete once the "
    "task is done, ask_question where you need the user."
)


class Agent(MCPClient):
    """A model that works with tools until a task is done.

    Args:
        servers: `{"type": "stdio", "command": ..., "allowed_tools": [...]}` and the like, one dict
            for each server; see `MCPClient.add_mcp_server`.
        prompt: what the model is told first.
    """

    def __init__(
        self,
        *,
        model: str | None = None,
        servers: Iterable[Mapping[str, Any]] = (),
        provider: str | None = None,
        base_url: str | None = None,
        api_key: str | None = None,
        prompt: str | None = None,
    ) -> None:
        super().__init__(model=model, provider=provider, base_url=base_url, api_key=api_key)
        self._described_servers = [dict(server) for server in servers]
        self.messages: list[Any] = [{"role": "system", "content": prompt or PROMPT}]

    async def load_tools(self) -> None:
        """Connect the servers."""
        for server in self._described_servers:
            await self.add_mcp_server(**server)

    async def run(
        self, user_input: str, abort_event: asyncio.Event | None = None
    ) -> AsyncGenerator[Item, None]:
        """Work on a task: yields the model's chunks and the tools' messages.

        Ends when the model calls task_complete or ask_question, has nothing more to call, has had
        ten turns, or `abort_event` is set.
        """
        self.messages.append({"role": "user", "content": user_input})
        must_call = False
        for turn in range(MOST_TURNS):
            turns = self.process_single_turn_with_tools(
                self.messages,
                exit_loop_tools=[TASK_COMPLETE, ASK_QUESTION],
                exit_if_first_chunk_no_tool=turn > 0 and must_call,
            )
            async with contextlib.aclosing(turns):
                async for item in turns:
                    if abort_event is not None and abort_event.is_set():
                        return
                    yield item
            last = self.messages[-1]
            called = last["role"] == "tool"
            if (called and last["name"] in ("task_complete", "ask_question")) or (
                must_call and not called
            ):
                return
            must_call = not called


@dataclass
class _Server:
    """A connected server. Its connection is opened and closed by one task of its own: cells of a
    notebook are tasks of their own, and a connection must end in the task that it began in.
    """

    name: str
    client: "Client"
    stop: asyncio.Event
    task: "asyncio.Task[None]"

    @classmethod
    async def started(cls, type: ServerType, params: Mapping[str, Any]) -> "_Server":  # noqa: A002
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[Client] = loop.create_future()
        stop = asyncio.Event()
        task = asyncio.create_task(_served(type, params, ready, stop))
        try:
            client = await ready
        except BaseException:
            task.cancel()
            raise
        return cls(_name(type, params), client, stop, task)

    async def tools(self) -> "list[Tool]":
        """All tools, page by page."""
        page = await self.client.list_tools()
        found = list(page.tools)
        while page.next_cursor:
            page = await self.client.list_tools(cursor=page.next_cursor)
            found += page.tools
        return found

    async def called(self, name: str, arguments: dict[str, Any]) -> str:
        """What a tool answers, as text; what goes wrong too."""
        try:
            return _text(await self.client.call_tool(name, arguments))
        except Exception as error:  # of whatever kind: the model is told and goes on
            return f"The tool failed: {errors.redacted(str(error) or type(error).__name__)}"

    async def close(self) -> None:
        self.stop.set()
        await asyncio.wait([self.task])


async def _served(
    type: ServerType,  # noqa: A002
    params: Mapping[str, Any],
    ready: "asyncio.Future[Client]",
    stop: asyncio.Event,
) -> None:
    """Hold a connection open until it is told to stop."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        try:
            async with _client(type, dict(params), log) as client:
                ready.set_result(client)
                await stop.wait()
        except errors.ConfigurationError as error:
            ready.set_exception(error)
        except Exception as error:
            if not ready.done():
                ready.set_exception(_not_started(_name(type, params), error, log))


def _not_started(name: str, error: BaseException, log: IO[str]) -> MCPServerError:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    log.seek(0)
    lines = log.read()[-1000:].strip().splitlines()
    said = f" It said: {' / '.join(lines[-3:])}" if lines else ""
    reason = errors.redacted(str(error) or type(error).__name__).rstrip(".")
    return MCPServerError(f"The MCP server {name} did not start: {reason}.{errors.redacted(said)}")


def _name(type: ServerType, params: Mapping[str, Any]) -> str:  # noqa: A002
    if type == "stdio":
        return " ".join([str(params.get("command")), *map(str, params.get("args") or ())])
    return str(params.get("url"))


def _client(
    type: ServerType,  # noqa: A002
    params: dict[str, Any],
    log: IO[str],
) -> "AbstractAsyncContextManager[Client]":
    """A connection that is still to be opened.

    Raises:
        ConfigurationError: the extra is not installed, or the type or a parameter is unknown.
    """
    try:
        from mcp import Client
    except ImportError as error:
        raise errors.ConfigurationError(
            "MCP needs one more package: pip install 'hfwidgets[mcp]'."
        ) from error
    makers: dict[str, Callable[..., Any]] = {"stdio": _stdio, "sse": _sse, "http": _http}
    if type not in makers:
        raise errors.ConfigurationError(f"A server is of type stdio, http or sse, not {type!r}.")
    try:
        return Client(makers[type](log, **params))
    except TypeError as error:
        raise errors.ConfigurationError(f"A server of type {type}: {error}.") from error


def _stdio(
    log: IO[str],
    command: str,
    args: Iterable[str] = (),
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
) -> Any:
    from mcp import StdioServerParameters
    from mcp.client.stdio import stdio_client

    own = None if env is None else dict(env)
    parameters = StdioServerParameters(command=command, args=list(args), env=own, cwd=cwd)
    return stdio_client(parameters, errlog=cast(Any, log))


def _sse(
    log: IO[str],
    url: str,
    headers: Mapping[str, str] | None = None,
    timeout: float = 5.0,
    sse_read_timeout: float = 300.0,
) -> Any:
    from mcp.client.sse import sse_client

    return sse_client(url, dict(headers or {}), timeout, sse_read_timeout)


@contextlib.asynccontextmanager
async def _http(
    log: IO[str],
    url: str,
    headers: Mapping[str, str] | None = None,
    timeout: float = 30.0,  # noqa: ASYNC109 - it bounds the HTTP client's waits
    sse_read_timeout: float = 300.0,
    terminate_on_close: bool = True,
) -> AsyncIterator[Any]:
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    waits = httpx2.Timeout(timeout, read=sse_read_timeout)
    async with (
        httpx2.AsyncClient(headers=headers, timeout=waits, follow_redirects=True) as http,
        streamable_http_client(
            url, http_client=http, terminate_on_close=terminate_on_close
        ) as streams,
    ):
        yield streams


def _allowed(tools: "list[Tool]", allowed: Iterable[str] | None) -> "list[Tool]":
    """The tools that a list of names allows; a name that no tool has gets a warning."""
    if allowed is None:
        return tools
    names, known = list(allowed), [tool.name for tool in tools]
    for name in names:
        if name not in known:
            warnings.warn(
                f"allowed_tools names {name!r}, which the server does not have."
                f"{errors.near(name, known)}",
                stacklevel=3,
            )
    return [tool for tool in tools if tool.name in names]


def _described(tool: "Tool") -> dict[str, Any]:
    """A tool in OpenAI's form."""
    function = {"name": tool.name, "parameters": tool.input_schema}
    if tool.description:
        function["description"] = tool.description
    return {"type": "function", "function": function}


def _speaks(chunk: ChatCompletionStreamOutput) -> bool:
    """Whether a chunk has text and no call."""
    return any(
        choice.delta.get("content") and not choice.delta.get("tool_calls")
        for choice in chunk.choices or ()
    )


def _text(result: "CallToolResult") -> str:
    """A tool's answer as text: texts joined, files named with their size."""
    parts = [_part(part) for part in result.content]
    text = "\n".join(part for part in parts if part)
    return f"The tool failed: {text}" if result.is_error else text


def _part(part: Any) -> str:
    if part.type == "text":
        return str(part.text)
    if part.type == "resource_link":
        return f"[Link: {part.uri}]"
    body = part.resource if part.type == "resource" else part
    text = getattr(body, "text", None)
    if text is not None:
        return str(text)
    size = len(getattr(body, "data", None) or getattr(body, "blob", None) or "") * 3 // 4
    kind = body.mime_type or part.type
    return f"[Binary Content: {kind}, {size:,} bytes; not shown to the model]"
