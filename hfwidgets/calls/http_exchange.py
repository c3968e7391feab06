"""What both drivers need of httpx: requests built, bodies read, and its errors as ours."""

import functools
import logging
from collections.abc import AsyncIterable, Iterable
from typing import TypeVar, cast

import httpx

from hfwidgets import errors
from hfwidgets.calls.deadline import Deadline
from hfwidgets.calls.prepared_request import PreparedRequest
from hfwidgets.core.flow import Sleep, wait_listener

H = TypeVar("H")

log = logging.getLogger("hfwidgets")

DRAIN_SECONDS = 2.0
"""How long the rest of a stream is waited for after its `[DONE]`, so that the connection is
used again.
"""

CANCEL_SECONDS = 2.0
"""How long the end of a call may take to cancel its job on the server too."""

BAD_URL_ERRORS = (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError)
"""What an address that cannot be called raises; UnicodeError: a name that no host can have."""

REQUEST_ERRORS = (httpx.RequestError, *BAD_URL_ERRORS)

_parse_url = functools.lru_cache(maxsize=256)(httpx.URL)


def announce_wait(sleep: Sleep) -> None:
    """Report why a call waits: to the caller's own listener, else in the log."""
    listener = wait_listener.get()
    if listener is not None:
        listener(sleep.reason, sleep.seconds)
    elif sleep.reason and sleep.seconds >= 1:
        log.warning("Waiting %.1f s: %s.", sleep.seconds, sleep.reason)


def to_our_error(
    error: Exception, deadline: Deadline, url: str, broken: bool = False
) -> errors.HfWidgetsError:
    """Return an error of httpx as one of ours.

    Args:
        error: one of `REQUEST_ERRORS`.
        deadline: the call's.
        url: the request's.
        broken: whether a part of the answer had arrived.
    """
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
    """Build the error for a body over its limit."""
    return errors.OutputError(
        f"The answer of {httpx.URL(url).host} is larger than {limit:,} bytes; it was not kept."
    )


def build_request(request: PreparedRequest, left: float | None) -> httpx.Request:
    """Return httpx's request, with the time that is left as the limit of each of its waits."""
    limits = {"connect": left, "read": left, "write": left, "pool": left}
    content = request.content
    if content is not None and not isinstance(content, bytes):
        content = iter(content)  # httpx would call the `read` of what has one
    return httpx.Request(
        request.method,
        _parse_url(request.url),
        headers=request.headers,
        content=content,
        extensions={"timeout": limits},
    )


def raw_bytes(response: httpx.Response) -> Iterable[bytes]:
    """Iterate over a body. One that is not encoded is read past httpx's decoders, which cost."""
    if "content-encoding" in response.headers:
        return response.iter_bytes()
    return cast(httpx.SyncByteStream, response.stream)


def raw_bytes_async(response: httpx.Response) -> AsyncIterable[bytes]:
    """Iterate over a body, awaiting; see `raw_bytes`."""
    if "content-encoding" in response.headers:
        return response.aiter_bytes()
    return cast(httpx.AsyncByteStream, response.stream)


def check_http_client(client: H | None, kind: type[H], *others: type) -> H | None:
    """Return the HTTP client of the user's; ConfigurationError if it is of another kind."""
    if client is None or isinstance(client, (kind, *others)):
        return client
    raise errors.ConfigurationError(
        f"http_client must be an httpx.{kind.__name__}; it is {type(client).__name__}."
    )
