"""Find what a server says in an error reply: its message, its error type, its request id."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from hfwidgets.errors.secrets import redact

MAX_MESSAGE_CHARS = 2000
"""How much of a server's message an error repeats, in characters."""

_HTML_PATTERN = r"(?i)<(!doctype|html|head|body|title)\b|^\s*<(?:!--|(?:center|h[1-6]|p|div|pre)\b)"

_MESSAGE_KEYS = ("error", "error_description", "errors", "message", "detail")

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
    texts = [reply.headers.get("x-error-message")]
    try:
        texts += find_error_texts(reply.json())
    except ValueError:
        texts.append(reply.text.strip())
    return _join_readable(texts, secrets) or None


def describe_error_event(body: Mapping[str, Any], secrets: Iterable[str] = ()) -> str:
    """Return the description in an error that arrives inside a stream; empty if there is none."""
    return _join_readable(find_error_texts(body), secrets)


def _join_readable(texts: Iterable[Any], secrets: Iterable[str]) -> str:
    readable = dict.fromkeys(
        str(text).strip() for text in texts if text and not re.search(_HTML_PATTERN, str(text))
    )
    return redact("; ".join(readable), secrets)[:MAX_MESSAGE_CHARS]


def find_error_texts(body: Any) -> list[Any]:
    """List the texts in an error body, in any of the shapes that servers send.

    Covers a text, lists, FastAPI's `{"loc", "msg"}`, and objects nested under the usual keys.
    """
    if isinstance(body, str):
        return [body]
    if isinstance(body, list):
        return [text for item in body for text in find_error_texts(item)]
    if not isinstance(body, Mapping):
        return []
    if "msg" in body:
        where = ".".join(str(part) for part in body.get("loc", ()))
        return [f"{where}: {body['msg']}" if where else body["msg"]]
    return [text for key in _MESSAGE_KEYS if body.get(key) for text in find_error_texts(body[key])]


def find_request_id(headers: Mapping[str, str], secrets: Iterable[str] = ()) -> str | None:
    """Return the server's name for the request, which its support asks for."""
    found = next((headers[name] for name in _REQUEST_ID_HEADERS if headers.get(name)), None)
    return None if found is None else redact(found, secrets)


def find_error_type(reply: ErrorReply) -> str | None:
    """Return the `error_type` of a JSON body, as text-generation servers send it."""
    try:
        body = reply.json()
    except ValueError:
        return None
    found = body.get("error_type") if isinstance(body, Mapping) else None
    return found if isinstance(found, str) else None
