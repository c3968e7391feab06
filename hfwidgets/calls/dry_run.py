"""Show what a call would send, and send nothing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hfwidgets import errors
from hfwidgets.calls.call import Call
from hfwidgets.calls.prepared_request import PreparedRequest
from hfwidgets.core.flow import Blocking, Flow, Sleep
from hfwidgets.core.run_flow import run_flow
from hfwidgets.errors.secrets import MASK, is_secret_name, redact, redact_data
from hfwidgets.media import Body, Media
from hfwidgets.results import show

MAX_BODY_CHARS = 2000


@dataclass(frozen=True)
class Explanation:
    """The first request of a call, as it would be sent.

    Attributes:
        method, url: as they would be sent, without keys in the url; the port of an embedded
            engine that does not run yet is left out.
        headers: with every credential replaced by dots.
        body: the start of the body as text, at most 2,000 characters; binary ones are only counted.
        size: the whole body's size in bytes, None if it is not known before it is sent.
        provider, model: who would serve the call.
        notes: what else would happen, such as a start of the engine.
        content: the whole body; None if it is made while it is sent.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: str
    size: int | None
    provider: str
    model: str | None
    notes: tuple[str, ...] = field(default=())
    content: bytes | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        lines = [
            f"{self.method} {self.url}".strip(),
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        count = "of unknown size" if self.size is None else f"{self.size:,} bytes"
        return "\n".join([*lines, "", self.body, f"({count}; nothing was sent)", *self.notes])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return show.mime_bundle(repr(self), show.paragraph_html(repr(self)), None)


class _RequestReached(BaseException):
    """Ends a dry run at the call's first request; flows handle only an `Exception`."""

    def __init__(self, request: PreparedRequest) -> None:
        self.request = request


def explain_call(call: Call, flow: Flow[Any]) -> Explanation:
    """Run a flow up to its first request and describe that."""
    call.interceptor = None  # the question is what would be sent, whatever is recorded
    notes: list[str] = []

    def perform(step: Any) -> Any:
        if type(step) is PreparedRequest:
            raise _RequestReached(step)
        if type(step) is Blocking:
            # Reading files and tokens is harmless; starting the engine is not, so it is only
            # reported.
            if not step.side_effect:
                return step.call()
            notes.append(f"First it would {step.side_effect}.")
            return step.dry_run_value
        if type(step) is Sleep:
            notes.append(f"It would wait: {step.reason}.")
        return None

    try:
        run_flow(call.drive(flow), perform)
    except _RequestReached as reached:
        return _describe_request(call, reached.request, notes)
    raise errors.ConfigurationError("The call ends without a request.")


def _describe_request(call: Call, wire: PreparedRequest, notes: list[str]) -> Explanation:
    provider = call.provider.name if call.provider else ""
    headers = {
        name: MASK if is_secret_name(name) else redact(value)
        for name, value in wire.headers.items()
    }
    body, size = _describe_body(wire.content)
    if "/api/" in wire.url and wire.method == "GET":
        notes = [*notes, "This look-up on the Hub comes before the call itself."]
    return Explanation(
        wire.method,
        redact(wire.url),
        headers,
        body,
        size,
        provider,
        call.model,
        tuple(notes),
        content=wire.content if isinstance(wire.content, bytes) else None,
    )


def _describe_body(content: Any) -> tuple[str, int | None]:
    if content is None:
        return "", 0
    if isinstance(content, Body):
        return _shorten(content.summary), content.size
    if isinstance(content, Media):
        return f"<{content.size or 0:,} bytes of {content.mime}>", content.size
    if not isinstance(content, bytes):
        return "<streamed while it is sent>", None
    try:
        text = json.dumps(redact_data(json.loads(content)), ensure_ascii=False, indent=2)
    except ValueError:
        return f"<{len(content):,} bytes>", len(content)
    return _shorten(text), len(content)


def _shorten(text: str) -> str:
    text = redact(text)
    return text if len(text) <= MAX_BODY_CHARS else f"{text[:MAX_BODY_CHARS]}…"
