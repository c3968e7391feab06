"""Providers: a service with a base URL, a way to send its key, and a route for each task.

A provider is one module, named as the provider is, that holds `provider = Provider(...)` and its
routes. A route turns an `Infer` into a flow of `Send`s and returns the raw answer: parsed JSON,
bytes, or for a stream the open reply. It builds no result objects and reads no token.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from hfwidgets import errors
from hfwidgets.core import environment
from hfwidgets.core.auth import Token
from hfwidgets.core.flow import Flow, Infer
from hfwidgets.errors.secrets import Secret, hide_headers, hide_url, mask_repr, reveal
from hfwidgets.errors.user_warnings import warn

RouteHandler = Callable[[Infer], Flow[Any]]

ROUTER = "https://router.huggingface.co"
HUB = "https://huggingface.co"


@dataclass(frozen=True, slots=True)
class Hosts:
    """Hold the services' addresses, each of which can be set by name or by an environment variable.

    Names are the providers' own, and `hub` and `router`.
    """

    addresses: Mapping[str, str] = field(default_factory=dict)

    def address_of(self, name: str, default: str, variable: str | None = None) -> str:
        """Return the address of a service, without a slash at its end."""
        found = self.addresses.get(name) or (environment.read_url(variable) if variable else None)
        return (found or default).rstrip("/")

    @property
    def hub(self) -> str:
        return self.address_of("hub", HUB, "HF_ENDPOINT")

    @property
    def router(self) -> str:
        return self.address_of("router", ROUTER)


@mask_repr
@dataclass(frozen=True, slots=True)
class Address:
    """Hold a provider's address and the headers that it needs; the repr shows no credentials.

    `source` names where the credentials came from, None without any.
    """

    base: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    routed: bool = False
    source: str | None = None

    def __reduce__(self) -> Any:
        raise TypeError("An address holds credentials and is not pickled or copied.")

    def __post_init__(self) -> None:
        # The class is frozen, and its fields become masked before anything can print them.
        object.__setattr__(self, "base", hide_url(self.base))
        object.__setattr__(self, "headers", hide_headers(self.headers))


def bearer_headers(key: str) -> dict[str, str]:
    """Return the usual header for a key."""
    # A text that is built around a secret is a plain str again, so it is wrapped like the key.
    return {"authorization": Secret(f"Bearer {reveal(key)}")}


class Provider:
    """A service that answers some tasks.

    Args:
        base: The address for calls with the provider's own key.
        auth_headers: Turns such a key into headers.
        routable: Whether a Hub token reaches it through the Hub's router.
        mapped: Whether its names for models come from the Hub's mapping.
        anonymous: Whether it answers without a key.
        headers: Headers of every request.
        naming: Turns a model's name into the provider's, where the Hub has no mapping.

    Attributes:
        root: The path that all routes begin with, where an address may be passed with it.
        is_embedded: It runs on this machine as part of hfwidgets: it needs no token, lists its own
            models, and its models slow each other down.
        has_default_models: A call without a model is answered by the provider's own choice.
        uses_recommended_models: A call without a model goes to the one that the Hub recommends.
        picks_provider: It forwards a call to another provider, which it chooses.
        needs_url: Every call names the server's URL.
        list_tasks: The tasks whose routes take a list of inputs at once.
    """

    is_embedded: ClassVar[bool] = False
    has_default_models: ClassVar[bool] = False
    uses_recommended_models: ClassVar[bool] = False
    picks_provider: ClassVar[bool] = False
    needs_url: ClassVar[bool] = False

    def __init__(
        self,
        base: str,
        *,
        auth_headers: Callable[[str], Mapping[str, str]] = bearer_headers,
        routable: bool = True,
        mapped: bool = True,
        anonymous: bool = False,
        headers: Mapping[str, str] | None = None,
        naming: Callable[[str], str] = str,
    ) -> None:
        # `providers.get` sets it: a provider is named by its module or its entry point.
        self.name = ""
        self.base = base
        self.build_auth_headers = auth_headers
        self.routable = routable
        self.mapped = mapped
        self.anonymous = anonymous
        self.headers = dict(headers or {})
        self.to_provider_model = naming
        self.routes: dict[str, RouteHandler] = {}
        self.task_bases: dict[str, str] = {}
        self.reconnects = False
        self.root = ""
        self.list_tasks: frozenset[str] = frozenset()

    def serves(
        self, *tasks: str, base: str | None = None
    ) -> Callable[[RouteHandler], RouteHandler]:
        """Register a route for tasks, by their names on the Hub.

        `base` is these tasks' own address for calls with the provider's key, where it differs.
        """

        def add(route: RouteHandler) -> RouteHandler:
            for name in tasks:
                self.routes[name] = route
                if base is not None:
                    self.task_bases[name] = base
            return route

        return add

    def serves_task(self, task: str) -> bool:
        """True if there is a route for a task, by its name on the Hub."""
        return task in self.routes

    def takes_lists(self, task: str) -> bool:
        """True if the route of a task takes a list of inputs at once."""
        return task in self.list_tasks

    def route(self, task: str) -> RouteHandler:
        """Return the route of a task; TaskNotServedError, which lists what is served, without."""
        if not self.serves_task(task):
            raise errors.TaskNotServedError(
                f"{self.name} does not serve {task}. It serves: {', '.join(sorted(self.routes))}. "
                "Choose another provider=, the URL of an endpoint, or provider='local'."
            )
        return self.routes[task]

    def base_of(self, task: str) -> str:
        """Return the address of a task for calls with the provider's own key."""
        return self.task_bases.get(task, self.base)

    def connect(self, token: Token | None, hosts: Hosts, task: str = "") -> Flow[Address]:
        """Return where to send requests: with the provider's own key to the provider, with a Hub
        token to the router.

        Raises:
            MissingTokenError: There is no token, or one that does not fit.
        """
        # A flow has to be a generator, even where it waits for nothing.
        yield from ()
        # First, because the next error recommends a Hub token, which is useless here.
        if not self.routable and not self.anonymous and (token is None or token.is_hub_token):
            raise errors.MissingTokenError(
                f"{self.name} accepts its own keys only, not a Hub token: pass one as token= (or "
                "api_key=)."
            )
        if token is None and not self.anonymous:
            raise errors.MissingTokenError(
                f"{self.name} needs a key: pass token= (a Hub token that starts with hf_, or a key "
                f"of {self.name}'s own), set HF_TOKEN, or use provider='local', which needs no key."
            )
        if token is not None and token.is_hub_token and self.routable:
            return Address(
                f"{hosts.router}/{self.name}", {**self.headers, **bearer_headers(token.value)}, True
            )
        # A Hub token comes here too, where the router does not reach the
        # provider, as with endpoints.
        shown = self.build_auth_headers(token.value) if token else {}
        base = hosts.address_of(self.name, self.base_of(task))
        if self.root:
            base = base.removesuffix(self.root)  # people pass the address with it or without
        return Address(base, {**self.headers, **shown})

    def drop_unsupported(self, request: Infer, *names: str) -> dict[str, Any]:
        """Return the given options without those that the provider does not support.

        A warning names each option that is left out.
        """
        options = request.parameters
        unknown = [name for name in names if name in options]
        if unknown:
            warn(
                f"{self.name} does not support {', '.join(unknown)} of {request.task}: left out.",
            )
        return {name: value for name, value in options.items() if name not in unknown}
