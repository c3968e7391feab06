"""Build the control plane's request bodies for creating and changing an endpoint."""

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from hfwidgets import errors


class EndpointOptions(TypedDict, total=False):
    """The settings of an endpoint; what is None or left out keeps the service's default.

    Attributes:
        min_replica, max_replica: The least (0 scales to zero) and largest number of replicas.
        scale_to_zero_timeout: Minutes without a request before it scales to zero.
        scaling_metric, scaling_threshold: What adds replicas, and from which value.
        revision, task: More about the model.
        custom_image: The container: {"url": ..., "health_route": ..., "env": ...}, or the form of
            one engine, {"vllm": {...}}.
        container_command, container_args: What the container runs.
        env, secrets: Variables of the container; secrets cannot be read again.
        domain, path: A custom address.
        cache_http_responses: Whether equal requests are answered from a cache.
        tags: Labels to find it by.
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
    """The settings that can be changed on an endpoint.

    Attributes:
        accelerator: `cpu`, `gpu` or `neuron`.
        instance_size, instance_type: The hardware, such as `x1` and `nvidia-a10g`.
        repository, framework: The model.
    """

    accelerator: str | None
    instance_size: str | None
    instance_type: str | None
    repository: str | None
    framework: str | None


KNOWN_FIELDS = EndpointOptions.__annotations__ | EndpointChanges.__annotations__


def build_changes(**settings: Any) -> dict[str, Any]:
    """Return the body for settings, nested as the control plane nests them; None is left out.

    Raises:
        UnknownParameterError: A setting is unknown.
    """
    for name in settings:
        if name not in KNOWN_FIELDS:
            raise errors.UnknownParameterError(
                f"An endpoint has no setting {name!r}.{errors.did_you_mean(name, KNOWN_FIELDS)}"
            )
    get = settings.get
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
        model=_build_model(settings) or None,
        route=_drop_none(domain=get("domain"), path=get("path")) or None,
        cacheHttpResponses=get("cache_http_responses"),
        tags=get("tags"),
    )


def _build_model(settings: Mapping[str, Any]) -> dict[str, Any]:
    get = settings.get
    image = get("custom_image")
    # A custom image by its URL; the other forms name their engine as the only key.
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


def build_creation(
    name: str,
    type: str,  # noqa: A002 - the field's name
    vendor: str,
    region: str,
    **settings: Any,
) -> dict[str, Any]:
    """Return the body that creates an endpoint."""
    body = build_changes(**{"min_replica": 1, "max_replica": 1, **settings})
    body["model"].setdefault("image", {"huggingface": {}})
    provider = {"vendor": vendor, "region": region}
    return {"name": name, "type": str(type), "provider": provider, **body}


def _drop_none(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
