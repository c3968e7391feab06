"""The steps that a call consists of; nothing here does I/O.

A flow is a generator. It yields steps and is sent their outcomes:

    Infer         a task's request, in no provider's terms    -> the provider's raw answer
    Target        who answers the requests that follow        -> the route to them
    Send          one HTTP request                            -> a Reply
    Sleep         a pause, with a reason for the user         -> None
    CancelOnExit  what to send if the call ends early         -> None
    Blocking      blocking work other than HTTP               -> what the function returns

An error of a step is thrown into the flow that yielded it.
"""

import json
import math
from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar, cast

from hfwidgets.core.drop_none import drop_none, is_left_out
from hfwidgets.errors.secrets import mask_repr, redact, redact_headers

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
T_contra = TypeVar("T_contra", contravariant=True)

WaitListener = Callable[[str, float], None]

wait_listener: ContextVar[WaitListener | None] = ContextVar("hfwidgets_waiting", default=None)
"""Called with (reason, seconds) whenever a call waits for a model that loads, a rate limit, or an
engine that starts.
"""


class HubAddress(Protocol):
    """The addresses of services, of which a provider may name the Hub's to its own service."""

    @property
    def hub(self) -> str: ...


@mask_repr
@dataclass(slots=True, eq=False)
class Infer:
    """A task's request to a provider.

    `inputs` is the task's input, `options` its other parameters; those that are None are not sent.
    `model` is a Hub id as the user gave it. `output` is the kind of file that the task's result is
    or holds: image, audio, video, or "". A provider's route finds its own id in `served_as`,
    the Hub's entry for it in `entry`, in `memory` what this client has learned about the address,
    in `base` that address, in `routed` whether it is the Hub's router, in `hosts` all addresses.
    """

    inputs: Any
    model: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    stream: bool = False
    task: str = ""
    output: str = ""
    served_as: str | None = None
    entry: Mapping[str, Any] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)
    base: str = ""
    routed: bool = False
    hosts: HubAddress | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """The options without None and openai's sentinels, at every depth of dicts."""
        given = {}
        for name, value in self.options.items():
            if value is not None and not is_left_out(value):
                given[name] = drop_none(value)
        return given


@dataclass(slots=True, eq=False)
class Target:
    """Change who answers the `Send`s that follow: `choose` finds it from the client's settings."""

    choose: Callable[[Any], "Flow[Any]"]
    task: str = ""


@mask_repr
@dataclass(slots=True, eq=False)
class Send:
    """One HTTP request.

    A `url` without a scheme belongs to the provider: it is joined to the base and carries the
    credentials. An absolute one is foreign: it carries neither them nor the user's headers.
    `json` may hold `Media` as leaves. `content` may be bytes or an iterable of bytes; one that has
    a `size` is sent with its length. `limit` caps the reply's size in bytes. With `follow` off, a
    redirect is returned instead of followed. `max_wait` bounds its waiting in seconds, `tries` how
    often it is sent again.
    """

    method: str
    url: str
    json: Any = None
    content: bytes | Iterable[bytes] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: bool = False
    limit: int | None = None
    follow: bool = True
    max_wait: float | None = None
    tries: int | None = None

    def dump_json(self) -> bytes:
        """Return `json` as text in UTF-8.

        Raises:
            ValueError, TypeError, RecursionError: it holds media, or what JSON cannot express.
        """
        if not _is_plain(self.json):
            return _dump_strictly(self.json).encode()
        import msgspec  # the first call needs it, not the import of this package

        try:
            # Ten times as fast as `json` on a long chat, but it writes NaN as null, and bytes and
            # dates as texts: hence the check.
            return msgspec.json.encode(self.json)
        except (TypeError, ValueError, OverflowError):
            return _dump_strictly(self.json).encode()  # integers of any size, or its own error


# One encoder for all bodies: `json.dumps` with options makes a new one for each call.
_dump_strictly = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode

_LEAVES = frozenset((str, int, bool, type(None)))


def _is_plain(value: object) -> bool:
    """True if a value is made of JSON's own types, and finite."""
    kind = type(value)
    if kind is dict:
        for name, item in cast(dict[object, object], value).items():
            # Most items are texts, which are asked for here: it saves a call for each.
            if type(name) is not str or (type(item) is not str and not _is_plain(item)):
                return False
        return True
    if kind is list:
        return all(map(_is_plain, cast(list[object], value)))
    return kind in _LEAVES or (kind is float and math.isfinite(cast(float, value)))


@dataclass(slots=True, eq=False)
class CancelOnExit:
    """What to send if the call ends early; None once the job has ended.

    It is sent at best effort: a timeout, an error or Stop ends a call, and must end its job too.
    """

    send: Any


@dataclass(slots=True, eq=False)
class Sleep:
    """A pause of so many seconds; `reason` is shown to the user.

    `counts`: it uses up one of the tries, as a model that loads does not.
    """

    seconds: float
    reason: str = ""
    counts: bool = True


@dataclass(slots=True, eq=False)
class Blocking:
    """Blocking work, which the async client does in a thread.

    A dry run skips work with a `side_effect` and continues with `dry_run_value`.
    `is_limited`: it is given up once the call's time is over; it must not matter that it goes on.
    """

    call: Callable[[], Any]
    side_effect: str = ""
    dry_run_value: Any = None
    is_limited: bool = False


@dataclass(slots=True, eq=False, repr=False)
class Reply:
    """An HTTP answer, with the names that users of httpx know.

    Attributes:
        source: the driver's own response, for an answer whose body is still to be read.
        url: where it came from, after redirects.
        seconds: how long it took.
    """

    status_code: int
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    source: Any = None
    url: str = ""
    seconds: float = 0.0

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the body as JSON; raise ValueError if it is something else."""
        return json.loads(self.content)

    def masked(self, secrets: Collection[str]) -> "Reply":
        """Return this reply with what looks like a secret masked in its headers and its body."""
        headers = redact_headers(self.headers, secrets)
        # Bytes that are not text come back unchanged.
        body = self.content.decode("utf-8", "surrogateescape")
        content = redact(body, secrets).encode("utf-8", "surrogateescape")
        return Reply(self.status_code, headers, content, url=redact(self.url), seconds=self.seconds)

    def __repr__(self) -> str:
        return f"<Reply {self.status_code}, {len(self.content):,} bytes>"


class Decoder(Protocol[T_co]):
    """Turns bytes, however cut, into items; `finish` returns those that the end completes."""

    def feed(self, data: bytes) -> "Iterable[T_co]": ...
    def finish(self) -> "Iterable[T_co]": ...


@dataclass(slots=True, eq=False)
class StreamedReply(Generic[T]):
    """An open reply, its decoder, and the collector of its result.

    Only a driver reads the reply's `source`.
    """

    reply: Reply
    decoder: Decoder[T]
    collector: "Collector[T]"


class Collector(Protocol[T_contra]):
    """Gathers a stream's items into the result that the unstreamed call would have given."""

    def add(self, item: T_contra) -> None: ...
    @property
    def result(self) -> Any: ...
    @property
    def text(self) -> str: ...


# Each kind of step has an outcome of another type, but a generator has one type for all that is
# sent to it. So only the result is typed.
Flow = Generator[Any, Any, T]
