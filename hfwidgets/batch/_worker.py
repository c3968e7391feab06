"""What a worker in another process does: it makes one call and sends back plain data.

The token: a client that was given one hands it to its workers, in the pickled call and nowhere
else; it is in no repr. A client without one sends none: workers look for a token on their own
machine, by the same rules. Executors that keep submitted calls on disk keep an explicit token with
them; there, set HF_TOKEN on the workers in place of `token=`.
"""

import functools
import uuid
from dataclasses import dataclass, field
from typing import Any

from hfwidgets import errors
from hfwidgets.calls.call import Call, Deadline
from hfwidgets.calls.drivers import SyncDriver
from hfwidgets.calls.settings import Settings, answerers
from hfwidgets.client import InferenceClient
from hfwidgets.client.clients import finished
from hfwidgets.core import auth
from hfwidgets.core.flow import Flow, Infer
from hfwidgets.providers import Hosts
from hfwidgets.recorder import Recorder
from hfwidgets.recorder.store import Served
from hfwidgets.tasks import BaseTask, find


@dataclass(frozen=True, eq=False)
class Spec:
    """A client's settings on their way to workers.

    `id` is the same for all rows of a run: the workers know by it which client they have already.
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
        return isinstance(other, Spec) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    @classmethod
    def of(cls, settings: Settings) -> "Spec":
        """The settings of a client; ConfigurationError for what cannot travel."""
        token = settings.token
        return cls(
            uuid.uuid4().hex,
            settings.model,
            settings.provider,
            settings.timeout,
            settings.bill_to,
            dict(settings.hosts.given),
            dict(settings.mapping),
            _recordings(settings),
            token.value if token is not None and token.explicit else None,
            dict(settings.headers),
            dict(settings.cookies),
        )

    def settings(self) -> Settings:
        """The settings again, for calls that are not repeated."""
        return Settings(
            model=self.model,
            provider=self.provider,
            token=auth.given(self.token),
            timeout=self.timeout,
            headers=self.headers,
            cookies=self.cookies,
            bill_to=self.bill_to,
            max_retries=0,
            hosts=Hosts(self.hosts),
            mapping=self.mapping,
            recordings=Recorder(*self.recordings) if self.recordings else None,
        )


def _recordings(settings: Settings) -> tuple[str, str] | None:
    found = settings.recordings or (answerers[-1] if answerers else None)
    if found is None or isinstance(found, Recorder):
        return (str(found.path), found.mode) if found else None
    raise errors.ConfigurationError(
        "Canned answers do not travel to an executor's workers: leave executor= out."
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a call, as plain data: an answer, or an error's kind and message."""

    raw: Any = None
    served: Served | None = None
    error: "Failure | None" = None

    def unwrapped(self) -> tuple[Any, Served]:
        """The answer and who gave it; raises the error that came instead."""
        if self.error is not None:
            raise self.error.exception()
        assert self.served is not None
        return self.raw, self.served


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as plain data.

    Attributes:
        kind: the name of its class.
        message: its text, without credentials.
        status: the HTTP status, where there was one.
        pause: the seconds that the server asked to wait.
    """

    kind: str
    message: str
    status: int | None = None
    pause: float | None = None

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        """What travels of an error."""
        status = getattr(error, "status_code", None)
        text = errors.redacted(str(error))
        return cls(type(error).__name__, text, status, pause_of(error))

    def exception(self) -> errors.HfWidgetsError:
        """The error again: of its own class where it is one of ours."""
        kind = getattr(errors, self.kind, None)
        if not (isinstance(kind, type) and issubclass(kind, errors.HfWidgetsError)):
            return errors.HfWidgetsError(f"{self.kind}: {self.message}")
        made = kind(self.message)
        vars(made)["pause"] = self.pause
        if isinstance(made, errors.HfHubHTTPError):
            made.response = Status(self.status)
        return made


@dataclass(frozen=True, slots=True)
class Status:
    """What is left of an answer that came elsewhere: its status."""

    status_code: int | None


def pause_of(error: BaseException) -> float | None:
    """The seconds that a server asked to wait, by the error's answer; None without a word."""
    from hfwidgets.calls.call import asked_pause

    known = getattr(error, "pause", None)
    headers = getattr(getattr(error, "response", None), "headers", None)
    return asked_pause(headers) if known is None and headers is not None else known


@functools.lru_cache(maxsize=8)
def _client(spec: Spec) -> InferenceClient:
    """This process's client for some settings, so that its rows share connections."""
    client = InferenceClient()
    client._settings = spec.settings()
    return client


def work(spec: Spec, name: str, arguments: dict[str, Any], number: int) -> Outcome:
    """Make one call of a task; `number` tells it from equal ones. Runs in a worker."""
    del number
    client, task = _client(spec), find(name)
    call = Call(client._settings, task)
    try:
        flow = call.drive(task.flow(client, **arguments))
        result = client._driver.run(flow, Deadline(client.timeout))
    except Exception as error:  # whatever it is, it belongs to the row and not to the worker
        return Outcome(error=Failure.of(error))
    meta = getattr(finished(result, call), "meta", None) or call.meta()
    return Outcome(call.raw, Served.of(meta))


class Given:
    """An answer that is there already, in place of a provider."""

    silent = True

    def __init__(self, raw: Any, served: Served) -> None:
        self._raw, self._served = raw, served

    def answered(self, call: Call, ask: Infer) -> Flow[Any]:
        """The answer."""
        yield from ()
        call.served = self._served
        return self._raw

    def refusal(self, method: str, url: str) -> errors.NotRecordedError:
        """The error for a request besides, which no task makes."""
        return errors.NotRecordedError(f"{method} {url} was not sent: the answer is there already.")


def remade(task: BaseTask, arguments: dict[str, Any], raw: Any, served: Served) -> Any:
    """A task's result, made of a raw answer that came elsewhere; may block on files."""
    call = Call(Settings(recordings=Given(raw, served)), task)
    flow = call.drive(task.flow(None, **arguments))
    return finished(SyncDriver().run(flow, Deadline(None)), call)
