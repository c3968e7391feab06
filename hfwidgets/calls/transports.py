"""httpx's transports: pools of connections, each for a proxy and with or without encryption.

A connection pool looks at all its connections whenever one is taken or returned, and for each idle
one at all of them again: 200 calls at once spend 1.5 s in a single pool. Several pools of a few
connections keep that small, and calls one after the other still share one connection.

`hfwidgets.calls.call` handles redirects, cookies and credentials. An httpx client would process
them a second time, which takes half of the time of a small request; so transports are called
without one.
"""

import functools
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

import httpx

from hfwidgets.calls.certificates import plain_context, ssl_context
from hfwidgets.calls.connections import TimedBackend
from hfwidgets.calls.prepared_request import PreparedRequest
from hfwidgets.calls.proxies import ProxyRoute, find_proxy

REQUESTS_PER_POOL = 10
"""How many requests a transport carries at once."""

T = TypeVar("T")

parse_url = functools.lru_cache(maxsize=256)(httpx.URL)


def build_request(request: PreparedRequest, left: float | None) -> httpx.Request:
    """Return httpx's request, with the time that is left as the limit of each of its waits."""
    content = request.content
    if content is not None and not isinstance(content, bytes):
        content = iter(content)  # httpx would call the `read` of what has one
    limits = {"connect": left, "read": left, "write": left, "pool": left}
    return httpx.Request(
        request.method,
        parse_url(request.url),
        headers=request.headers,
        content=content,
        extensions={"timeout": limits},
    )


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
            for pool in self.pools:
                if pool.open_requests < REQUESTS_PER_POOL:
                    break
            else:
                pool = Pool(self.factory(), self.lock)
                self.pools.append(pool)
            pool.open_requests += 1
            return pool


class _Origins(Generic[T]):
    """The pools for each scheme, host and port, as the environment's proxies have it."""

    def __init__(self, make: Callable[[bool, ProxyRoute | None], T]) -> None:
        self._make = make
        self._by_origin: dict[tuple[str, str, int | None], _PoolSet[T]] = {}
        self._by_route: dict[tuple[bool, ProxyRoute | None], _PoolSet[T]] = {}

    def pools_for(self, url: httpx.URL) -> _PoolSet[T]:
        """Return the pools for an address.

        Raises:
            ConfigurationError: the environment's proxy or certificates cannot be used.
        """
        key = (url.scheme, url.host, url.port)
        known = self._by_origin.get(key)
        if known is None:
            route = (url.scheme == "https", find_proxy(*key))
            known = self._by_route.setdefault(
                route, _PoolSet(functools.partial(self._make, *route))
            )
            self._by_origin[key] = known
        return known

    def needs_certificates(self, url: httpx.URL) -> bool:
        """True for the first request to an address whose certificates may still be unread."""
        return url.scheme == "https" and (url.scheme, url.host, url.port) not in self._by_origin

    def transports(self) -> list[T]:
        """Return all transports that were opened."""
        return [pool.transport for pools in self._by_route.values() for pool in pools.pools]


class _PooledBody(httpx.SyncByteStream):
    """A response's bytes, whose end makes room in the pool."""

    def __init__(self, stream: httpx.SyncByteStream, pool: Pool[httpx.BaseTransport]) -> None:
        self._stream = stream
        self._pool: Pool[httpx.BaseTransport] | None = pool

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            pool, self._pool = self._pool, None
            if pool is not None:
                pool.release()


class _AsyncPooledBody(httpx.AsyncByteStream):
    """The async counterpart of `_PooledBody`."""

    def __init__(self, stream: httpx.AsyncByteStream, pool: Pool[httpx.AsyncBaseTransport]) -> None:
        self._stream = stream
        self._pool: Pool[httpx.AsyncBaseTransport] | None = pool

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._stream)

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            pool, self._pool = self._pool, None
            if pool is not None:
                pool.release()


class Transports(httpx.BaseTransport):
    """Blocking transports, made as they are needed."""

    def __init__(self) -> None:
        self._origins: _Origins[httpx.BaseTransport] = _Origins(_make_transport)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        pool = self._origins.pools_for(request.url).acquire()
        try:
            response = pool.transport.handle_request(request)
        except BaseException:
            pool.release()
            raise
        response.stream = _PooledBody(cast(httpx.SyncByteStream, response.stream), pool)
        return response

    def close(self) -> None:
        for transport in self._origins.transports():
            transport.close()


class AsyncTransports(httpx.AsyncBaseTransport):
    """Awaited transports, made as they are needed."""

    def __init__(self) -> None:
        self._origins: _Origins[httpx.AsyncBaseTransport] = _Origins(_make_async_transport)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._origins.needs_certificates(request.url):
            import anyio.to_thread

            await anyio.to_thread.run_sync(ssl_context)  # it would block the loop for 20 ms
        pool = self._origins.pools_for(request.url).acquire()
        try:
            response = await pool.transport.handle_async_request(request)
        except BaseException:
            pool.release()
            raise
        response.stream = _AsyncPooledBody(cast(httpx.AsyncByteStream, response.stream), pool)
        return response

    async def aclose(self) -> None:
        for transport in self._origins.transports():
            await transport.aclose()


@functools.cache
def connection_limits() -> httpx.Limits:
    """As many connections as calls; idle ones stay open for a while, as httpx keeps them."""
    return httpx.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=30.0)


def _transport_options(is_tls: bool, proxy: ProxyRoute | None) -> dict[str, Any]:
    """Return httpx's arguments; certificates are read only where a connection is encrypted."""
    options: dict[str, Any] = {
        "verify": ssl_context() if is_tls else plain_context(),
        "limits": connection_limits(),
    }
    if proxy is not None:
        context = ssl_context() if proxy.is_tls else None
        options["proxy"] = httpx.Proxy(proxy.url, ssl_context=context)
    return options


def _make_transport(is_tls: bool, proxy: ProxyRoute | None) -> httpx.BaseTransport:
    transport = httpx.HTTPTransport(**_transport_options(is_tls, proxy))
    pool = transport._pool  # httpx has no argument for a network backend
    pool._network_backend = TimedBackend(pool._network_backend)
    return transport


def _make_async_transport(is_tls: bool, proxy: ProxyRoute | None) -> httpx.AsyncBaseTransport:
    return httpx.AsyncHTTPTransport(**_transport_options(is_tls, proxy))
