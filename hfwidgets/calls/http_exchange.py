"""What both drivers share: waits are announced, and httpx's errors become ours."""

import logging
from typing import TypeVar

import httpx

from hfwidgets import errors
from hfwidgets.calls.call import Deadline
from hfwidgets.calls.proxies import find_proxy
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


def announce_wait(sleep: Sleep) -> None:
    """Report why a call waits: to the caller's own listener, else in the log."""
    listener = wait_listener.get()
    if listener is not None:
        listener(sleep.reason, sleep.seconds)
    elif sleep.reason and sleep.seconds >= 1:
        log.warning("Waiting %.1f s: %s.", sleep.seconds, sleep.reason)


def to_our_error(
    error: Exception, deadline: Deadline, url: str, *, broken: bool = False, proxied: bool = True
) -> errors.HfWidgetsError:
    """Return an error of httpx as one of ours.

    Args:
        error: one of `REQUEST_ERRORS`.
        deadline: the call's.
        url: the request's.
        broken: whether a part of the answer had arrived.
        proxied: whether the environment's proxies hold, as they do without a client of the user's.
    """
    # Checked first, since `httpx.URL` below may raise for such an address again.
    if isinstance(error, BAD_URL_ERRORS):
        return errors.ConfigurationError(f"Not a URL that can be called: {url!r} ({error}).")
    target = httpx.URL(url)
    host = target.netloc.decode()
    if isinstance(error, httpx.PoolTimeout):
        return deadline.timeout_error("waiting for a free connection")
    proxy = find_proxy(target.scheme, target.host, target.port) if proxied else None
    through = f" through the proxy {proxy}" if proxy else ""
    if isinstance(error, httpx.TimeoutException):
        return deadline.timeout_error(f"waiting for {host}{through}")
    if isinstance(error, httpx.DecodingError):
        return errors.OutputError(
            f"The answer of {host} cannot be decoded as its content-encoding says: {error}."
        )
    kind = errors.StreamBrokenError if broken else errors.ConnectError
    what = (
        f"The connection to {host}{through} broke inside the answer"
        if broken
        else f"No connection to {host}{through}"
    )
    return kind(
        f"{what}: {str(error) or type(error).__name__}.",
        advice=f"Check the address{', the proxy' if proxy else ''} and the network.",
    )


def check_http_client(client: H | None, kind: type[H], *others: type) -> H | None:
    """Return the HTTP client of the user's; ConfigurationError if it is of another kind."""
    if client is None or isinstance(client, (kind, *others)):
        return client
    raise errors.ConfigurationError(
        f"http_client must be an httpx.{kind.__name__}; it is {type(client).__name__}."
    )
