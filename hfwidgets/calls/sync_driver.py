"""The blocking driver: it performs the steps of calls, all outgoing HTTP among them."""

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, cast

import httpx

from hfwidgets import errors
from hfwidgets.calls import http_exchange, transports
from hfwidgets.calls.call import Deadline
from hfwidgets.calls.connections import Connection, ReadDeadline, send_in_time
from hfwidgets.calls.content_encoding import decode_body
from hfwidgets.calls.http_exchange import (
    CANCEL_SECONDS,
    DRAIN_SECONDS,
    REQUEST_ERRORS,
    check_http_client,
    to_our_error,
)
from hfwidgets.calls.limited_time import TimeIsOverError, call_in_time
from hfwidgets.calls.prepared_request import PreparedCancel, PreparedRequest
from hfwidgets.calls.size_limits import (
    ERROR_LIMIT,
    JSON_VARIABLE,
    STREAM_VARIABLE,
    read_limit,
    too_large_error,
)
from hfwidgets.core.event_stream import DONE
from hfwidgets.core.flow import Blocking, Flow, Reply, Sleep
from hfwidgets.core.run_flow import run_flow


class SyncDriver:
    """Performs steps by blocking.

    Attributes:
        user_http: the HTTP client that the user passed, None without one.
    """

    def __init__(self, http: httpx.Client | None = None) -> None:
        self.user_http = check_http_client(http, httpx.Client, httpx.BaseTransport)
        self._lock = threading.Lock()
        self._own_http: transports.Transports | None = None
        self._pid = os.getpid()
        self._dropped_responses: deque[httpx.Response] = deque()
        self._json_limit = read_limit(JSON_VARIABLE)
        self._stream_limit = read_limit(STREAM_VARIABLE)

    def _connect(self) -> transports.Transports:
        """Return the connections of this process: a fork would read its parent's answers."""
        with self._lock:
            if self._own_http is None or self._pid != os.getpid():
                self._dropped_responses.clear()
                self._own_http = transports.Transports()
                self._pid = os.getpid()
            return self._own_http

    def __del__(self) -> None:
        # While the interpreter ends, the modules' names are None: `contextlib` and `os` too.
        try:
            # In a forked child the connections still belong to the parent.
            own = getattr(self, "_own_http", None)
            if own is not None and self._pid == os.getpid():
                own.close()
        except Exception:  # noqa: S110 - nothing can be logged then
            pass

    def close(self) -> None:
        """Close the connections; an HTTP client of the user's stays open."""
        with self._lock:
            # Closed outside the lock, so that no other thread waits for the network.
            closing, self._own_http = self._own_http, None
        if closing is not None:
            closing.close()

    def run(self, flow: Flow[Any], deadline: Deadline) -> Any:
        """Return a flow's result; if it fails or is interrupted, its job is canceled."""
        cancel: PreparedRequest | None = None

        def perform(step: Any) -> Any:
            nonlocal cancel
            if type(step) is PreparedRequest:
                return self._send_request(step, deadline)
            if type(step) is Blocking:
                return _call_blocking(step, deadline)
            if type(step) is PreparedCancel:
                cancel = step.request
            elif type(step) is Sleep:
                self._sleep(step, deadline)
            return None

        try:
            return run_flow(flow, perform)
        except BaseException:
            if cancel is not None:
                with contextlib.suppress(errors.HfWidgetsError):  # the first error matters
                    self._send_request(cancel, Deadline(CANCEL_SECONDS))
            raise

    def _sleep(self, step: Sleep, deadline: Deadline) -> None:
        left = deadline.remaining_seconds(step.reason or "waiting")
        http_exchange.announce_wait(step)
        time.sleep(step.seconds if left is None else min(step.seconds, left))
        # The pause was cut to the time that was left: the budget may be used up by now.
        deadline.remaining_seconds(step.reason or "waiting")

    def connection(self, reply: Reply) -> Connection:
        """Return the connection of an open reply."""
        return Connection(reply.source, self._dropped_responses)

    def _send_request(self, request: PreparedRequest, deadline: Deadline) -> Reply:
        started = time.perf_counter()
        # Streams that were dropped wait here: their destructors must not take the pool's lock.
        while self._dropped_responses:
            self._dropped_responses.popleft().close()
        if request.max_wait is not None:
            deadline = deadline.shorten_to(request.max_wait)
        try:
            left = None if deadline.end is None else deadline.remaining_seconds("sending")
            built = transports.build_request(request, left)
            http = self.user_http
            if isinstance(http, httpx.Client):
                response = send_in_time(partial(http.send, stream=True), built, left)
            elif http is not None:
                response = send_in_time(http.handle_request, built, left)
            else:
                # After a fork both processes would read from the same sockets.
                own = self._own_http if self._pid == os.getpid() else None
                response = (own or self._connect()).handle_request(built)
            status, headers = response.status_code, response.headers
            if request.stream and status < 400:
                return Reply(status, headers, source=response, url=request.url)
            try:
                content = self._read_body(response, request, deadline)
            finally:
                response.close()
        except REQUEST_ERRORS as error:
            raise to_our_error(
                error, deadline, request.url, proxied=self.user_http is None
            ) from error
        seconds = time.perf_counter() - started
        return Reply(status, headers, content, url=request.url, seconds=seconds)

    def _read_body(
        self, response: httpx.Response, request: PreparedRequest, deadline: Deadline
    ) -> bytes:
        """Return the whole body; one that trickles in ends at the deadline too."""
        parts: list[bytes] = []
        size = 0
        is_error = response.status_code >= 400
        limit = self._json_limit if request.limit is None else request.limit
        watch = None if deadline.end is None else ReadDeadline(response)
        try:
            for part in _iter_body(response):
                parts.append(part)
                size += len(part)
                # The rest of an error explains nothing; closing the response ends it.
                if is_error and size > ERROR_LIMIT:
                    break
                if size > limit:
                    variable = JSON_VARIABLE if request.limit is None else None
                    raise too_large_error(httpx.URL(request.url).host, limit, variable)
                if watch is not None:
                    left = deadline.remaining_seconds("reading the answer")
                    # A timer is a thread, which an answer that came in one piece need not pay for.
                    is_whole = response.headers.get("content-length") == str(size)
                    if left is not None and not watch.is_armed and not is_whole:
                        watch.arm(left)  # each read alone may take as long as the call could
        except httpx.RequestError as error:
            if watch is not None and watch.has_fired:
                raise deadline.timeout_error("reading the answer") from error
            raise
        finally:
            if watch is not None:
                watch.disarm()
        # Where the server sent no length, a socket that was shut down looks like the end of the
        # body.
        if watch is not None and watch.has_fired:
            raise deadline.timeout_error("reading the answer")
        return b"".join(parts) if len(parts) != 1 else parts[0]

    def read_chunks(self, reply: Reply, decoder: Any, deadline: Deadline) -> Iterator[bytes]:
        """Iterate over the bytes of an open reply, within the deadline and the size limit.

        After `[DONE]` the rest is drained, so that the connection can be used again.
        """
        response: httpx.Response = reply.source
        watch = ReadDeadline(response)
        size = 0
        left = deadline.remaining_seconds("starting the stream")
        if left is not None:
            watch.arm(left)
        try:
            for data in _iter_body(response):
                size += len(data)
                if size > self._stream_limit:
                    host = httpx.URL(reply.url).host
                    raise too_large_error(host, self._stream_limit, STREAM_VARIABLE)
                # A compressed body gives many pieces without a read in between.
                if deadline.end is not None and not getattr(decoder, "done", False):
                    deadline.remaining_seconds("waiting for the stream's next part")
                yield data
                # Cheap tests first: this runs for every piece of every stream. A short piece may
                # be the end of a `[DONE]` that was cut in two.
                if (len(data) < 24 or DONE in data) and getattr(decoder, "done", False):
                    watch.arm(DRAIN_SECONDS)
            if watch.has_fired and not getattr(decoder, "done", False):
                raise deadline.timeout_error("waiting for the stream's next part")
        except httpx.RequestError as error:
            if getattr(decoder, "done", False):
                return  # the answer was whole; only the connection is lost
            if watch.has_fired:
                raise deadline.timeout_error("waiting for the stream's next part") from error
            raise to_our_error(
                error, deadline, reply.url, broken=True, proxied=self.user_http is None
            ) from error
        finally:
            watch.disarm()


def _call_blocking(step: Blocking, deadline: Deadline) -> Any:
    if not step.is_limited or deadline.end is None:
        return step.call()
    try:
        return call_in_time(step.call, deadline.remaining_seconds("preparing the request"))
    except TimeIsOverError as error:
        raise deadline.timeout_error("preparing the request") from error


def _iter_body(response: httpx.Response) -> Iterable[bytes]:
    if response.is_stream_consumed:  # by a hook of the user's client
        return response.iter_bytes()
    if "content-encoding" in response.headers:
        return decode_body(response)
    return cast(httpx.SyncByteStream, response.stream)
