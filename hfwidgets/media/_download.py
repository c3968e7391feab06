"""Fetch what an answer points to: a URL written by a server is not trusted."""

from urllib.parse import urljoin

from hfwidgets import errors
from hfwidgets.core.flow import Flow, Reply, Send
from hfwidgets.core.public_hosts import split_url, why_blocked
from hfwidgets.media._load import decode_data_url
from hfwidgets.media._sniff import DeclaredBytes, declare_type

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
            return declare_type(decode_data_url(url), url[5:].partition(",")[0])
        if reason := (yield from why_blocked(url, base)):
            raise _blocked_error(url, reason)
        # Redirects are followed here, one by one, so that each target passes the gate above.
        reply = yield Send("GET", url, limit=limit, follow=False)
        if reply.status_code < 300:
            return read_content(reply)
        url = _next_url(url, reply.headers.get("location", ""))
    raise errors.OutputError(f"The result's URL redirects more than {MAX_REDIRECTS} times.")


def read_content(reply: Reply) -> DeclaredBytes:
    """Return the content of a reply, with the type that its headers declare."""
    found = DeclaredBytes(reply.content)
    found.declared_type = reply.headers.get("content-type", "")
    return found


def _next_url(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        return location  # which is refused as no URL


def _blocked_error(url: object, reason: str) -> errors.OutputError:
    parts = split_url(url)
    if parts is None:
        return errors.OutputError(
            f"The answer should name the result's URL; it has {str(url)[:100]!r}."
        )
    return errors.OutputError(
        f"The result at {parts.scheme}://{parts.hostname} was not fetched: {reason}."
    )
