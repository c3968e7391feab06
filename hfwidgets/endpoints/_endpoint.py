"""One Inference Endpoint, as the control plane describes it, and what can be done with it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, Unpack

from hfwidgets import errors
from hfwidgets.core import auth
from hfwidgets.endpoints._bodies import EndpointChanges
from hfwidgets.errors import advice

if TYPE_CHECKING:
    from hfwidgets.client import AsyncInferenceClient, InferenceClient


class InferenceEndpointStatus(StrEnum):
    """The states an endpoint can be in."""

    PENDING = "pending"
    INITIALIZING = "initializing"
    UPDATING = "updating"
    UPDATE_FAILED = "updateFailed"
    RUNNING = "running"
    PAUSED = "paused"
    FAILED = "failed"
    SCALED_TO_ZERO = "scaledToZero"


class InferenceEndpointType(StrEnum):
    """Who may call an endpoint: anybody, anybody with a token, its owners' network."""

    PUBLIC = "public"
    PROTECTED = "protected"
    AUTHENTICATED = "authenticated"
    PRIVATE = "private"


class EndpointActions(Protocol):
    """What the blocking control plane does with an endpoint, by the names of its methods."""

    @property
    def fetch(self) -> Callable[..., object]: ...
    @property
    def wait(self) -> Callable[..., object]: ...
    @property
    def update(self) -> Callable[..., object]: ...
    @property
    def pause(self) -> Callable[..., object]: ...
    @property
    def resume(self) -> Callable[..., object]: ...
    @property
    def scale_to_zero(self) -> Callable[..., object]: ...
    @property
    def delete(self) -> Callable[..., object]: ...
    def for_client(self, url: str) -> dict[str, Any]: ...


class InferenceEndpoint:
    """An Inference Endpoint.

    Attributes:
        name, namespace: its name, and the user or organisation that it belongs to.
        repository, framework, revision, task: its model.
        status: an `InferenceEndpointStatus`, or the service's own word where it has a new one.
        type: an `InferenceEndpointType`, likewise.
        url: where it is called, None until it has been deployed.
        health_route: the path below the URL that tells whether it is ready.
        created_at, updated_at: with the time zone UTC.
        raw: the control plane's own words.
    """

    _connect: ClassVar[Callable[[str | None], EndpointActions]]
    """Makes a control plane with a token; set by the module of the control plane."""

    def __init__(self, namespace: str, raw: Mapping[str, Any], plane: EndpointActions) -> None:
        self.namespace = namespace
        self._plane = plane
        self._update_from_raw(raw)

    @classmethod
    def from_raw(cls, raw: Mapping[str, Any], namespace: str, token: str | None = None) -> Self:
        """An endpoint from the control plane's words."""
        return cls(namespace, raw, cls._connect(token))

    def _update_from_raw(self, raw: Mapping[str, Any]) -> Self:
        status, model = raw.get("status") or {}, raw.get("model") or {}
        self.raw = dict(raw)
        self.name: str = raw["name"]
        self.repository: str | None = model.get("repository")
        self.framework: str | None = model.get("framework")
        self.revision: str | None = model.get("revision")
        self.task: str | None = model.get("task")
        self.status = _to_enum(InferenceEndpointStatus, status.get("state"))
        self.type = _to_enum(InferenceEndpointType, raw.get("type"))
        self.url: str | None = status.get("url")
        self.health_route: str = raw.get("healthRoute") or "/health"
        self.created_at = _parse_time(status.get("createdAt"))
        self.updated_at = _parse_time(status.get("updatedAt"))
        return self

    @property
    def message(self) -> str:
        """What the service says about the state; empty when it says nothing."""
        return str((self.raw.get("status") or {}).get("message") or "")

    @property
    def client(self) -> "InferenceClient":
        """A client of this endpoint; InferenceEndpointError while it has no URL."""
        from hfwidgets.client import InferenceClient

        return InferenceClient(self._require_url(), **self._plane.for_client(self._require_url()))

    @property
    def async_client(self) -> "AsyncInferenceClient":
        """An async client of this endpoint; InferenceEndpointError while it has no URL."""
        from hfwidgets.client import AsyncInferenceClient

        return AsyncInferenceClient(
            self._require_url(), **self._plane.for_client(self._require_url())
        )

    def _require_url(self) -> str:
        if self.url is None:
            raise errors.InferenceEndpointError(
                f"The endpoint {self.name} has no URL yet (state: {self.status}). "
                f"{describe_next_step(self)}"
            )
        return self.url

    def fetch(self) -> Self:
        """Ask the control plane how it is now; returns itself."""
        self._plane.fetch(self)
        return self

    def wait(self, timeout: float | None = None, refresh_every: float = 5) -> Self:
        """Wait until it is ready to answer; see `Endpoints.wait`."""
        self._plane.wait(self, timeout=timeout, refresh_every=refresh_every)
        return self

    def update(self, **given: Unpack[EndpointChanges]) -> Self:
        """Change it; see `hfwidgets.endpoints.Changes`."""
        self._plane.update(self, **given)
        return self

    def pause(self) -> Self:
        """Stop it, and its cost, until `resume`; requests do not wake it."""
        self._plane.pause(self)
        return self

    def resume(self, running_ok: bool = True) -> Self:
        """Start it after a pause. `running_ok` says whether it may be running already."""
        self._plane.resume(self, running_ok=running_ok)
        return self

    def scale_to_zero(self) -> Self:
        """Stop it, and its cost, until the next request wakes it."""
        self._plane.scale_to_zero(self)
        return self

    def delete(self) -> None:
        """Remove it for good."""
        self._plane.delete(self)

    def __repr__(self) -> str:
        return (
            f"InferenceEndpoint(name={self.name!r}, namespace={self.namespace!r}, "
            f"repository={self.repository!r}, status={str(self.status)!r}, url={self.url!r})"
        )

    def __reduce__(self) -> Any:
        raise TypeError("An endpoint object holds a token: keep its name and get it again.")


def describe_next_step(endpoint: InferenceEndpoint) -> str:
    """What to do about an endpoint in its state."""
    said = f" It says: {endpoint.message}." if endpoint.message else ""
    match endpoint.status:
        case InferenceEndpointStatus.PAUSED:
            return "It is paused and does not wake by itself: call resume(), then wait()."
        case InferenceEndpointStatus.SCALED_TO_ZERO:
            return "It is scaled to zero: the next request wakes it, and wait() sends one."
        case InferenceEndpointStatus.FAILED | InferenceEndpointStatus.UPDATE_FAILED:
            return f"It failed.{said} Its log is at {advice.ENDPOINTS_PAGE}."
        case _:
            return "Call wait() until it is ready."


def may_send_token(url: str, token: auth.Token | None) -> bool:
    """Whether a token may go to an endpoint's URL, which came in an answer: to the Hub's hosts."""
    return token is not None and auth.is_trusted_url(url)


def _to_enum(kind: type[StrEnum], word: Any) -> Any:
    try:
        return kind(word)
    except ValueError:
        return word


def _parse_time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None
