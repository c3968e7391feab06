"""The awaiting driver: it performs the steps of calls, all outgoing HTTP among them."""

import contextlib
import importlib
import time
from collections.abc import AsyncIterator, Iterable
from typing import Any
from weakref import WeakKeyDictionary

import httpx

from hfwidgets import errors
from hfwidgets.calls import http_exchange
from hfwidgets.calls.deadline import Deadline
from hfwidgets.calls.http_exchange import (
    CANCEL_SECONDS,
    DRAIN_SECONDS,
    REQUEST_ERRORS,
    check_http_client,
    raw_bytes_async,
    to_our_error,
    too_large_error,
)
from hfwidgets.calls.prepared_request import PreparedCancel, PreparedRequest
from hfwidgets.calls.transports import AsyncTransports, make_async_transport
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
        while (piece := await anyio.to_thread.run_sync(next, pieces, None)) is not None:
            yield piece


def _running_loop() -> Any:
    """Return what connections belong to: asyncio's loop, or one stand-in for all other loops."""
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return _running_loop


class AsyncDriver:
    """Performs steps by awaiting; blocking work goes to a thread.

    Attributes:
        user_http: the HTTP client that the user passed, None without one.
    """

    def __init__(self, http: httpx.AsyncClient | None = None) -> None:
        self.user_http = check_http_client(http, httpx.AsyncClient, httpx.AsyncBaseTransport)
        self._spare_http = None if http else make_async_transport()
        self._own_http: WeakKeyDictionary[Any, httpx.AsyncClient | AsyncTransports]
        self._own_http = WeakKeyDictionary()
        warm_up()

    async def _open_response(self, request: httpx.Request) -> httpx.Response:
        """Return the response to a request, its body still to be read."""
        http = self.user_http or self._get_own_http()
        if isinstance(http, httpx.AsyncClient):
            return await http.send(request, stream=True)
        return await http.handle_async_request(request)

    def _get_own_http(self) -> httpx.AsyncClient | AsyncTransports:
        """Return the connections of the running loop: those of another cannot be awaited here."""
        loop = _running_loop()
        own = self._own_http.get(loop)
        if own is None:
            for other in [known for known in self._own_http if getattr(known, "is_closed", bool)()]:
                del self._own_http[other]  # they hold their loop, so they would never be freed
            own, self._spare_http = self._spare_http or make_async_transport(), None
            self._own_http[loop] = own
        return own

    async def close(self) -> None:
        """Close the connections; an HTTP client of the user's stays open."""
        closing = self._own_http.pop(_running_loop(), self._spare_http)
        self._own_http.clear()
        self._spare_http = None
        if closing is not None:
            await closing.aclose()

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
            import anyio

            if type(step) is Blocking:
                return await anyio.to_thread.run_sync(step.call)
            await self._sleep(step, deadline)
            return None

        try:
            return await arun_flow(flow, perform)
        except BaseException:
            if cancel is not None:
                await self._cancel_job(cancel)
            raise

    async def _cancel_job(self, request: PreparedRequest) -> None:
        """Cancel the server's job, even if the call itself was canceled."""
        import anyio

        with anyio.CancelScope(shield=True), contextlib.suppress(errors.HfWidgetsError):
            await self._send_request(request, Deadline(CANCEL_SECONDS))

    async def _sleep(self, step: Sleep, deadline: Deadline) -> None:
        import anyio

        left = deadline.remaining_seconds(step.reason or "waiting")
        http_exchange.announce_wait(step)
        await anyio.sleep(step.seconds if left is None else min(step.seconds, left))
        deadline.remaining_seconds(step.reason or "waiting")

    async def _send_request(self, request: PreparedRequest, deadline: Deadline) -> Reply:
        started = time.perf_counter()
        deadline = deadline.shorten_to(request.max_wait)
        try:
            left = deadline.remaining_seconds("calling the server")
            built = http_exchange.build_request(request, left)
            if not isinstance(request.content, (bytes, type(None))):
                built.stream = _ThreadedBody(request.content)
            response = await self._open_response(built)
            status, headers = response.status_code, response.headers
            if request.stream and status < 400:
                return Reply(status, headers, source=response, url=request.url)
            try:
                content = await self._read_body(response, request, deadline)
            finally:
                await response.aclose()
        except REQUEST_ERRORS as error:
            raise to_our_error(error, deadline, request.url) from error
        seconds = time.perf_counter() - started
        return Reply(status, headers, content, url=request.url, seconds=seconds)

    async def _read_body(
        self, response: httpx.Response, request: PreparedRequest, deadline: Deadline
    ) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in raw_bytes_async(response):
            parts.append(part)
            size += len(part)
            if request.limit is not None and size > request.limit:
                raise too_large_error(request.url, request.limit)
            deadline.remaining_seconds("reading the answer")
        return b"".join(parts) if len(parts) != 1 else parts[0]

    async def read_chunks(
        self, reply: Reply, decoder: Any, deadline: Deadline
    ) -> AsyncIterator[bytes]:
        """Iterate over the bytes of an open reply; see `SyncDriver.read_chunks`."""
        import anyio

        source = raw_bytes_async(reply.source).__aiter__()
        while True:
            done = getattr(decoder, "done", False)
            left = (
                DRAIN_SECONDS
                if done
                else deadline.remaining_seconds("waiting for the stream's next part")
            )
            try:
                if left is None:
                    data = await anext(source)
                else:
                    with anyio.fail_after(left):
                        data = await anext(source)
            except StopAsyncIteration:
                return
            except (TimeoutError, httpx.RequestError) as error:
                if done:
                    return  # the answer was whole; only the connection is lost
                if isinstance(error, TimeoutError):
                    raise deadline.timeout_error("waiting for the stream's next part") from error
                raise to_our_error(error, deadline, reply.url, broken=True) from error
            yield data
