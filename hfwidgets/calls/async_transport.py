"""Connections of asyncio straight to servers, each used for one request after another.

The bytes of a response are read as the loop delivers them, without a task or a stream between. The
time of a request is held by the driver, whose cancel scope ends all its waits together.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx

from hfwidgets.calls.certificates import ssl_context
from hfwidgets.calls.http1 import LAST_CHUNK, ResponseReader, write_chunk, write_head
from hfwidgets.calls.sync_transport import IDLE_SECONDS, MAX_IDLE, WRITE_PIECE, Origin

BUFFER_LIMIT = 1 << 20
"""How many bytes of a body wait for their reader before the server is made to wait."""


class _Connection(asyncio.Protocol):
    """A connection, and the response that is being read from it.

    Attributes:
        reader: reads the response; None while no request is open.
        idle_since: when the last request ended.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._pieces: list[bytes] = []
        self._size = 0
        self._error: Exception | None = None
        self._is_paused = False
        self.reader: ResponseReader | None = None
        self.idle_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        reader = self.reader
        if reader is None or reader.is_done:
            self.abort()  # no request is open: what comes now must not be taken for an answer
            return
        try:
            body = reader.feed(data)
        except httpx.RemoteProtocolError as error:
            self.abort(error)
            return
        if body:
            self._pieces.append(body)
            self._size += len(body)
            if self._size > BUFFER_LIMIT and not self._is_paused and self._transport is not None:
                self._is_paused = True
                self._transport.pause_reading()
        if reader.status:
            self._wake()
            self.resume_writing()  # an answer before the body's end: the rest is not read

    def eof_received(self) -> None:
        if self.reader is not None:
            try:
                self.reader.feed_end()
            except httpx.RemoteProtocolError as error:
                self._error = self._error or error
        self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self._error = self._error or httpx.ReadError(str(exc))
        self.abort()

    def pause_writing(self) -> None:
        self._drained = self._drained or self._loop.create_future()

    def resume_writing(self) -> None:
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    @property
    def is_open(self) -> bool:
        return self._error is None

    def abort(self, error: Exception | None = None) -> None:
        """Close the connection; a task that waits for it gets an error."""
        self._error = self._error or error or httpx.ReadError("the connection is closed")
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()
        self._wake()
        self.resume_writing()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def _wait(self) -> None:
        """Wait for bytes, for the end of the response or of the connection."""
        if self._error is not None:
            raise self._error
        self._waiter = self._loop.create_future()
        await self._waiter

    def start(self, reader: ResponseReader) -> None:
        """Read the response to another request."""
        self.reader = reader
        self._pieces, self._size = [], 0
        self._resume_reading()

    def write(self, data: bytes) -> None:
        if self._transport is not None:  # else the server may have answered before it closed
            self._transport.write(data)

    async def write_body(self, request: httpx.Request, reader: ResponseReader) -> None:
        """Write a body in pieces, not faster than the server reads them."""
        stream = cast(httpx.AsyncByteStream, request.stream)
        is_chunked = "transfer-encoding" in request.headers
        async for piece in stream:
            for start in range(0, len(piece), WRITE_PIECE):
                part = piece[start : start + WRITE_PIECE]
                self.write(write_chunk(part) if is_chunked else part)
                if self._drained is not None:
                    await self._drained
                if not self.is_open or reader.status:
                    reader.keeps_alive = False
                    return
        if is_chunked:
            self.write(LAST_CHUNK)

    async def wait_for_head(self, reader: ResponseReader) -> None:
        """Wait until the status and the headers have come."""
        while not reader.status:
            await self._wait()

    async def read(self, reader: ResponseReader) -> bytes:
        """Return the bytes of the body that have come; empty at its end."""
        while not self._pieces:
            if reader.is_done:
                return b""
            await self._wait()
        pieces, self._pieces, self._size = self._pieces, [], 0
        self._resume_reading()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _resume_reading(self) -> None:
        if self._is_paused and self._transport is not None:
            self._is_paused = False
            self._transport.resume_reading()


class _DirectBody(httpx.AsyncByteStream):
    """A response's body."""

    def __init__(
        self,
        transport: "AsyncDirectTransport",
        origin: Origin,
        connection: _Connection,
        reader: ResponseReader,
    ) -> None:
        self._transport = transport
        self._origin = origin
        self._connection: _Connection | None = connection
        self._reader = reader

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (connection := self._connection) is not None:
            data = await connection.read(self._reader)
            if not data:
                return
            yield data

    async def aclose(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        connection.reader = None
        if self._reader.is_done and self._reader.keeps_alive:
            self._transport.keep(self._origin, connection)
        else:
            connection.abort()


class AsyncDirectTransport(httpx.AsyncBaseTransport):
    """Connections of one loop, opened as they are needed, and kept for a while."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._idle: dict[Origin, deque[_Connection]] = {}
        self._is_closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        origin = (url.scheme, url.host, url.port)
        head = write_head(request)
        reader = ResponseReader(request.method)
        connection = self._take(origin) or await self._connect(url)
        connection.start(reader)
        try:
            if isinstance(request.stream, httpx.ByteStream):
                connection.write(head + b"".join(request.stream))
            else:
                connection.write(head)
                await connection.write_body(request, reader)
            await connection.wait_for_head(reader)
        except BaseException:
            connection.abort()
            raise
        extensions: dict[str, Any] = {
            "http_version": b"HTTP/1.1",
            "reason_phrase": reader.reason,
        }
        return httpx.Response(
            reader.status,
            headers=reader.headers,
            stream=_DirectBody(self, origin, connection, reader),
            extensions=extensions,
        )

    async def _connect(self, url: httpx.URL) -> _Connection:
        host = url.raw_host.decode("ascii")
        is_tls = url.scheme == "https"
        try:
            _, connection = await self._loop.create_connection(
                lambda: _Connection(self._loop),
                host,
                url.port or (443 if is_tls else 80),
                ssl=ssl_context() if is_tls else None,
                server_hostname=host if is_tls else None,
                # A name may have several addresses, of which the first does not answer.
                happy_eyeballs_delay=None if ":" in host or host[-1].isdigit() else 0.25,
            )
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error
        return connection

    def _take(self, origin: Origin) -> _Connection | None:
        """Return the connection that was used last, None without one that is still open."""
        idle = self._idle.get(origin)
        now = time.monotonic()
        while idle:
            connection = idle.pop()
            if connection.is_open and now - connection.idle_since <= IDLE_SECONDS:
                return connection
            connection.abort()
        return None

    def keep(self, origin: Origin, connection: _Connection) -> None:
        """Keep a connection for another request."""
        now = connection.idle_since = time.monotonic()
        idle = self._idle.setdefault(origin, deque())
        idle.append(connection)
        # The oldest are on the left: they are no longer needed after a time of many calls. A stream
        # may outlive its client, which nothing closes a second time.
        while idle and (
            self._is_closed or len(idle) > MAX_IDLE or now - idle[0].idle_since > IDLE_SECONDS
        ):
            idle.popleft().abort()

    async def aclose(self) -> None:
        self._is_closed = True
        for idle in self._idle.values():
            for connection in idle:
                connection.abort()
        self._idle.clear()
        await asyncio.sleep(0)  # the loop closes the sockets in its next turn
