"""One call: who serves it, what is sent, and when it is sent again. No I/O.

`Call.drive` runs a task's flow. It answers each `Infer` with the provider's flow, and turns each
`Send` into a request with its address and credentials, whose reply it checks. What it yields are
steps for a driver: `PreparedRequest`, `PreparedCancel`, `Sleep` and `Blocking`.

`routing` chooses who serves a call, `addressing` where and with which credentials.
"""

import contextlib
import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from hfwidgets import errors
from hfwidgets.calls import addressing, check_inputs, retired_hosts
from hfwidgets.calls.addressing import BASE_HEADERS
from hfwidgets.calls.json_body import encode_json
from hfwidgets.calls.known_secrets import collect_secrets, secrets_in_headers, secrets_in_url
from hfwidgets.calls.prepared_request import PreparedCancel, PreparedRequest
from hfwidgets.calls.redirects import follow_redirect, is_redirect
from hfwidgets.calls.retries import (
    MAX_RETRY_WAIT,
    backoff_seconds,
    may_retry,
    parse_retry_after,
)
from hfwidgets.calls.route import KnownRoute, Route
from hfwidgets.calls.routing import choose_route
from hfwidgets.calls.settings import (
    Interceptor,
    RecordedOrigin,
    ReplayedStream,
    Settings,
    StreamRecorder,
    interceptors,
)
from hfwidgets.calls.unexpected_errors import wrap_unexpected
from hfwidgets.core import auth, environment
from hfwidgets.core.flow import CancelOnExit, Flow, Infer, Reply, Send, Sleep, Target
from hfwidgets.core.meta import Meta
from hfwidgets.errors.printable import make_printable
from hfwidgets.errors.secrets import hide_url, redact, reveal
from hfwidgets.providers import Address, Provider, RouteHandler
from hfwidgets.results.record import Record
from hfwidgets.tasks import BaseTask

MAX_LOADING_WAIT = 900.0
"""How long a loading model is waited for without a timeout, in seconds."""

ROUTE_SECONDS = 60.0
"""How long a route holds, in seconds: calls one after the other need not look it up again."""


class Deadline:
    """The moment by which a call must have ended; without a timeout, never.

    Attributes:
        timeout: the seconds from now, None without a limit.
        end: the moment on the monotonic clock, None without a limit.
    """

    __slots__ = ("end", "timeout")

    def __init__(self, timeout: float | None) -> None:
        self.timeout = timeout
        self.end = None if timeout is None else time.monotonic() + timeout

    def shorten_to(self, seconds: float) -> "Deadline":
        """Return the earlier of this deadline and one in so many seconds."""
        if self.end is not None and self.end <= time.monotonic() + seconds:
            return self
        return Deadline(seconds)

    def remaining_seconds(self, doing: str) -> float | None:
        """Return the seconds that are left, None without a limit.

        Raises:
            InferenceTimeoutError: no time is left.
        """
        if self.end is None:
            return None
        left = self.end - time.monotonic()
        if left <= 0:
            raise self.timeout_error(doing)
        return left

    def timeout_error(self, doing: str) -> errors.InferenceTimeoutError:
        """Build the error for a budget that has run out."""
        return errors.InferenceTimeoutError(
            f"The call took longer than its timeout of {self.timeout:g} s while {doing}.",
            advice="Pass a larger timeout= to the client; long answers show progress with "
            "stream=True.",
        )


NO_DEADLINE = Deadline(None)


class Call:
    """One call of a task: its state and its rules.

    Attributes:
        interceptor: answers in place of the provider, None for most calls.
        raw_answer: the provider's answer, once it has arrived.
        provenance: who gave a recorded answer.
        stream_recorder: records a stream while it is read.
        replayed_stream: a recorded stream.
    """

    def __init__(self, settings: Settings, task: BaseTask | None) -> None:
        self.settings = settings
        self.task = task
        self.start_time = time.perf_counter()
        self.provider: Provider | None = None
        self.address: Address | None = None
        self.model: str | None = None
        self.reply: Reply | None = None
        self.interceptor: Interceptor | None = settings.recordings or (
            interceptors[-1] if interceptors else None
        )
        self.raw_answer: Any = None
        self.provenance: RecordedOrigin | None = None
        self.stream_recorder: StreamRecorder | None = None
        self.replayed_stream: ReplayedStream | None = None
        self._endpoint_url = ""
        self._resolve_address: Callable[[], Flow[Address]]

    def meta(self) -> Meta:
        """Return where the result came from."""
        reply = self.reply
        meta = Meta(
            self.task.name if self.task else "",
            self.provider.name if self.provider else "",
            self.model,
            time.perf_counter() - self.start_time,
            reply.headers if reply else {},
            reply.status_code if reply else None,
        )
        known = self.settings.prices.get((self.model or "").partition(":")[0])
        meta.price = known.get(meta.provider) if known else None
        if self.provenance is not None:
            self.provenance.apply_to_meta(meta)
        return meta

    def attach_meta(self, result: Any) -> Any:
        """Write on a result where it came from."""
        meta = self.meta()
        if isinstance(result, Record):
            meta.usage = result.get("usage") and result.usage
        with contextlib.suppress(AttributeError, TypeError):  # a plain number holds nothing more
            result.meta = meta
        return result

    def drive(self, flow: Flow[Any]) -> Flow[Any]:
        """Run a flow; yield the steps that a driver performs, and return the flow's result.

        A step that the call answers itself puts another flow on a stack, whose top runs until it
        ends. With `yield from` in its place, each reply would resume the whole chain of flows.
        """
        flows = [flow]
        outcome: Any = None
        error: Exception | None = None
        try:
            while flows:
                try:
                    step = flows[-1].send(outcome) if error is None else flows[-1].throw(error)
                except StopIteration as done:
                    flows.pop()
                    outcome, error = done.value, None
                    continue
                except Exception as failure:  # the flow below asked for it and may handle it
                    flows.pop()
                    outcome, error = None, failure
                    continue
                outcome = error = None
                # Steps that only a call understands run as flows on the stack; the driver
                # performs all others.
                answer = ANSWERS.get(type(step))
                if answer is not None:
                    flows.append(answer(self, step))
                    continue
                try:
                    outcome = yield step
                except Exception as failure:
                    error = failure
        finally:
            # The inner flows end first, as nested `with` blocks would.
            for unfinished in reversed(flows):
                unfinished.close()
        if error is not None:
            raise self._to_our_error(error)
        return outcome

    def _to_our_error(self, error: Exception) -> Exception:
        """Return an error of the flow, or ours in place of an unexpected one."""
        if isinstance(error, errors.HfWidgetsError):
            return error
        answer = self.raw_answer if self.reply is None else self.reply.content or self.raw_answer
        found = wrap_unexpected(error, self.task.method if self.task else "", answer)
        if isinstance(found, errors.HfWidgetsError):
            found.meta = self.meta()
            found.__cause__ = error
        return found

    def answer_infer(self, ask: Infer) -> Flow[Any]:
        """Return the raw answer for a task, from the provider or from the interceptor."""
        assert self.task is not None
        if type(ask.inputs) is not str:
            check_inputs.check_inputs(ask.inputs, self.task)
        ask.task, ask.output = self.task.name, self.task.output
        try:
            if self.interceptor is None:
                handler = yield from self.prepare_provider(ask)
                self.raw_answer = yield from handler(ask)
            else:
                self.raw_answer = yield from self.interceptor.intercept(self, ask)
        except errors.HfWidgetsError as error:
            if error.meta is None:
                error.meta = self.meta()
            raise
        return self.raw_answer

    def ask_provider(self, ask: Infer) -> Flow[Any]:
        """Return the raw answer of the provider that serves the task."""
        handler = yield from self.prepare_provider(ask)
        return (yield from handler(ask))

    def prepare_provider(self, ask: Infer) -> Flow[RouteHandler]:
        """Fill in who serves a task; return the provider's handler of it."""
        assert self.task is not None
        settings = self.settings
        provider = settings.provider or environment.default_provider()
        # Everything that decides on a route and may change between calls is in the key.
        key = (ask.task, ask.model, settings.model, provider)
        known = settings.routes.get(key)
        if (
            known is None
            or known.expires < time.monotonic()
            or (not known.is_final and auth.has_environment_token())
        ):
            choose = partial(choose_route, self.task, ask.model)
            route = yield from self.set_target(Target(choose, ask.task))
            known = settings.routes[key] = self._make_known_route(route, ask.task)
        route, address = known.route, known.address
        self.provider, self.model, self.address = route.provider, route.model, address
        self._endpoint_url = route.url or ""
        self._resolve_address = partial(addressing.resolve_address, route, ask.task, settings)
        ask.model, ask.served_as, ask.entry = route.model, route.served_as, route.entry
        ask.base, ask.routed, ask.hosts = address.base, address.routed, settings.hosts
        # By address, not by model: what one endpoint refuses must not be left out at another.
        ask.memory = settings.memory.setdefault(address.base, {})
        return known.handler

    def _make_known_route(self, route: Route, task: str) -> KnownRoute:
        """Return a route to be remembered: shorter where a login would change it."""
        settings = self.settings
        assert self.address is not None
        is_final = route.provider.is_embedded or settings.knows_token()
        until = time.monotonic() + ROUTE_SECONDS if is_final else settings.next_token_lookup
        return KnownRoute(route, self.address, route.provider.route(task), until, is_final)

    def set_target(self, target: Target) -> Flow[Route]:
        """Choose who answers the requests that follow, and resolve their address."""
        # Refused before the choice, which may search for a token or start the engine.
        if self.interceptor is not None and self.interceptor.blocks_requests:
            raise self.interceptor.blocked_error("a request", "")
        route: Route = yield from target.choose(self.settings)
        self.provider, self.model = route.provider, route.model
        self._endpoint_url = route.url or ""
        self._resolve_address = partial(
            addressing.resolve_address, route, target.task, self.settings
        )
        self.address = yield from self._resolve_address()
        return route

    def cancel_on_exit(self, step: CancelOnExit) -> Flow[None]:
        """Prepare the request that cancels a job if the call ends early."""
        request = None if step.send is None else self.prepare_request(step.send)
        yield PreparedCancel(request)

    def send_with_retries(self, send: Send) -> Flow[Reply]:
        """Send a request, again where that helps, and return a reply below 400."""
        request = self.prepare_request(send)
        max_tries = self.settings.max_retries if send.tries is None else send.tries
        tries = hops = 0
        reconnected = False
        is_foreign = "://" in send.url
        while True:
            try:
                reply: Reply = yield request
            except errors.ConnectError as error:
                # A stream that broke was read in part, and the user has seen that part: it is
                # not repeated.
                if isinstance(error, errors.StreamBrokenError) or tries >= max_tries:
                    raise
                # The embedded engine may have been restarted since its address was looked up.
                if not reconnected and self.provider is not None and self.provider.reconnects:
                    reconnected = True
                    request = yield from self._reconnect(send, self.provider)
                    continue
                pause = Sleep(backoff_seconds(tries), "the connection failed")
            else:
                # A download's headers say nothing about the call.
                self.reply = self.reply if is_foreign else reply
                if "x-hf-warning" in reply.headers:
                    self._log_server_warning(reply.headers["x-hf-warning"])
                if reply.status_code < 300:
                    return reply
                if send.follow and is_redirect(reply):
                    request = yield from follow_redirect(
                        request, reply, hops, self.settings.hosts.hub
                    )
                    hops += 1
                    continue
                # A redirect that is not followed is the flow's to read.
                if reply.status_code < 400:
                    return reply
                # A body from an iterator is used up, so it cannot be sent twice.
                # A request without tries waits neither for a model to load nor for an endpoint to
                # wake.
                is_last = send.tries == 0 or not _is_repeatable(request)
                pause = yield from self._choose_pause(reply, is_last, tries, max_tries)
            tries += pause.counts
            yield pause

    def _reconnect(self, send: Send, provider: Provider) -> Flow[PreparedRequest]:
        """Return the request for an engine that was restarted, at another port with another key."""
        addressing.forget_address(provider, self.settings)
        self.address = yield from self._resolve_address()
        return self.prepare_request(send)

    def _log_server_warning(self, text: str) -> None:
        """Log a server's warning (`topic; message`), once per topic."""
        topic, _, message = text.partition(";")
        logged = self.settings.memory.setdefault("warnings", set())
        if topic and topic not in logged:
            logged.add(topic)
            import logging  # its import takes a twentieth of this package's

            logging.getLogger("hfwidgets").warning(
                "%s", redact(make_printable(message.strip() or topic), self.collect_secrets())
            )

    def prepare_request(self, send: Send) -> PreparedRequest:
        """Return the request with its absolute URL, headers and encoded body.

        Raises:
            NotRecordedError: an interceptor lets nothing be sent.
            InputError: the body cannot be written as JSON.
            RetiredHostError, OfflineModeIsEnabled: the address is not called.
        """
        if self.interceptor is not None and self.interceptor.blocks_requests:
            raise self.interceptor.blocked_error(send.method, send.url)
        url, own = send.url, self.settings.headers
        if "://" in url:
            headers, own = dict(BASE_HEADERS), {}
        else:
            assert self.address is not None
            headers = dict(self.address.headers)
            url = join_url(self.address.base, url, self.settings.query)
        content = send.content
        if send.json is not None:
            headers["content-type"] = "application/json"
            try:
                content = send.dump_json()
            except (TypeError, ValueError, RecursionError):  # media, or a mistake
                content = encode_json(send.json)
        size = getattr(content, "size", None)
        if size is not None:
            # httpx would send an iterable in chunks, since it cannot know the size.
            headers["content-length"] = str(size)
        # Foreign URLs do not pass `resolve_address`, which has the same check.
        if environment.is_offline():
            retired_hosts.check_online(url, self.settings.hosts.hub)
        # Servers echo it: a user can quote one id for a call that never got an answer.
        headers.setdefault("x-request-id", os.urandom(16).hex())
        if send.headers:
            users = {name.lower() for name in own}  # what the user set wins over the task's
            added = {name.lower(): value for name, value in send.headers.items()}
            headers |= {name: value for name, value in added.items() if name not in users}
        return PreparedRequest(
            send.method, url, headers, content, send.stream, send.limit, send.max_wait
        )

    def _choose_pause(self, reply: Reply, is_last: bool, tries: int, max_tries: int) -> Flow[Sleep]:
        """Return the pause before the next try; raise the reply's error to give up."""
        if is_last:
            raise self.build_error(reply)
        from hfwidgets.calls import endpoint_state
        from hfwidgets.errors import from_response  # a call that succeeds needs neither

        elapsed = time.perf_counter() - self.start_time
        loading = from_response.parse_loading_seconds(reply)
        # A model that loads is waited for without using up tries, as long as it says so.
        if loading is not None:
            if elapsed >= MAX_LOADING_WAIT:
                raise self.build_error(reply)
            name = self.model or "the model"
            reason = f"loading {name}, about {max(loading, 1):.0f} s"
            # The estimate is rough: asking again early finds a model that loaded faster.
            return Sleep(min(max(loading / 2, 1.0), 10.0), reason, counts=False)
        if endpoint_state.is_endpoint_down(reply):
            token = self.address.headers.get("authorization", "") if self.address else ""
            pause = yield from endpoint_state.choose_endpoint_pause(
                reply, elapsed, token, self.settings
            )
            if pause is not None:
                return pause
        requested = parse_retry_after(reply.headers)
        if (
            not may_retry(reply.status_code, reply.headers)
            or tries >= max_tries
            or (requested is not None and requested > MAX_RETRY_WAIT)
        ):
            raise self.build_error(reply)
        name = self.provider.name if self.provider else "the server"
        why = "asks for a pause" if reply.status_code == 429 else f"answered {reply.status_code}"
        return Sleep(backoff_seconds(tries) if requested is None else requested, f"{name} {why}")

    def build_error(self, reply: Reply) -> errors.HfWidgetsError:
        """Build the exception for a reply of status 400 or above."""
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
            secrets=self.collect_secrets(),
        )
        error.meta = self.meta()
        return error

    def collect_secrets(self) -> tuple[str, ...]:
        """Return the secrets of this call, which no error and no file repeats."""
        # The URL as it was passed still has a name and password, which the address lacks.
        found = [*collect_secrets(self.settings), *secrets_in_url(self._endpoint_url)]
        if self.address is not None:
            found += secrets_in_headers(self.address.headers)
            found += secrets_in_url(self.address.base)
        return tuple(dict.fromkeys(found))

    def mask_error(self, error: errors.HfWidgetsError) -> None:
        """Free an error of this call's secrets, which a server may have repeated anywhere."""
        from hfwidgets.errors.mask_error import mask_error  # a call that succeeds does not need it

        secrets = self.collect_secrets()
        response = getattr(error, "response", None)
        if isinstance(response, Reply):
            vars(error)["response"] = response.masked(secrets)
        if isinstance(error.meta, Meta):
            error.meta.mask_headers(secrets)
        mask_error(error, secrets)


def join_url(base: str, path: str, query: Mapping[str, str] | None = None) -> str:
    """Return the absolute URL of a path below a base; the base's own query is kept.

    Args:
        base: the address that a provider is called at.
        path: a path, with a query or without; empty for the base itself.
        query: further parameters.
    """
    if "?" not in base and not query:
        return f"{base.rstrip('/')}/{path.lstrip('/')}" if path else base
    base, _, own = base.partition("?")
    path, _, wanted = path.partition("?")
    url = f"{base.rstrip('/')}/{path.lstrip('/')}" if path else base
    plain = {name: reveal(value) for name, value in (query or {}).items()}
    parameters = filter(None, (own, wanted, urlencode(plain)))
    return hide_url(f"{url}?{'&'.join(parameters)}")  # a query may hold a key


def _is_repeatable(request: PreparedRequest) -> bool:
    """True if the body can be sent again: bytes and files, but not an iterator."""
    return not hasattr(request.content, "__next__")


ANSWERS: dict[type, Callable[[Call, Any], Flow[Any]]] = {
    Infer: Call.answer_infer,
    Send: Call.send_with_retries,
    Target: Call.set_target,
    CancelOnExit: Call.cancel_on_exit,
}
"""The steps that a call answers itself; all others are a driver's."""
