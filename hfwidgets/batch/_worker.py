"""Runs in a worker, in another process or on another machine: makes a call, returns plain data.

The token: a client that was created with one sends it to its workers, in the pickled call and
nowhere else; no repr shows it. A client without one sends none: workers look for a token on their
own machine, by the same rules. Executors that write submitted calls to disk write an explicit token
with them; there, set HF_TOKEN on the workers instead of passing `token=`.
"""

import functools
import uuid
from dataclasses import dataclass, field
from typing import Any

from hfwidgets import errors
from hfwidgets.batch._row_arguments import Arguments
from hfwidgets.calls.call import Call
from hfwidgets.calls.caller import SyncCaller
from hfwidgets.calls.group_call import RowCall
from hfwidgets.calls.retries import parse_retry_after
from hfwidgets.calls.settings import InterceptedCall, Settings, interceptors
from hfwidgets.core import auth
from hfwidgets.core.flow import Flow, Infer
from hfwidgets.errors.secrets import Secret, hide_headers, hide_url, reveal
from hfwidgets.providers import Hosts
from hfwidgets.recorder import Recorder
from hfwidgets.recorder.store import Provenance
from hfwidgets.tasks import BaseTask, find


@dataclass(frozen=True, eq=False)
class CallerSpec:
    """A client's settings in a form that can be pickled.

    `id` is the same for all rows of a run, so that a worker keeps one set of connections.
    """

    id: str
    model: str | None
    provider: str | None
    timeout: float | None
    bill_to: str | None
    hosts: dict[str, str]
    mapping: dict[str, Any]
    recordings: tuple[str, str] | None
    token: str | None = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    cookies: dict[str, str] = field(repr=False)

    def __eq__(self, other: object) -> bool:
        # By the id: the settings are dicts, which have no hash, and the cache of callers needs one.
        return isinstance(other, CallerSpec) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    @classmethod
    def from_settings(cls, settings: Settings) -> "CallerSpec":
        """Describe a client; ConfigurationError for what cannot be pickled."""
        token = settings.token
        return cls(
            uuid.uuid4().hex,
            reveal(settings.model) if settings.model else None,
            settings.provider,
            settings.timeout,
            settings.bill_to,
            dict(settings.hosts.addresses),
            dict(settings.mapping),
            _recorder_arguments(settings),
            # A token that was found on this machine stays on it.
            token.value if token is not None and token.is_explicit else None,
            {name: reveal(value) for name, value in settings.headers.items()},
            {name: reveal(value) for name, value in settings.cookies.items()},
        )

    def to_settings(self) -> Settings:
        """Return the settings, without retries: the scheduler repeats calls."""
        return Settings(
            model=hide_url(self.model) if self.model else None,
            provider=self.provider,
            token=auth.explicit_token(self.token),
            timeout=self.timeout,
            headers=hide_headers(self.headers),
            cookies={name: Secret(value) for name, value in self.cookies.items()},
            bill_to=self.bill_to,
            max_retries=0,
            hosts=Hosts(self.hosts),
            mapping=self.mapping,
            recordings=Recorder(*self.recordings) if self.recordings else None,
        )


def _recorder_arguments(settings: Settings) -> tuple[str, str] | None:
    # Interceptors are a list in this process, so the one in effect travels with the call.
    found = settings.recordings or (interceptors[-1] if interceptors else None)
    if found is None or isinstance(found, Recorder):
        return (str(found.path), found.mode) if found else None
    raise errors.ConfigurationError(
        "Canned answers cannot be sent to an executor's workers: leave executor= out."
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a call as plain data: an answer, or an error's kind and message."""

    raw: Any = None
    provenance: Provenance | None = None
    error: "Failure | None" = None


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as plain data.

    Attributes:
        kind: The name of its class.
        message: Its text, without credentials.
        status: The HTTP status, None for an error without a response.
        pause: The seconds that the server asked to wait.
    """

    kind: str
    message: str
    status: int | None = None
    pause: float | None = None

    @classmethod
    def from_error(cls, error: BaseException) -> "Failure":
        """Describe an error."""
        status = getattr(error, "status_code", None)
        text = errors.redact(str(error))
        return cls(type(error).__name__, text, status, error_pause(error))

    def to_exception(self) -> errors.HfWidgetsError:
        """Return the error, of its own class where it is one of ours."""
        # The name may come from a file that was edited, so it is trusted only as one of our errors.
        kind = getattr(errors, self.kind, None)
        if not (isinstance(kind, type) and issubclass(kind, errors.HfWidgetsError)):
            return errors.HfWidgetsError(f"{self.kind}: {self.message}")
        error = kind(self.message)
        # The headers that named the pause stayed in the worker, so the error carries it.
        vars(error)["pause"] = self.pause
        if isinstance(error, errors.HfHubHTTPError):
            error.response = StatusResponse(self.status)
        return error


@dataclass(frozen=True, slots=True)
class StatusResponse:
    """The status of a response that another process received."""

    status_code: int | None


def error_pause(error: BaseException) -> float | None:
    """Return the seconds that a server asked to wait; None where it named no time."""
    known = getattr(error, "pause", None)
    headers = getattr(getattr(error, "response", None), "headers", None)
    return parse_retry_after(headers) if known is None and headers is not None else known


# A cluster's workers outlive runs: the bound lets the connections of old runs go.
@functools.lru_cache(maxsize=8)
def _get_caller(spec: CallerSpec) -> SyncCaller:
    """Return this process's caller for a client's settings, so that its rows share connections."""
    return SyncCaller.create(spec.to_settings())


def call_rows(spec: CallerSpec, name: str, rows: list[Arguments], number: int) -> list[Outcome]:
    """Call a task for one or several rows, by one request. Runs in a worker.

    Args:
        spec: The client's settings.
        name: The task's name.
        rows: The arguments of each row.
        number: Makes equal calls differ, for clusters that deduplicate them.
    """
    del number
    caller, task = _get_caller(spec), find(name)
    # Errors return as data: one that holds a response may not survive pickling.
    try:
        if len(rows) > 1:
            return list(map(_read_call, caller.run_group(task, rows)))
        call = Call(caller.settings, task)
        return [_build_outcome(caller.run(task, task.flow(None, **rows[0]), call), call)]
    except Exception as error:  # any error belongs to the rows, not to the worker
        return [Outcome(error=Failure.from_error(error))] * len(rows)


def _read_call(call: RowCall) -> Outcome:
    if call.error is not None:
        return Outcome(error=Failure.from_error(call.error))
    return _build_outcome(call.result, call)


def _build_outcome(result: Any, call: Call) -> Outcome:
    meta = getattr(result, "meta", None) or call.meta()
    return Outcome(call.raw_answer, Provenance.from_meta(meta))


class FixedAnswer:
    """Takes the place of a provider and returns an answer that exists already."""

    blocks_requests = True

    def __init__(self, raw: Any, provenance: Provenance) -> None:
        self._raw, self._provenance = raw, provenance

    def intercept(self, call: InterceptedCall, ask: Infer) -> Flow[Any]:
        """Return the answer; nothing is sent."""
        # A flow is a generator, even one that takes no step.
        yield from ()
        call.provenance = self._provenance
        return self._raw

    def blocked_error(self, method: str, url: str) -> errors.NotRecordedError:
        """Build the error for any further request, which no task makes."""
        return errors.NotRecordedError(f"{method} {url} was not sent: the answer exists already.")


def rebuild_result(task: BaseTask, arguments: Arguments, raw: Any, provenance: Provenance) -> Any:
    """Build a task's result from a stored raw answer; may block on reading files."""
    # The task's own flow reads the answer, so that stored and fresh ones become equal results.
    caller = SyncCaller.create(Settings(recordings=FixedAnswer(raw, provenance)))
    return caller.run(task, task.flow(None, **arguments))
