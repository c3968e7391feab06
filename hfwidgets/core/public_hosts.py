"""The one gate for addresses that a server names: results, redirects, polls, media.

A URL in an answer is not trusted. It may lead to the public internet only, by https; where the
call's own server is on this machine, to this machine too.
"""

import functools
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import SplitResult, urlsplit

from hfwidgets.core.flow import Blocking, Flow

if TYPE_CHECKING:
    import ipaddress  # imported where it is used: its import takes several milliseconds

IPAddress: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"

GLOBAL_UNICAST = "2000::/3"
"""All of IPv6 that is assigned for the public internet."""

TEREDO = "2001::/32"

NAT64 = "64:ff9b::/96"
"""IPv6 addresses whose last 32 bits are an IPv4 address, on networks without IPv4."""


RESERVED = ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20")
"""Networks for protocols and documentation, which some versions of Python take for public ones."""


def why_blocked(url: object, base: str = "") -> Flow[str]:
    """Return why a URL may not be followed; empty if it may.

    Args:
        url: what an answer or a redirect names.
        base: the address that named it.
    """
    parts = split_url(url)
    if parts is None:
        return "it is not a URL"
    near = bool(base) and is_loopback(urlsplit(base).hostname or "")
    if parts.scheme != "https" and not near:
        return "only https is followed"
    # The name is resolved here and again by the request. If it changes its address in between,
    # https protects: a private server has no certificate for the name.
    host = parts.hostname or ""
    look_up = functools.partial(resolve_host, host, parts.port or 443)
    addresses = yield Blocking(look_up, is_limited=True)
    if not addresses:
        return "its name cannot be resolved"
    # The request may connect to any of the addresses, so a single private one blocks all.
    for address in addresses:
        if near and address.is_loopback:
            continue
        if not is_public(address):
            return "its address is not on the public internet"
        # Plain http passed the first test because the call's server is on this machine; the address
        # is not, so it needs https.
        if parts.scheme != "https":
            return "only https is followed"
    return ""


def split_url(url: object) -> SplitResult | None:
    """Return the parts of an http(s) URL with a host; None for anything else."""
    try:
        # Some parsers end the host at a backslash, ours does not: the same text has two hosts.
        parts = urlsplit(url) if isinstance(url, str) and "\\" not in url else None
        if parts and parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return parts
    except ValueError:
        pass  # a broken port or IPv6 address
    return None


def resolve_host(host: str, port: int) -> list[IPAddress]:
    """Return the addresses of a name, none if it cannot be resolved; blocks."""
    import socket

    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    # A label that IDNA cannot encode, such as a very long one, raises UnicodeError.
    except (OSError, UnicodeError):
        return []
    return [unwrap(str(entry[4][0])) for entry in found]


def unwrap(text: str) -> IPAddress:
    """Return an address; the IPv4 address where an IPv6 address only wraps one."""
    import ipaddress

    # The scope of a link-local address (`%eth0`) is not part of the address.
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _network(NAT64):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    # Packets go to the IPv4 address inside, which may be a private one. ISATAP puts it last.
    if (int(address) >> 32) & 0xFFFFFFFF in (0x00005EFE, 0x02005EFE):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def is_public(address: IPAddress) -> bool:
    """True for an address of the public internet: neither private, reserved nor multicast."""
    if address.version == 6 and (
        address not in _network(GLOBAL_UNICAST) or address in _network(TEREDO)
    ):
        return False  # ::127.0.0.1, site-local addresses and what is not assigned
    if any(address in _network(text) for text in RESERVED):
        return False
    # For Python, multicast addresses are global.
    return address.is_global and not (address.is_multicast or address.is_reserved)


@functools.cache
def _network(text: str) -> "ipaddress.IPv4Network | ipaddress.IPv6Network":
    import ipaddress

    return ipaddress.ip_network(text)


def is_loopback(host: str) -> bool:
    """True for this machine's own names and addresses, short forms such as 127.1 included."""
    import socket

    name = host.strip("[]").rstrip(".").lower()
    if name in ("localhost", "127.0.0.1", "::1") or name.endswith(".localhost"):
        return True
    try:
        return unwrap(name).is_loopback
    except ValueError:
        pass  # a name, or a short form
    try:
        # Resolvers accept 127.1, 0x7f000001 and 2130706433; `ipaddress` refuses them.
        return socket.inet_aton(name)[0] == 127
    except OSError:
        return False
