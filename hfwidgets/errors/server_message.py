"""Find what a server says in an error reply: its message, its error type, its request id."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from hfwidgets.errors.printable import make_printable
from hfwidgets.errors.secrets import redact

MAX_MESSAGE_CHARS = 2000
"""How much of a server's message an error repeats, in characters."""

_HTML_PATTERN = r"(?i)<(!doctype|html|head|body|title)\b|^\s*<(?:!--|(?:center|h[1-6]|p|div|pre)\b)"

_MESSAGE_KEYS = ("error", "error_description", "errors", "message", "detail", "reason", "title")

_MESSAGE_KEYS_SET = frozenset(_MESSAGE_KEYS)

# Fields of an error object that classify the error and do not explain it.
_LABELS = frozenset({"code", "error_type", "param", "status", "type"})

MAX_REQUEST_ID_CHARS = 200

MAX_DEPTH = 20
"""How deeply nested a message may be."""

MAX_RAW_CHARS = 300
"""How much of a body without a known shape an error repeats, in characters."""

_REQUEST_ID_HEADERS = ("x-request-id", "x-amzn-trace-id", "x-amz-cf-id")


class ErrorReply(Protocol):
    """What this module reads of a reply, whichever transport brought it."""

    status_code: int
    headers: Mapping[str, str]
    url: str

    def json(self) -> Any: ...
    @property
    def text(self) -> str: ...


def find_server_message(reply: ErrorReply, secrets: Iterable[str] = ()) -> str | None:
    """Return the server's own description of what went wrong.

    Args:
        reply: A reply of status 400 or above.
        secrets: The call's secrets, which a server may repeat.

    Returns:
        At most `MAX_MESSAGE_CHARS` characters without secrets; None if there is nothing but HTML.
    """
    # The Hub's header holds the message even where its body is a page.
    texts = [reply.headers.get("x-error-message")]
    try:
        body = reply.json()
    except (ValueError, RecursionError):
        texts.append(reply.text.strip())
    else:
        texts += find_error_texts(body) or _start_of_json(body)
    return _join_readable(texts, secrets) or None


def _start_of_json(body: object) -> list[str]:
    """Return the start of a body in which no message was found; the server may explain itself."""
    if not isinstance(body, (Mapping, list)) or not body:
        return []
    text = json.dumps(body, ensure_ascii=False)
    return [text if len(text) <= MAX_RAW_CHARS else f"{text[:MAX_RAW_CHARS]}…"]


def describe_error_event(body: Mapping[str, Any], secrets: Iterable[str] = ()) -> str:
    """Return the description in an error that arrives inside a stream; empty without one."""
    return _join_readable(find_error_texts(body) or _start_of_json(body), secrets)


def _join_readable(texts: Iterable[Any], secrets: Iterable[str]) -> str:
    # A dict drops repetitions and keeps the order: servers say the same in a header and a body.
    readable = dict.fromkeys(
        str(text).strip() for text in texts if text and not re.search(_HTML_PATTERN, str(text))
    )
    return redact(make_printable("; ".join(readable)), secrets)[:MAX_MESSAGE_CHARS]


def find_error_texts(body: object, depth: int = 0) -> list[Any]:
    """List the texts in an error body, in any of the shapes that servers send.

    Covers a text, lists, FastAPI's `{"loc", "msg"}`, RFC 9457's `{"title", "detail"}`, a mapping
    from fields to texts (`{"errors": {"top_k": ["too large"]}}`), and objects nested under the
    usual keys.
    """
    if isinstance(body, str):
        return [body]
    if depth > MAX_DEPTH:
        return []
    if isinstance(body, list):
        return [text for item in body for text in find_error_texts(item, depth + 1)]
    if not isinstance(body, Mapping):
        return []
    # FastAPI's, and pydantic's: a place in the request and what is wrong there.
    if "msg" in body:
        places = body.get("loc")
        where = ".".join(str(part) for part in places) if isinstance(places, list) else ""
        return [f"{where}: {body['msg']}" if where else body["msg"]]
    return [
        text
        for key in _MESSAGE_KEYS
        if body.get(key)
        for text in (_find_field_texts(body[key], depth) or find_error_texts(body[key], depth + 1))
    ]


def _find_field_texts(value: object, depth: int) -> list[str]:
    """List the texts of a mapping from fields to texts, each with its field's name."""
    # An object with one of the usual keys is an error of its own, not a mapping from fields.
    if not isinstance(value, Mapping) or not _MESSAGE_KEYS_SET.isdisjoint(value) or "msg" in value:
        return []
    return [
        f"{field}: {text}"
        for field, texts in value.items()
        for text in find_error_texts(texts, depth + 1)
        if field not in _LABELS
    ]


def find_request_id(headers: Mapping[str, str], secrets: Iterable[str] = ()) -> str | None:
    """Return the server's name for the request, which its support asks for."""
    found = next((headers[name] for name in _REQUEST_ID_HEADERS if headers.get(name)), None)
    return None if found is None else redact(make_printable(found), secrets)[:MAX_REQUEST_ID_CHARS]


def find_error_type(reply: ErrorReply) -> str | None:
    """Return the `error_type` of a JSON body, as text-generation servers send it."""
    try:
        body = reply.json()
    except ValueError:
        return None
    found = body.get("error_type") if isinstance(body, Mapping) else None
    return found if isinstance(found, str) else None
