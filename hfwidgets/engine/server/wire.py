"""Write replies to the wire: JSON, files, errors and event streams."""

import logging
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import aclosing
from typing import Any, TypeVar

import anyio
import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from hfwidgets.engine.base.files import FileResult
from hfwidgets.engine.base.http_errors import ClientGoneError, RefusedError

T = TypeVar("T")
Json = dict[str, Any]

log = logging.getLogger(__name__)

CLIENT_GONE_STATUS = 499
DONE_EVENT = b"data: [DONE]\n\n"
_OPENAI_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "invalid_request_error",
    501: "not_supported_error",
    503: "overloaded_error",
}


def encode_json(value: object) -> bytes:
    """Encode a value as JSON."""
    return msgspec.json.encode(value)


def build_reply(
    value: object, model: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Build the reply for a result, JSON or a file, with the name of the model that made it."""
    merged = {**(model_header(model) if model else {}), **(headers or {})}
    if isinstance(value, FileResult):
        return Response(value.content, media_type=value.mime, headers=merged)
    return Response(encode_json(value), media_type="application/json", headers=merged)


def model_header(model: str) -> dict[str, str]:
    """Return the header that names the model."""
    return {"x-inference-model": model}


def build_error_reply(
    refusal: RefusedError, path: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Build an error reply in the form that the route's clients read: OpenAI's, else the Hub's."""
    merged = dict(headers or {})
    if refusal.retry_after is not None:
        merged["Retry-After"] = str(max(1, round(refusal.retry_after)))
    if refusal.status == 401:
        merged["WWW-Authenticate"] = "Bearer"
    body = build_error_body(refusal, openai="/v1/" in path)
    return Response(encode_json(body), refusal.status, merged, media_type="application/json")


def build_error_body(refusal: RefusedError, *, openai: bool) -> Json:
    """Build the JSON of an error."""
    if openai:
        fields: Json = {
            "message": refusal.message,
            "type": _OPENAI_ERROR_TYPES.get(refusal.status, "server_error"),
            "param": refusal.parameter,
            "code": refusal.kind,
        }
        if refusal.weights_set:
            fields["weights_set"] = refusal.weights_set
        return {"error": fields}
    body: Json = {"error": refusal.message}
    if refusal.kind:
        body["error_type"] = refusal.kind
    if refusal.weights_set:
        body["weights_set"] = refusal.weights_set
    if refusal.retry_after is not None:
        body["estimated_time"] = refusal.retry_after
    return body


async def run_unless_gone(request: Request, work: Awaitable[T]) -> T:
    """Return the result of `work`; cancel it and raise ClientGoneError if the client leaves first.

    The request's body must have been read.
    """
    # A list, because None is a valid result.
    results: list[T] = []
    failure: Exception | None = None
    async with anyio.create_task_group() as group:

        async def watch() -> None:
            await _wait_for_disconnect(request.receive)
            group.cancel_scope.cancel()

        group.start_soon(watch)
        try:
            results.append(await work)
        except Exception as error:  # raised again below, outside the group that would wrap it
            failure = error
        # Ends the watch, or the group would wait until the client leaves.
        group.cancel_scope.cancel()
    if failure is not None:
        raise failure
    if not results:
        raise ClientGoneError("The client closed its connection.")
    return results[0]


async def _wait_for_disconnect(receive: Receive) -> None:
    """Return once the client has closed its connection."""
    while (await receive())["type"] != "http.disconnect":
        continue


class EventStreamResponse(Response):
    """A stream of server-sent events; it ends at once when the client leaves.

    The first event was made before any header went out, so that an error in it got its own status.
    """

    media_type = "text/event-stream"

    def __init__(
        self, first: bytes, rest: AsyncGenerator[bytes], *, model: str, openai: bool
    ) -> None:
        super().__init__(headers={**model_header(model), "Cache-Control": "no-cache"})
        # The length of a stream is unknown; the base class has set that of an empty body.
        del self.headers["content-length"]
        self._first_event = first
        self._later_events = rest
        self._openai = openai

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events as they come."""
        head = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        # Two tasks: one sends, the other notices that the client has left while nothing is sent.
        async with aclosing(self._later_events), anyio.create_task_group() as group:

            async def watch() -> None:
                await _wait_for_disconnect(receive)
                group.cancel_scope.cancel()

            group.start_soon(watch)
            await send(head)
            await self._send_events(send)
            group.cancel_scope.cancel()

    async def _send_events(self, send: Send) -> None:
        """Send all events and the end; an error on the way becomes the last event."""
        await send(_body_part(self._first_event))
        try:
            async for event in self._later_events:
                await send(_body_part(event))
        except RefusedError as refusal:
            await send(_body_part(encode_event(build_error_body(refusal, openai=self._openai))))
        except Exception:
            log.exception("a stream failed")
            failure = RefusedError(500, "The engine failed during the stream; see its log.")
            await send(_body_part(encode_event(build_error_body(failure, openai=self._openai))))
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _body_part(event: bytes) -> Message:
    return {"type": "http.response.body", "body": event, "more_body": True}


def encode_event(value: object, name: str | None = None) -> bytes:
    """Encode one server-sent event."""
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + encode_json(value) + b"\n\n"


async def stream_reply(
    request: Request, events: AsyncGenerator[bytes], *, model: str, openai: bool
) -> EventStreamResponse:
    """Build the reply for a stream of events, once the first one is there."""
    try:
        # The status is sent with the first event, so errors before it need not be events.
        first = await run_unless_gone(request, anext(events))
    # Cancellation, too: an unclosed generator would hold its turn until it is garbage-collected.
    except BaseException:
        await events.aclose()
        raise
    return EventStreamResponse(first, events, model=model, openai=openai)
