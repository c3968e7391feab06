"""Who may ask the engine: this machine's own processes that hold its key, and no web page.

A page in a browser can send requests to loopback, but not with the key, nor without an `Origin`
header where it could read the answer; a name that resolves to 127.0.0.1 (DNS rebinding) shows in
`Host`. Facts: Fetch standard, section 3.2 (Origin); RFC 9110, section 7.2 (Host).
"""

import hmac
import re
import time
from secrets import token_hex
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hfwidgets.engine.base.http_errors import RefusedError
from hfwidgets.engine.server.clients import ClientProcesses
from hfwidgets.engine.server.wire import build_error_reply

MAX_BODY_BYTES = 32_000_000
"""Bytes of a request's body."""

_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d+)?", re.IGNORECASE)
_REQUEST_ID = re.compile(r"[\w.:-]{1,100}")


class RequestGuard:
    """ASGI middleware: refuses strangers, bounds bodies, names and times every answer."""

    def __init__(self, app: ASGIApp, key: str, clients: ClientProcesses) -> None:
        self._app = app
        self._key = key.encode()
        self._clients = clients

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on when it may pass."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        sending = _add_response_headers(send, _request_id(headers))
        try:
            self._check_headers(headers)
        except RefusedError as refusal:
            return await build_error_reply(refusal, scope["path"])(scope, receive, sending)
        with self._clients.track_request(headers.get("x-hfwidgets-client")):
            return await self._app(scope, _limit_body(receive), sending)

    def _check_headers(self, headers: Headers) -> None:
        if not _HOST.fullmatch(headers.get("host", "")):
            raise RefusedError(403, "The engine answers only requests to 127.0.0.1 or localhost.")
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{headers['host']}":
            raise RefusedError(403, "The engine does not answer web pages.")
        if not hmac.compare_digest(_bearer_key(headers), self._key):
            raise RefusedError(
                401, "The engine's key is wrong or missing; it goes into the Authorization header."
            )
        if int(headers.get("content-length") or 0) > MAX_BODY_BYTES:
            raise _too_large_error()


def _bearer_key(headers: Headers) -> bytes:
    kind, _, key = headers.get("authorization", "").partition(" ")
    return key.strip().encode() if kind.lower() == "bearer" else b""


def _request_id(headers: Headers) -> str:
    """The caller's own id when it is a plain one, else a new one."""
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else f"req_{token_hex(12)}"


def _too_large_error() -> RefusedError:
    return RefusedError(413, f"The request's body is larger than {MAX_BODY_BYTES // 1_000_000} MB.")


def _limit_body(receive: Receive) -> Receive:
    """A receive that refuses a body growing past the limit, whatever its length was said to be."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > MAX_BODY_BYTES:
            raise _too_large_error()
        return message

    return counted


def _add_response_headers(send: Send, request_id: str) -> Send:
    """A send that adds the request's id and the time it took to the answer's headers."""
    start = time.perf_counter()

    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            extra: dict[str, Any] = {
                "x-request-id": request_id,
                "x-compute-type": "cpu",
                "x-compute-time": f"{time.perf_counter() - start:.4f}",
            }
            MutableHeaders(scope=message).update(extra)
        await send(message)

    return with_headers
