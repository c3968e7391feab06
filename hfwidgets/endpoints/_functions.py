"""Functions for Inference Endpoints with the names of huggingface_hub: methods of `Endpoints`."""

from typing import Unpack

from hfwidgets.endpoints._bodies import EndpointChanges, EndpointOptions
from hfwidgets.endpoints._endpoint import InferenceEndpoint, InferenceEndpointType
from hfwidgets.endpoints._plane import Endpoints


def list_inference_endpoints(
    namespace: str | None = None, *, token: str | None = None
) -> list[InferenceEndpoint]:
    """Return the endpoints of a namespace; "*" stands for all that the token may list."""
    return Endpoints(token).list(namespace)


def get_inference_endpoint(
    name: str, *, namespace: str | None = None, token: str | None = None
) -> InferenceEndpoint:
    """Return an endpoint by its name."""
    return Endpoints(token).get(name, namespace=namespace)


def create_inference_endpoint(
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
    token: str | None = None,
    **options: Unpack[EndpointOptions],
) -> InferenceEndpoint:
    """Create an endpoint, which costs money once it runs; see `Endpoints.create` for the rest."""
    return Endpoints(token).create(
        name,
        repository=repository,
        framework=framework,
        accelerator=accelerator,
        instance_size=instance_size,
        instance_type=instance_type,
        region=region,
        vendor=vendor,
        type=type,
        namespace=namespace,
        **options,
    )


def update_inference_endpoint(
    name: str,
    *,
    namespace: str | None = None,
    token: str | None = None,
    **changes: Unpack[EndpointChanges],
) -> InferenceEndpoint:
    """Change an endpoint; settings that are not passed stay."""
    return Endpoints(token).update(name, namespace=namespace, **changes)


def delete_inference_endpoint(
    name: str, *, namespace: str | None = None, token: str | None = None
) -> None:
    """Delete an endpoint."""
    Endpoints(token).delete(name, namespace=namespace)


def pause_inference_endpoint(
    name: str, *, namespace: str | None = None, token: str | None = None
) -> InferenceEndpoint:
    """Stop an endpoint, and its cost, until it is resumed; requests do not wake it."""
    return Endpoints(token).pause(name, namespace=namespace)


def resume_inference_endpoint(
    name: str, *, namespace: str | None = None, running_ok: bool = True, token: str | None = None
) -> InferenceEndpoint:
    """Start an endpoint after a pause."""
    return Endpoints(token).resume(name, namespace=namespace, running_ok=running_ok)


def scale_to_zero_inference_endpoint(
    name: str, *, namespace: str | None = None, token: str | None = None
) -> InferenceEndpoint:
    """Stop an endpoint, and its cost, until the next request wakes it."""
    return Endpoints(token).scale_to_zero(name, namespace=namespace)
