"""The two drivers: they do a call's steps, one blocking, one awaited. All outgoing HTTP is here."""

import contextlib
import functools
import importlib
import logging
import os
import threading
import time
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Any, cast
from weakref import WeakKeyDictionary

import httpx

from hfwidgets import errors
from hfwidgets.calls.call import Deadline, PreparedRequest
from hfwidgets.calls.connections import Connection, ReadDeadline, is_whole_body
from hfwidgets.calls.transports import (
    AsyncTransports,
    Transports,
    make_async_transport,
    make_transport,
)
from hfwidgets.core.event_stream import DONE, json_parser
from hfwidgets.core.flow import Blocking, CancelOnExit, Flow, Reply, Sleep, advance, wait_listener

log = logging.getLogger("hfwidgets")

DRAIN_SECONDS = 2.0
"""How long the rest of a stream is waited for after its `[DONE]`, so that the connection is
used again.
"""

CANCEL_SECONDS = 2.0
"""How long the end of a call may be put off to end its job on the server too."""

_parse_url = functools.lru_cache(maxsize=256)(httpx.URL)


BAD_URL_ERRORS = (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError)
"""What an address that cannot be called raises; UnicodeError: a name that no host can have."""

REQUEST_ERRORS = (httpx.RequestError, *BAD_URL_ERRORS)


def announce_wait(sleep: Sleep) -> None:
    """Tell whoever waits why: the caller's own listener, else the log."""
    listener = wait_listener.get()
    if listener is not None:
        listener(sleep.reason, sleep.seconds)
    elif sleep.reason and sleep.seconds >= 1:
        log.warning("Waiting %.1f s: %s.", sleep.seconds, sleep.reason)


def to_our_error(
    error: Exception, deadline: Deadline, url: str, broken: bool = False
) -> errors.HfWidgetsError:
    """The library's error as one of ours."""
    if isinstance(error, BAD_URL_ERRORS):
        return errors.ConfigurationError(f"Not a URL that can be called: {url!r} ({error}).")
    host = httpx.URL(url).netloc.decode()
    if isinstance(error, httpx.TimeoutException):
        if isinstance(error, httpx.PoolTimeout):
            return deadline.timeout_error("waiting for a free connection")
        return deadline.timeout_error(f"waiting for {host}")
    kind = errors.StreamBrokenError if broken else errors.ConnectError
    what = (
        f"The connection to {host} broke inside the answer"
        if broken
        else f"No connection to {host}"
    )
    return kind(f"{what}: {error or type(error).__name__}. Check the address and the network.")


def too_large_error(url: str, limit: int) -> errors.OutputError:
    """The error for a body over its cap."""
    return errors.OutputError(
        f"The answer of {httpx.URL(url).host} is larger than {limit:,} bytes; it was not kept."
    )


def build_request(wire: PreparedRequest, left: float | None) -> httpx.Request:
    """The request, with the time that is left as the limit of each of its waits."""
    limits = {"connect": left, "read": left, "write": left, "pool": left}
    content = wire.content
    if content is not None and not isinstance(content, bytes):
        content = iter(content)  # httpx would call the `read` of what has one
    return httpx.Request(
        wire.method,
        _parse_url(wire.url),
        headers=wire.headers,
        content=content,
        extensions={"timeout": limits},
    )


def warm_up() -> None:
    """Import what awaiting needs, which would otherwise hold up a running loop for 80 ms."""
    json_parser()
    importlib.import_module("anyio.to_thread")
    with contextlib.suppress(ImportError):  # a name of anyio's own: without it the loop waits once
        importlib.import_module("anyio._backends._asyncio")


def raw_bytes(response: httpx.Response) -> Iterable[bytes]:
    """The body's bytes. One that is not encoded is read from its stream, past httpx's decoders."""
    if "content-encoding" in response.headers:
        return response.iter_bytes()
    return cast(httpx.SyncByteStream, response.stream)


def raw_bytes_async(response: httpx.Response) -> AsyncIterable[bytes]:
    """The body's bytes, to await."""
    if "content-encoding" in response.headers:
        return response.aiter_bytes()
    return cast(httpx.AsyncByteStream, response.stream)


def _check_http_client(given: Any, *kinds: type) -> Any:
    """The HTTP client that was handed in; ConfigurationError when it is none of these."""
    if given is None or isinstance(given, kinds):
        return given
    raise errors.ConfigurationError(
        f"http_client must be an httpx.{kinds[0].__name__}; it is {type(given).__name__}."
    )


class SyncDriver:
    """Does steps by blocking.

    Without proxies it calls httpx's transport itself: redirects, cookies and credentials are the
    business of `hfwidgets.calls.call`, and a client would do them again, at half the cost of a
    small request.
    """

    def __init__(self, http: httpx.Client | None = None) -> None:
        self._user_http = _check_http_client(http, httpx.Client, httpx.BaseTransport)
        self._lock = threading.Lock()
        self._own_http: httpx.Client | Transports | None = None
        self._pid = os.getpid()
        self._dropped_responses: deque[httpx.Response] = deque()

    def _open_response(self, request: httpx.Request) -> httpx.Response:
        """The response to a request, its body still to be read."""
        http = self._user_http or self._get_own_http()
        if isinstance(http, httpx.Client):
            return http.send(request, stream=True)
        return http.handle_request(request)

    def _get_own_http(self) -> httpx.Client | Transports:
        """The connections of this process: a forked one would read its parent's answers."""
        if self._own_http is not None and self._pid == os.getpid():
            return self._own_http
        with self._lock:
            if self._own_http is None or self._pid != os.getpid():
                self._dropped_responses.clear()
                self._own_http = make_transport()
                self._pid = os.getpid()
            return self._own_http

    def __del__(self) -> None:
        own = getattr(self, "_own_http", None)
        if own is not None and self._pid == os.getpid():
            with contextlib.suppress(Exception):  # the interpreter may be ending
                own.close()

    def close(self) -> None:
        """Close the connections, unless the HTTP client was handed in."""
        with self._lock:
            closing, self._own_http = self._own_http, None
        if closing is not None:
            closing.close()

    def run(self, flow: Flow[Any], deadline: Deadline) -> Any:
        """The flow's result."""
        outcome: Any = None
        error: BaseException | None = None
        undo: PreparedRequest | None = None
        try:
            while True:
                step = advance(flow, outcome, error)
                outcome = error = None
                if type(step) is CancelOnExit:
                    undo = step.send
                    continue
                try:
                    outcome = self._run_step(step, deadline)
                except Exception as failure:
                    error = failure
        except StopIteration as done:
            undo = None
            return done.value
        finally:
            flow.close()
            if undo is not None:
                self._cancel_job(undo)

    def _cancel_job(self, wire: PreparedRequest) -> None:
        """Tell the server that its job is no longer wanted; nobody waits for its answer."""
        with contextlib.suppress(errors.HfWidgetsError):
            self._send_request(wire, Deadline(CANCEL_SECONDS))

    def _run_step(self, step: Any, deadline: Deadline) -> Any:
        if type(step) is PreparedRequest:
            return self._send_request(step, deadline)
        if type(step) is Sleep:
            left = deadline.remaining_seconds(step.reason or "waiting")
            announce_wait(step)
            time.sleep(step.seconds if left is None else min(step.seconds, left))
            deadline.remaining_seconds(step.reason or "waiting")
            return None
        assert type(step) is Blocking
        return step.call()

    def connection(self, reply: Reply) -> "Connection":
        """The connection of an open reply."""
        return Connection(reply.source, self._dropped_responses)

    def _send_request(self, wire: PreparedRequest, deadline: Deadline) -> Reply:
        started = time.perf_counter()
        while self._dropped_responses:
            self._dropped_responses.popleft().close()
        deadline = deadline.shorten_to(wire.max_wait)
        try:
            asked = build_request(wire, deadline.remaining_seconds("calling the server"))
            response = self._open_response(asked)
            if wire.stream and response.status_code < 400:
                return Reply(response.status_code, response.headers, source=response, url=wire.url)
            try:
                content = self._read_body(response, wire, deadline)
            finally:
                response.close()
        except REQUEST_ERRORS as error:
            raise to_our_error(error, deadline, wire.url) from error
        seconds = time.perf_counter() - started
        return Reply(response.status_code, response.headers, content, url=wire.url, seconds=seconds)

    def _read_body(
        self, response: httpx.Response, wire: PreparedRequest, deadline: Deadline
    ) -> bytes:
        """The whole body; one that comes in drops ends at the deadline too."""
        parts: list[bytes] = []
        size = 0
        watch = ReadDeadline(response)
        try:
            for part in raw_bytes(response):
                parts.append(part)
                size += len(part)
                if wire.limit is not None and size > wire.limit:
                    raise too_large_error(wire.url, wire.limit)
                left = deadline.remaining_seconds("reading the answer")
                if left is not None and not watch.is_armed and not is_whole_body(response, size):
                    watch.arm(left)  # each read alone may take as long as the whole call could
        except httpx.RequestError as error:
            if watch.has_fired:
                raise deadline.timeout_error("reading the answer") from error
            raise
        finally:
            watch.disarm()
        if watch.has_fired:
            raise deadline.timeout_error("reading the answer")
        return b"".join(parts) if len(parts) != 1 else parts[0]

    def read_chunks(self, reply: Reply, decoder: Any, deadline: Deadline) -> Iterator[bytes]:
        """The bytes of an open reply, within the deadline; the rest is drained after `[DONE]`."""
        response: httpx.Response = reply.source
        watch = ReadDeadline(response)
        left = deadline.remaining_seconds("starting the stream")
        if left is not None:
            watch.arm(left)
        try:
            for data in raw_bytes(response):
                yield data
                if (len(data) < 24 or DONE in data) and getattr(decoder, "done", False):
                    watch.arm(DRAIN_SECONDS)
            if watch.has_fired and not getattr(decoder, "done", False):
                raise deadline.timeout_error("waiting for the stream's next part")
        except httpx.RequestError as error:
            if getattr(decoder, "done", False):
                return  # the answer was whole; only the connection is lost
            if watch.has_fired:
                raise deadline.timeout_error("waiting for the stream's next part") from error
            raise to_our_error(error, deadline, reply.url, broken=True) from error
        finally:
            watch.disarm()


class _ThreadedBody(httpx.AsyncByteStream):
    """A body in pieces, each made in a thread: they are read from files."""

    def __init__(self, content: Iterable[bytes]) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        import anyio

        pieces = iter(self._content)
        while (piece := await anyio.to_thread.run_sync(next, pieces, None)) is not None:
            yield piece


def _running_loop() -> Any:
    """What connections belong to: asyncio's loop; one stand-in for other libraries' loops."""
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return _running_loop


class AsyncDriver:
    """Does steps by awaiting; blocking work goes to a thread."""

    def __init__(self, http: httpx.AsyncClient | None = None) -> None:
        self._user_http = _check_http_client(http, httpx.AsyncClient, httpx.AsyncBaseTransport)
        self._spare_http = None if http else make_async_transport()
        self._own_http: WeakKeyDictionary[Any, httpx.AsyncClient | AsyncTransports]
        self._own_http = WeakKeyDictionary()
        warm_up()

    async def _open_response(self, request: httpx.Request) -> httpx.Response:
        """The response to a request, its body still to be read."""
        http = self._user_http or self._get_own_http()
        if isinstance(http, httpx.AsyncClient):
            return await http.send(request, stream=True)
        return await http.handle_async_request(request)

    def _get_own_http(self) -> httpx.AsyncClient | AsyncTransports:
        """The connections of the running loop: those of another cannot be awaited here."""
        loop = _running_loop()
        own = self._own_http.get(loop)
        if own is None:
            for other in [known for known in self._own_http if getattr(known, "is_closed", bool)()]:
                del self._own_http[other]  # what they hold would keep them for ever
            own, self._spare_http = self._spare_http or make_async_transport(), None
            self._own_http[loop] = own
        return own

    async def close(self) -> None:
        """Close the connections, unless the HTTP client was handed in."""
        closing = self._own_http.pop(_running_loop(), self._spare_http)
        self._own_http.clear()
        self._spare_http = None
        if closing is not None:
            await closing.aclose()

    async def run(self, flow: Flow[Any], deadline: Deadline) -> Any:
        """The flow's result."""
        outcome: Any = None
        error: BaseException | None = None
        undo: PreparedRequest | None = None
        try:
            while True:
                step = advance(flow, outcome, error)
                outcome = error = None
                if type(step) is CancelOnExit:
                    undo = step.send
                    continue
                try:
                    outcome = await self._run_step(step, deadline)
                except Exception as failure:
                    error = failure
        except StopIteration as done:
            undo = None
            return done.value
        finally:
            flow.close()
            if undo is not None:
                await self._cancel_job(undo)

    async def _cancel_job(self, wire: PreparedRequest) -> None:
        """Tell the server that its job is no longer wanted, even when the call was cancelled."""
        import anyio

        with anyio.CancelScope(shield=True), contextlib.suppress(errors.HfWidgetsError):
            await self._send_request(wire, Deadline(CANCEL_SECONDS))

    async def _run_step(self, step: Any, deadline: Deadline) -> Any:
        if type(step) is PreparedRequest:
            return await self._send_request(step, deadline)
        import anyio

        if type(step) is Sleep:
            left = deadline.remaining_seconds(step.reason or "waiting")
            announce_wait(step)
            await anyio.sleep(step.seconds if left is None else min(step.seconds, left))
            deadline.remaining_seconds(step.reason or "waiting")
            return None
        assert type(step) is Blocking
        return await anyio.to_thread.run_sync(step.call)

    async def _send_request(self, wire: PreparedRequest, deadline: Deadline) -> Reply:
        started = time.perf_counter()
        deadline = deadline.shorten_to(wire.max_wait)
        try:
            asked = build_request(wire, deadline.remaining_seconds("calling the server"))
            if not isinstance(wire.content, (bytes, type(None))):
                asked.stream = _ThreadedBody(wire.content)
            response = await self._open_response(asked)
            if wire.stream and response.status_code < 400:
                return Reply(response.status_code, response.headers, source=response, url=wire.url)
            try:
                content = await self._read_body(response, wire, deadline)
            finally:
                await response.aclose()
        except REQUEST_ERRORS as error:
            raise to_our_error(error, deadline, wire.url) from error
        seconds = time.perf_counter() - started
        return Reply(response.status_code, response.headers, content, url=wire.url, seconds=seconds)

    async def _read_body(
        self, response: httpx.Response, wire: PreparedRequest, deadline: Deadline
    ) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in raw_bytes_async(response):
            parts.append(part)
            size += len(part)
            if wire.limit is not None and size > wire.limit:
                raise too_large_error(wire.url, wire.limit)
            deadline.remaining_seconds("reading the answer")
        return b"".join(parts) if len(parts) != 1 else parts[0]

    async def read_chunks(
        self, reply: Reply, decoder: Any, deadline: Deadline
    ) -> AsyncIterator[bytes]:
        """The bytes of an open reply, within the deadline; the rest is drained after `[DONE]`."""
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
