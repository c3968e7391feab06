"""httpx's transports, side by side: a call takes the first one that has room.

A connection pool looks at all its connections whenever one is taken or given back, and for each
idle one at all of them again: 200 calls at once spend 1.5 s in a single pool. Pools of a few
connections keep that small, and calls one after the other still share one connection.
"""

import functools
import ssl
import threading
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar, cast

import httpx

REQUESTS_PER_POOL = 10
"""How many requests a transport carries at once."""

T = TypeVar("T")


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
    """The transports; a new one is made when all are full."""

    factory: Callable[[], T]
    lock: threading.Lock = field(default_factory=threading.Lock)
    pools: list[Pool[T]] = field(default_factory=list)

    def acquire(self) -> Pool[T]:
        with self.lock:
            lane = next(
                (lane for lane in self.pools if lane.open_requests < REQUESTS_PER_POOL), None
            )
            if lane is None:
                lane = Pool(self.factory(), self.lock)
                self.pools.append(lane)
            lane.open_requests += 1
            return lane


class _PooledBody(httpx.SyncByteStream):
    """A response's bytes, whose end makes room in the lane."""

    def __init__(self, stream: httpx.SyncByteStream, lane: Pool[httpx.BaseTransport]) -> None:
        self._stream = stream
        self._pool: Pool[httpx.BaseTransport] | None = lane

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            lane, self._pool = self._pool, None
            if lane is not None:
                lane.release()


class _AsyncPooledBody(httpx.AsyncByteStream):
    """The same, awaited."""

    def __init__(self, stream: httpx.AsyncByteStream, lane: Pool[httpx.AsyncBaseTransport]) -> None:
        self._stream = stream
        self._pool: Pool[httpx.AsyncBaseTransport] | None = lane

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._stream)

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            lane, self._pool = self._pool, None
            if lane is not None:
                lane.release()


class Transports(httpx.BaseTransport):
    """Blocking transports, made by `make` as they are needed."""

    def __init__(self, make: Callable[[], httpx.BaseTransport]) -> None:
        self._pools: _PoolSet[httpx.BaseTransport] = _PoolSet(make)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        lane = self._pools.acquire()
        try:
            response = lane.transport.handle_request(request)
        except BaseException:
            lane.release()
            raise
        response.stream = _PooledBody(cast(httpx.SyncByteStream, response.stream), lane)
        return response

    def close(self) -> None:
        for lane in self._pools.pools:
            lane.transport.close()


class AsyncTransports(httpx.AsyncBaseTransport):
    """Awaited transports, made by `make` as they are needed."""

    def __init__(self, make: Callable[[], httpx.AsyncBaseTransport]) -> None:
        self._pools: _PoolSet[httpx.AsyncBaseTransport] = _PoolSet(make)
        self._pools.acquire().release()  # now: certificates are read, which would hold up a loop

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        lane = self._pools.acquire()
        try:
            response = await lane.transport.handle_async_request(request)
        except BaseException:
            lane.release()
            raise
        response.stream = _AsyncPooledBody(cast(httpx.AsyncByteStream, response.stream), lane)
        return response

    async def aclose(self) -> None:
        for lane in self._pools.pools:
            await lane.transport.aclose()


@functools.cache
def connection_limits() -> httpx.Limits:
    """As many connections as there are calls; kept for a while, as httpx keeps them."""
    return httpx.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=30.0)


@functools.cache
def ssl_context() -> ssl.SSLContext:
    """The authorities to trust, read once: SSL_CERT_FILE and SSL_CERT_DIR, else certifi's."""
    return httpx.create_ssl_context()


def has_proxies() -> bool:
    """Whether the environment names proxies, which only a whole httpx client can follow."""
    return bool(urllib.request.getproxies())


def make_transport() -> httpx.Client | Transports:
    """What a blocking driver sends through."""
    if has_proxies():
        return httpx.Client(limits=connection_limits())
    return Transports(lambda: httpx.HTTPTransport(verify=ssl_context(), limits=connection_limits()))


def make_async_transport() -> httpx.AsyncClient | AsyncTransports:
    """What an awaiting driver sends through."""
    if has_proxies():
        return httpx.AsyncClient(limits=connection_limits())
    return AsyncTransports(
        lambda: httpx.AsyncHTTPTransport(verify=ssl_context(), limits=connection_limits())
    )
