"""The outcome of routing: who serves a call, and under what name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hfwidgets.errors.secrets import mask_repr
from hfwidgets.providers import Address, Provider, RouteHandler


@mask_repr
@dataclass(frozen=True, slots=True)
class Route:
    """Who serves a call.

    Attributes:
        provider: the service.
        model: the model as the user named it, None if none was named.
        served_as: the provider's name for it.
        url: the endpoint's address, if one was passed.
        entry: the Hub's entry for the model at this provider.
    """

    provider: Provider
    model: str | None
    served_as: str | None
    url: str | None = None
    entry: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KnownRoute:
    """A route with its address and the provider's handler of the task.

    Attributes:
        expires: the moment until which it holds, on the monotonic clock.
        is_final: whether a login does not change it.
    """

    route: Route
    address: Address
    handler: RouteHandler
    expires: float
    is_final: bool
