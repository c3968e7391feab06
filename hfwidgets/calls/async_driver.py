"""The awaiting driver: it performs the steps of calls, all outgoing HTTP among them."""

import contextlib
import importlib
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from typing import Any, cast
from weakref import WeakKeyDictionary

import httpx

from hfwidgets import errors
from hfwidgets.calls import http_exchange, transports
from hfwidgets.calls.call import Deadline
from hfwidgets.calls.content_encoding import adecode_body
from hfwidgets.calls.http_exchange import (
    CANCEL_SECONDS,
    DRAIN_SECONDS,
    REQUEST_ERRORS,
    check_http_client,
    to_our_error,
)
from hfwidgets.calls.prepared_request import PreparedCancel, PreparedRequest
from hfwidgets.calls.size_limits import (
    ERROR_LIMIT,
    JSON_VARIABLE,
    STREAM_VARIABLE,
    read_limit,
    too_large_error,
)
from hfwidgets.core.event_stream import json_parser
from hfwidgets.core.flow import Blocking, Flow, Reply, Sleep
from hfwidgets.core.run_flow import arun_flow


def warm_up() -> None:
    """Import what awaiting needs, which would otherwise block a running loop for 80 ms."""
    json_parser()
    importlib.import_module("anyio.to_thread")
    with contextlib.suppress(ImportError):  # a name of anyio's own: without it the loop waits once
        importlib.import_module("anyio._backends._asyncio")


class _ThreadedBody(httpx.AsyncByteStream):
    """A body in pieces, each read in a thread, since they may come from files."""

    def __init__(self, content: Iterable[bytes]) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        import anyio

        pieces = iter(self._content)
        # A default marks the end, since StopIteration cannot leave a coroutine.
        # A piece that takes too long is abandoned: its thread goes on alone.
        while (
            piece := await anyio.to_thread.run_sync(next, pieces, None, abandon_on_cancel=True)
        ) is not None:
            yield piece


def _running_loop() -> Any:
    """Return what connections belong to: asyncio's loop, or one stand-in for all other loops."""
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        # A weak key must be an object that lives on, as this function does.
        return _running_loop


async def _close_at_end(http: transports.AsyncTransports) -> AsyncGenerator[None, None]:
    """Wait to close connections, as an async generator that nothing reads to its end.

    Loops close such generators when they end, and when one is dropped: so a client that was not
    closed leaves no open sockets behind, which Python would warn of.
    """
    try:
        yield
    finally:
        await http.aclose()


class AsyncDriver:
    """Performs steps by awaiting; blocking work goes to a thread.

    Attributes:
        user_http: the HTTP client that the user passed, None without one.
    """

    def __init__(self, http: httpx.AsyncClient | None = None) -> None:
        self.user_http = check_http_client(http, httpx.AsyncClient, httpx.AsyncBaseTransport)
        self._own_http: WeakKeyDictionary[Any, transports.AsyncTransports] = WeakKeyDictionary()
        self._closers: WeakKeyDictionary[Any, AsyncGenerator[None, None]] = WeakKeyDictionary()
        self._json_limit = read_limit(JSON_VARIABLE)
        self._stream_limit = read_limit(STREAM_VARIABLE)
        warm_up()

    async def _open_response(self, request: httpx.Request) -> httpx.Response:
        """Return the response to a request, its body still to be read."""
        http = self.user_http or await self._get_own_http()
        if isinstance(http, httpx.AsyncClient):
            return await http.send(request, stream=True)
        return await http.handle_async_request(request)

    async def _get_own_http(self) -> transports.AsyncTransports:
        """Return the connections of the running loop: those of another cannot be awaited here."""
        loop = _running_loop()
        own = self._own_http.get(loop)
        if own is None:
            # A notebook may run `asyncio.run` many times: each leaves a closed loop behind.
            for other in [known for known in self._own_http if getattr(known, "is_closed", bool)()]:
                del self._own_http[other], self._closers[other]  # they would keep their loop alive
            own = self._own_http[loop] = transports.AsyncTransports()
            closer = self._closers[loop] = _close_at_end(own)
            # The first step registers the generator with the loop, which then closes it at its end.
            await anext(closer)
        return own

    async def close(self) -> None:
        """Close the connections; an HTTP client of the user's stays open."""
        # Connections of other loops cannot be awaited here. Their loops close the generators, which
        # lose their last references.
        closer = self._closers.pop(_running_loop(), None)
        self._own_http.clear()
        self._closers.clear()
        if closer is not None:
            await closer.aclose()

    async def run(self, flow: Flow[Any], deadline: Deadline) -> Any:
        """Return a flow's result; if it fails or is canceled, its job is canceled too."""
        cancel: PreparedRequest | None = None

        async def perform(step: Any) -> Any:
            nonlocal cancel
            if type(step) is PreparedRequest:
                return await self._send_request(step, deadline)
            if type(step) is PreparedCancel:
                cancel = step.request
                return None
            if type(step) is Blocking:
                return await _call_blocking(step, deadline)
            await self._sleep(step, deadline)
            return None

        try:
            return await arun_flow(flow, perform)
        # A cancellation is not an `Exception`, and has to end the server's job too.
        except BaseException:
            if cancel is not None:
                await self._cancel_job(cancel)
            raise

    async def _cancel_job(self, request: PreparedRequest) -> None:
        """Cancel the server's job, even if the call itself was canceled."""
        import anyio

        # In a canceled task every await is canceled, this request's too, unless it is shielded.
        with anyio.CancelScope(shield=True), contextlib.suppress(errors.HfWidgetsError):
            await self._send_request(request, Deadline(CANCEL_SECONDS))

    async def _sleep(self, step: Sleep, deadline: Deadline) -> None:
        import anyio

        left = deadline.remaining_seconds(step.reason or "waiting")
        http_exchange.announce_wait(step)
        await anyio.sleep(step.seconds if left is None else min(step.seconds, left))
        deadline.remaining_seconds(step.reason or "waiting")

    async def _send_request(self, request: PreparedRequest, deadline: Deadline) -> Reply:
        if request.max_wait is not None:
            deadline = deadline.shorten_to(request.max_wait)
        left = deadline.remaining_seconds("calling the server")
        if left is None:
            return await self._exchange(request, None, deadline)
        import anyio

        # httpx gives each read the whole time again: one scope holds connecting, sending, headers
        # and body together.
        try:
            with anyio.fail_after(left):
                return await self._exchange(request, left, deadline)
        except TimeoutError as error:
            # `InferenceTimeoutError` is a TimeoutError too, and has its message already.
            if isinstance(error, errors.HfWidgetsError):
                raise
            host = httpx.URL(request.url).netloc.decode()
            raise deadline.timeout_error(f"waiting for {host}") from error

    async def _exchange(
        self, request: PreparedRequest, left: float | None, deadline: Deadline
    ) -> Reply:
        """Send a request; return the reply with its body, or open if it is a stream."""
        started = time.perf_counter()
        try:
            built = transports.build_request(request, left)
            if not isinstance(request.content, (bytes, type(None))):
                # For an iterable httpx builds a blocking stream, which its async transports refuse.
                built.stream = _ThreadedBody(request.content)
            response = await self._open_response(built)
            status, headers = response.status_code, response.headers
            if request.stream and status < 400:
                return Reply(status, headers, source=response, url=request.url)
            try:
                content = await self._read_body(response, request)
            finally:
                await response.aclose()
        except REQUEST_ERRORS as error:
            raise to_our_error(
                error, deadline, request.url, proxied=self.user_http is None
            ) from error
        seconds = time.perf_counter() - started
        return Reply(status, headers, content, url=request.url, seconds=seconds)

    async def _read_body(self, response: httpx.Response, request: PreparedRequest) -> bytes:
        parts: list[bytes] = []
        size = 0
        is_error = response.status_code >= 400
        limit = self._json_limit if request.limit is None else request.limit
        async for part in _iter_body(response):
            parts.append(part)
            size += len(part)
            if is_error and size > ERROR_LIMIT:
                break
            if size > limit:
                variable = JSON_VARIABLE if request.limit is None else None
                raise too_large_error(httpx.URL(request.url).host, limit, variable)
        return b"".join(parts) if len(parts) != 1 else parts[0]

    async def read_chunks(
        self, reply: Reply, decoder: Any, deadline: Deadline
    ) -> AsyncGenerator[bytes, None]:
        """Iterate over the bytes of an open reply; see `SyncDriver.read_chunks`."""
        source = aiter(_iter_body(reply.source))
        size = 0
        async with contextlib.AsyncExitStack() as stack:
            # A generator that is dropped half-read waits for the loop, and trio warns of it.
            if (close := getattr(source, "aclose", None)) is not None:
                stack.push_async_callback(close)
            while (data := await self._read_chunk(source, reply, decoder, deadline)) is not None:
                # Counted after decoding: a few kilobytes of gzip may hold gigabytes.
                size += len(data)
                if size > self._stream_limit:
                    host = httpx.URL(reply.url).host
                    raise too_large_error(host, self._stream_limit, STREAM_VARIABLE)
                yield data

    async def _read_chunk(
        self, source: AsyncIterator[bytes], reply: Reply, decoder: Any, deadline: Deadline
    ) -> bytes | None:
        """Return the next bytes of a stream; None at its end."""
        import anyio

        done = getattr(decoder, "done", False)
        left = (
            DRAIN_SECONDS
            if done
            else deadline.remaining_seconds("waiting for the stream's next part")
        )
        try:
            # Around the wait alone: a cancel scope must not stay open where the consumer's code
            # runs.
            with anyio.fail_after(left) if left is not None else contextlib.nullcontext():
                return await anext(source, None)
        except (TimeoutError, httpx.RequestError) as error:
            if done:
                return None  # the answer was whole; only the connection is lost
            if isinstance(error, TimeoutError):
                raise deadline.timeout_error("waiting for the stream's next part") from error
            raise to_our_error(
                error, deadline, reply.url, broken=True, proxied=self.user_http is None
            ) from error


async def _call_blocking(step: Blocking, deadline: Deadline) -> Any:
    import anyio

    if not step.is_limited:
        return await anyio.to_thread.run_sync(step.call)
    left = deadline.remaining_seconds("preparing the request")
    with anyio.move_on_after(left):
        return await anyio.to_thread.run_sync(step.call, abandon_on_cancel=True)
    raise deadline.timeout_error("preparing the request")


def _iter_body(response: httpx.Response) -> AsyncIterable[bytes]:
    if response.is_stream_consumed:  # by a hook of the user's client
        return response.aiter_bytes()
    if "content-encoding" in response.headers:
        return adecode_body(response)
    return cast(httpx.AsyncByteStream, response.stream)
