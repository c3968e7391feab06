"""What is asked, in a form that has a hash: the same question has the same one on every machine."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from hfwidgets import errors
from hfwidgets.calls.routing import default_provider
from hfwidgets.calls.settings import Settings, is_url
from hfwidgets.core import auth
from hfwidgets.core.flow import Infer
from hfwidgets.errors.secrets import MIN_SECRET_LENGTH, is_secret_name, redact_data
from hfwidgets.media import HEAD_SIZE, InlineDataUrl, Media, decode_data_url, sniff


@dataclass(frozen=True, slots=True)
class RequestFingerprint:
    """One question.

    Attributes:
        key: the hash, 32 hexadecimal digits.
        shown: what was asked, for people: without credentials, media by their hashes.
    """

    key: str
    description: dict[str, Any]

    @property
    def task(self) -> str:
        return str(self.description["task"])


def build_fingerprint(ask: Infer, settings: Settings) -> RequestFingerprint:
    """The question of a call; reads the media in it.

    Raises:
        InputError: inputs or parameters that are neither JSON nor media.
    """
    model = ask.model or settings.model
    url = next((text for text in (ask.model, settings.model) if text and is_url(text)), None)
    asked: dict[str, Any] = {
        "task": ask.task,
        "model": None if is_url(model) else model,
        "provider": "endpoint" if url else default_provider(settings),
        "inputs": to_plain(ask.inputs),
        "parameters": to_plain(ask.parameters),
        **({"endpoint": bare_url(url)} if url else {}),
        **({"stream": True} if ask.stream else {}),
    }
    return RequestFingerprint(
        hash_plain(asked),
        redact_data({**asked, "inputs": _describe_inputs(ask.inputs)}, collect_secrets(settings)),
    )


def _describe_inputs(inputs: Any) -> Any:
    """The inputs for people: the URLs of media without their queries, which may be signed."""
    if isinstance(inputs, Media) and inputs.source is None:
        return bare_url(inputs.url or "")
    if isinstance(inputs, Mapping):
        return {str(key): _describe_inputs(item) for key, item in inputs.items()}
    return (
        [_describe_inputs(item) for item in inputs]
        if isinstance(inputs, list)
        else to_plain(inputs)
    )


def hash_plain(value: Any) -> str:
    """The hash of plain data: 32 hexadecimal digits, the same for every order of keys."""
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise errors.InputError(
            f"The question cannot be written as JSON: {error}. Inputs and parameters are texts, "
            "numbers, booleans, None, lists, dicts and media."
        ) from error
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def to_plain(value: Any) -> Any:
    """A value with each of its media replaced by what tells it from others."""
    if isinstance(value, InlineDataUrl):
        value = value.media
    if isinstance(value, Media):
        return value.url if value.source is None else _digest_file(value.chunks(), value.mime)
    if isinstance(value, str):
        return _digest_data_url(value) if value.startswith("data:") else value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _digest_file((bytes(value),), sniff(bytes(value[:HEAD_SIZE])))
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    return value.item() if hasattr(value, "item") and not getattr(value, "ndim", 0) else value


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
    """A URL without its user, query and fragment, where credentials stand."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def collect_secrets(settings: Settings) -> tuple[str, ...]:
    """The credentials that this client has or could find."""
    tokens = (settings.token, settings.machine_token or auth.find_machine_token())
    headers = (text for name, text in settings.headers.items() if is_secret_name(name))
    found = [*(token.value for token in tokens if token), *headers, *settings.cookies.values()]
    return tuple(text for text in found if len(text) >= MIN_SECRET_LENGTH)
