"""Connections of answers that are being read: released, aborted, and ended at a given moment."""

import contextlib
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import httpcore
import httpx

_limits = threading.local()
"""`end` is the moment by which each read and write of this thread's request must have ended."""

WRITE_PIECE = 65536
"""How many bytes are written at once, so that a slow reader cannot stretch the time."""


@contextlib.contextmanager
def limit_time(seconds: float | None) -> Iterator[None]:
    """End all reads and writes of this thread's connections after so many seconds together.

    httpx and httpcore give each read the whole time again, so that a server which sends its headers
    in drops, or endless interim answers, would hold a call forever.
    """
    if seconds is None:
        yield
        return
    _limits.end = time.monotonic() + seconds
    try:
        yield
    finally:
        _limits.end = None


def _cap(timeout: float | None, error: type[Exception]) -> float | None:
    end: float | None = getattr(_limits, "end", None)
    if end is None:
        return timeout
    left = end - time.monotonic()
    if left <= 0:
        raise error("the time is over")
    return left if timeout is None else min(timeout, left)


class _TimedStream(httpcore.NetworkStream):
    """A connection whose reads and writes keep to `limit_time`."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _cap(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), WRITE_PIECE):
            piece = buffer[start : start + WRITE_PIECE]
            self._stream.write(piece, _cap(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = _cap(timeout, httpcore.ConnectTimeout)
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class TimedBackend(httpcore.NetworkBackend):
    """Opens connections that keep to `limit_time`."""

    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        self._backend = backend

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = _cap(timeout, httpcore.ConnectTimeout)
        stream = self._backend.connect_tcp(host, port, left, local_address, socket_options)
        return _TimedStream(stream)


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
        self._timer.daemon = True
        self._timer.start()

    def disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _expire(self) -> None:
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
