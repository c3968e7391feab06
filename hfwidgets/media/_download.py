"""Fetch what an answer points to: a URL written by a server is not trusted."""

import functools
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import SplitResult, urljoin, urlsplit

from hfwidgets import errors
from hfwidgets.core.flow import Blocking, Flow, Send
from hfwidgets.media._load import decode_data_url

if TYPE_CHECKING:
    import ipaddress

IPAddress: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"

OUTPUT_LIMIT = 512 << 20
"""The largest result that is downloaded, in bytes."""

MAX_REDIRECTS = 5


def download(url: str, limit: int = OUTPUT_LIMIT, base: str = "") -> Flow[bytes]:
    """Return the bytes at a URL that came back in an answer, fetched without credentials.

    Only https, and no private, loopback or link-local address, at any redirect; where the call's
    own `base` is a loopback address, http to loopback is allowed too. A data URL is decoded.

    Args:
        url: what the answer named.
        limit: the most bytes that are accepted.
        base: the address that the answer came from.

    Raises:
        OutputError: the URL may not be fetched, or its content is larger than the limit.
    """
    for _ in range(MAX_REDIRECTS):
        if isinstance(url, str) and url.startswith("data:"):
            return decode_data_url(url)
        yield from _check_allowed(url, base)
        reply = yield Send("GET", url, limit=limit, follow=False)
        if reply.status_code < 300:
            return bytes(reply.content)
        url = _next_url(url, reply.headers.get("location", ""))
    raise errors.OutputError(f"The result's URL redirects more than {MAX_REDIRECTS} times.")


def _check_allowed(url: str, base: str) -> Flow[None]:
    """Raise OutputError unless the URL may be fetched."""
    # The name is resolved here and again by the request. If it changes its address in between,
    # https protects: a private server has no certificate for the name.
    parts = _split_url(url)
    near = bool(base) and is_loopback(urlsplit(base).hostname or "")
    if parts.scheme != "https" and not near:
        raise _blocked_error(parts, "only https is fetched")
    host = parts.hostname or ""
    addresses = yield Blocking(functools.partial(resolve_host, host, parts.port or 443))
    for address in addresses:
        public = address.is_global and not address.is_multicast
        if not public and not (near and address.is_loopback):
            raise _blocked_error(parts, "its address is not on the public internet")
        if parts.scheme != "https" and not address.is_loopback:
            raise _blocked_error(parts, "only https is fetched")


def _split_url(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return parts
    except (ValueError, AttributeError, TypeError):
        pass  # not a URL at all: reported below
    raise errors.OutputError(f"The answer should name the result's URL; it has {str(url)[:100]!r}.")


def _next_url(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        return location  # which is refused as no URL


def _blocked_error(parts: SplitResult, why: str) -> errors.OutputError:
    return errors.OutputError(
        f"The result at {parts.scheme}://{parts.hostname} was not fetched: {why}."
    )


def resolve_host(host: str, port: int) -> "list[IPAddress]":
    """Return the addresses of a name, none when it cannot be resolved: the request reports that."""
    try:
        import socket

        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [_parse_address(str(entry[4][0])) for entry in found]


def _parse_address(text: str) -> "IPAddress":
    import ipaddress

    address = ipaddress.ip_address(text.partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or address


def is_loopback(host: str) -> bool:
    """True for this machine's own name or address."""
    import ipaddress

    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
