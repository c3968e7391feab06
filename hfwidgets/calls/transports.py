"""httpx's transports: pools of connections, each for a proxy and with or without encryption.

A connection pool looks at all its connections whenever one is taken or returned, and for each idle
one at all of them again: 200 calls at once spend 1.5 s in a single pool. Several pools of a few
connections keep that small, and calls one after the other still share one connection.

`hfwidgets.calls.call` handles redirects, cookies and credentials. An httpx client would process
them a second time, which takes half of the time of a small request; so transports are called
without one.
"""

import functools
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

import httpcore
import httpx

from hfwidgets.calls.certificates import plain_context, ssl_context
from hfwidgets.calls.prepared_request import PreparedRequest
from hfwidgets.calls.proxies import ProxyRoute, find_proxy

REQUESTS_PER_POOL = 10
"""How many requests a transport carries at once."""

WRITE_PIECE = 65536
"""How many bytes are written at once, so that a slow reader cannot stretch the time."""

T = TypeVar("T")

parse_url = functools.lru_cache(maxsize=256)(httpx.URL)


def build_request(request: PreparedRequest, left: float | None) -> httpx.Request:
    """Return httpx's request, with the time that is left as the limit of each of its waits."""
    content = request.content
    if content is not None and not isinstance(content, bytes):
        content = iter(content)  # httpx would call the `read` of what has one
    # httpx holds each wait to these; their sum is held by `_Limits` and by the async scope.
    limits = {"connect": left, "read": left, "write": left, "pool": left}
    return httpx.Request(
        request.method,
        parse_url(request.url),
        headers=request.headers,
        content=content,
        extensions={"timeout": limits},
    )


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
        stream = self._backend.connect_tcp(host, port, left, local_address, socket_options)
        return _TimedStream(stream)


@dataclass(slots=True, eq=False)
class Pool(Generic[T]):
    """One transport and the number of its open requests."""

    transport: T
    lock: threading.Lock
    open_requests: int = 0

    def release(self) -> None:
        with self.lock:
            self.open_requests -= 1


@dataclass(slots=True, eq=False)
class _PoolSet(Generic[T]):
    """Pools to the same proxy; one more is made when all are full."""

    factory: Callable[[], T]
    lock: threading.Lock = field(default_factory=threading.Lock)
    pools: list[Pool[T]] = field(default_factory=list)

    def acquire(self) -> Pool[T]:
        with self.lock:
            # The first pool with room: calls one after the other reuse the same few connections.
            for pool in self.pools:
                if pool.open_requests < REQUESTS_PER_POOL:
                    break
            else:
                pool = Pool(self.factory(), self.lock)
                self.pools.append(pool)
            pool.open_requests += 1
            return pool


@dataclass(frozen=True, slots=True)
class _Path:
    """How connections are made: encrypted or not, through a proxy or not."""

    is_tls: bool
    proxy: ProxyRoute | None


class _Pools(Generic[T]):
    """The pools for each origin, as the environment's proxies have it."""

    def __init__(self, make: Callable[[_Path], T]) -> None:
        self._make = make
        self._by_path: dict[_Path, _PoolSet[T]] = {}
        self.known: dict[tuple[str, str, int | None], _PoolSet[T]] = {}

    def connect(self, url: httpx.URL) -> _PoolSet[T]:
        """Return the pools for an origin that was not called before.

        Raises:
            ConfigurationError: the environment's proxy or certificates cannot be used.
        """
        proxy = find_proxy(url.scheme, url.host, url.port)
        path = _Path(url.scheme == "https", proxy)
        # Origins with the same path to them share pools, so `setdefault` decides between threads.
        made = _PoolSet(functools.partial(self._make, path))
        found = self._by_path.setdefault(path, made)
        self.known[url.scheme, url.host, url.port] = found
        return found

    def transports(self) -> list[T]:
        """Return all transports that were opened."""
        return [pool.transport for pools in self._by_path.values() for pool in pools.pools]


@dataclass(slots=True, eq=False)
class _PooledBody(httpx.SyncByteStream):
    """A response's bytes, whose end makes room in the pool."""

    stream: httpx.SyncByteStream
    pool: Pool[httpx.BaseTransport] | None

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.stream)

    def close(self) -> None:
        try:
            self.stream.close()
        finally:
            # A body may be closed more than once, but is counted only once.
            pool, self.pool = self.pool, None
            if pool is not None:
                with pool.lock:
                    pool.open_requests -= 1


@dataclass(slots=True, eq=False)
class _AsyncPooledBody(httpx.AsyncByteStream):
    """The async counterpart of `_PooledBody`."""

    stream: httpx.AsyncByteStream
    pool: Pool[httpx.AsyncBaseTransport] | None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self.stream)

    async def aclose(self) -> None:
        try:
            await self.stream.aclose()
        finally:
            pool, self.pool = self.pool, None
            if pool is not None:
                with pool.lock:
                    pool.open_requests -= 1


class Transports(httpx.BaseTransport):
    """Blocking transports, made as they are needed."""

    def __init__(self) -> None:
        self._pools: _Pools[httpx.BaseTransport] = _Pools(_make_transport)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        known = self._pools.known.get((url.scheme, url.host, url.port))
        pool = (known or self._pools.connect(url)).acquire()
        seconds = request.extensions["timeout"]["read"]
        # Only headers are read here. The body has its own deadline, see `SyncDriver._read_body`.
        _limits.end = None if seconds is None else time.monotonic() + seconds
        try:
            response = pool.transport.handle_request(request)
        except BaseException:
            pool.release()
            raise
        finally:
            _limits.end = None
        response.stream = _PooledBody(cast(httpx.SyncByteStream, response.stream), pool)
        return response

    def close(self) -> None:
        for transport in self._pools.transports():
            transport.close()


class AsyncTransports(httpx.AsyncBaseTransport):
    """Awaited transports, made as they are needed."""

    def __init__(self) -> None:
        self._pools: _Pools[httpx.AsyncBaseTransport] = _Pools(_make_async_transport)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        known = self._pools.known.get((url.scheme, url.host, url.port))
        if known is None:
            if url.scheme == "https":
                import anyio.to_thread

                await anyio.to_thread.run_sync(ssl_context)  # it would block the loop for 20 ms
            known = self._pools.connect(url)
        pool = known.acquire()
        try:
            response = await pool.transport.handle_async_request(request)
        except BaseException:
            pool.release()
            raise
        response.stream = _AsyncPooledBody(cast(httpx.AsyncByteStream, response.stream), pool)
        return response

    async def aclose(self) -> None:
        for transport in self._pools.transports():
            await transport.aclose()


@functools.cache
def connection_limits() -> httpx.Limits:
    """As many connections as calls; idle ones stay open for a while, as httpx keeps them."""
    return httpx.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=30.0)


def _transport_options(path: _Path) -> dict[str, Any]:
    """Return httpx's arguments; certificates are read only where a connection is encrypted."""
    options: dict[str, Any] = {
        "verify": ssl_context() if path.is_tls else plain_context(),
        "limits": connection_limits(),
    }
    if path.proxy is not None:
        context = ssl_context() if path.proxy.is_tls else None
        options["proxy"] = httpx.Proxy(path.proxy.url, ssl_context=context)
    return options


def _make_transport(path: _Path) -> httpx.BaseTransport:
    transport = httpx.HTTPTransport(**_transport_options(path))
    pool = transport._pool  # httpx has no argument for a network backend
    pool._network_backend = TimedBackend(pool._network_backend)
    return transport


def _make_async_transport(path: _Path) -> httpx.AsyncBaseTransport:
    # Needs no timed backend: the driver's cancel scope ends all waits of a request together.
    return httpx.AsyncHTTPTransport(**_transport_options(path))
