"""The connections of answers that are being read: given back, hung up, ended at a given moment."""

import contextlib
import socket
import threading
from collections import deque

import httpx


def whole(response: httpx.Response, size: int) -> bool:
    """Whether so many bytes are the whole body, by what the server said of its length."""
    said: str | None = response.headers.get("content-length")
    return said == str(size)


class Watch:
    """Ends a blocking read at a given moment, by shutting the socket down."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self._timer: threading.Timer | None = None
        self.fired = False

    @property
    def armed(self) -> bool:
        return self._timer is not None

    def arm(self, seconds: float) -> None:
        self.disarm()
        self._timer = threading.Timer(seconds, self._shut)
        self._timer.daemon = True
        self._timer.start()

    def disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _shut(self) -> None:
        self.fired = True
        shut(self._response)


def shut(response: httpx.Response) -> None:
    """End a response's connection under whoever reads from it, in whatever thread."""
    if response.http_version == "HTTP/2":
        return  # other answers share the connection
    stream = response.extensions.get("network_stream")
    found = stream.get_extra_info("socket") if stream is not None else None
    if found is not None:
        with contextlib.suppress(OSError):  # the plain socket below TLS: its other thread reads
            socket.socket.shutdown(found, socket.SHUT_RDWR)


class OpenLine:
    """The connection of an answer that is being read."""

    def __init__(self, response: httpx.Response, dropped: "deque[httpx.Response]") -> None:
        self._response = response
        self._dropped = dropped

    def release(self) -> None:
        """Give the connection back to the pool."""
        self._response.close()

    def hang_up(self) -> None:
        """Close it, whoever reads from it."""
        shut(self._response)
        self._response.close()

    def drop(self) -> None:
        """Close it now; the pool hears of it with the next request, since it waits for a lock."""
        shut(self._response)
        self._dropped.append(self._response)
