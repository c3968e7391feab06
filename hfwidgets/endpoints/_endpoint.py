"""Describe an Inference Endpoint, and change it through the control plane."""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, TypeVar, Unpack

from hfwidgets import errors
from hfwidgets.core import auth
from hfwidgets.endpoints._bodies import EndpointChanges
from hfwidgets.errors import advice

if TYPE_CHECKING:
    from hfwidgets.client import AsyncInferenceClient, InferenceClient


E = TypeVar("E", bound=StrEnum)


class InferenceEndpointStatus(StrEnum):
    """States of an endpoint."""

    PENDING = "pending"
    INITIALIZING = "initializing"
    UPDATING = "updating"
    UPDATE_FAILED = "updateFailed"
    RUNNING = "running"
    PAUSED = "paused"
    FAILED = "failed"
    SCALED_TO_ZERO = "scaledToZero"


class InferenceEndpointType(StrEnum):
    """Who may call an endpoint: anyone, anyone with a token, its owner's network."""

    PUBLIC = "public"
    PROTECTED = "protected"
    AUTHENTICATED = "authenticated"
    PRIVATE = "private"


class EndpointActions(Protocol):
    """The methods of the blocking control plane that an endpoint's own methods call."""

    # Properties, because the control plane's operations are descriptors: a method of a protocol
    # would not match them.
    @property
    def fetch(self) -> Any: ...
    @property
    def wait(self) -> Any: ...
    @property
    def update(self) -> Any: ...
    @property
    def pause(self) -> Any: ...
    @property
    def resume(self) -> Any: ...
    @property
    def scale_to_zero(self) -> Any: ...
    @property
    def delete(self) -> Any: ...
    def token_for(self, url: str) -> str | None: ...


class InferenceEndpoint:
    """An Inference Endpoint.

    Attributes:
        name, namespace: Its name, and the user or organization that it belongs to.
        repository, framework, revision, task: Its model.
        status: An `InferenceEndpointStatus`, or a text for a state that is not known yet.
        type: An `InferenceEndpointType`, likewise.
        url: Where it is called, None until it is deployed.
        health_route: The path below the URL that answers 200 when it is ready.
        created_at, updated_at: With the time zone UTC.
        raw: The control plane's description, unchanged.
    """

    _connect: ClassVar[Callable[[str | None], EndpointActions]]
    """Makes a control plane for a token; `_plane` sets it, which imports this module."""

    def __init__(self, namespace: str, raw: Mapping[str, Any], plane: EndpointActions) -> None:
        self.namespace = namespace
        self._plane = plane
        self._update_from_raw(raw)

    @classmethod
    def from_raw(cls, raw: Mapping[str, Any], namespace: str, token: str | None = None) -> Self:
        """Return the endpoint that the control plane describes."""
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
        """The service's comment on the state; empty if it has none."""
        return str((self.raw.get("status") or {}).get("message") or "")

    @property
    def client(self) -> "InferenceClient":
        """A client of this endpoint; raises InferenceEndpointError while it has no URL."""
        from hfwidgets.client import InferenceClient

        url = self._require_url()
        return InferenceClient(url, token=self._plane.token_for(url))

    @property
    def async_client(self) -> "AsyncInferenceClient":
        """An async client of this endpoint; raises InferenceEndpointError while it has no URL."""
        from hfwidgets.client import AsyncInferenceClient

        url = self._require_url()
        return AsyncInferenceClient(url, token=self._plane.token_for(url))

    def _require_url(self) -> str:
        if self.url is None:
            raise errors.InferenceEndpointError(
                f"The endpoint {self.name} has no URL yet (state: {self.status}).",
                advice=describe_next_step(self),
            )
        return self.url

    def fetch(self) -> Self:
        """Update this object from the control plane, and return it."""
        self._plane.fetch(self)
        return self

    def wait(self, timeout: float | None = None, refresh_every: float = 5) -> Self:
        """Wait until it is ready to answer; see `Endpoints.wait`."""
        self._plane.wait(self, timeout=timeout, refresh_every=refresh_every)
        return self

    def update(self, **changes: Unpack[EndpointChanges]) -> Self:
        """Change it; see `hfwidgets.endpoints.EndpointChanges`."""
        self._plane.update(self, **changes)
        return self

    def pause(self) -> Self:
        """Stop it, and its cost, until `resume`; requests do not wake it."""
        self._plane.pause(self)
        return self

    def resume(self, running_ok: bool = True) -> Self:
        """Start it after a pause; `running_ok` accepts one that is running already."""
        self._plane.resume(self, running_ok=running_ok)
        return self

    def scale_to_zero(self) -> Self:
        """Stop it, and its cost, until the next request wakes it."""
        self._plane.scale_to_zero(self)
        return self

    def delete(self) -> None:
        """Delete it."""
        self._plane.delete(self)

    def __repr__(self) -> str:
        return (
            f"InferenceEndpoint(name={self.name!r}, namespace={self.namespace!r}, "
            f"repository={self.repository!r}, status={str(self.status)!r}, url={self.url!r})"
        )

    def __reduce__(self) -> Any:
        raise TypeError("An endpoint object holds a token: pickle its name, and get it again.")


def describe_next_step(endpoint: InferenceEndpoint) -> str:
    """Return what to do about an endpoint in its state."""
    message = f" Its message: {endpoint.message}." if endpoint.message else ""
    match endpoint.status:
        case InferenceEndpointStatus.PAUSED:
            return "It is paused and does not wake by itself: call resume(), then wait()."
        case InferenceEndpointStatus.SCALED_TO_ZERO:
            return "It is scaled to zero: the next request wakes it, and wait() sends one."
        case InferenceEndpointStatus.FAILED | InferenceEndpointStatus.UPDATE_FAILED:
            return f"It failed.{message} Its log is at {advice.ENDPOINTS_PAGE}."
        case _:
            return "Call wait() until it is ready."


def may_send_token(url: str, token: auth.Token | None) -> bool:
    """True if a token may go to an endpoint's URL.

    The URL came in an answer, so that even a token the user passed goes to the Hub's hosts only.
    """
    return token is not None and auth.is_trusted_url(url)


def _to_enum(kind: type[E], value: str | None) -> E | str | None:
    try:
        return kind(value or "")
    except ValueError:  # a state or type that is newer than this module
        return value


def _parse_time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None
