"""How a request leaves this machine: straight to its server, or through a proxy.

Direct connections are this package's own (`sync_transport`, `async_transport`, over `http1`). What
goes through a proxy, and what runs in a loop that is not asyncio's, uses httpx's transports.

CPU of one small request of our clients over each transport, as a multiple of `httpx.Client.post`,
and of each of 200 calls at once, on two busy cores (`tests/benchmarks`). The last row comes from a
second run, in which pyreqwest took 297 us and httpx-aiohttp 582 us:

                      blocking   async   200 at once
    httpx 0.28            0.89    1.56        878 us
    httpx-aiohttp            -    0.81        462 us
    pyreqwest 0.15        0.61    0.79        362 us
    ours                  0.48    0.53        362 us

httpx's pool looks at all its connections whenever one is taken or returned. aiohttp has no blocking
half, and its import costs as much as two of httpx. pyreqwest's httpx transport showed no part of a
stream before the timeout, and has certificates and deadlines of its own; a package that is
optional would also leave most users with the slowest row. With HTTP/2 the first burst of encrypted
calls shares one handshake (100 calls: 1.0 ms each in place of 1.1), but afterwards a call costs
four times as much in h2's Python (1.0 ms in place of 0.25), so it isn't used.

`hfwidgets.calls.call` handles redirects, cookies and credentials. An httpx client would process
them a second time, which takes half of the time of a small request; so transports are called
without one.
"""

import asyncio
import functools
from typing import TYPE_CHECKING

import httpx

from hfwidgets.calls.certificates import ssl_context
from hfwidgets.calls.limited_time import iterate_in_time
from hfwidgets.calls.prepared_request import PreparedRequest
from hfwidgets.calls.proxies import ProxyRoute, find_proxy
from hfwidgets.calls.sync_transport import DirectTransport, Origin

if TYPE_CHECKING:
    from hfwidgets.calls.async_transport import AsyncDirectTransport

parse_url = functools.lru_cache(maxsize=256)(httpx.URL)


def build_request(request: PreparedRequest, left: float | None) -> httpx.Request:
    """Return httpx's request, with the time that is left as the limit of each of its waits."""
    content = request.content
    if content is not None and not isinstance(content, bytes):
        content = iterate_in_time(content, left)  # httpx would call the `read` of what has one
    # httpx holds each wait to these; their sum is held by our transports and by the async scope.
    limits = {"connect": left, "read": left, "write": left, "pool": left}
    method, url, extensions = request.method, parse_url(request.url), {"timeout": limits}
    if not content or not isinstance(content, bytes):
        return httpx.Request(
            method, url, headers=request.headers, content=content, extensions=extensions
        )
    # httpx adds these two by itself in two more copies of the headers, a twentieth of a call.
    size = {"content-length": str(len(content))}
    headers = {"host": url.netloc.decode("ascii"), **request.headers, **size}
    stream = httpx.ByteStream(content)
    built = httpx.Request(method, url, headers=headers, stream=stream, extensions=extensions)
    built.read()  # so that hooks and mocks of a user's HTTP client can look at the content
    return built


class Transports(httpx.BaseTransport):
    """Blocking transports, made as they are needed."""

    def __init__(self) -> None:
        self._direct = make_direct_transport()
        self._proxied: dict[tuple[ProxyRoute, bool], httpx.BaseTransport] = {}
        self._by_origin: dict[Origin, httpx.BaseTransport] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        known = self._by_origin.get((url.scheme, url.host, url.port))
        return (known or self._choose(url)).handle_request(request)

    def _choose(self, url: httpx.URL) -> httpx.BaseTransport:
        """Return the transport for a server that was not called before.

        Raises:
            ConfigurationError: the environment's proxy or certificates cannot be used.
        """
        proxy = find_proxy(url.scheme, url.host, url.port)
        is_tls = url.scheme == "https"
        chosen: httpx.BaseTransport = self._direct
        if proxy is not None:
            from hfwidgets.calls.proxied_transport import ProxiedTransport

            # `setdefault` decides between threads.
            made = ProxiedTransport(proxy, is_tls=is_tls)
            chosen = self._proxied.setdefault((proxy, is_tls), made)
        return self._by_origin.setdefault((url.scheme, url.host, url.port), chosen)

    def close(self) -> None:
        for transport in (self._direct, *self._proxied.values()):
            transport.close()


class AsyncTransports(httpx.AsyncBaseTransport):
    """Awaited transports of one loop, made as they are needed."""

    def __init__(self) -> None:
        self._direct = make_async_direct_transport()
        self._others: dict[tuple[ProxyRoute | None, bool], httpx.AsyncBaseTransport] = {}
        self._by_origin: dict[Origin, httpx.AsyncBaseTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        known = self._by_origin.get((url.scheme, url.host, url.port))
        return await (known or await self._choose(url)).handle_async_request(request)

    async def _choose(self, url: httpx.URL) -> httpx.AsyncBaseTransport:
        """Return the transport for a server that was not called before."""
        is_tls = url.scheme == "https"
        if is_tls:
            import anyio.to_thread

            await anyio.to_thread.run_sync(ssl_context)  # it would block the loop for 20 ms
        proxy = find_proxy(url.scheme, url.host, url.port)
        chosen: httpx.AsyncBaseTransport | None = self._direct
        if proxy is not None or chosen is None:
            chosen = self._others.get((proxy, is_tls))
        if chosen is None:
            from hfwidgets.calls.proxied_transport import make_async_transport

            chosen = self._others[proxy, is_tls] = make_async_transport(proxy, is_tls=is_tls)
        self._by_origin[url.scheme, url.host, url.port] = chosen
        return chosen

    async def aclose(self) -> None:
        for transport in (self._direct, *self._others.values()):
            if transport is not None:
                await transport.aclose()


def make_direct_transport() -> httpx.BaseTransport:
    """Return the transport for what needs no proxy."""
    return DirectTransport()


def make_async_direct_transport() -> "AsyncDirectTransport | None":
    """Return the running loop's transport for what needs no proxy; None if it is not asyncio's."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return None
    from hfwidgets.calls.async_transport import AsyncDirectTransport

    return AsyncDirectTransport()
