"""What a provider is: a service with a base URL, a way to show its key, and a route for each task.

A provider is one module, named as the provider is, that holds `provider = Provider(...)` and its
routes. A route answers an `Infer` with a flow of `Send`s and returns the raw answer: parsed JSON,
bytes, or for a stream the open reply. It builds no result objects and reads no token.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hfwidgets import errors
from hfwidgets.auth import Token
from hfwidgets.flow import Flow, Infer

Route = Callable[[Infer], Flow[Any]]

ROUTER = "https://router.huggingface.co"
HUB = "https://huggingface.co"


@dataclass(frozen=True, slots=True)
class Hosts:
    """Where the services are; every address can be set, by name or by the field's variables.

    Names are the providers' own, and `hub` and `router`.
    """

    given: Mapping[str, str] = field(default_factory=dict)

    def of(self, name: str, default: str, variable: str | None = None) -> str:
        """The address of a service, without a slash at its end."""
        found = self.given.get(name) or (os.environ.get(variable) if variable else None) or default
        return found.rstrip("/")

    @property
    def hub(self) -> str:
        return self.of("hub", HUB, "HF_ENDPOINT")

    @property
    def router(self) -> str:
        return self.of("router", ROUTER)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a provider is reached and what it is shown; the credentials stay out of the repr.

    `source` says where the credentials came from, None when there are none.
    """

    base: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    routed: bool = False
    source: str | None = None

    def __reduce__(self) -> Any:
        raise TypeError("An address holds credentials and is not pickled or copied.")

    def url(self, path: str) -> str:
        """The absolute URL of a path of the provider's."""
        if not path:
            return self.base
        return f"{self.base.rstrip('/')}/{path.lstrip('/')}"


def bearer(key: str) -> dict[str, str]:
    """The usual way to show a key."""
    return {"authorization": f"Bearer {key}"}


class Provider:
    """A service that answers some tasks.

    Args:
        base: the address for calls with the provider's own key.
        show: turns such a key into headers.
        routable: whether a Hub token reaches it through the Hub's router.
        mapped: whether its model ids come from the Hub's mapping.
        anonymous: whether it answers without a key.
        headers: what every request carries.
    """

    def __init__(
        self,
        base: str,
        *,
        show: Callable[[str], Mapping[str, str]] = bearer,
        routable: bool = True,
        mapped: bool = True,
        anonymous: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.name = ""
        self.base = base
        self.show = show
        self.routable = routable
        self.mapped = mapped
        self.anonymous = anonymous
        self.headers = dict(headers or {})
        self.routes: dict[str, Route] = {}
        self.reconnects = False

    def serves(self, *tasks: str) -> Callable[[Route], Route]:
        """Register a route for tasks, by their names on the Hub."""

        def add(route: Route) -> Route:
            for name in tasks:
                self.routes[name] = route
            return route

        return add

    def route(self, task: str) -> Route:
        """The route of a task; TaskNotServedError that lists what is served otherwise."""
        if task not in self.routes:
            raise errors.TaskNotServedError(
                f"{self.name} does not serve {task}. It serves: {', '.join(sorted(self.routes))}. "
                "Choose another provider=, the URL of an endpoint, or provider='local'."
            )
        return self.routes[task]

    def connect(self, token: Token | None, hosts: Hosts) -> Flow[Address]:
        """Where to send requests: directly with the provider's key, through the router with a
        Hub token.
        """
        yield from ()
        if token is None and not self.anonymous:
            raise errors.MissingTokenError(
                f"{self.name} needs a key: pass token= (a Hub token that starts with hf_, or a key "
                f"of {self.name}'s own), set HF_TOKEN, or use provider='local', which needs none."
            )
        if token is not None and token.routed and self.routable:
            return Address(
                f"{hosts.router}/{self.name}", {**self.headers, **bearer(token.value)}, True
            )
        shown = self.show(token.value) if token else {}
        return Address(hosts.of(self.name, self.base), {**self.headers, **shown})
