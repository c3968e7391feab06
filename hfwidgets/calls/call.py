"""How a call is made: who serves it, what is checked and when it is tried again. Still no I/O.

`Call.drive` runs a task's flow. It answers each `Infer` with the provider's flow, and turns each
`Send` into a request with its address and credentials, of which it checks the answer. What comes
out are steps for a driver: `Wire` (a ready request), `Sleep`, `Do` and `Undo`.

`choice` says who serves a call, `reach` where and with which credentials.
"""

import json
import logging
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urljoin, urlsplit

from hfwidgets import errors, media
from hfwidgets.calls import addressing, blocked_hosts, check_inputs
from hfwidgets.calls.addressing import BASE_HEADERS
from hfwidgets.calls.routing import Route, choose_route
from hfwidgets.calls.settings import Interceptor, Settings, interceptors
from hfwidgets.core.flow import CancelOnExit, Flow, Infer, Reply, Send, Sleep, Target, advance
from hfwidgets.core.meta import Meta
from hfwidgets.providers import Address, Provider
from hfwidgets.tasks import BaseTask

if TYPE_CHECKING:
    from hfwidgets.recorder.recorder import ReplayedStream, StreamRecorder
    from hfwidgets.recorder.store import Provenance

RETRY_STATUSES = frozenset({408, 429, 502, 503})
"""Statuses that may pass. Not 504: it follows a long generation, which would be paid twice."""

MAX_RETRY_WAIT = 60.0
"""A server that asks for a longer pause than this, in seconds, gets none: the user is told."""

MAX_LOADING_WAIT = 900.0
"""How long a loading model is waited for without a timeout, in seconds."""

REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})

MAX_REDIRECTS = 10

log = logging.getLogger("hfwidgets")

NO_INTERCEPTOR = (None,)

_dump_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


@dataclass(slots=True)
class PreparedRequest:
    """A request, ready to be sent."""

    method: str
    url: str
    headers: dict[str, str] = field(repr=False)
    content: bytes | Iterable[bytes] | None = None
    stream: bool = False
    limit: int | None = None
    max_wait: float | None = None


class Deadline:
    """The moment by which a call must have ended; never, without a timeout."""

    __slots__ = ("_at", "timeout")

    def __init__(self, timeout: float | None) -> None:
        self.timeout = timeout
        self._at = None if timeout is None else time.monotonic() + timeout

    def shorten_to(self, seconds: float | None) -> "Deadline":
        """This deadline, or one in so many seconds if that is sooner."""
        if seconds is None or (self._at is not None and self._at <= time.monotonic() + seconds):
            return self
        return Deadline(seconds)

    def remaining_seconds(self, doing: str) -> float | None:
        """The seconds that are left, None without limit; InferenceTimeoutError when there are
        none.
        """
        if self._at is None:
            return None
        left = self._at - time.monotonic()
        if left <= 0:
            raise self.timeout_error(doing)
        return left

    def timeout_error(self, doing: str) -> errors.InferenceTimeoutError:
        """The error for a budget that has run out."""
        return errors.InferenceTimeoutError(
            f"The call took longer than its timeout of {self.timeout:g} s while {doing}. "
            "Pass a larger timeout= to the client; long answers show progress with stream=True."
        )


class Call:
    """One call of a task: its state and its rules.

    Attributes:
        answerer: what answers in place of the provider, None where nothing does.
        raw: the provider's answer, once it is there.
        served: who gave a recorded answer.
        tape: what records a stream while it is read.
        replay: a recorded stream.
    """

    def __init__(self, settings: Settings, task: BaseTask | None) -> None:
        self.settings = settings
        self.task = task
        self.start_time = time.perf_counter()
        self.provider: Provider | None = None
        self.address: Address | None = None
        self.model: str | None = None
        self.reply: Reply | None = None
        self.interceptor: Interceptor | None = (
            settings.recordings or (interceptors or NO_INTERCEPTOR)[-1]
        )
        self.raw_answer: Any = None
        self.provenance: Provenance | None = None
        self.stream_recorder: StreamRecorder | None = None
        self.replayed_stream: ReplayedStream | None = None
        self._resolve_address: Callable[[], Flow[Address]]

    def meta(self) -> Meta:
        """Where the result came from."""
        reply = self.reply
        meta = Meta(
            self.task.name if self.task else "",
            self.provider.name if self.provider else "",
            self.model,
            time.perf_counter() - self.start_time,
            reply.headers if reply else None,
            reply.status_code if reply else None,
        )
        known = self.settings.prices.get((self.model or "").partition(":")[0])
        meta.price = known.get(meta.provider) if known else None
        if self.provenance is not None:
            self.provenance.apply_to_meta(meta)
        return meta

    def drive(self, flow: Flow[Any]) -> Flow[Any]:
        """The flow, with what it asks answered or turned into steps for a driver."""
        outcome: Any = None
        error: BaseException | None = None
        while True:
            try:
                step = advance(flow, outcome, error)
            except StopIteration as done:
                return done.value
            outcome = error = None
            try:
                if type(step) is Infer:
                    outcome = yield from self.attach_meta(self.answer_infer(step))
                elif type(step) is Send:
                    outcome = yield from self.send_with_retries(step)
                elif type(step) is Target:
                    outcome = yield from self.set_target(step.choose(self.settings), step.task)
                elif type(step) is CancelOnExit:
                    outcome = yield CancelOnExit(step.send and self.prepare_request(step.send))
                else:
                    outcome = yield step
            except Exception as failure:  # whatever it is, it belongs to the flow that asked
                error = failure

    def attach_meta(self, flow: Flow[Any]) -> Flow[Any]:
        """The flow; an error of it knows where it came from, as a result would."""
        try:
            return (yield from flow)
        except errors.HfWidgetsError as error:
            if error.meta is None:
                error.meta = self.meta()
            raise

    def answer_infer(self, ask: Infer) -> Flow[Any]:
        """Answer a task's wish: by the provider, or by what stands in its place."""
        assert self.task is not None
        check_inputs.check_inputs(ask.inputs, self.task)
        ask.task = self.task.name
        if self.interceptor is None:
            self.raw_answer = yield from self.ask_provider(ask)
        else:
            self.raw_answer = yield from self.drive(self.interceptor.intercept(self, ask))
        return self.raw_answer

    def ask_provider(self, ask: Infer) -> Flow[Any]:
        """Answer a task's wish by the provider's route."""
        assert self.task is not None
        who = yield from self.set_target(
            choose_route(self.task, ask.model, self.settings), ask.task
        )
        address = self.address
        assert address is not None
        ask.model, ask.served_as, ask.entry = who.model, who.served_as, who.entry
        ask.base, ask.routed, ask.hub = address.base, address.routed, self.settings.hosts.hub
        ask.memory = self.settings.memory.setdefault(address.base, {})
        return (yield from self.drive(who.provider.route(ask.task)(ask)))

    def set_target(self, choice: Flow[Route], task: str) -> Flow[Route]:
        """Choose who is asked from now on, and reach them."""
        if self.interceptor is not None and self.interceptor.blocks_requests:
            raise self.interceptor.blocked_error("a request", "")
        who: Route = yield from self.drive(choice)
        self.provider, self.model = who.provider, who.model
        self._resolve_address = partial(addressing.resolve_address, who, task, self.settings)
        self.address = yield from self._resolve_address()
        return who

    def send_with_retries(self, send: Send) -> Flow[Reply]:
        """Send a request, wait and send again where that helps, and return an answer below 400."""
        wire = self.prepare_request(send)
        most = self.settings.max_retries if send.tries is None else send.tries
        tries = hops = 0
        reached = False
        while True:
            try:
                reply: Reply = yield wire
            except errors.ConnectError as error:
                if isinstance(error, errors.StreamBrokenError) or tries >= most:
                    raise
                if self.provider is not None and self.provider.reconnects and not reached:
                    reached = True
                    wire = yield from self._reconnect(send, self.provider)
                    continue
                pause = Sleep(_backoff_seconds(tries), "the connection failed")
            else:
                if "://" not in send.url:  # a download's headers say nothing about the call
                    self.reply = reply
                self._log_server_warning(reply)
                moved = reply.status_code in REDIRECT_STATUSES and "location" in reply.headers
                if moved and send.follow:
                    wire = self._follow_redirect(wire, reply, hops)
                    hops += 1
                    continue
                if reply.status_code < 400:
                    return reply
                once = send.tries == 0
                waited = None if once else (yield from self._choose_pause(reply, tries, most))
                if waited is None or not _is_repeatable(wire):
                    raise self.build_error(reply)
                pause = waited
            tries += pause.counts
            yield pause

    def _log_server_warning(self, reply: Reply) -> None:
        """Log a warning of the server's (`X-HF-Warning: topic; message`), once a topic."""
        said = reply.headers.get("x-hf-warning")
        if said:
            topic, _, message = said.partition(";")
            heard = self.settings.memory.setdefault("warnings", set())
            if topic not in heard:
                heard.add(topic)
                log.warning("%s", errors.redact(message.strip() or topic))

    def _reconnect(self, send: Send, provider: Provider) -> Flow[PreparedRequest]:
        """The request for a provider whose address may have changed: an engine that crashed."""
        addressing.forget_address(provider, self.settings)
        self.address = yield from self._resolve_address()
        return self.prepare_request(send)

    def prepare_request(self, send: Send) -> PreparedRequest:
        """The request with its absolute URL, headers and encoded body."""
        if self.interceptor is not None and self.interceptor.blocks_requests:
            raise self.interceptor.blocked_error(send.method, send.url)
        foreign = "://" in send.url
        headers = dict(BASE_HEADERS)
        url = send.url
        if not foreign:
            assert self.address is not None
            headers, url = dict(self.address.headers), self.address.url(send.url)
        content = send.content
        if send.json is not None:
            headers["content-type"] = "application/json"
            content = encode_json(send.json)
        size = getattr(content, "size", None)
        if size is not None:
            headers["content-length"] = str(size)
        blocked_hosts.check_not_blocked(url, self.settings.hosts.hub)
        headers.setdefault("x-request-id", os.urandom(16).hex())
        own = () if foreign else {name.lower() for name in self.settings.headers}
        for name, value in send.headers.items():
            if name.lower() not in own:
                headers[name.lower()] = value
        return PreparedRequest(
            send.method, url, headers, content, send.stream, send.limit, send.max_wait
        )

    def _follow_redirect(self, wire: PreparedRequest, reply: Reply, hops: int) -> PreparedRequest:
        """The request for where a redirect points; credentials stay with their host."""
        url = _resolve_location(wire.url, reply.headers["location"])
        blocked_hosts.check_not_blocked(url, self.settings.hosts.hub)
        if hops >= MAX_REDIRECTS:
            raise errors.ConnectError(f"{wire.url} redirects in circles: {hops} times until now.")
        old, new = urlsplit(wire.url), urlsplit(url)
        same = (old.scheme, old.netloc) == (new.scheme, new.netloc) or _is_https_upgrade(old, new)
        if not same and wire.method != "GET":
            raise errors.ConnectError(
                f"{old.netloc} redirects the request to another host, {new.netloc}; "
                f"it was not sent there. If that host is right, pass its URL as model=."
            )
        if new.scheme not in ("http", "https"):
            raise errors.ConnectError(
                f"{old.netloc} redirects to {new.scheme}:, which is not followed."
            )
        headers = wire.headers if same else dict(BASE_HEADERS)
        if reply.status_code == 303 and wire.method != "GET":
            about_body = ("content-length", "content-type")
            headers = {name: text for name, text in headers.items() if name not in about_body}
            return replace(wire, method="GET", url=url, headers=headers, content=None)
        return replace(wire, url=url, headers=headers)

    def _choose_pause(self, reply: Reply, tries: int, most: int) -> Flow[Sleep | None]:
        """How long to wait before the next try, None when there shall be none."""
        from hfwidgets.calls import endpoint_state
        from hfwidgets.errors import from_response  # what goes well needs neither

        elapsed = time.perf_counter() - self.start_time
        loading = from_response.parse_loading_seconds(reply)
        if loading is not None:
            name = self.model or "the model"
            wait = min(max(loading / 2, 1.0), 10.0)
            reason = f"loading {name}, about {max(loading, 1):.0f} s"
            return Sleep(wait, reason, counts=False) if elapsed < MAX_LOADING_WAIT else None
        if endpoint_state.is_endpoint_down(reply):
            pause = yield from endpoint_state.choose_endpoint_pause(self, reply, elapsed)
            if pause is not None:
                return pause
        if reply.status_code not in RETRY_STATUSES or tries >= most:
            return None
        asked = parse_retry_after(reply.headers)
        if asked is not None and asked > MAX_RETRY_WAIT:
            return None
        who = self.provider.name if self.provider else "the server"
        why = "asks for a pause" if reply.status_code == 429 else f"answered {reply.status_code}"
        return Sleep(_backoff_seconds(tries) if asked is None else asked, f"{who} {why}")

    def build_error(self, reply: Reply) -> errors.HfWidgetsError:
        """The exception for an answer of status 400 or above."""
        from hfwidgets.errors import from_response

        error = from_response.error_from_response(
            reply,
            provider=from_response.service_name(
                reply.url, self.provider.name if self.provider else ""
            ),
            model=self.model,
            task=self.task.name if self.task else "",
            routed=self.address is not None and self.address.routed,
            source=self.address.source if self.address else None,
            wait=parse_retry_after(reply.headers),
            secrets=self.address.secrets if self.address else (),
        )
        error.meta = self.meta()
        return error


def encode_json(value: Any) -> bytes | media.Body:
    """JSON as bytes, in pieces where media are in it; InputError names what JSON cannot say."""
    try:
        try:
            return _dump_json(value).encode()
        except TypeError:  # media, which the quick way does not know, or a mistake
            return media.json_body(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise errors.InputError(
            f"The request cannot be written as JSON: {error}. Inputs and parameters are texts, "
            "finite numbers, booleans, None, lists and dicts."
        ) from error


def parse_retry_after(headers: Mapping[str, str]) -> float | None:
    """The pause a server asks for, in seconds: by Retry-After or by RateLimit's reset."""
    said = headers.get("retry-after", "").strip()
    if said:
        try:
            return max(0.0, float(said))
        except ValueError:
            import email.utils

            date = email.utils.parsedate_to_datetime(said) if "," in said else None
            return max(0.0, date.timestamp() - time.time()) if date else None
    reset = re.search(r"\bt=(\d+)", headers.get("ratelimit", ""))
    return float(reset[1]) + 1 if reset else None


def _resolve_location(url: str, location: str) -> str:
    """Where a redirect points; ConnectError when that is no URL."""
    try:
        found = urljoin(url, location)
        urlsplit(found).port  # noqa: B018 - it is read when it is looked at
    except ValueError:
        raise errors.ConnectError(
            f"{urlsplit(url).netloc} redirects to what is no URL: {location!r}."
        ) from None
    return found


def _is_https_upgrade(old: SplitResult, new: SplitResult) -> bool:
    """Whether a redirect only leads from http to https on the same host, by the usual ports."""
    ports = (old.port or 80, new.port or 443)
    return (old.scheme, new.scheme, ports) == ("http", "https", (80, 443)) and (
        old.hostname == new.hostname
    )


def _backoff_seconds(tries: int) -> float:
    """1, 2, 4 ... at most 8 seconds, spread so that many clients do not come back at once."""
    import random

    return min(8.0, 2.0**tries) * random.uniform(0.8, 1.2)  # noqa: S311


def _is_repeatable(wire: PreparedRequest) -> bool:
    return (
        wire.content is None
        or isinstance(wire.content, bytes)
        or not hasattr(wire.content, "__next__")
    )
