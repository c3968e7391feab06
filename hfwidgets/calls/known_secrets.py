"""Collect the secrets of a client, so that texts can be freed of them."""

import contextlib
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, unquote, urlsplit

from hfwidgets import errors
from hfwidgets.calls.settings import Settings, is_url
from hfwidgets.core import auth
from hfwidgets.errors.secrets import is_secret_name, redact, reveal


def collect_secrets(settings: Settings) -> tuple[str, ...]:
    """Return the secrets that a client holds or could find.

    Those are its token, the machine's token, the values of its secret headers and of its cookies,
    and the password and keys in its URL. Errors, recordings and resume files are masked with them.
    """
    return tuple(dict.fromkeys(map(reveal, filter(None, _iter_secrets(settings)))))


def _find_machine_token() -> auth.Token | None:
    with contextlib.suppress(errors.ConfigurationError):  # one that cannot be sent needs no mask
        return auth.find_machine_token()
    return None


def _iter_secrets(settings: Settings) -> Iterator[str]:
    for token in (settings.token, settings.machine_token or _find_machine_token()):
        if token is not None:
            yield token.value
    yield from secrets_in_headers(settings.headers)
    yield from settings.cookies.values()
    yield from (
        value for name, value in settings.query.items() if is_secret_name(name, in_query=True)
    )
    if settings.model and is_url(settings.model):
        yield from secrets_in_url(settings.model)


def secrets_in_headers(headers: Mapping[str, str]) -> list[str]:
    """List the secret parts of headers: `abc` of `authorization: Bearer abc`.

    A header is secret by its name or by the form of its value.
    """
    return [
        part
        for name, value in headers.items()
        if is_secret_name(name) or redact(value) != reveal(value)
        # A server may repeat the whole header, or the token without its scheme.
        for part in dict.fromkeys((reveal(value), value.rpartition(" ")[2]))
    ]


def secrets_in_url(url: str) -> list[str]:
    """List the password and the keys in a URL, both as they are written and decoded."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return []
    # A user without a password is a token, as in `https://hf_...@host`.
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    secret = password or user
    # Decoded by `parse_qsl`; a server that repeats the address repeats the first form.
    values = [
        value for name, value in parse_qsl(parts.query) if is_secret_name(name, in_query=True)
    ]
    return [text for text in (secret, unquote(secret), *values) if text]
