"""Identify a request by a hash that is the same on every machine.

The hash is the name of a recording's file: a change here makes every recording that people have
committed unfindable. `tests/recorder/test_fingerprint.py` holds it to golden values.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from hfwidgets import errors
from hfwidgets.calls.known_secrets import collect_secrets
from hfwidgets.calls.routing import default_provider
from hfwidgets.calls.settings import Settings, is_url
from hfwidgets.core.flow import Infer
from hfwidgets.errors.secrets import redact_data
from hfwidgets.media import HEAD_SIZE, InlineDataUrl, Media, decode_data_url, sniff


@dataclass(frozen=True, slots=True)
class RequestFingerprint:
    """The identity of one request.

    Attributes:
        key: The hash, 32 hexadecimal digits.
        description: The request for readers: without credentials, media by their hashes.
    """

    key: str
    description: dict[str, Any]

    @property
    def task(self) -> str:
        """The task's name on the Hub."""
        return str(self.description["task"])


def build_fingerprint(ask: Infer, settings: Settings) -> RequestFingerprint:
    """Return the identity of a request; reads the media in it.

    Raises:
        InputError: Inputs or parameters are neither JSON nor media.
    """
    model = ask.model or settings.model
    url = next((text for text in (ask.model, settings.model) if text and is_url(text)), None)
    # Keys that few requests need are absent elsewhere, so that they leave other hashes alone.
    common: dict[str, Any] = {
        "task": ask.task,
        "model": None if is_url(model) else model,
        "provider": "endpoint" if url else default_provider(settings),
        **({"endpoint": bare_url(url)} if url else {}),
        **({"stream": True} if ask.stream else {}),
    }
    # The hash sees whole URLs of media: two of them may differ in their queries alone. The
    # description, which is written to the disk, does not: such queries may be signed.
    exact, shown = (
        {
            **common,
            "inputs": to_plain(ask.inputs, bare_urls=bare),
            "parameters": to_plain(ask.parameters, bare_urls=bare),
        }
        for bare in (False, True)
    )
    return RequestFingerprint(hash_plain(exact), redact_data(shown, collect_secrets(settings)))


def hash_plain(value: object) -> str:
    """Return the hash of plain data: 32 hexadecimal digits, the same for every order of keys.

    Raises:
        InputError: The data cannot be written as JSON.
    """
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise errors.InputError(
            f"The request cannot be written as JSON: {error}.",
            advice="Pass texts, numbers, booleans, None, lists, dicts and media.",
        ) from error
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def to_plain(value: object, *, bare_urls: bool = False) -> Any:
    """Return a value with each of its media replaced by what distinguishes it from others.

    Args:
        value: Inputs or parameters; media may be anywhere in them.
        bare_urls: Whether URLs of media lose their queries.

    Returns:
        Data for JSON: a file as `{"sha256", "size", "type"}`, media at a URL as that URL.
    """
    if isinstance(value, InlineDataUrl):
        value = value.media
    if isinstance(value, Media):
        if value.source is not None:
            return _digest_file(value.chunks(), value.mime)
        return bare_url(value.url or "") if bare_urls else value.url
    if isinstance(value, str):
        # The same file is the same request, whether it is passed as a path or as a data URL.
        return _digest_data_url(value) if value.startswith("data:") else value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _digest_file((bytes(value),), sniff(bytes(value[:HEAD_SIZE])))
    if isinstance(value, Mapping):
        return {str(key): to_plain(item, bare_urls=bare_urls) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item, bare_urls=bare_urls) for item in value]
    # A number of numpy's or torch's; arrays have dimensions and are left to fail as JSON.
    number = getattr(value, "item", None)
    return number() if callable(number) and not getattr(value, "ndim", 0) else value


def _digest_data_url(text: str) -> Any:
    try:
        data = decode_data_url(text)
    except errors.InputError:
        return text
    return _digest_file((data,), sniff(data[:HEAD_SIZE]))


def _digest_file(pieces: Iterable[bytes], mime: str | None) -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    for piece in pieces:
        digest.update(piece)
        size += len(piece)
    return {"sha256": digest.hexdigest(), "size": size, "type": mime}


def bare_url(url: str) -> str:
    """Return a URL without its user, query and fragment, which may hold credentials."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))
