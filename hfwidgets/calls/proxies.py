"""The proxies that the environment names, and the addresses that are reached without them.

HTTPS_PROXY, HTTP_PROXY and ALL_PROXY hold for requests by their scheme, NO_PROXY lists exceptions:
names with their subdomains, addresses, networks such as 10.0.0.0/8, each with or without a port;
`*` is all. Without any of them the settings of macOS or Windows hold. This machine's own addresses
never go through a proxy.
"""

import os
import re
import urllib.request
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from hfwidgets import errors
from hfwidgets.core import environment
from hfwidgets.core.public_hosts import is_loopback

SCHEMES = ("http", "https", "socks5", "socks5h")

SOCKS_PACKAGE = "socksio"


@dataclass(frozen=True, slots=True)
class ProxyRoute:
    """A proxy and the variable that names it; its password stays out of texts."""

    url: str = field(repr=False)
    variable: str

    @property
    def is_tls(self) -> bool:
        """True if the connection to the proxy itself is encrypted."""
        return self.url.startswith("https:")

    def __str__(self) -> str:
        return f"{errors.redact(self.url)} ({self.variable})"


def find_proxy(scheme: str, host: str, port: int | None) -> ProxyRoute | None:
    """Return the proxy for requests to a host, None for a direct connection.

    Raises:
        ConfigurationError: the variable does not hold the URL of a proxy that can be used.
    """
    if is_loopback(host):
        return None
    found = _proxy_setting(scheme)
    port = port or (443 if scheme == "https" else 80)
    if found is None or _is_exception(host.strip("[]").lower(), port):
        return None
    return ProxyRoute(_check_proxy(*found), found[0])


def _proxy_setting(scheme: str) -> tuple[str, str] | None:
    """Return the variable and the value for a scheme; the lower-case name wins, as in curl."""
    for name in (f"{scheme}_proxy", f"{scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY"):
        # curl, requests and Python itself have the same exception.
        if name == "HTTP_PROXY" and "REQUEST_METHOD" in os.environ:
            continue  # in a CGI script a visitor's header `Proxy:` sets it
        if value := environment.read_variable(name):
            return name, value
    if any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    # Nothing is set in the environment: macOS and Windows have settings of their own.
    system = urllib.request.getproxies()
    url = system.get(scheme) or system.get("all")
    return ("the system's settings", url) if url else None


def _check_proxy(variable: str, value: str) -> str:
    url = value if "://" in value else f"http://{value}"
    parts = _split_proxy(url)
    if parts is None:
        raise environment.variable_error(
            variable,
            value,
            "It must be a URL such as http://proxy.example.org:3128; write #, / and ? in a "
            "password as %23, %2F and %3F.",
        )
    if parts.scheme not in SCHEMES:
        raise environment.variable_error(
            variable, value, f"A proxy's URL starts with {', '.join(SCHEMES[:-1])} or socks5h."
        )
    if parts.scheme.startswith("socks"):
        _require_socks(variable, value)
        return url.replace("socks5h:", "socks5:", 1)  # httpx lets the proxy resolve names in both
    return url


def _split_proxy(url: str) -> SplitResult | None:
    """Return the parts of a proxy's URL, None if it cannot be one."""
    try:
        parts = urlsplit(url)
        environment.check_host(parts.hostname or "")
        is_usable = parts.port != 0 and not (parts.query or parts.fragment)
    except ValueError:
        return None  # a broken port or IPv6 address, or an impossible name
    is_plain = url.isprintable() and not set(url) & set(" \"'")
    return parts if is_usable and is_plain else None


def _require_socks(variable: str, value: str) -> None:
    import importlib.util

    if importlib.util.find_spec(SOCKS_PACKAGE) is None:
        raise environment.variable_error(
            variable, value, f"A SOCKS proxy needs another package: pip install {SOCKS_PACKAGE}."
        )


def _is_exception(host: str, port: int) -> bool:
    """True if NO_PROXY lists a host, or the system's settings do."""
    setting = environment.read_variable("no_proxy") or environment.read_variable("NO_PROXY")
    if any(_matches(entry, host, port) for entry in re.split(r"[,;\s]+", setting) if entry):
        return True
    return not setting and bool(urllib.request.proxy_bypass(host))


def _matches(entry: str, host: str, port: int) -> bool:
    """True if one entry of NO_PROXY covers a host."""
    import ipaddress

    entry = environment.clean_value(entry.partition("://")[2] or entry).lower()
    if entry == "*":
        return True
    name, _, wanted = entry.rpartition(":") if _has_port(entry) else (entry, "", "")
    if wanted and int(wanted) != port:
        return False
    name = name.strip("[]").removeprefix("*").lstrip(".")
    try:
        # A single address is a network of one.
        network = ipaddress.ip_network(name, strict=False)
        return ipaddress.ip_address(host) in network
    except ValueError:
        return bool(name) and (host == name or host.endswith(f".{name}"))


def _has_port(entry: str) -> bool:
    # A plain IPv6 address is full of colons; only one in brackets can have a port.
    return re.search(r"(^[^:]+|\]):\d+$", entry) is not None
