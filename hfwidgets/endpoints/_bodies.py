"""The control plane's request bodies for creating and changing an endpoint."""

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from hfwidgets import errors


class EndpointOptions(TypedDict, total=False):
    """What can be set on an endpoint; None and what is left out keep the service's own choice.

    Attributes:
        min_replica, max_replica: how many copies run at least (0 scales to zero) and at most.
        scale_to_zero_timeout: minutes without a request until it sleeps.
        scaling_metric, scaling_threshold: what adds copies, and from which value.
        revision, task: more about the model.
        custom_image: the container: {"url": ..., "health_route": ..., "env": ...}, or one engine's
            own form, {"vllm": {...}}.
        container_command, container_args: what the container runs.
        env, secrets: variables of the container; secrets cannot be read again.
        domain, path: an address of one's own.
        cache_http_responses: whether equal requests are answered from a cache.
        tags: words to find it by.
    """

    min_replica: int | None
    max_replica: int | None
    scale_to_zero_timeout: int | None
    scaling_metric: Literal["pendingRequests", "hardwareUsage"] | None
    scaling_threshold: float | None
    revision: str | None
    task: str | None
    custom_image: Mapping[str, Any] | None
    container_command: list[str] | None
    container_args: list[str] | None
    env: Mapping[str, str] | None
    secrets: Mapping[str, str] | None
    domain: str | None
    path: str | None
    cache_http_responses: bool | None
    tags: list[str] | None


class EndpointChanges(EndpointOptions, total=False):
    """What can be changed on an endpoint.

    Attributes:
        accelerator: cpu, gpu or neuron.
        instance_size, instance_type: the hardware, as x1 and nvidia-a10g.
        repository, framework: the model.
    """

    accelerator: str | None
    instance_size: str | None
    instance_type: str | None
    repository: str | None
    framework: str | None


KNOWN_FIELDS = EndpointOptions.__annotations__ | EndpointChanges.__annotations__


def build_changes(**given: Any) -> dict[str, Any]:
    """The body for what is given, in the control plane's nesting; None is left out.

    Raises:
        UnknownParameterError: something else is given.
    """
    for name in given:
        if name not in KNOWN_FIELDS:
            raise errors.UnknownParameterError(
                f"An endpoint has no setting {name!r}.{errors.did_you_mean(name, KNOWN_FIELDS)}"
            )
    get = given.get
    metric = get("scaling_metric")
    scaling = _drop_none(
        minReplica=get("min_replica"),
        maxReplica=get("max_replica"),
        scaleToZeroTimeout=get("scale_to_zero_timeout"),
        measure={metric: get("scaling_threshold")} if metric else None,
    )
    compute = _drop_none(
        accelerator=get("accelerator"),
        instanceSize=get("instance_size"),
        instanceType=get("instance_type"),
        scaling=scaling or None,
    )
    return _drop_none(
        compute=compute or None,
        model=_build_model(given) or None,
        route=_drop_none(domain=get("domain"), path=get("path")) or None,
        cacheHttpResponses=get("cache_http_responses"),
        tags=get("tags"),
    )


def _build_model(given: Mapping[str, Any]) -> dict[str, Any]:
    get = given.get
    image = get("custom_image")
    if image is not None and "url" in image:
        image = {"custom": image}
    return _drop_none(
        repository=get("repository"),
        framework=get("framework"),
        revision=get("revision"),
        task=get("task"),
        image=image,
        command=get("container_command"),
        args=get("container_args"),
        env=get("env"),
        secrets=get("secrets"),
    )


def build_creation(name: str, type: str, vendor: str, region: str, **given: Any) -> dict[str, Any]:  # noqa: A002
    """The body that creates an endpoint."""
    body = build_changes(**{"min_replica": 1, "max_replica": 1, **given})
    body["model"].setdefault("image", {"huggingface": {}})
    provider = {"vendor": vendor, "region": region}
    return {"name": name, "type": str(type), "provider": provider, **body}


def _drop_none(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
