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

WIDTH = 10
"""How many requests a transport carries at once."""

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Lane(Generic[T]):
    """One transport and the number of its open requests."""

    transport: T
    lock: threading.Lock
    busy: int = 0

    def leave(self) -> None:
        with self.lock:
            self.busy -= 1


@dataclass(slots=True, eq=False)
class _Lanes(Generic[T]):
    """The transports; a new one is made when all are full."""

    make: Callable[[], T]
    lock: threading.Lock = field(default_factory=threading.Lock)
    all: list[Lane[T]] = field(default_factory=list)

    def enter(self) -> Lane[T]:
        with self.lock:
            lane = next((lane for lane in self.all if lane.busy < WIDTH), None)
            if lane is None:
                lane = Lane(self.make(), self.lock)
                self.all.append(lane)
            lane.busy += 1
            return lane


class _Body(httpx.SyncByteStream):
    """A response's bytes, whose end makes room in the lane."""

    def __init__(self, stream: httpx.SyncByteStream, lane: Lane[httpx.BaseTransport]) -> None:
        self._stream = stream
        self._lane: Lane[httpx.BaseTransport] | None = lane

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            lane, self._lane = self._lane, None
            if lane is not None:
                lane.leave()


class _AsyncBody(httpx.AsyncByteStream):
    """The same, awaited."""

    def __init__(self, stream: httpx.AsyncByteStream, lane: Lane[httpx.AsyncBaseTransport]) -> None:
        self._stream = stream
        self._lane: Lane[httpx.AsyncBaseTransport] | None = lane

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._stream)

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            lane, self._lane = self._lane, None
            if lane is not None:
                lane.leave()


class Transports(httpx.BaseTransport):
    """Blocking transports, made by `make` as they are needed."""

    def __init__(self, make: Callable[[], httpx.BaseTransport]) -> None:
        self._lanes: _Lanes[httpx.BaseTransport] = _Lanes(make)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        lane = self._lanes.enter()
        try:
            response = lane.transport.handle_request(request)
        except BaseException:
            lane.leave()
            raise
        response.stream = _Body(cast(httpx.SyncByteStream, response.stream), lane)
        return response

    def close(self) -> None:
        for lane in self._lanes.all:
            lane.transport.close()


class AsyncTransports(httpx.AsyncBaseTransport):
    """Awaited transports, made by `make` as they are needed."""

    def __init__(self, make: Callable[[], httpx.AsyncBaseTransport]) -> None:
        self._lanes: _Lanes[httpx.AsyncBaseTransport] = _Lanes(make)
        self._lanes.enter().leave()  # now: certificates are read, which would hold up a loop

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        lane = self._lanes.enter()
        try:
            response = await lane.transport.handle_async_request(request)
        except BaseException:
            lane.leave()
            raise
        response.stream = _AsyncBody(cast(httpx.AsyncByteStream, response.stream), lane)
        return response

    async def aclose(self) -> None:
        for lane in self._lanes.all:
            await lane.transport.aclose()


@functools.cache
def limits() -> httpx.Limits:
    """As many connections as there are calls; kept for a while, as httpx keeps them."""
    return httpx.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=30.0)


@functools.cache
def certificates() -> ssl.SSLContext:
    """The authorities to trust, read once: SSL_CERT_FILE and SSL_CERT_DIR, else certifi's."""
    return httpx.create_ssl_context()


def proxied() -> bool:
    """Whether the environment names proxies, which only a whole httpx client can follow."""
    return bool(urllib.request.getproxies())


def way_out() -> httpx.Client | Transports:
    """What a blocking driver sends through."""
    if proxied():
        return httpx.Client(limits=limits())
    return Transports(lambda: httpx.HTTPTransport(verify=certificates(), limits=limits()))


def async_way_out() -> httpx.AsyncClient | AsyncTransports:
    """What an awaiting driver sends through."""
    if proxied():
        return httpx.AsyncClient(limits=limits())
    return AsyncTransports(lambda: httpx.AsyncHTTPTransport(verify=certificates(), limits=limits()))
