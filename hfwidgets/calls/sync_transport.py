"""Blocking connections straight to servers, each used for one request after another.

The time of a request is one budget: each read and write waits for what is left of it, connecting
and the body included. httpx gives each read the whole time again.
"""

import socket
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, cast

import httpx

from hfwidgets.calls.certificates import ssl_context
from hfwidgets.calls.http1 import ResponseReader, write_chunks, write_head
from hfwidgets.calls.limited_time import TimeIsOverError, call_in_time

IDLE_SECONDS = 30.0
"""How long a connection waits for another request."""

MAX_IDLE = 100
"""How many connections to a server wait for another request."""

READ_SIZE = 65536

WRITE_PIECE = 65536
"""How many bytes are written at once, so that a slow reader cannot stretch the time."""

Origin = tuple[str, str, int | None]
"""The scheme, host and port of a server."""


class _Connection:
    """A socket, plain or encrypted; `get_extra_info` is that of httpcore's network streams."""

    __slots__ = ("idle_since", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.idle_since = 0.0

    def get_extra_info(self, name: str) -> Any:
        return self.sock if name == "socket" else None

    def is_usable(self) -> bool:
        """True if the server has neither closed the connection nor sent what was not asked for."""
        if time.monotonic() - self.idle_since > IDLE_SECONDS:
            return False
        try:
            self.sock.settimeout(0)
            # An encrypted socket refuses flags, so the plain one below it is looked at.
            socket.socket.recv(self.sock, 1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def send(self, pieces: Iterable[bytes], end: float | None) -> None:
        for data in pieces:
            view = memoryview(data)
            for start in range(0, len(view), WRITE_PIECE):
                try:
                    self.sock.settimeout(_time_left(end))
                    self.sock.sendall(view[start : start + WRITE_PIECE])
                except TimeoutError as error:
                    raise httpx.WriteTimeout("the time is over") from error
                except OSError:
                    return  # the server may have answered before it closed

    def receive(self, end: float | None) -> bytes:
        try:
            self.sock.settimeout(_time_left(end))
            return self.sock.recv(READ_SIZE)
        except TimeoutError as error:
            raise httpx.ReadTimeout("the time is over") from error
        except OSError as error:
            raise httpx.ReadError(str(error)) from error

    def close(self) -> None:
        self.sock.close()


def _time_left(end: float | None) -> float | None:
    if end is None:
        return None
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _connect(url: httpx.URL, end: float | None) -> _Connection:
    host = url.raw_host.decode("ascii")
    port = url.port or (443 if url.scheme == "https" else 80)
    context = ssl_context() if url.scheme == "https" else None
    try:
        sock = _open_socket(host, port, end)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                sock.settimeout(_time_left(end))
                sock = context.wrap_socket(sock, server_hostname=host)
        except BaseException:
            sock.close()
            raise
    except TimeoutError as error:
        raise httpx.ConnectTimeout("the time is over") from error
    except OSError as error:
        raise httpx.ConnectError(str(error)) from error
    return _Connection(sock)


def _open_socket(host: str, port: int, end: float | None) -> socket.socket:
    """Return a socket connected to the first address of a host that answers."""
    failure: OSError | None = None
    for family, kind, protocol, _, address in _look_up(host, port, end):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(_time_left(end))
            sock.connect(address)
        except OSError as error:
            failure = error
            sock.close()
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure or OSError(f"{host} has no address")


def _look_up(host: str, port: int, end: float | None) -> list[Any]:
    """Return the addresses of a host, as `socket.getaddrinfo` does."""
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    if ":" in host or host[-1:].isdigit() or host == "localhost":
        return look_up()  # needs no name server, and so no thread
    try:
        return call_in_time(look_up, _time_left(end))
    except TimeIsOverError as error:
        raise TimeoutError from error


class DirectBody(httpx.SyncByteStream):
    """A response's body.

    Attributes:
        end: the moment by which it must have come, None without a limit.
    """

    def __init__(
        self,
        transport: "DirectTransport",
        origin: Origin,
        connection: _Connection,
        reader: ResponseReader,
        first: bytes,
        end: float | None,
    ) -> None:
        self._transport = transport
        self._origin = origin
        self._connection: _Connection | None = connection
        self._reader = reader
        self._first = first
        self.end = end

    def __iter__(self) -> Iterator[bytes]:
        data, self._first = self._first, b""
        reader = self._reader
        if data:
            yield data
        while not reader.is_done:
            connection = self._connection
            if connection is None:
                raise httpx.ReadError("the response is closed")
            data = connection.receive(self.end)
            if not data:
                reader.feed_end()
                return
            if body := reader.feed(data):
                yield body

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._reader.is_done and self._reader.keeps_alive:
            self._transport.keep(self._origin, connection)
        else:
            connection.close()

    def discard(self) -> None:
        """Close the connection from a destructor, which must not wait for a lock."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class DirectTransport(httpx.BaseTransport):
    """Connections that are opened as they are needed, and kept for a while."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[Origin, deque[_Connection]] = {}
        self._is_closed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        seconds = request.extensions["timeout"]["read"]
        end = None if seconds is None else time.monotonic() + seconds
        url = request.url
        origin = (url.scheme, url.host, url.port)
        pieces = _write_request(request)
        reader = ResponseReader(request.method)
        connection = self._take(origin) or _connect(url, end)
        try:
            connection.send(pieces, end)
            first = b""
            while not reader.status:
                data = connection.receive(end)
                if not data:
                    reader.feed_end()
                first = reader.feed(data)
        except BaseException:
            connection.close()
            raise
        return httpx.Response(
            reader.status,
            headers=reader.headers,
            stream=DirectBody(self, origin, connection, reader, first, end),
            extensions={
                "http_version": b"HTTP/1.1",
                "reason_phrase": reader.reason,
                "network_stream": connection,
            },
        )

    def _take(self, origin: Origin) -> _Connection | None:
        """Return the connection that was used last, None without one that is still open."""
        while idle := self._idle.get(origin):
            with self._lock:
                connection = idle.pop() if idle else None
            if connection is None or connection.is_usable():
                return connection
            connection.close()
        return None

    def keep(self, origin: Origin, connection: _Connection) -> None:
        """Keep a connection for another request."""
        now = connection.idle_since = time.monotonic()
        closing = []
        with self._lock:
            idle = self._idle.setdefault(origin, deque())
            idle.append(connection)
            # The oldest are on the left: they are no longer needed after a time of many calls. A
            # stream may outlive its client, which nothing closes a second time.
            while idle and (
                self._is_closed or len(idle) > MAX_IDLE or now - idle[0].idle_since > IDLE_SECONDS
            ):
                closing.append(idle.popleft())
        for old in closing:
            old.close()

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            closing = [connection for idle in self._idle.values() for connection in idle]
            self._idle.clear()
        for connection in closing:
            connection.close()


def _write_request(request: httpx.Request) -> Iterable[bytes]:
    """Return a request's bytes; a small one in one piece, which is one packet."""
    head = write_head(request)
    stream = cast(httpx.SyncByteStream, request.stream)
    if isinstance(stream, httpx.ByteStream):
        body = b"".join(stream)
        return [head + body] if len(body) < WRITE_PIECE else [head, body]
    if "transfer-encoding" in request.headers:
        return _chain(head, write_chunks(stream))
    return _chain(head, stream)


def _chain(head: bytes, pieces: Iterable[bytes]) -> Iterator[bytes]:
    yield head
    yield from pieces
