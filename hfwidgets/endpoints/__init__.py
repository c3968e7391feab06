"""List, create, change, pause, resume and call Inference Endpoints.

    endpoint = hfwidgets.get_inference_endpoint("mine").resume().wait()
    endpoint.client.text_generation("Once upon a time")

Async code has `AsyncEndpoints` with the same methods as `Endpoints`.
"""

from hfwidgets.endpoints._bodies import EndpointChanges, EndpointOptions
from hfwidgets.endpoints._endpoint import (
    InferenceEndpoint,
    InferenceEndpointStatus,
    InferenceEndpointType,
)
from hfwidgets.endpoints._functions import (
    create_inference_endpoint,
    delete_inference_endpoint,
    get_inference_endpoint,
    list_inference_endpoints,
    pause_inference_endpoint,
    resume_inference_endpoint,
    scale_to_zero_inference_endpoint,
    update_inference_endpoint,
)
from hfwidgets.endpoints._plane import AsyncEndpoints, Endpoints

__all__ = [
    "AsyncEndpoints",
    "EndpointChanges",
    "EndpointOptions",
    "Endpoints",
    "InferenceEndpoint",
    "InferenceEndpointStatus",
    "InferenceEndpointType",
    "create_inference_endpoint",
    "delete_inference_endpoint",
    "get_inference_endpoint",
    "list_inference_endpoints",
    "pause_inference_endpoint",
    "resume_inference_endpoint",
    "scale_to_zero_inference_endpoint",
    "update_inference_endpoint",
]
