"""The same calls by huggingface_hub and by hfwidgets: what goes over the wire must agree.

Method, path, query, the headers that matter and the body are compared for every provider and task
that the peer has, with generated parameters; what differs on purpose is in `differences.py`.
"""

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hfwidgets import providers
from hfwidgets.tasks import TASKS as OURS
from tests.providers import inputs
from tests.providers.differences import DIFFERENCES
from tests.providers.peer import Pair, Sent, pair

__all__ = ["pair"]

NOT_AT_THE_PEER = {
    "auto": "is tested in test_choice.py: it has no mapping",
    "endpoint": "is compared by URL below",
    "local": "is the embedded engine",
    "sambanova": "was dropped by the peer",
}

AT_THE_PEER_ONLY = {"openai": {"chat-completion"}}
"""Providers of which the peer has fewer tasks."""

SERVED = [
    (name, task)
    for name in providers.names()
    if name not in NOT_AT_THE_PEER
    for task in sorted(inputs.TASKS)
    if providers.get(name).serves_task(task) and task in AT_THE_PEER_ONLY.get(name, inputs.TASKS)
]

seen: Counter[str] = Counter()
"""How often each difference showed."""

ran: set[tuple[str, str]] = set()


def changed(theirs: Sent) -> Sent:
    """The peer's request with the differences that are on purpose."""
    for difference in DIFFERENCES:
        if difference.holds(theirs.provider, theirs.task):
            before = repr(theirs)
            difference.apply(theirs)
            seen[difference.reason] += repr(theirs) != before
    return theirs


def unlike(ours: Sent, theirs: Sent) -> dict[str, Any]:
    """What is not the same, by name: (ours, theirs)."""
    found = {name: (getattr(ours, name), getattr(theirs, name)) for name in ("method", "target")}
    found |= pairs("header ", ours.headers, theirs.headers)
    if isinstance(ours.body, dict) and isinstance(theirs.body, dict):
        found |= pairs("body ", ours.body, theirs.body)
    else:
        found["body"] = (ours.body, theirs.body)
    return {name: pair for name, pair in found.items() if pair[0] != pair[1]}


def pairs(prefix: str, ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    return {prefix + n: (ours.get(n, "-"), theirs.get(n, "-")) for n in {**ours, **theirs}}


def compared(pair: Pair, provider: str, task: str, args: Any, kwargs: Any, **more: Any) -> None:
    settings = {
        "model": f"org/{provider}-{task}",
        "provider": provider,
        "token": "hf_0123456789",
        **more,
    }
    method = OURS[task].method
    theirs = pair.theirs(settings, method, *args, **kwargs)
    theirs.provider, theirs.task = provider, task
    ours = pair.ours(settings, method, *args, **kwargs)
    ours.provider, ours.task = provider, task
    assert not unlike(ours, changed(theirs))
    ran.add((provider, task))
    if task == "chat-completion":
        assert ours.order[0] == "model"


def mapped(pair: Pair, provider: str, task: str, **entry: Any) -> None:
    hub_task = OURS[task].hub_name
    pipeline = "text-generation" if hub_task == "conversational" else hub_task
    about = {"status": "live", "providerId": "its/name", "task": hub_task, **entry}
    pair.serve(f"org/{provider}-{task}", {provider: about}, pipeline)


@pytest.mark.parametrize(("provider", "task"), SERVED)
def test_the_requests_agree(pair: Pair, provider: str, task: str) -> None:
    mapped(pair, provider, task)
    args, kwargs = inputs.TASKS[task]
    direct = provider == "openai"
    routed = st.just(False) if direct else st.booleans()

    @settings(
        max_examples=25,
        suppress_health_check=list(HealthCheck),
    )
    @given(args=args, kwargs=kwargs, routed=routed)
    def agree(args: Any, kwargs: Any, routed: bool) -> None:
        token = "hf_0123456789" if routed else "a-key-of-its-own"
        compared(pair, provider, task, args, kwargs, token=token)

    agree()


LORA = {"adapter": "lora", "adapterWeightsPath": "weights/w.safetensors"}

ENTRIES = [
    ("fal-ai", "text-to-image", {**LORA}),
    ("fal-ai", "text-to-image", {**LORA, "providerId": "fal-ai/lora"}),
    ("fal-ai", "image-to-image", {**LORA}),
    ("fal-ai", "text-to-video", {**LORA}),
    ("fal-ai", "image-to-video", {**LORA}),
    ("replicate", "text-to-image", {**LORA, "providerId": "owner/name:1234abcd"}),
    ("replicate", "text-to-video", {"providerId": "owner/name:1234abcd"}),
    ("replicate", "text-to-speech", {"providerId": "owner/name:1234abcd"}),
    ("together", "image-to-image", {"providerId": "black-forest-labs/FLUX.1-kontext-max"}),
    ("wavespeed", "text-to-video", {**LORA}),
]


@pytest.mark.parametrize(
    ("number", "provider", "task", "entry"), [(i, *e) for i, e in enumerate(ENTRIES)]
)
def test_adapters_and_versions_agree(
    pair: Pair, number: int, provider: str, task: str, entry: dict[str, Any]
) -> None:
    hub_task = OURS[task].hub_name
    model = f"org/entry-{number}"
    pair.serve(
        model,
        {provider: {"status": "live", "providerId": "a/b", "task": hub_task, **entry}},
        hub_task,
    )
    args = (inputs.PNG,) if task.startswith("image") else ("a cat",)
    compared(pair, provider, task, args, {}, model=model)


def test_who_pays_agrees(pair: Pair) -> None:
    mapped(pair, "together", "chat-completion")
    messages = [{"role": "user", "content": "Hello"}]
    compared(pair, "together", "chat-completion", (messages,), {}, bill_to="my-org")


def test_the_router_is_called_the_same(pair: Pair) -> None:
    messages = [{"role": "user", "content": "Hello"}]
    for model in ("org/model", "org/model:together", "org/model:cheapest"):
        for provider in (None, "auto"):
            asked = {"model": model, "provider": provider, "token": "hf_0123456789"}
            theirs = pair.theirs(asked, "chat_completion", messages, max_tokens=3)
            assert not unlike(pair.ours(asked, "chat_completion", messages, max_tokens=3), theirs)


@pytest.mark.parametrize(
    "path", ["", "/", "/v1", "/v1/", "/v1/chat/completions", "/x?y=1", "/v1?y=1"]
)
def test_chat_at_a_url_agrees(pair: Pair, path: str) -> None:
    url = f"https://server.example{path}"
    settings = {"base_url": url, "api_key": "secret"}
    messages = [{"role": "user", "content": "Hello"}]
    theirs = pair.theirs(settings, "chat_completion", messages, model="named", max_tokens=4)
    ours = pair.ours(settings, "chat_completion", messages, model="named", max_tokens=4)
    assert not unlike(ours, theirs)


@pytest.mark.parametrize("task", ["text-classification", "feature-extraction", "text-generation"])
def test_other_tasks_at_a_url_agree(pair: Pair, task: str) -> None:
    settings = {"model": "https://server.example/here?x=1", "token": "secret"}
    method = OURS[task].method
    theirs, ours = pair.theirs(settings, method, "Hi"), pair.ours(settings, method, "Hi")
    assert not unlike(ours, theirs)


def test_each_difference_shows() -> None:
    if ran < set(SERVED):
        pytest.skip("only when all pairs were compared")
    assert [d.reason for d in DIFFERENCES if not seen[d.reason]] == []
