"""Admit only this machine's processes that hold the key, and no web page.

A web page can send requests to loopback, but not with the key, and not without an `Origin` header
where it could read the answer; a name that resolves to 127.0.0.1 (DNS rebinding) shows in `Host`.
Sources: Fetch standard, section 3.2 (Origin); RFC 9110, section 7.2 (Host).
"""

import hmac
import re
import time
from secrets import token_hex

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hfwidgets.engine.base.http_errors import RefusedError
from hfwidgets.engine.server.clients import ClientProcesses
from hfwidgets.engine.server.wire import build_error_reply

MAX_BODY_BYTES = 32_000_000
"""The size limit of a request's body, in bytes."""

PUBLIC_PATHS = frozenset({"/health"})
"""Paths that need no key."""

_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d+)?", re.IGNORECASE)
_REQUEST_ID = re.compile(r"[\w.:-]{1,100}")


class RequestGuard:
    """ASGI middleware: refuses strangers, limits bodies, identifies and times every reply."""

    def __init__(self, app: ASGIApp, key: str, clients: ClientProcesses) -> None:
        self._app = app
        self._key = key.encode()
        self._clients = clients

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on if it is allowed."""
        if scope["type"] != "http":
            # Lifespan and websocket scopes carry no request of a client.
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        send_with_headers = _add_response_headers(send, _request_id(headers))
        # In constant time: else the duration would tell how much of a guess is right.
        has_key = hmac.compare_digest(_bearer_key(headers), self._key)
        try:
            _check_origin(headers)
            _check_size(headers)
            if not has_key and scope["path"] not in PUBLIC_PATHS:
                raise RefusedError(
                    401,
                    "The engine's key is wrong or missing; send it in the Authorization header.",
                )
        except RefusedError as refusal:
            return await build_error_reply(refusal, scope["path"])(
                scope, receive, send_with_headers
            )
        if not has_key:
            # Not tracked: a probe every few seconds must not keep the engine from ending.
            return await self._app(scope, _limit_body(receive), send_with_headers)
        with self._clients.track_request(headers.get("x-hfwidgets-client")):
            return await self._app(scope, _limit_body(receive), send_with_headers)


def _check_origin(headers: Headers) -> None:
    if not _HOST.fullmatch(headers.get("host", "")):
        raise RefusedError(403, "The engine answers only requests to 127.0.0.1 or localhost.")
    origin = headers.get("origin")
    # Browsers send Origin with every request that a page's script can read the answer of.
    if origin is not None and origin != f"http://{headers['host']}":
        raise RefusedError(403, "The engine does not answer web pages.")


def _check_size(headers: Headers) -> None:
    """Refuse a body by its declared length, before any of it is read."""
    if int(headers.get("content-length") or 0) > MAX_BODY_BYTES:
        raise _too_large_error()


def _bearer_key(headers: Headers) -> bytes:
    kind, _, key = headers.get("authorization", "").partition(" ")
    return key.strip().encode() if kind.lower() == "bearer" else b""


def _request_id(headers: Headers) -> str:
    """Return the caller's id if it is a plain one, else a new one."""
    sent = headers.get("x-request-id", "")
    return sent if _REQUEST_ID.fullmatch(sent) else f"req_{token_hex(12)}"


def _too_large_error() -> RefusedError:
    return RefusedError(413, f"The request's body is larger than {MAX_BODY_BYTES // 1_000_000} MB.")


def _limit_body(receive: Receive) -> Receive:
    """Wrap a receive so that it refuses a body beyond the limit, whatever its header claims."""
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > MAX_BODY_BYTES:
            raise _too_large_error()
        return message

    return counted


def _add_response_headers(send: Send, request_id: str) -> Send:
    """Wrap a send so that it adds the request's id and its duration to the reply's headers."""
    start = time.perf_counter()

    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            extra: dict[str, str] = {
                "x-request-id": request_id,
                "x-compute-type": "cpu",
                "x-compute-time": f"{time.perf_counter() - start:.4f}",
            }
            MutableHeaders(scope=message).update(extra)
        await send(message)

    return with_headers
