"""Connections of answers that are being read: released, aborted, and ended at a given moment."""

import contextlib
import socket
import threading
from collections import deque

import httpx


class ReadDeadline:
    """Ends a blocking read at a given moment, by shutting the socket down."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self._timer: threading.Timer | None = None
        self.has_fired = False

    @property
    def is_armed(self) -> bool:
        return self._timer is not None

    def arm(self, seconds: float) -> None:
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
        self.has_fired = True
        shut_down_socket(self._response)


def shut_down_socket(response: httpx.Response) -> None:
    """End a response's connection while another thread may be reading from it."""
    if response.http_version == "HTTP/2":
        return  # other answers share the connection
    stream = response.extensions.get("network_stream")
    found = stream.get_extra_info("socket") if stream is not None else None
    if found is not None:
        with contextlib.suppress(OSError):  # the plain socket below TLS: its other thread reads
            # `SSLSocket.shutdown` would drop the TLS object that the other thread is reading with.
            socket.socket.shutdown(found, socket.SHUT_RDWR)


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
        """Close it now; its pool learns of it with the next request, since that takes a lock."""
        shut_down_socket(self._response)
        self._dropped_responses.append(self._response)
