"""Resolve where a provider is reached and with which credentials: the token's rules.

A token that was passed goes to the host that the caller named. One that was found on the machine
goes only where `auth.is_trusted_url` allows; other calls are made without.
"""

import sys
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit, urlunsplit

from hfwidgets._version import __version__
from hfwidgets.calls import retired_hosts
from hfwidgets.calls.route import Route
from hfwidgets.calls.settings import Settings
from hfwidgets.core import auth
from hfwidgets.core.flow import Flow
from hfwidgets.errors.secrets import hide_url, reveal
from hfwidgets.errors.user_warnings import warn
from hfwidgets.providers import Address, Provider

BASE_HEADERS: Mapping[str, str] = {
    "user-agent": f"hfwidgets/{__version__}; python/{'.'.join(map(str, sys.version_info[:2]))}",
    "accept": "*/*",
    "accept-encoding": "gzip, deflate",
}
"""Headers of a request without credentials."""

BILL_TO_HEADER = "x-hf-bill-to"


def resolve_address(who: Route, task: str, settings: Settings) -> Flow[Address]:
    """Return the address for a task with its credentials; each client resolves it once."""
    # The base is in the key because a provider may have several: fal-ai's queue is another host.
    key = hide_url(who.url) if who.url else f"{who.provider.name} {who.provider.base_of(task)}"
    known = settings.addresses.get(key)
    if known is not None:
        return known
    embedded = who.provider.is_embedded
    token = None if embedded else (yield from settings.find_token())
    address = yield from _connect(who, task, token, settings)
    # The address is known only now, and the machine's token may not go there: connect again
    # without it, since a provider chooses its address by the token (router or its own).
    if token is not None and not token.is_explicit and not auth.is_trusted_url(address.base):
        token = None
        address = yield from _connect(who, task, None, settings)
    retired_hosts.check_not_blocked(address.base, settings.hosts.hub)
    address = _add_client_headers(address, token, settings)
    if token is not None or embedded:
        # Without a token it is resolved for each call, so that a login takes effect at once.
        settings.addresses[key] = address
    return address


def forget_address(provider: Provider, settings: Settings) -> None:
    """Have the provider's address resolved again for the next call."""
    # Routes hold addresses too, and are quickly chosen again.
    settings.routes.clear()
    for key in list(settings.addresses):
        if key.partition(" ")[0] == provider.name:
            del settings.addresses[key]


def _connect(who: Route, task: str, token: auth.Token | None, settings: Settings) -> Flow[Address]:
    if who.url is not None:
        # There is one authorization header, and a token wins over the name and password in a URL.
        url, shown = _split_user_info(who.url)
        return Address(url, who.provider.build_auth_headers(token.value) if token else shown)
    return (yield from who.provider.connect(token, settings.hosts, task))


def _split_user_info(url: str) -> tuple[str, dict[str, str]]:
    """Return a URL without its name and password, and the header that carries them."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, {}
    name, _, password = user.partition(":")
    shown = auth.basic_auth(unquote(name), unquote(password))
    return urlunsplit(parts._replace(netloc=host)), {"authorization": shown}


def _add_client_headers(address: Address, token: auth.Token | None, settings: Settings) -> Address:
    """Return the address with the user's own headers, which win key by key."""
    headers = {**BASE_HEADERS, **address.headers}
    given = {name.lower(): value for name, value in settings.headers.items()}
    headers |= given | _bill_to_header(given, token, settings)
    if settings.cookies:
        headers["cookie"] = "; ".join(
            f"{name}={reveal(value)}" for name, value in settings.cookies.items()
        )
    source = token.source if token else None
    # An error about the token must name the credential that was really sent.
    if "authorization" in given:
        source = "the headers argument"
    return Address(address.base, headers, address.routed, source)


def _bill_to_header(
    given: Mapping[str, str], token: auth.Token | None, settings: Settings
) -> dict[str, str]:
    """Return the header that names who pays, which only works with a Hub token."""
    if not settings.bill_to:
        return {}
    if token is None or not token.is_hub_token:
        warn(
            "bill_to is ignored: the Hub bills only calls with a Hub token (hf_...).",
        )
        return {}
    if given.get(BILL_TO_HEADER, settings.bill_to) != settings.bill_to:
        warn(
            f"bill_to={settings.bill_to!r} replaces the header {BILL_TO_HEADER}: "
            f"{given[BILL_TO_HEADER]}.",
        )
    return {BILL_TO_HEADER: settings.bill_to}
