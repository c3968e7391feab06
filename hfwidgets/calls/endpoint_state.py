"""Find out why an Inference Endpoint does not answer: asleep, paused, starting or broken.

An endpoint that is scaled to zero wakes with the first request and answers 503 (502 on older ones)
until it is ready; a paused one answers 400 or 503 and never wakes. The control plane tells them
apart if the call's Hub token may ask it; otherwise the text of the reply must do.

Source: the Inference Endpoints guides on autoscaling and pausing; huggingface_hub issue 1605.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from hfwidgets import errors
from hfwidgets.calls.settings import Settings
from hfwidgets.core.flow import Flow, Reply, Send, Sleep
from hfwidgets.errors import advice
from hfwidgets.errors.from_response import attach_response
from hfwidgets.errors.hub_hosts import is_endpoint_host
from hfwidgets.errors.server_message import find_server_message

CONTROL_PLANE = "https://api.endpoints.huggingface.cloud/v2"

MAX_START_WAIT = 1800.0
"""The longest wait for an endpoint without a timeout, in seconds: models load for minutes."""

POLL_SECONDS = 5.0

FAILED_STATES = ("failed", "updateFailed")


def is_endpoint_down(reply: Reply) -> bool:
    """True if a reply is that of an Inference Endpoint without a running replica."""
    # 400 is how newer endpoints answer while they are paused; older ones send 502 and 503.
    if reply.status_code not in (400, 502, 503):
        return False
    host = urlsplit(reply.url).hostname or ""
    # The control plane has the same domain, and asking it about itself would never end.
    if not is_endpoint_host(host) or host == urlsplit(CONTROL_PLANE).hostname:
        return False
    return reply.status_code != 400 or is_endpoint_paused(reply)


def is_endpoint_paused(reply: Reply) -> bool:
    """True if the reply's text says that the endpoint is paused."""
    message = (find_server_message(reply) or "").lower()
    return "paused" in message or "invalid state" in message


def choose_endpoint_pause(
    reply: Reply, elapsed: float, authorization: str, settings: Settings
) -> Flow[Sleep | None]:
    """Return how long to wait for an endpoint, None if it runs and the fault is another.

    Args:
        reply: the endpoint's reply.
        elapsed: seconds since the call began.
        authorization: the header that the endpoint got.
        settings: the client's.

    Raises:
        EndpointPausedError: It is paused, and stays so until it is resumed.
        InferenceEndpointError: It failed, or did not start within half an hour.
    """
    found = yield from _fetch_entry(reply.url, authorization, settings)
    status = found.get("status") or {}
    name, state = found.get("name") or urlsplit(reply.url).hostname, status.get("state")
    if state == "paused" or (state is None and is_endpoint_paused(reply)):
        raise _paused_error(name, bool(found), reply)
    if state in FAILED_STATES:
        reason = status.get("message") or "no reason given"
        raise errors.InferenceEndpointError(
            f"The endpoint {name} failed to start: {reason}. Its log is at {advice.ENDPOINTS_PAGE}."
        )
    if state == "running":
        # The endpoint runs, so its failure is of another kind: the rules for retries hold.
        return None
    if elapsed > MAX_START_WAIT:
        raise errors.InferenceEndpointTimeoutError(
            f"The endpoint {name} did not start within {elapsed:.0f} s "
            f"(state: {state or 'unknown'}). Its log is at {advice.ENDPOINTS_PAGE}."
        )
    why = "is scaled to zero and is waking up" if state in (None, "scaledToZero") else f"is {state}"
    return Sleep(POLL_SECONDS, f"the endpoint {name} {why}, which takes minutes", counts=False)


def _paused_error(name: Any, known: bool, reply: Reply) -> errors.EndpointPausedError:
    call = f"hfwidgets.get_inference_endpoint({name!r}).resume()" if known else "its resume()"
    error = errors.EndpointPausedError(
        f"The endpoint {name} is paused and does not wake by itself.",
        advice=f"Resume it with {call} or at {advice.ENDPOINTS_PAGE}, and call again.",
        action=errors.Action("open_url", {"url": advice.ENDPOINTS_PAGE}),
    )
    attach_response(error, reply)
    return error


def _fetch_entry(url: str, authorization: str, settings: Settings) -> Flow[Mapping[str, Any]]:
    """Return the control plane's entry for an endpoint's URL; empty if it cannot be fetched."""
    # The control plane accepts Hub tokens only, and a custom key must not reach another host.
    if not authorization.startswith("Bearer hf_"):
        return {}
    headers = {"authorization": authorization}
    control = settings.hosts.address_of("endpoints", CONTROL_PLANE)
    paths = settings.memory.setdefault("endpoints", {})
    host = urlsplit(url).netloc
    try:
        # The control plane finds endpoints by name, not by host: the account's spaces are searched
        # once, and what was found is remembered, also that nothing was.
        if host not in paths:
            paths[host] = yield from _find_path(control, host, headers, settings.hosts.hub)
        if paths[host] is None:
            return {}
        reply = yield Send("GET", control + paths[host], headers=headers)
        found: Mapping[str, Any] = reply.json()
        return found
    except (errors.HfHubHTTPError, errors.ConnectError, ValueError):
        return {}  # the token may lack the right, or nothing answers: the reply's text must do


def _find_path(control: str, host: str, headers: Mapping[str, str], hub: str) -> Flow[str | None]:
    """Return the control plane's path of the endpoint with this host, None if it has none."""
    reply = yield Send("GET", f"{hub}/api/whoami-v2", headers=headers)
    account = reply.json()
    for space in (account["name"], *(org["name"] for org in account.get("orgs") or ())):
        path = f"/endpoint/{quote(space, safe='')}"
        try:
            reply = yield Send("GET", control + path, headers=headers)
        except errors.HfHubHTTPError:
            continue  # an organization whose endpoints the token may not see
        for item in reply.json()["items"]:
            if urlsplit((item.get("status") or {}).get("url") or "").netloc == host:
                return f"{path}/{quote(item['name'], safe='')}"
    return None
