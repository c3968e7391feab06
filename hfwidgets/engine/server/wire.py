"""Requests and answers as they travel: bodies, errors, event streams."""

import logging
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import aclosing
from typing import Any, TypeVar

import anyio
import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hfwidgets.engine.base.files import FileResult
from hfwidgets.engine.base.http_errors import ClientGoneError, RefusedError, bad_request
from hfwidgets.errors import did_you_mean

T = TypeVar("T")

log = logging.getLogger(__name__)

CLIENT_GONE_STATUS = 499
DONE_EVENT = b"data: [DONE]\n\n"
_OPENAI_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "invalid_request_error",
    501: "not_supported_error",
    503: "overloaded_error",
}


def encode_json(value: Any) -> bytes:
    """A value as JSON."""
    return msgspec.json.encode(value)


def build_reply(value: Any, model: str | None = None) -> Response:
    """An answer, JSON or a file, that names the local model that gave it."""
    headers = model_header(model) if model else None
    if isinstance(value, FileResult):
        return Response(value.content, media_type=value.mime, headers=headers)
    return Response(encode_json(value), media_type="application/json", headers=headers)


def model_header(model: str) -> dict[str, str]:
    """The header that names the model."""
    return {"x-inference-model": model}


def build_error_reply(refusal: RefusedError, path: str) -> Response:
    """An error in the shape that the route's clients read: OpenAI's under /v1, else the Hub's."""
    headers = {}
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(max(1, round(refusal.retry_after)))
    if refusal.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    body = build_error_body(refusal, openai="/v1/" in path)
    return Response(encode_json(body), refusal.status, headers, media_type="application/json")


def build_error_body(refusal: RefusedError, *, openai: bool) -> dict[str, Any]:
    """The JSON of an error."""
    if openai:
        kind = _OPENAI_ERROR_TYPES.get(refusal.status, "server_error")
        fields: dict[str, Any] = {
            "message": refusal.message,
            "type": kind,
            "param": refusal.parameter,
            "code": refusal.kind,
        }
        if refusal.weights_set:
            fields["weights_set"] = refusal.weights_set
        return {"error": fields}
    body: dict[str, Any] = {"error": refusal.message}
    if refusal.kind:
        body["error_type"] = refusal.kind
    if refusal.weights_set:
        body["weights_set"] = refusal.weights_set
    if refusal.retry_after is not None:
        body["estimated_time"] = refusal.retry_after
    return body


async def read_json_body(request: Request) -> dict[str, Any]:
    """The request's body as a JSON object; a 400 when it is none."""
    try:
        body = msgspec.json.decode(await request.body())
    except (msgspec.DecodeError, RecursionError) as error:
        raise bad_request(f"The request's body is not JSON: {error}.") from error
    if not isinstance(body, dict):
        raise bad_request(f"The request's body must be a JSON object, not {_json_type_name(body)}.")
    return body


async def read_task_body(request: Request) -> tuple[Any, dict[str, Any], bool]:
    """A task's inputs, its parameters and whether a stream is wanted, from JSON or a raw body.

    A raw body is a text or the bytes of a file, by its content type.
    Parameters stand under "parameters" and, for some tasks and clients, beside the inputs; so do
    the parts of the inputs when "inputs" is absent or null.
    """
    raw = await request.body()
    kind = _content_type(request)
    if kind.startswith("text/"):
        return raw.decode("utf-8", "replace"), {}, False
    if not _is_json(kind, raw):
        return raw, {}, False
    body = await read_json_body(request)
    stream = body.pop("stream", None)
    _check_options(body.pop("options", None))
    inputs = body.pop("inputs", None)
    parameters = body.pop("parameters", None)
    if parameters is None:
        parameters = {}
    if not isinstance(parameters, Mapping):
        raise bad_request(
            f"parameters must be a JSON object, not {_json_type_name(parameters)}.", "parameters"
        )
    if inputs is None:
        return body, dict(parameters), stream is True
    return inputs, {**body, **parameters}, stream is True


# What the Hub's older clients ask of its servers; an engine that keeps no answers and always waits
# for its models does so whatever they say, and has no other processor to offer.
_OPTIONS = frozenset({"use_cache", "wait_for_model", "use_gpu", "dont_load_model"})


def _check_options(options: Any) -> None:
    """Refuse what is no option of the Hub's wire."""
    if not isinstance(options, Mapping | None):
        raise bad_request(
            f"options must be a JSON object, not {_json_type_name(options)}.", "options"
        )
    for name in sorted(map(str, (options or {}).keys() - _OPTIONS)):
        raise bad_request(
            f"There is no option {name!r}; there are {', '.join(sorted(_OPTIONS))}."
            f"{did_you_mean(name, _OPTIONS)}",
            "options",
        )


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _is_json(kind: str, raw: bytes) -> bool:
    """Whether a body is JSON; where clients name no type, or curl its own, its start tells."""
    if kind in ("", "application/x-www-form-urlencoded"):
        return raw.lstrip()[:1] in (b"", b"{", b"[")
    return not kind.startswith(("image/", "audio/", "video/", "application/octet-stream"))


def _json_type_name(value: Any) -> str:
    names = {list: "a list", str: "a text", type(None): "null", bool: "a truth value"}
    return names.get(type(value), "a number")


async def run_unless_gone(request: Request, work: Awaitable[T]) -> T:
    """The work's result; when the client leaves first it is cancelled and ClientGoneError raised.

    The request's body must have been read.
    """
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
        group.cancel_scope.cancel()
    if failure is not None:
        raise failure
    if not results:
        raise ClientGoneError("The client closed its connection.")
    return results[0]


async def _wait_for_disconnect(receive: Receive) -> None:
    """Return when the client has closed its connection."""
    while (await receive())["type"] != "http.disconnect":
        continue


class EventStreamResponse(Response):
    """An answer that is a stream of server-sent events; it ends at once when the client leaves.

    `first` was made before any header went out, so that an error in it had a status of its own.
    """

    media_type = "text/event-stream"

    def __init__(
        self, first: bytes, rest: AsyncGenerator[bytes], *, model: str, openai: bool
    ) -> None:
        super().__init__(headers={**model_header(model), "Cache-Control": "no-cache"})
        del self.headers["content-length"]
        self._first_event = first
        self._later_events = rest
        self._openai = openai

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events as they come."""
        head = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        async with aclosing(self._later_events), anyio.create_task_group() as group:

            async def watch() -> None:
                await _wait_for_disconnect(receive)
                group.cancel_scope.cancel()

            group.start_soon(watch)
            await send(head)
            await self._send_events(send)
            group.cancel_scope.cancel()

    async def _send_events(self, send: Send) -> None:
        """All events, then the end; what fails on the way becomes the last event."""
        await send(_body_part(self._first_event))
        try:
            async for event in self._later_events:
                await send(_body_part(event))
        except RefusedError as refusal:
            await send(_body_part(encode_event(build_error_body(refusal, openai=self._openai))))
        except Exception:
            log.exception("a stream failed")
            failure = RefusedError(
                500, "The engine failed in the middle of the stream; see its log."
            )
            await send(_body_part(encode_event(build_error_body(failure, openai=self._openai))))
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _body_part(event: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": event, "more_body": True}


def encode_event(value: Any) -> bytes:
    """One server-sent event."""
    return b"data: " + encode_json(value) + b"\n\n"


async def stream_reply(
    request: Request, events: AsyncGenerator[bytes], *, model: str, openai: bool
) -> EventStreamResponse:
    """The events as an answer, once the first one is there."""
    try:
        first = await run_unless_gone(request, anext(events))
    except BaseException:
        await events.aclose()
        raise
    return EventStreamResponse(first, events, model=model, openai=openai)
