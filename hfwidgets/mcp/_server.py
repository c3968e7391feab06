"""Connect to an MCP server, list its tools and call them."""

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import PurePath
from typing import IO, TYPE_CHECKING, Any, Literal, TypeAlias, cast
from urllib.parse import urlsplit

from hfwidgets import errors
from hfwidgets.calls.known_secrets import secrets_in_headers, secrets_in_url
from hfwidgets.errors.secrets import is_secret_name, mask_known, redact
from hfwidgets.mcp._limits import (
    CALL_TIMEOUT,
    CLOSE_TIMEOUT,
    LINE_ENCODING,
    MAX_ANSWER_SIZE,
    MAX_PAGES,
    MAX_TOOLS,
    PATIENCE,
    START_TIMEOUT,
    MCPServerError,
    shorten_result,
)

if TYPE_CHECKING:
    from mcp import Client
    from mcp.types import CallToolResult, ContentBlock, Tool

ServerType: TypeAlias = Literal["stdio", "sse", "http"]
ServerParameters: TypeAlias = Mapping[str, Any]
"""The arguments of one of the transports below, as users write them."""


@dataclass
class MCPConnection:
    """A connected server.

    One task opens the connection, holds it and closes it: `mcp` requires that a connection ends in
    the task that it began in, and cells of a notebook are different tasks.

    Attributes:
        name: The server for messages: its program or its host, without arguments or keys.
        secrets: What no message repeats.
    """

    name: str
    client: "Client" = field(repr=False)
    stop: asyncio.Event = field(repr=False)
    task: "asyncio.Task[None]" = field(repr=False)
    call_timeout: float = CALL_TIMEOUT
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    async def connect(
        cls,
        type: ServerType,  # noqa: A002 - the field's name
        params: ServerParameters,
        timeout: float | None = None,  # noqa: ASYNC109 - part of the public interface
    ) -> "MCPConnection":
        """Start a server, or open its URL.

        Args:
            type: The transport.
            params: The transport's arguments.
            timeout: Seconds for each answer; None stands for `START_TIMEOUT` and `CALL_TIMEOUT`.

        Raises:
            MCPServerError: It does not start in time, or does not support MCP.
            ConfigurationError: An argument is unknown, or the extra is not installed.
        """
        _import_client()  # it takes a second, which is not the server's
        name, secrets = _server_name(type, params), _find_secrets(params)
        limit = START_TIMEOUT if timeout is None else timeout
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[Client] = loop.create_future()
        stop = asyncio.Event()
        task = asyncio.create_task(_hold_connection(type, params, ready, stop))
        try:
            # The connection itself has no limit: a server may be silent at any step of it.
            async with asyncio.timeout(limit):
                client = await ready
        except TimeoutError:
            await _end_task(task, PATIENCE)
            raise MCPServerError(
                f"The MCP server {name} did not answer within {limit:g} s.",
                advice="Check that it supports MCP, or pass a larger timeout=.",
            ) from None
        # The task has failed and ended, or the caller was canceled and cannot wait for its end.
        except BaseException:
            task.cancel()
            raise
        call_timeout = CALL_TIMEOUT if timeout is None else timeout
        return cls(name, client, stop, task, call_timeout, secrets)

    async def list_tools(self, timeout: float | None = None) -> "list[Tool]":  # noqa: ASYNC109
        """Return all tools, page by page.

        Raises:
            MCPServerError: The list does not arrive in time, is not valid or does not end.
        """
        limit = START_TIMEOUT if timeout is None else timeout
        try:
            # One limit for all pages: a server that answers each in time could list pages forever.
            async with asyncio.timeout(limit):
                return await self._list_pages()
        except TimeoutError:
            reason = f"did not list its tools within {limit:g} s"
        except MCPServerError:
            raise
        except Exception as error:  # of whatever kind `mcp` and its parsers raise
            reason = f"did not list its tools: {self._describe(error)}"
        raise MCPServerError(f"The MCP server {self.name} {reason}.")

    async def _list_pages(self) -> "list[Tool]":
        found: list[Tool] = []
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            page = await self.client.list_tools(cursor=cursor)
            found += page.tools
            if len(found) > MAX_TOOLS:
                break
            cursor = page.next_cursor
            if not cursor:
                return found
        raise MCPServerError(
            f"The MCP server {self.name} lists more than {MAX_TOOLS:,} tools or {MAX_PAGES} pages "
            "of them."
        )

    async def call_tool(self, name: str, arguments: dict[str, Any]) -> str:
        """Return a tool's answer as text; for the model, a failure is an answer too."""
        try:
            async with asyncio.timeout(self.call_timeout):
                result = await self.client.call_tool(name, arguments)
            # A tool may repeat what its server was started with; the model gets the rest.
            return shorten_result(mask_known(_result_text(result), self.secrets))
        except TimeoutError:
            return f"The tool failed: no answer within {self.call_timeout:g} s"
        except Exception as error:  # of whatever kind: the model is told and goes on
            return f"The tool failed: {self._describe(error)}"

    def _describe(self, error: BaseException) -> str:
        text = redact(str(error) or type(error).__name__, self.secrets)
        return text if len(text) <= 1000 else f"{text[:1000]}…"

    async def close(self, patience: float = CLOSE_TIMEOUT) -> None:
        """End the connection and the program; a server that resists is abandoned.

        Args:
            patience: Seconds to wait for an orderly end, and for one by force.
        """
        self.stop.set()
        # Unlike `wait_for`, this neither cancels the task nor raises its error.
        await asyncio.wait([self.task], timeout=patience)
        await _end_task(self.task, patience)


async def _end_task(task: "asyncio.Task[None]", patience: float) -> None:
    if not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=patience)


async def _hold_connection(
    type: ServerType,  # noqa: A002
    params: ServerParameters,
    ready: "asyncio.Future[Client]",
    stop: asyncio.Event,
) -> None:
    """Open a connection, hold it until `stop` is set, and close it."""
    # A file, since nothing reads a pipe while the server runs, and a full pipe would block it.
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        try:
            async with _make_client(type, dict(params), log) as client:
                # A caller whose time ran out has canceled the future.
                if not ready.done():
                    ready.set_result(client)
                await stop.wait()
        except errors.ConfigurationError as error:
            if not ready.done():
                ready.set_exception(error)
        except Exception as error:
            # Once connected, a failure is reported by the call that meets it.
            if not ready.done():
                ready.set_exception(_build_start_error(type, params, error, log))


def _build_start_error(
    type: ServerType,  # noqa: A002
    params: ServerParameters,
    error: BaseException,
    log: IO[str],
) -> MCPServerError:
    # Task groups wrap what their tasks raise; the first error is the cause of the others.
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    log.seek(0)
    lines = log.read()[-1000:].strip().splitlines()
    output = f" Its output ends: {' / '.join(lines[-3:])}" if lines else ""
    reason = str(error).rstrip(".") or error.__class__.__name__
    text = f"The MCP server {_server_name(type, params)} did not start: {reason}.{output}"
    return MCPServerError(redact(text, _find_secrets(params)))


def _server_name(type: ServerType, params: ServerParameters) -> str:  # noqa: A002
    """Return the program or the host: no arguments, users and queries, which may hold keys."""
    if type == "stdio":
        return PurePath(str(params.get("command"))).name
    try:
        return urlsplit(str(params.get("url"))).netloc.rpartition("@")[2]
    except ValueError:
        return "at this URL"


def _find_secrets(params: ServerParameters) -> tuple[str, ...]:
    """Return the keys in a server's arguments, environment, headers and URL."""
    named = {**dict(params.get("env") or {}), **dict(params.get("headers") or {})}
    found = secrets_in_headers({str(name): str(value) for name, value in named.items()})
    args = [str(arg) for arg in params.get("args") or ()]
    # `--api-key KEY` and `--api-key=KEY`.
    for name, value in zip_longest(args, args[1:], fillvalue=""):
        flag, equals, inline = name.partition("=")
        if flag.startswith("-") and is_secret_name(flag):
            found.append(inline if equals else value)
    return (*found, *secrets_in_url(str(params.get("url") or "")))


def _import_client() -> "type[Client]":
    try:
        from mcp import Client
    except ImportError as error:
        raise errors.ConfigurationError(
            "MCP needs one more package.", advice="Run: pip install 'hfwidgets[mcp]'"
        ) from error
    return Client


def _make_client(
    type: ServerType,  # noqa: A002
    params: dict[str, Any],
    log: IO[str],
) -> "AbstractAsyncContextManager[Client]":
    """Return a connection that is still to be opened.

    Raises:
        ConfigurationError: The extra is not installed, or the type or a parameter is unknown.
    """
    transports: dict[str, Callable[..., Any]] = {
        "stdio": _stdio_transport,
        "sse": _sse_transport,
        "http": _http_transport,
    }
    if type not in transports:
        raise errors.ConfigurationError(
            f"Unknown server type {type!r}.", advice="Choose stdio, http or sse."
        )
    try:
        # Arguments are bound here, before anything is opened, so a TypeError means a wrong one.
        return _import_client()(transports[type](log, **params))
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

    parameters = StdioServerParameters(
        command=command,
        args=list(args),
        env=None if env is None else dict(env),
        cwd=cwd,
        encoding=LINE_ENCODING,
    )
    # `mcp` names the type of standard error; any file with a descriptor does.
    return stdio_client(parameters, errlog=cast(Any, log))


def _sse_transport(
    log: IO[str],
    url: str,
    headers: Mapping[str, str] | None = None,
    timeout: float = 5.0,
    sse_read_timeout: float = 300.0,
) -> Any:
    from mcp.client.sse import sse_client

    from hfwidgets.mcp._http_client import make_http_client

    return sse_client(url, dict(headers or {}), timeout, sse_read_timeout, make_http_client)


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

    from hfwidgets.mcp._http_client import make_http_client

    waits = httpx2.Timeout(timeout, read=sse_read_timeout)
    async with (
        make_http_client(dict(headers or {}), waits) as http,
        streamable_http_client(
            url,
            http_client=http,
            terminate_on_close=terminate_on_close,
            max_sse_event_size=MAX_ANSWER_SIZE,
        ) as streams,
    ):
        yield streams


def _result_text(result: "CallToolResult") -> str:
    """Return a tool's answer as text: texts joined, files named with their size."""
    parts = [_part_text(part) for part in result.content]
    text = "\n".join(part for part in parts if part)
    if not text and result.structured_content is not None:
        text = json.dumps(result.structured_content, ensure_ascii=False)
    return f"The tool failed: {text}" if result.is_error else text


def _part_text(part: "ContentBlock") -> str:
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
