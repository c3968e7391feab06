"""Connections of answers that are being read: released, aborted, and ended at a given moment."""

import contextlib
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

import httpx

from hfwidgets.calls.limited_time import start_in_thread
from hfwidgets.calls.sync_transport import DirectBody


class ReadDeadline:
    """Ends a blocking read at a given moment: of httpx's transports by shutting the socket down."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self._timer: threading.Timer | None = None
        body = response.stream
        self._direct_body = body if isinstance(body, DirectBody) else None
        self._was_shut_down = False

    @property
    def has_fired(self) -> bool:
        """True if the moment has passed."""
        body = self._direct_body
        if body is None:
            return self._was_shut_down
        return body.end is not None and body.end <= time.monotonic()

    @property
    def is_armed(self) -> bool:
        body = self._direct_body
        return self._timer is not None if body is None else body.end is not None

    def arm(self, seconds: float) -> None:
        if self._direct_body is not None:  # its reads keep to a moment by themselves
            self._direct_body.end = time.monotonic() + seconds
            return
        self.disarm()
        self._timer = threading.Timer(seconds, self._expire)
        # Otherwise a pending deadline would delay the end of the interpreter.
        self._timer.daemon = True
        self._timer.start()

    def disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _expire(self) -> None:
        # Set first: the reader that the shutdown wakes looks at it.
        self._was_shut_down = True
        shut_down_socket(self._response)


def shut_down_socket(response: httpx.Response) -> None:
    """End a response's connection while another thread may be reading from it."""
    if response.http_version == "HTTP/2":
        return  # other answers share the connection
    stream = response.extensions.get("network_stream")
    if stream is not None:
        shut_down_stream(stream)


def shut_down_stream(stream: Any) -> None:
    """End a network stream of httpcore or of ours while another thread may be reading from it."""
    found = stream.get_extra_info("socket")
    if found is not None:
        with contextlib.suppress(OSError):  # the plain socket below TLS: its other thread reads
            # `SSLSocket.shutdown` would drop the TLS object that the other thread is reading with.
            socket.socket.shutdown(found, socket.SHUT_RDWR)


Send = Callable[[httpx.Request], httpx.Response]


def send_in_time(send: Send, request: httpx.Request, left: float | None) -> httpx.Response:
    """Send by a user's client or transport, which gives each read the whole time again.

    Raises:
        ReadTimeout: The headers have not come in the seconds that are left.
    """
    if left is None:
        return send(request)
    opened: list[Any] = []

    def note(event: str, info: Mapping[str, Any]) -> None:
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            opened.append(info["return_value"])

    request.extensions["trace"] = note  # httpcore's; other transports leave it alone
    found = start_in_thread(lambda: send(request))
    try:
        return found.result(left)
    except BaseException as error:
        if found.done():
            raise
        # The time is over, or the user interrupts. A connection that served other calls before is
        # not known here: it is closed once its headers have come.
        for stream in opened:
            shut_down_stream(stream)
        found.add_done_callback(_close_late_response)
        if isinstance(error, TimeoutError):
            raise httpx.ReadTimeout("the time is over", request=request) from error
        raise


def _close_late_response(found: "Future[httpx.Response]") -> None:
    if found.exception() is None:
        found.result().close()


class Connection:
    """The connection of an answer that is being read."""

    def __init__(self, response: httpx.Response, dropped: "deque[httpx.Response]") -> None:
        self._response = response
        self._dropped_responses = dropped

    def release(self) -> None:
        """Return the connection to its pool."""
        self._response.close()

    def abort(self) -> None:
        """Close it, even while another thread reads from it."""
        shut_down_socket(self._response)
        self._response.close()

    def discard(self) -> None:
        """Close it now; httpx's pool learns of it with the next request: that takes a lock."""
        body = self._response.stream
        if isinstance(body, DirectBody):
            body.discard()
            return
        shut_down_socket(self._response)
        self._dropped_responses.append(self._response)
