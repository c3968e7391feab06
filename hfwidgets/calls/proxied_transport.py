"""httpx's own transports: for what goes through a proxy, and for loops that are not asyncio's.

They know proxies of every kind (SOCKS, encrypted ones, tunnels), and every kind of loop. Their pool
looks at all its connections whenever one is taken or returned: 200 calls at once spend 1.5 s in it.
"""

import functools
import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx

from hfwidgets.calls.certificates import plain_context, ssl_context
from hfwidgets.calls.limited_time import TimeIsOverError, call_in_time
from hfwidgets.calls.proxies import ProxyRoute
from hfwidgets.calls.sync_transport import WRITE_PIECE


class _Limits(threading.local):
    """The moment by which all reads and writes of this thread's request must have ended.

    httpx gives each read the whole time again, so that a server which sends its headers in drops,
    or endless interim answers, would hold a call forever.
    """

    end: float | None = None


_limits = _Limits()


def _time_left(timeout: float | None, error: type[Exception]) -> float | None:
    if _limits.end is None:
        return timeout
    left = _limits.end - time.monotonic()
    if left <= 0:
        raise error("the time is over")
    return left if timeout is None else min(timeout, left)


class _TimedStream(httpcore.NetworkStream):
    """A connection whose reads and writes keep to the thread's limit."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream
        # httpcore calls this for each idle connection of a pool with every request. `vars`, since
        # type checkers refuse assignments to a method.
        vars(self)["get_extra_info"] = stream.get_extra_info

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if _limits.end is not None:
            timeout = _time_left(timeout, httpcore.ReadTimeout)
        return self._stream.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if _limits.end is None:
            self._stream.write(buffer, timeout)
            return
        for start in range(0, len(buffer), WRITE_PIECE):
            piece = buffer[start : start + WRITE_PIECE]
            self._stream.write(piece, _time_left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = _time_left(timeout, httpcore.ConnectTimeout)
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, left))


class TimedBackend(httpcore.NetworkBackend):
    """Opens connections that keep to the limit of the thread that uses them."""

    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        self._backend = backend

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = _time_left(timeout, httpcore.ConnectTimeout)
        connect = functools.partial(
            self._backend.connect_tcp, host, port, left, local_address, socket_options
        )
        try:
            # Its own timeout does not hold for the look-up of the name.
            return _TimedStream(call_in_time(connect, left))
        except TimeIsOverError as error:
            raise httpcore.ConnectTimeout("the time is over") from error


class ProxiedTransport(httpx.BaseTransport):
    """httpx's transport, whose time for the headers is one budget."""

    def __init__(self, proxy: ProxyRoute | None, *, is_tls: bool) -> None:
        self._transport = httpx.HTTPTransport(**_transport_options(proxy, is_tls))
        pool = self._transport._pool  # httpx has no argument for a network backend
        pool._network_backend = TimedBackend(pool._network_backend)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        seconds = request.extensions["timeout"]["read"]
        # Only headers are read here. The body has its own deadline, see `SyncDriver._read_body`.
        _limits.end = None if seconds is None else time.monotonic() + seconds
        try:
            return self._transport.handle_request(request)
        finally:
            _limits.end = None

    def close(self) -> None:
        self._transport.close()


def make_async_transport(proxy: ProxyRoute | None, *, is_tls: bool) -> httpx.AsyncHTTPTransport:
    """Return httpx's transport for a loop of any kind."""
    # Needs no timed backend: the driver's cancel scope ends all waits of a request together.
    return httpx.AsyncHTTPTransport(**_transport_options(proxy, is_tls))


@functools.cache
def _connection_limits() -> httpx.Limits:
    """As many connections as calls; idle ones stay open for a while, as httpx keeps them."""
    return httpx.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=30.0)


def _transport_options(proxy: ProxyRoute | None, is_tls: bool) -> dict[str, Any]:
    """Return httpx's arguments; certificates are read only where a connection is encrypted."""
    options: dict[str, Any] = {
        "verify": ssl_context() if is_tls else plain_context(),
        "limits": _connection_limits(),
    }
    if proxy is not None:
        context = ssl_context() if proxy.is_tls else None
        options["proxy"] = httpx.Proxy(proxy.url, ssl_context=context)
    return options
