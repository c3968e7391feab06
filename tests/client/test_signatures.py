"""Compare the methods' names, order and defaults with those of huggingface_hub's client."""

import inspect
from typing import Any

import huggingface_hub
import pytest

from hfwidgets import AsyncInferenceClient, InferenceClient
from hfwidgets.tasks import TASKS

Shape = list[tuple[str, Any, Any]]

DEFERRED = "checked by the method itself, since the older name `labels` may stand in for it"
DIFFERENCES: dict[tuple[str, str], str] = {
    ("chat_completion", "extra"): "OpenAI's newer parameters pass as keywords, as in its client",
    ("text_generation", "extra_body"): "servers know more parameters than the signature",
    ("text_generation", "stop_sequences"): "older name of stop, still taken with a warning",
    ("summarization", "parameters"): "older way to give parameters, still taken with a warning",
    ("text_to_image", "target_size"): "older name of width and height, still taken with a warning",
    ("zero_shot_classification", "labels"): "older name, still taken with a warning",
    ("zero_shot_classification", "candidate_labels"): DEFERRED,
    ("zero_shot_image_classification", "labels"): "older name, still taken with a warning",
    ("zero_shot_image_classification", "candidate_labels"): DEFERRED,
    ("automatic_speech_recognition", "return_timestamps"): "asked for most, so it has a name",
    ("automatic_speech_recognition", "generation_parameters"): "asked for most, so it has a name",
    ("__init__", "max_retries"): "the peer has no retries",
    ("__init__", "hosts"): "every service can be played or replaced",
    ("__init__", "mapping"): "the Hub's mapping by hand, for work without the Hub",
    ("__init__", "recordings"): "answers are recorded and replayed",
    ("__init__", "http_client"): "proxies, certificates and transports of one client",
}
"""Where a signature differs on purpose, and why: (method, parameter) -> reason."""

NEW = {"zero_shot_object_detection": "the Hub has the task, the peer has no method for it"}
"""Tasks that the peer has no method for."""


def shape(function: Any, method: bool = True) -> Shape:
    """Return the parameters' names, kinds and defaults, in order; without self."""
    found = [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]
    return found[1:] if method else found


def differing(name: str, theirs: Shape, ours: Shape) -> set[tuple[str, str]]:
    """Return what differs between two signatures; the order of shared names is compared."""
    mine, peer = {n: rest for n, *rest in ours}, {n: rest for n, *rest in theirs}
    both = [n for n in peer if n in mine]
    assert both == [n for n in mine if n in peer], f"{name}: another order"
    changed = {n for n in both if mine[n] != peer[n]}
    return {(name, n) for n in changed | (set(mine) ^ set(peer))}


METHODS = [task.method for task in TASKS.values() if task.method not in NEW]


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_the_peer_s(name: str) -> None:
    theirs = shape(getattr(huggingface_hub.InferenceClient, name))
    ours = shape(getattr(InferenceClient(), name), method=False)
    expected = {key for key in DIFFERENCES if key[0] == name}
    assert differing(name, theirs, ours) == expected


def test_the_constructor_is_the_peer_s() -> None:
    expected = {key for key in DIFFERENCES if key[0] == "__init__"}
    for peer, own in (
        (huggingface_hub.InferenceClient, InferenceClient),
        (huggingface_hub.AsyncInferenceClient, AsyncInferenceClient),
    ):
        assert differing("__init__", shape(peer.__init__), shape(own.__init__)) == expected


def test_no_method_of_the_peer_is_missing() -> None:
    for peer, own in (
        (huggingface_hub.InferenceClient, InferenceClient),
        (huggingface_hub.AsyncInferenceClient, AsyncInferenceClient),
    ):
        names = {name for name in vars(peer) if not name.startswith("_")}
        assert names <= set(dir(own)), names - set(dir(own))
    assert set(NEW) == {task.method for task in TASKS.values()} - set(
        vars(huggingface_hub.InferenceClient)
    )


def test_what_was_removed_elsewhere_is_still_here() -> None:
    """post and the two looks at an endpoint, as the guide has them."""
    for own in (InferenceClient, AsyncInferenceClient):
        assert {"post", "health_check", "get_endpoint_info"} <= set(dir(own))


@pytest.mark.parametrize("name", [*METHODS, *NEW, "post", "health_check", "get_endpoint_info"])
def test_both_clients_have_the_same_signature(name: str) -> None:
    blocking, awaited = getattr(InferenceClient(), name), getattr(AsyncInferenceClient(), name)
    assert inspect.signature(blocking).parameters == inspect.signature(awaited).parameters
    assert blocking.__doc__ == awaited.__doc__
    assert blocking.__name__ == awaited.__name__ == name


def test_every_difference_has_a_reason_and_is_real() -> None:
    assert all(DIFFERENCES.values())
    assert {name for name, _ in DIFFERENCES} <= {*METHODS, "__init__"}
