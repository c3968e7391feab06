"""Inference Endpoints with a loopback control plane; requests equal huggingface_hub's."""

import asyncio
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from huggingface_hub import HfApi

import hfwidgets
from hfwidgets import (
    InferenceEndpoint,
    InferenceEndpointError,
    InferenceEndpointStatus,
    InferenceEndpointTimeoutError,
    errors,
)
from hfwidgets.endpoints import AsyncEndpoints, Endpoints
from tests.plugins.internet import Internet
from tests.plugins.loopback import Answer, Loopback, Seen

TOKEN = "hf_" + "sentinel" * 4
PLANE = "api.endpoints.huggingface.cloud/v2/endpoint"
HOST = "abc123.us-east-1.aws.endpoints.huggingface.cloud"


def raw(state: str = "running", name: str = "mine", **status: Any) -> dict[str, Any]:
    """Return the control plane's description of an endpoint."""
    moment = "2023-10-26T12:41:53.263078506Z"
    url = None if state == "pending" else f"https://{HOST}"
    return {
        "name": name, "type": "authenticated", "healthRoute": "/health",
        "model": {"repository": "org/m", "framework": "pytorch", "revision": "r", "task": "t"},
        "status": {"state": state, "url": url, "createdAt": moment, "updatedAt": moment, **status},
    }  # fmt: skip


def played(*states: str) -> Callable[[Seen], Answer]:
    """Answer with these states, one after the other; the last one stays."""
    left = list(states)
    return lambda _: Answer(json=raw(left.pop(0) if len(left) > 1 else left[0]))


@pytest.fixture(autouse=True)
def _account(internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    orgs = [{"name": "lab"}, {"name": "closed"}]
    internet.get("huggingface.co/api/whoami-v2", Answer(json={"name": "ada", "orgs": orgs}))


def test_list_of_the_user_s_endpoints(internet: Internet) -> None:
    internet.get(f"{PLANE}/ada", Answer(json={"items": [raw(), raw("paused", "other")]}))
    found = hfwidgets.list_inference_endpoints()
    assert [endpoint.name for endpoint in found] == ["mine", "other"]
    assert [endpoint.status for endpoint in found] == ["running", "paused"]
    assert all(seen.headers["authorization"] == f"Bearer {TOKEN}" for seen in internet.seen)


def test_list_of_all_leaves_out_what_the_token_may_not_list(internet: Internet) -> None:
    internet.get(f"{PLANE}/ada", Answer(json={"items": [raw()]}))
    internet.get(f"{PLANE}/lab", Answer(json={"items": [raw(name="theirs")]}))
    internet.get(f"{PLANE}/closed", Answer(401, json={"error": "no"}))
    found = hfwidgets.list_inference_endpoints("*")
    assert [(e.namespace, e.name) for e in found] == [("ada", "mine"), ("lab", "theirs")]
    with pytest.raises(errors.AuthenticationError):
        hfwidgets.list_inference_endpoints("closed")


def test_get_reads_everything(internet: Internet) -> None:
    internet.get(f"{PLANE}/lab/mine", Answer(json=raw(message="fine")))
    endpoint = hfwidgets.get_inference_endpoint("mine", namespace="lab")
    assert endpoint.status is InferenceEndpointStatus.RUNNING
    assert endpoint.type == "authenticated"
    assert (endpoint.repository, endpoint.framework, endpoint.task) == ("org/m", "pytorch", "t")
    assert endpoint.url == f"https://{HOST}"
    assert endpoint.created_at is not None
    assert endpoint.created_at.utcoffset() is not None
    assert (endpoint.created_at.year, endpoint.message) == (2023, "fine")
    assert "mine" in repr(endpoint)
    assert internet.asked == [f"GET {PLANE}/lab/mine"]


def test_an_unknown_name_lists_the_known_ones(internet: Internet) -> None:
    internet.get(f"{PLANE}/ada/mime", Answer(404, json={"error": "Not found"}))
    internet.get(f"{PLANE}/ada", Answer(json={"items": [raw()]}))
    with pytest.raises(errors.NotFoundError, match="Did you mean 'mine'"):
        hfwidgets.get_inference_endpoint("mime")


def test_an_unknown_state_stays_a_text(internet: Internet) -> None:
    internet.get(f"{PLANE}/ada/mine", Answer(json=raw("hibernating")))
    assert hfwidgets.get_inference_endpoint("mine").status == "hibernating"


def test_without_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(errors.MissingTokenError, match="belong to an account"):
        hfwidgets.list_inference_endpoints()


HARDWARE: dict[str, Any] = {
    "repository": "org/m", "framework": "pytorch", "accelerator": "cpu", "instance_size": "x2",
    "instance_type": "intel-icl", "region": "us-east-1", "vendor": "aws",
}  # fmt: skip
CREATED: list[dict[str, Any]] = [
    {},
    {"task": "t", "revision": "r", "min_replica": 0, "max_replica": 2, "scale_to_zero_timeout": 15,
     "scaling_metric": "pendingRequests", "scaling_threshold": 2.5},
    {"custom_image": {"url": "u", "health_route": "/h", "env": {"A": "1"}}, "env": {"E": "1"},
     "secrets": {"S": "2"}, "container_command": ["c"], "container_args": ["a"], "domain": "d",
     "path": "p", "cache_http_responses": True, "tags": ["x"], "type": "private"},
    {"custom_image": {"vllm": {"url": "u"}}},
]  # fmt: skip
UPDATED: list[dict[str, Any]] = [
    {},
    {"accelerator": "gpu", "instance_size": "x1", "min_replica": 0, "scale_to_zero_timeout": 0},
    {"repository": "r2", "task": "t", "custom_image": {"url": "u"}, "env": {"A": "1"},
     "secrets": {"s": "1"}, "tags": ["a"], "domain": "d", "cache_http_responses": False},
    {"scaling_metric": "hardwareUsage", "scaling_threshold": 80, "container_args": ["x"]},
]  # fmt: skip


def without_null(value: Any) -> Any:
    """Drop the nulls that the peer sends for arguments that were not passed."""
    if isinstance(value, dict):
        return {k: without_null(v) for k, v in value.items() if v is not None}
    return value


@pytest.fixture
def peer(loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> HfApi:
    """Return the peer's functions, which call the loopback server."""
    import huggingface_hub.constants
    import huggingface_hub.hf_api

    monkeypatch.setattr(
        huggingface_hub.constants, "INFERENCE_ENDPOINTS_ENDPOINT", f"{loopback.url}/peer"
    )
    return HfApi(token=TOKEN)


def both(internet: Internet, method: str, path: str) -> tuple[Seen, Seen]:
    """Return the last two requests: the peer's and ours."""
    theirs, ours = internet.seen[-2:]
    assert (theirs.method, theirs.path) == (method, f"/peer/endpoint{path}")
    assert (ours.method, ours.path) == (method, f"/{PLANE}{path}")
    assert ours.headers["authorization"] == theirs.headers["authorization"]
    return theirs, ours


@pytest.mark.parametrize("changes", CREATED)
def test_create_sends_what_the_peer_sends(
    internet: Internet, peer: HfApi, changes: dict[str, Any]
) -> None:
    internet.loopback.answer(Answer(json=raw("pending")), Answer(json=raw("pending")))
    arguments = {**HARDWARE, **changes, "namespace": "lab"}
    peer.create_inference_endpoint("mine", **arguments)
    made = hfwidgets.create_inference_endpoint("mine", **arguments)
    theirs, ours = both(internet, "POST", "/lab")
    assert ours.json() == without_null(theirs.json())
    assert made.status == "pending"


@pytest.mark.parametrize("changes", UPDATED)
def test_update_sends_what_the_peer_sends(
    internet: Internet, peer: HfApi, changes: dict[str, Any]
) -> None:
    internet.loopback.answer(Answer(json=raw("updating")), Answer(json=raw("updating")))
    peer.update_inference_endpoint("mine", namespace="lab", **changes)
    hfwidgets.update_inference_endpoint("mine", namespace="lab", **changes)
    theirs, ours = both(internet, "PUT", "/lab/mine")
    assert ours.json() == without_null(theirs.json())


@pytest.mark.parametrize(
    ("name", "method", "path"),
    [
        ("pause_inference_endpoint", "POST", "/lab/mine/pause"),
        ("resume_inference_endpoint", "POST", "/lab/mine/resume"),
        ("scale_to_zero_inference_endpoint", "POST", "/lab/mine/scale-to-zero"),
        ("delete_inference_endpoint", "DELETE", "/lab/mine"),
        ("get_inference_endpoint", "GET", "/lab/mine"),
    ],
)
def test_the_other_functions_send_what_the_peer_sends(
    internet: Internet, peer: HfApi, name: str, method: str, path: str
) -> None:
    internet.loopback.answer(Answer(json=raw()), Answer(json=raw()))
    getattr(peer, name)("mine", namespace="lab")
    getattr(hfwidgets, name)("mine", namespace="lab")
    both(internet, method, path)


def test_an_unknown_setting_is_refused(internet: Internet) -> None:
    slip: Any = {"min_replicas": 1}
    with pytest.raises(TypeError, match="Did you mean 'min_replica'"):
        hfwidgets.update_inference_endpoint("mine", namespace="lab", **slip)
    assert internet.seen == []


def endpoint(internet: Internet, *states: str) -> InferenceEndpoint:
    """Return an endpoint whose control plane reports these states, one after the other."""
    internet.get(f"{PLANE}/lab/mine", played(*states))
    return hfwidgets.get_inference_endpoint("mine", namespace="lab")


def test_the_object_s_methods_act_and_update_it(internet: Internet) -> None:
    mine = endpoint(internet, "running", "initializing")
    for name, path, state in (
        ("pause", "pause", "paused"),
        ("resume", "resume", "pending"),
        ("scale_to_zero", "scale-to-zero", "scaledToZero"),
    ):
        internet.post(f"{PLANE}/lab/mine/{path}", Answer(json=raw(state)))
        assert getattr(mine, name)() is mine
        assert mine.status == state
    assert mine.fetch().status == "initializing"


def test_resume_of_a_running_one(internet: Internet) -> None:
    mine = endpoint(internet, "running")
    message = {"error": "Endpoint is already running"}
    internet.post(f"{PLANE}/lab/mine/resume", Answer(400, json=message))
    assert mine.resume().status == "running"
    with pytest.raises(errors.BadRequestError, match="already running"):
        mine.resume(running_ok=False)


def test_wait_until_it_is_ready(internet: Internet, waits: list[tuple[str, float]]) -> None:
    mine = endpoint(internet, "pending", "pending", "initializing", "running")
    answers = [Answer(503, json={"error": "starting"}), Answer(json={})]
    internet.get(f"{HOST}/health", lambda _: answers.pop(0))
    assert mine.wait(refresh_every=0.01) is mine
    assert mine.status == "running"
    states = ("pending", "initializing", "running")
    assert [reason for reason, _ in waits] == [f"the endpoint mine is {s}" for s in states]
    health = [seen for seen in internet.seen if seen.path.endswith("/health")]
    assert len(health) == 2
    assert health[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_wait_wakes_an_endpoint_that_is_scaled_to_zero(internet: Internet) -> None:
    mine = endpoint(internet, "scaledToZero", "scaledToZero", "initializing", "running")
    answers = [Answer(503, json={"error": "no replica"}), Answer(json={})]
    internet.get(f"{HOST}/health", lambda _: answers.pop(0))
    assert mine.wait(refresh_every=0.01).status == "running"


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("paused", "does not wake by itself: call resume"),
        ("failed", "It failed. Its message: out of memory"),
        ("updateFailed", "It failed"),
    ],
)
def test_wait_for_a_failed_endpoint_names_what_to_do(
    internet: Internet, state: str, message: str
) -> None:
    internet.get(f"{PLANE}/lab/mine", Answer(json=raw(state, message="out of memory")))
    mine = hfwidgets.get_inference_endpoint("mine", namespace="lab")
    with pytest.raises(InferenceEndpointError, match=message):
        mine.wait()


def test_wait_has_its_limit(internet: Internet) -> None:
    mine = endpoint(internet, "initializing")
    with pytest.raises(InferenceEndpointTimeoutError, match=r"not ready after 0\.05 s") as caught:
        mine.wait(timeout=0.05, refresh_every=0.01)
    assert isinstance(caught.value, TimeoutError)
    with pytest.raises(ValueError, match="must be positive"):
        mine.wait(refresh_every=0)


def test_the_clients_of_an_endpoint(internet: Internet) -> None:
    labels = Answer(json=[{"label": "cat", "score": 0.9}])
    internet.post(HOST, labels)
    internet.post(f"{HOST}/", labels)
    mine = endpoint(internet, "running")
    assert mine.client.text_classification("x")[0].label == "cat"

    async def run() -> str:
        async with mine.async_client as client:
            return (await client.text_classification("x"))[0].label

    assert asyncio.run(run()) == "cat"
    assert internet.seen[-1].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("state", "message"), [("pending", "Call wait"), ("paused", "call resume")]
)
def test_no_client_without_a_url(internet: Internet, state: str, message: str) -> None:
    internet.get(f"{PLANE}/lab/mine", Answer(json=raw(state, url=None)))
    mine = hfwidgets.get_inference_endpoint("mine", namespace="lab")
    for name in ("client", "async_client"):
        with pytest.raises(InferenceEndpointError, match=message):
            getattr(mine, name)


def test_an_explicit_token_goes_to_the_hub_s_hosts_only(internet: Internet) -> None:
    """The URL comes in an answer, so its host is not one that the caller named."""
    internet.get(f"{PLANE}/lab/mine", Answer(json=raw(url="https://evil.example")))
    mine = hfwidgets.get_inference_endpoint("mine", namespace="lab", token=TOKEN)
    internet.post("evil.example/", Answer(json=[]))
    internet.post("evil.example", Answer(json=[]))
    internet.get("evil.example/health", Answer(json={}))
    mine.client.text_classification("x")
    mine.wait()
    evil = [seen for seen in internet.seen if "evil.example" in seen.path]
    assert len(evil) == 2
    assert all("authorization" not in seen.headers for seen in evil)


def test_no_secret_is_shown_or_pickled(internet: Internet) -> None:
    mine = hfwidgets.InferenceEndpoint.from_raw(raw(), "lab", TOKEN)
    assert TOKEN not in repr(mine)
    with pytest.raises(TypeError, match="token"):
        pickle.dumps(mine)


def test_the_async_form_is_the_same(internet: Internet) -> None:
    internet.get(f"{PLANE}/ada", Answer(json={"items": [raw("initializing")]}))
    internet.get(f"{PLANE}/ada/mine", played("initializing", "running"))
    internet.get(f"{HOST}/health", Answer(json={}))
    internet.post(f"{PLANE}/ada/mine/pause", Answer(json=raw("paused")))
    internet.loopback.route("DELETE", f"/{PLANE}/ada/mine", Answer(200))

    async def run() -> list[str]:
        plane = AsyncEndpoints()
        [mine] = await plane.list()
        states = [str(mine.status), str((await plane.wait(mine, refresh_every=0.01)).status)]
        states.append(str((await plane.pause(mine)).status))
        await plane.delete(mine)
        await plane.close()
        return states

    assert asyncio.run(run()) == ["initializing", "running", "paused"]
    assert internet.seen[-1].method == "DELETE"


def test_a_refused_call_names_the_cause(internet: Internet) -> None:
    internet.get(f"{PLANE}/lab", Answer(403, json={"error": "Forbidden"}))
    with pytest.raises(errors.PermissionDeniedError) as caught:
        Endpoints().list("lab")
    assert str(caught.value).startswith("api.endpoints.huggingface.cloud answered 403: Forbidden.")


def test_a_creation_is_not_repeated(internet: Internet) -> None:
    internet.post(f"{PLANE}/lab", Answer(503, json={"error": "busy"}))
    with pytest.raises(errors.ServerError):
        hfwidgets.create_inference_endpoint("mine", namespace="lab", **HARDWARE)
    assert len(internet.seen) == 1
