"""Find what a server says in an error reply: its message, its error type, its request id."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from hfwidgets.errors.printable import make_printable
from hfwidgets.errors.secrets import redact

MAX_MESSAGE_CHARS = 2000
"""How much of a server's message an error repeats, in characters."""

# Only a text that starts as a page is one: messages quote tags, as in "<title> is missing".
_PAGE_PATTERN = r"(?i)\s*<(?:!doctype|!--|(?:html|head|body|title|center|h[1-6]|p|div|pre)\b)"

_ERROR_KEYS = (
    *("error", "errors", "err", "exception", "message", "messages", "detail", "reason", "title"),
    *("errordescription", "errormessage", "errormsg", "errmsg", "statusmsg", "faultstring"),
)
"""Where servers describe an error, as `normalize_key` returns them."""

_MORE_KEYS = ("details", "description", "warnings", "raw")
"""Where error objects say more, which other objects have too."""

_WRAPPERS = ("metadata", "baseresp", "fault")
"""Objects around a message, next to fields that describe nothing."""

_ERROR_KEYS_SET = frozenset(_ERROR_KEYS)

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
        texts += _read_event_texts(reply.text) or [reply.text.strip()]
    else:
        texts += find_error_texts(body) or _start_of_json(body)
    return _join_readable(texts, secrets) or None


def _read_event_texts(text: str) -> list[Any]:
    """List the texts of an error that a server sends as an event, although it refused the call."""
    found = re.search(r"(?m)^data: ?(\{.*\})\s*$", text)
    try:
        return find_error_texts(json.loads(found[1])) if found else []
    except (ValueError, RecursionError):
        return []


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
        str(text).strip() for text in texts if text and not re.match(_PAGE_PATTERN, str(text))
    )
    # Cut before it is masked, too: a body may have a megabyte. What is cut off may have made a
    # secret, whose start is masked as well.
    text = make_printable("; ".join(readable)[: 2 * MAX_MESSAGE_CHARS])
    return redact(text, secrets)[:MAX_MESSAGE_CHARS]


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
    known = {normalize_key(key): value for key, value in body.items() if value}
    return [
        text
        for key in (*_ERROR_KEYS, *_MORE_KEYS, *_WRAPPERS)
        if key in known
        for text in (
            (key not in _WRAPPERS and _find_field_texts(known[key], depth))
            or find_error_texts(known[key], depth + 1)
        )
    ]


def normalize_key(key: object) -> str:
    """Return a key in lower case without separators: errorMessage and error_message are one."""
    return str(key).lower().replace("_", "").replace("-", "")


def describes_error(body: Mapping[str, Any]) -> bool:
    """True for an object with a field in which servers describe errors.

    Fit for objects that lack what an answer has, since answers may have such fields too.
    """
    if body.get("object") == "error" or ("code" in body and "msg" in body):
        return True
    for key, value in body.items():
        # An answer of another protocol has its message, with a role, in a field of this name.
        is_answer = isinstance(value, Mapping) and ("role" in value or "content" in value)
        if value and normalize_key(key) in _ERROR_KEYS_SET and not is_answer:
            return True
    return any(
        isinstance(value, Mapping) and find_error_texts(value)
        for key, value in body.items()
        if normalize_key(key) in _WRAPPERS
    )


def _find_field_texts(value: object, depth: int) -> list[str]:
    """List the texts of a mapping from fields to texts, each with its field's name."""
    # An object with one of the usual keys is an error of its own, not a mapping from fields.
    if not isinstance(value, Mapping) or "msg" in value:
        return []
    if not _ERROR_KEYS_SET.isdisjoint(map(normalize_key, value)):
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
