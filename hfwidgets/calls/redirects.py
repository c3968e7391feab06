"""Where a redirect leads, and what goes along: credentials stay with their host."""

from dataclasses import replace
from urllib.parse import SplitResult, urljoin, urlsplit

from hfwidgets import errors
from hfwidgets.calls import retired_hosts
from hfwidgets.calls.addressing import BASE_HEADERS
from hfwidgets.calls.prepared_request import PreparedRequest
from hfwidgets.core.flow import Flow, Reply
from hfwidgets.core.public_hosts import why_blocked

REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})

MAX_REDIRECTS = 10

BODY_HEADERS = ("content-length", "content-type")


def is_redirect(reply: Reply) -> bool:
    """True if a reply names another location to ask."""
    return reply.status_code in REDIRECT_STATUSES and "location" in reply.headers


def follow_redirect(
    request: PreparedRequest, reply: Reply, hops: int, hub: str
) -> Flow[PreparedRequest]:
    """Return the request for the location that a redirect names.

    A location on another host passes the gate for addresses that servers name.

    Args:
        request: the redirected request.
        reply: the redirect.
        hops: how many redirects of this request were followed before.
        hub: the Hub's address.

    Raises:
        ConnectError: the redirect leads in circles, to another host with a body, or to an address
            that cannot be called.
    """
    url = _resolve_location(request.url, reply.headers["location"])
    retired_hosts.check_not_blocked(url, hub)
    if hops >= MAX_REDIRECTS:
        raise errors.ConnectError(f"{request.url} redirects in circles: {hops} times until now.")
    old, new = urlsplit(request.url), urlsplit(url)
    same = (old.scheme, old.netloc) == (new.scheme, new.netloc) or _is_https_upgrade(old, new)
    # A body may hold a secret prompt, and was meant for the first host alone.
    if not same and request.method != "GET":
        raise errors.ConnectError(
            f"{old.netloc} redirects the request to another host, {new.netloc}; "
            f"it was not sent there. If that host is right, pass its URL as model=."
        )
    if new.scheme not in ("http", "https"):
        raise errors.ConnectError(
            f"{old.netloc} redirects to {new.scheme}:, which is not followed."
        )
    if not same and (reason := (yield from why_blocked(url, request.url))):
        raise errors.ConnectError(
            f"{old.netloc} redirects to another host, {new.netloc}, which was not asked: {reason}."
        )
    headers = request.headers if same else dict(BASE_HEADERS)
    # 303 means that the answer is elsewhere: it is fetched, nothing is sent again.
    if reply.status_code == 303 and request.method != "GET":
        headers = {name: text for name, text in headers.items() if name not in BODY_HEADERS}
        return replace(request, method="GET", url=url, headers=headers, content=None)
    # Browsers turn a POST into a GET after 301 and 302, which would lose the inputs: here method
    # and body stay.
    return replace(request, url=url, headers=headers)


def _resolve_location(url: str, location: str) -> str:
    """Return the absolute URL of a location; ConnectError if it is not a URL."""
    try:
        found = urljoin(url, location)
        urlsplit(found).port  # noqa: B018 - parsed, and checked, when it is read
    except ValueError:
        raise errors.ConnectError(
            f"{urlsplit(url).netloc} redirects to an invalid URL: {location!r}."
        ) from None
    return found


def _is_https_upgrade(old: SplitResult, new: SplitResult) -> bool:
    """True if a redirect only leads from http to https on the same host, by the usual ports."""
    ports = (old.port or 80, new.port or 443)
    return (old.scheme, new.scheme, ports) == ("http", "https", (80, 443)) and (
        old.hostname == new.hostname
    )
