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
from hfwidgets.calls.call import Deadline, Wire
from hfwidgets.calls.connections import OpenLine, Watch, whole
from hfwidgets.calls.transports import AsyncTransports, Transports, async_way_out, way_out
from hfwidgets.core.event_stream import DONE, reader
from hfwidgets.core.flow import Do, Flow, Reply, Sleep, Undo, advance, waiting

log = logging.getLogger("hfwidgets")

DRAIN_SECONDS = 2.0
"""How long the rest of a stream is waited for after its `[DONE]`, so that the connection is
used again.
"""

UNDO_SECONDS = 2.0
"""How long the end of a call may be put off to end its job on the server too."""

_parsed_url = functools.lru_cache(maxsize=256)(httpx.URL)


BAD_URL = (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError)
"""What an address that cannot be called raises; UnicodeError: a name that no host can have."""

FAILED = (httpx.RequestError, *BAD_URL)


def announce(sleep: Sleep) -> None:
    """Tell whoever waits why: the caller's own listener, else the log."""
    listener = waiting.get()
    if listener is not None:
        listener(sleep.reason, sleep.seconds)
    elif sleep.reason and sleep.seconds >= 1:
        log.warning("Waiting %.1f s: %s.", sleep.seconds, sleep.reason)


def translated(
    error: Exception, deadline: Deadline, url: str, broken: bool = False
) -> errors.HfWidgetsError:
    """The library's error as one of ours."""
    if isinstance(error, BAD_URL):
        return errors.ConfigurationError(f"Not a URL that can be called: {url!r} ({error}).")
    host = httpx.URL(url).netloc.decode()
    if isinstance(error, httpx.TimeoutException):
        if isinstance(error, httpx.PoolTimeout):
            return deadline.passed("waiting for a free connection")
        return deadline.passed(f"waiting for {host}")
    kind = errors.StreamBrokenError if broken else errors.ConnectError
    what = (
        f"The connection to {host} broke inside the answer"
        if broken
        else f"No connection to {host}"
    )
    return kind(f"{what}: {error or type(error).__name__}. Check the address and the network.")


def too_large(url: str, limit: int) -> errors.OutputError:
    """The error for a body over its cap."""
    return errors.OutputError(
        f"The answer of {httpx.URL(url).host} is larger than {limit:,} bytes; it was not kept."
    )


def request(wire: Wire, left: float | None) -> httpx.Request:
    """The request, with the time that is left as the limit of each of its waits."""
    limits = {"connect": left, "read": left, "write": left, "pool": left}
    content = wire.content
    if content is not None and not isinstance(content, bytes):
        content = iter(content)  # httpx would call the `read` of what has one
    return httpx.Request(
        wire.method,
        _parsed_url(wire.url),
        headers=wire.headers,
        content=content,
        extensions={"timeout": limits},
    )


def warm_up() -> None:
    """Import what awaiting needs, which would otherwise hold up a running loop for 80 ms."""
    reader()
    importlib.import_module("anyio.to_thread")
    with contextlib.suppress(ImportError):  # a name of anyio's own: without it the loop waits once
        importlib.import_module("anyio._backends._asyncio")


def plain(response: httpx.Response) -> Iterable[bytes]:
    """The body's bytes. One that is not encoded is read from its stream, past httpx's decoders."""
    if "content-encoding" in response.headers:
        return response.iter_bytes()
    return cast(httpx.SyncByteStream, response.stream)


def aplain(response: httpx.Response) -> AsyncIterable[bytes]:
    """The body's bytes, to await."""
    if "content-encoding" in response.headers:
        return response.aiter_bytes()
    return cast(httpx.AsyncByteStream, response.stream)


def _fitting(given: Any, *kinds: type) -> Any:
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
        self._given = _fitting(http, httpx.Client, httpx.BaseTransport)
        self._lock = threading.Lock()
        self._own: httpx.Client | Transports | None = None
        self._pid = os.getpid()
        self._dropped: deque[httpx.Response] = deque()

    def _open(self, request: httpx.Request) -> httpx.Response:
        """The response to a request, its body still to be read."""
        http = self._given or self._owned()
        if isinstance(http, httpx.Client):
            return http.send(request, stream=True)
        return http.handle_request(request)

    def _owned(self) -> httpx.Client | Transports:
        """The connections of this process: a forked one would read its parent's answers."""
        if self._own is not None and self._pid == os.getpid():
            return self._own
        with self._lock:
            if self._own is None or self._pid != os.getpid():
                self._dropped.clear()
                self._own = way_out()
                self._pid = os.getpid()
            return self._own

    def __del__(self) -> None:
        own = getattr(self, "_own", None)
        if own is not None and self._pid == os.getpid():
            with contextlib.suppress(Exception):  # the interpreter may be ending
                own.close()

    def close(self) -> None:
        """Close the connections, unless the HTTP client was handed in."""
        with self._lock:
            closing, self._own = self._own, None
        if closing is not None:
            closing.close()

    def run(self, flow: Flow[Any], deadline: Deadline) -> Any:
        """The flow's result."""
        outcome: Any = None
        error: BaseException | None = None
        undo: Wire | None = None
        try:
            while True:
                step = advance(flow, outcome, error)
                outcome = error = None
                if type(step) is Undo:
                    undo = step.send
                    continue
                try:
                    outcome = self._do(step, deadline)
                except Exception as failure:
                    error = failure
        except StopIteration as done:
            undo = None
            return done.value
        finally:
            flow.close()
            if undo is not None:
                self._undo(undo)

    def _undo(self, wire: Wire) -> None:
        """Tell the server that its job is no longer wanted; nobody waits for its answer."""
        with contextlib.suppress(errors.HfWidgetsError):
            self._send(wire, Deadline(UNDO_SECONDS))

    def _do(self, step: Any, deadline: Deadline) -> Any:
        if type(step) is Wire:
            return self._send(step, deadline)
        if type(step) is Sleep:
            left = deadline.left(step.reason or "waiting")
            announce(step)
            time.sleep(step.seconds if left is None else min(step.seconds, left))
            deadline.left(step.reason or "waiting")
            return None
        assert type(step) is Do
        return step.call()

    def line(self, reply: Reply) -> "OpenLine":
        """The connection of an open reply."""
        return OpenLine(reply.source, self._dropped)

    def _send(self, wire: Wire, deadline: Deadline) -> Reply:
        started = time.perf_counter()
        while self._dropped:
            self._dropped.popleft().close()
        deadline = deadline.within(wire.patience)
        try:
            asked = request(wire, deadline.left("calling the server"))
            response = self._open(asked)
            if wire.stream and response.status_code < 400:
                return Reply(response.status_code, response.headers, source=response, url=wire.url)
            try:
                content = self._body(response, wire, deadline)
            finally:
                response.close()
        except FAILED as error:
            raise translated(error, deadline, wire.url) from error
        seconds = time.perf_counter() - started
        return Reply(response.status_code, response.headers, content, url=wire.url, seconds=seconds)

    def _body(self, response: httpx.Response, wire: Wire, deadline: Deadline) -> bytes:
        """The whole body; one that comes in drops ends at the deadline too."""
        parts: list[bytes] = []
        size = 0
        watch = Watch(response)
        try:
            for part in plain(response):
                parts.append(part)
                size += len(part)
                if wire.limit is not None and size > wire.limit:
                    raise too_large(wire.url, wire.limit)
                left = deadline.left("reading the answer")
                if left is not None and not watch.armed and not whole(response, size):
                    watch.arm(left)  # each read alone may take as long as the whole call could
        except httpx.RequestError as error:
            if watch.fired:
                raise deadline.passed("reading the answer") from error
            raise
        finally:
            watch.disarm()
        if watch.fired:
            raise deadline.passed("reading the answer")
        return b"".join(parts) if len(parts) != 1 else parts[0]

    def chunks(self, reply: Reply, decoder: Any, deadline: Deadline) -> Iterator[bytes]:
        """The bytes of an open reply, within the deadline; the rest is drained after `[DONE]`."""
        response: httpx.Response = reply.source
        watch = Watch(response)
        left = deadline.left("starting the stream")
        if left is not None:
            watch.arm(left)
        try:
            for data in plain(response):
                yield data
                if (len(data) < 24 or DONE in data) and getattr(decoder, "done", False):
                    watch.arm(DRAIN_SECONDS)
            if watch.fired and not getattr(decoder, "done", False):
                raise deadline.passed("waiting for the stream's next part")
        except httpx.RequestError as error:
            if getattr(decoder, "done", False):
                return  # the answer was whole; only the connection is lost
            if watch.fired:
                raise deadline.passed("waiting for the stream's next part") from error
            raise translated(error, deadline, reply.url, broken=True) from error
        finally:
            watch.disarm()


class _InThread(httpx.AsyncByteStream):
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
        self._given = _fitting(http, httpx.AsyncClient, httpx.AsyncBaseTransport)
        self._spare = None if http else async_way_out()
        self._own: WeakKeyDictionary[Any, httpx.AsyncClient | AsyncTransports]
        self._own = WeakKeyDictionary()
        warm_up()

    async def _open(self, request: httpx.Request) -> httpx.Response:
        """The response to a request, its body still to be read."""
        http = self._given or self._owned()
        if isinstance(http, httpx.AsyncClient):
            return await http.send(request, stream=True)
        return await http.handle_async_request(request)

    def _owned(self) -> httpx.AsyncClient | AsyncTransports:
        """The connections of the running loop: those of another cannot be awaited here."""
        loop = _running_loop()
        own = self._own.get(loop)
        if own is None:
            for other in [known for known in self._own if getattr(known, "is_closed", bool)()]:
                del self._own[other]  # what they hold would keep them for ever
            own, self._spare = self._spare or async_way_out(), None
            self._own[loop] = own
        return own

    async def close(self) -> None:
        """Close the connections, unless the HTTP client was handed in."""
        closing = self._own.pop(_running_loop(), self._spare)
        self._own.clear()
        self._spare = None
        if closing is not None:
            await closing.aclose()

    async def run(self, flow: Flow[Any], deadline: Deadline) -> Any:
        """The flow's result."""
        outcome: Any = None
        error: BaseException | None = None
        undo: Wire | None = None
        try:
            while True:
                step = advance(flow, outcome, error)
                outcome = error = None
                if type(step) is Undo:
                    undo = step.send
                    continue
                try:
                    outcome = await self._do(step, deadline)
                except Exception as failure:
                    error = failure
        except StopIteration as done:
            undo = None
            return done.value
        finally:
            flow.close()
            if undo is not None:
                await self._undo(undo)

    async def _undo(self, wire: Wire) -> None:
        """Tell the server that its job is no longer wanted, even when the call was cancelled."""
        import anyio

        with anyio.CancelScope(shield=True), contextlib.suppress(errors.HfWidgetsError):
            await self._send(wire, Deadline(UNDO_SECONDS))

    async def _do(self, step: Any, deadline: Deadline) -> Any:
        if type(step) is Wire:
            return await self._send(step, deadline)
        import anyio

        if type(step) is Sleep:
            left = deadline.left(step.reason or "waiting")
            announce(step)
            await anyio.sleep(step.seconds if left is None else min(step.seconds, left))
            deadline.left(step.reason or "waiting")
            return None
        assert type(step) is Do
        return await anyio.to_thread.run_sync(step.call)

    async def _send(self, wire: Wire, deadline: Deadline) -> Reply:
        started = time.perf_counter()
        deadline = deadline.within(wire.patience)
        try:
            asked = request(wire, deadline.left("calling the server"))
            if not isinstance(wire.content, (bytes, type(None))):
                asked.stream = _InThread(wire.content)
            response = await self._open(asked)
            if wire.stream and response.status_code < 400:
                return Reply(response.status_code, response.headers, source=response, url=wire.url)
            try:
                content = await self._body(response, wire, deadline)
            finally:
                await response.aclose()
        except FAILED as error:
            raise translated(error, deadline, wire.url) from error
        seconds = time.perf_counter() - started
        return Reply(response.status_code, response.headers, content, url=wire.url, seconds=seconds)

    async def _body(self, response: httpx.Response, wire: Wire, deadline: Deadline) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in aplain(response):
            parts.append(part)
            size += len(part)
            if wire.limit is not None and size > wire.limit:
                raise too_large(wire.url, wire.limit)
            deadline.left("reading the answer")
        return b"".join(parts) if len(parts) != 1 else parts[0]

    async def chunks(self, reply: Reply, decoder: Any, deadline: Deadline) -> AsyncIterator[bytes]:
        """The bytes of an open reply, within the deadline; the rest is drained after `[DONE]`."""
        import anyio

        source = aplain(reply.source).__aiter__()
        while True:
            done = getattr(decoder, "done", False)
            left = DRAIN_SECONDS if done else deadline.left("waiting for the stream's next part")
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
                    raise deadline.passed("waiting for the stream's next part") from error
                raise translated(error, deadline, reply.url, broken=True) from error
            yield data
