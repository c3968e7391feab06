"""Call the control plane of Inference Endpoints, `https://api.endpoints.huggingface.cloud/v2`.

GET, POST    /endpoint/{namespace}             list, create
GET, PUT,    /endpoint/{namespace}/{name}      get, update, delete
DELETE
POST         .../{name}/pause, /resume, /scale-to-zero
"""

import time
from typing import TYPE_CHECKING, Any, TypeAlias, Unpack
from urllib.parse import quote

from hfwidgets import errors, providers
from hfwidgets.calls import model_info
from hfwidgets.calls.endpoint_state import CONTROL_PLANE
from hfwidgets.calls.routing import Route
from hfwidgets.calls.settings import Settings
from hfwidgets.core.flow import Flow, Reply, Send, Sleep, Target
from hfwidgets.endpoints._bodies import (
    EndpointChanges,
    EndpointOptions,
    build_changes,
    build_creation,
)
from hfwidgets.endpoints._endpoint import (
    InferenceEndpoint,
    InferenceEndpointStatus,
    InferenceEndpointType,
    describe_next_step,
    may_send_token,
)
from hfwidgets.tasks import AsyncTaskClient, BaseTask, SyncTaskClient
from hfwidgets.tasks.declaration import operation

if TYPE_CHECKING:
    from hfwidgets.client import AsyncInferenceClient, InferenceClient

State = InferenceEndpointStatus
EndpointRef: TypeAlias = str | InferenceEndpoint
EndpointList: TypeAlias = list[InferenceEndpoint]


class _ControlPlane:
    """The operations of the control plane, for both kinds of client.

    An endpoint is passed by its name or as its object, which is then updated from the answer.
    """

    _settings: Settings
    _blocking: "Endpoints"

    @operation
    def list(self, namespace: str | None = None) -> Flow[EndpointList]:
        """Return all endpoints of a user or an organization.

        Args:
            namespace: The user or organization; None is the token's user, "*" the user and all
                organizations that the token may list.
        """
        if namespace not in (None, "*"):
            return (yield from self._list_namespace(namespace, strict=True))
        account = yield from self._fetch_account()
        found = yield from self._list_namespace(account["name"], strict=True)
        for org in account.get("orgs") or () if namespace == "*" else ():
            found += yield from self._list_namespace(org["name"], strict=False)
        return found

    @operation
    def get(self, name: str, *, namespace: str | None = None) -> Flow[InferenceEndpoint]:
        """Return an endpoint by its name.

        Args:
            name: Its name.
            namespace: Its user or organization; None is the token's user.

        Raises:
            NotFoundError: The namespace has no such endpoint; lists the names that it has.
        """
        space = namespace or (yield from self._fetch_account())["name"]
        try:
            raw = yield from self._request_json("GET", space, f"/{quote(name, safe='')}")
        except errors.NotFoundError as error:
            there = yield from self._list_namespace(space, strict=True)
            names = [endpoint.name for endpoint in there]
            listed = f" It has: {', '.join(names)}." if names else " It has none."
            error.add_reason(
                f"{space} has no endpoint {name!r}.{errors.did_you_mean(name, names)}{listed}"
            )
            raise
        return InferenceEndpoint(space, raw, self._blocking)

    @operation
    def create(
        self,
        name: str,
        *,
        repository: str,
        framework: str,
        accelerator: str,
        instance_size: str,
        instance_type: str,
        region: str,
        vendor: str,
        type: str = InferenceEndpointType.AUTHENTICATED,  # noqa: A002 - the field's name
        namespace: str | None = None,
        **options: Unpack[EndpointOptions],
    ) -> Flow[InferenceEndpoint]:
        """Create an endpoint, which costs money from the moment it runs.

        Args:
            name: Its name.
            region: Where it runs, such as `us-east-1`.
            vendor: Whose machines it runs on: `aws`, `azure` or `gcp`.
            type: Who may call it: `authenticated`, `private` or `public`.
            namespace: Its user or organization; None is the token's user.
            options: The rest; see `hfwidgets.endpoints.EndpointOptions`.

        The other parameters are those of `hfwidgets.endpoints.EndpointChanges`.
        """
        body = build_creation(
            name,
            type,
            vendor,
            region,
            repository=repository,
            framework=framework,
            accelerator=accelerator,
            instance_size=instance_size,
            instance_type=instance_type,
            **options,
        )
        space = namespace or (yield from self._fetch_account())["name"]
        raw = yield from self._request_json("POST", space, json=body)
        return InferenceEndpoint(space, raw, self._blocking)

    @operation
    def fetch(
        self, endpoint: EndpointRef, *, namespace: str | None = None
    ) -> Flow[InferenceEndpoint]:
        """Return an endpoint in its current state."""
        return (yield from self._request_endpoint(endpoint, namespace, "GET"))

    @operation
    def update(
        self,
        endpoint: EndpointRef,
        *,
        namespace: str | None = None,
        **changes: Unpack[EndpointChanges],
    ) -> Flow[InferenceEndpoint]:
        """Change an endpoint; settings that are not passed stay."""
        return (
            yield from self._request_endpoint(
                endpoint, namespace, "PUT", json=build_changes(**changes)
            )
        )

    @operation
    def delete(self, endpoint: EndpointRef, *, namespace: str | None = None) -> Flow[None]:
        """Delete an endpoint."""
        space, name = yield from self._resolve_name(endpoint, namespace)
        yield from self._request("DELETE", space, f"/{quote(name, safe='')}")

    @operation
    def pause(
        self, endpoint: EndpointRef, *, namespace: str | None = None
    ) -> Flow[InferenceEndpoint]:
        """Stop an endpoint until `resume`; requests do not wake it."""
        return (yield from self._request_endpoint(endpoint, namespace, "POST", "/pause"))

    @operation
    def resume(
        self, endpoint: EndpointRef, *, namespace: str | None = None, running_ok: bool = True
    ) -> Flow[InferenceEndpoint]:
        """Start an endpoint after a pause.

        Args:
            endpoint: Its name or object.
            namespace: Its user or organization; None is the token's user.
            running_ok: Whether it may be running already.
        """
        try:
            return (yield from self._request_endpoint(endpoint, namespace, "POST", "/resume"))
        except errors.BadRequestError as error:
            if not running_ok or "already running" not in (error.server_message or ""):
                raise
        return (yield from self._request_endpoint(endpoint, namespace, "GET"))

    @operation
    def scale_to_zero(
        self, endpoint: EndpointRef, *, namespace: str | None = None
    ) -> Flow[InferenceEndpoint]:
        """Stop an endpoint until the next request wakes it."""
        return (yield from self._request_endpoint(endpoint, namespace, "POST", "/scale-to-zero"))

    @operation
    def wait(
        self,
        endpoint: EndpointRef,
        *,
        namespace: str | None = None,
        timeout: float | None = None,
        refresh_every: float = 5,
    ) -> Flow[InferenceEndpoint]:
        """Wait until an endpoint is ready to answer; a request wakes one that is scaled to zero.

        Args:
            endpoint: Its name or object.
            namespace: Its user or organization; None is the token's user.
            timeout: The most seconds to wait; None waits forever.
            refresh_every: Seconds between two checks.

        Raises:
            InferenceEndpointError: It failed, or is paused, which waiting does not change.
            InferenceEndpointTimeoutError: It is not ready in time.
        """
        if refresh_every <= 0 or (timeout is not None and timeout < 0):
            raise errors.InputError("timeout must not be negative, refresh_every must be positive.")
        # Asked before the time is looked at, so that timeout=0 is one check.
        began = time.monotonic()
        found = yield from self._request_endpoint(endpoint, namespace, "GET")
        while not (yield from self._is_ready(found)):
            left = None if timeout is None else timeout - (time.monotonic() - began)
            if left is not None and left <= 0:
                raise errors.InferenceEndpointTimeoutError(
                    f"The endpoint {found.name} is not ready after {timeout:g} s "
                    f"(state: {found.status}).",
                    advice=describe_next_step(found),
                )
            pause = refresh_every if left is None else min(refresh_every, left)
            yield Sleep(pause, f"the endpoint {found.name} is {found.status}")
            found = yield from self._request_endpoint(found, None, "GET")
        return found

    def _is_ready(self, endpoint: InferenceEndpoint) -> Flow[bool]:
        if endpoint.status in (State.FAILED, State.UPDATE_FAILED, State.PAUSED):
            raise errors.InferenceEndpointError(
                f"The endpoint {endpoint.name} will not become ready.",
                advice=describe_next_step(endpoint),
            )
        if endpoint.url is None or endpoint.status not in (State.RUNNING, State.SCALED_TO_ZERO):
            return False
        token = yield from self._settings.find_token()
        headers = model_info.auth_headers(token) if may_send_token(endpoint.url, token) else {}
        url = endpoint.url.rstrip("/") + "/" + endpoint.health_route.lstrip("/")
        try:
            # Without tries=0 the call would wait for the endpoint itself, past the `timeout` of
            # `wait`.
            reply: Reply = yield Send("GET", url, headers=headers, tries=0)
        except (errors.HfHubHTTPError, errors.ConnectError):
            return False  # not ready; one that was scaled to zero starts because of this request
        return reply.status_code == 200

    def _request_endpoint(
        self,
        endpoint: EndpointRef,
        namespace: str | None,
        method: str,
        path: str = "",
        json: object = None,
    ) -> Flow[InferenceEndpoint]:
        space, name = yield from self._resolve_name(endpoint, namespace)
        raw = yield from self._request_json(method, space, f"/{quote(name, safe='')}{path}", json)
        # The caller's object takes in the answer, so that `endpoint.pause()` changes its status.
        if isinstance(endpoint, InferenceEndpoint):
            return endpoint._update_from_raw(raw)
        return InferenceEndpoint(space, raw, self._blocking)

    def _resolve_name(self, endpoint: EndpointRef, namespace: str | None) -> Flow[tuple[str, str]]:
        if isinstance(endpoint, InferenceEndpoint):
            return endpoint.namespace, endpoint.name
        return namespace or (yield from self._fetch_account())["name"], endpoint

    def _list_namespace(self, space: str, strict: bool) -> Flow[EndpointList]:
        try:
            found = yield from self._request_json("GET", space)
        except (errors.AuthenticationError, errors.PermissionDeniedError):
            if strict:
                raise
            return []
        return [InferenceEndpoint(space, raw, self._blocking) for raw in found["items"]]

    def _fetch_account(self) -> Flow[dict[str, Any]]:
        """Return the token's user and organizations."""
        token = yield from model_info.find_hub_token(self._settings, self._settings.hosts.hub)
        if token is None:
            raise errors.MissingTokenError(
                "Inference Endpoints belong to an account, and no token was found.",
                advice="Pass token= (a Hub token), set HF_TOKEN, or log in with %hf auth login.",
            )
        headers = model_info.auth_headers(token)
        reply = yield Send("GET", f"{self._settings.hosts.hub}/api/whoami-v2", headers=headers)
        found: dict[str, Any] = reply.json()
        return found

    def _request_json(
        self, method: str, space: str, path: str = "", json: object = None
    ) -> Flow[dict[str, Any]]:
        reply = yield from self._request(method, space, path, json)
        found: dict[str, Any] = reply.json()
        return found

    def _request(self, method: str, space: str, path: str = "", json: object = None) -> Flow[Reply]:
        yield Target(_route_to_control_plane)
        # A creation that is repeated would find the first one.
        once = 0 if method == "POST" and not path else None
        reply: Reply = yield Send(
            method, f"/endpoint/{quote(space, safe='')}{path}", json=json, tries=once
        )
        return reply


def _route_to_control_plane(settings: Settings) -> Flow[Route]:
    yield from ()
    url = settings.hosts.address_of("endpoints", CONTROL_PLANE)
    return Route(providers.get("endpoint"), None, None, url)


class Endpoints(_ControlPlane, SyncTaskClient):
    """The control plane of Inference Endpoints, blocking.

    Args:
        token: A Hub token; by default the machine's.
        client: A client whose settings and connections are used, in place of new ones.
        settings: More arguments of `InferenceClient`.
    """

    def __init__(
        self,
        token: str | None = None,
        *,
        client: "InferenceClient | None" = None,
        **settings: Any,
    ) -> None:
        from hfwidgets.client import InferenceClient

        self._client = client or InferenceClient(token=token, **settings)
        self._settings = self._client._settings
        self._blocking = self

    def _run(self, task: BaseTask | None, flow: Flow[Any]) -> Any:
        return self._client._run(None, flow)

    def token_for(self, url: str) -> str | None:
        """Return the token that a client of an endpoint's URL is passed, None without any."""
        # The machine's token is left to the new client to find: passed on, it would count as
        # explicit and lose its limits.
        token = self._settings.token
        return token.value if token is not None and may_send_token(url, token) else None


class AsyncEndpoints(_ControlPlane, AsyncTaskClient):
    """The control plane of Inference Endpoints, for async code.

    It returns the same objects as `Endpoints`, whose own methods block;
    `await endpoints.pause(endpoint)` and the like do not.
    """

    def __init__(
        self,
        token: str | None = None,
        *,
        client: "AsyncInferenceClient | None" = None,
        **settings: Any,
    ) -> None:
        from hfwidgets.client import AsyncInferenceClient, InferenceClient

        self._client = client or AsyncInferenceClient(token=token, **settings)
        self._settings = self._client._settings
        # The objects' own methods block, so they need a blocking driver with the same settings.
        blocking = InferenceClient()
        blocking._use(blocking._caller.with_settings(self._settings))
        self._blocking = Endpoints(client=blocking)

    async def _run(self, task: BaseTask | None, flow: Flow[Any]) -> Any:
        return await self._client._run(None, flow)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


InferenceEndpoint._connect = Endpoints
