"""A connection to an MCP server, in a task of its own."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Literal, cast

from hfwidgets import errors

if TYPE_CHECKING:
    from mcp import Client
    from mcp.types import CallToolResult, Tool

ServerType = Literal["stdio", "sse", "http"]


class MCPServerError(errors.HfWidgetsError, RuntimeError):
    """An MCP server that did not start, or ended."""


@dataclass
class MCPConnection:
    """A connected server. Its connection is opened and closed by one task of its own: cells of a
    notebook are tasks of their own, and a connection must end in the task that it began in.
    """

    name: str
    client: "Client"
    stop: asyncio.Event
    task: "asyncio.Task[None]"

    @classmethod
    async def connect(cls, type: ServerType, params: Mapping[str, Any]) -> "MCPConnection":  # noqa: A002
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[Client] = loop.create_future()
        stop = asyncio.Event()
        task = asyncio.create_task(_hold_connection(type, params, ready, stop))
        try:
            client = await ready
        except BaseException:
            task.cancel()
            raise
        return cls(_server_name(type, params), client, stop, task)

    async def list_tools(self) -> "list[Tool]":
        """All tools, page by page."""
        page = await self.client.list_tools()
        found = list(page.tools)
        while page.next_cursor:
            page = await self.client.list_tools(cursor=page.next_cursor)
            found += page.tools
        return found

    async def call_tool(self, name: str, arguments: dict[str, Any]) -> str:
        """What a tool answers, as text; what goes wrong too."""
        try:
            return _result_text(await self.client.call_tool(name, arguments))
        except Exception as error:  # of whatever kind: the model is told and goes on
            return f"The tool failed: {errors.redact(str(error) or type(error).__name__)}"

    async def close(self) -> None:
        self.stop.set()
        await asyncio.wait([self.task])


async def _hold_connection(
    type: ServerType,  # noqa: A002
    params: Mapping[str, Any],
    ready: "asyncio.Future[Client]",
    stop: asyncio.Event,
) -> None:
    """Hold a connection open until it is told to stop."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        try:
            async with _make_client(type, dict(params), log) as client:
                ready.set_result(client)
                await stop.wait()
        except errors.ConfigurationError as error:
            ready.set_exception(error)
        except Exception as error:
            if not ready.done():
                ready.set_exception(_build_start_error(_server_name(type, params), error, log))


def _build_start_error(name: str, error: BaseException, log: IO[str]) -> MCPServerError:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    log.seek(0)
    lines = log.read()[-1000:].strip().splitlines()
    said = f" It said: {' / '.join(lines[-3:])}" if lines else ""
    reason = errors.redact(str(error) or type(error).__name__).rstrip(".")
    return MCPServerError(f"The MCP server {name} did not start: {reason}.{errors.redact(said)}")


def _server_name(type: ServerType, params: Mapping[str, Any]) -> str:  # noqa: A002
    if type == "stdio":
        return " ".join([str(params.get("command")), *map(str, params.get("args") or ())])
    return str(params.get("url"))


def _make_client(
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
    makers: dict[str, Callable[..., Any]] = {
        "stdio": _stdio_transport,
        "sse": _sse_transport,
        "http": _http_transport,
    }
    if type not in makers:
        raise errors.ConfigurationError(f"A server is of type stdio, http or sse, not {type!r}.")
    try:
        return Client(makers[type](log, **params))
    except TypeError as error:
        raise errors.ConfigurationError(f"A server of type {type}: {error}.") from error


def _stdio_transport(
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


def _sse_transport(
    log: IO[str],
    url: str,
    headers: Mapping[str, str] | None = None,
    timeout: float = 5.0,
    sse_read_timeout: float = 300.0,
) -> Any:
    from mcp.client.sse import sse_client

    return sse_client(url, dict(headers or {}), timeout, sse_read_timeout)


@contextlib.asynccontextmanager
async def _http_transport(
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


def _result_text(result: "CallToolResult") -> str:
    """A tool's answer as text: texts joined, files named with their size."""
    parts = [_part_text(part) for part in result.content]
    text = "\n".join(part for part in parts if part)
    return f"The tool failed: {text}" if result.is_error else text


def _part_text(part: Any) -> str:
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
