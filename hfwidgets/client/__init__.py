"""The two clients, which have each task as a method.

    clients        InferenceClient and AsyncInferenceClient
    arguments      a client's arguments, checked when it is made
    raw_requests   requests besides the tasks: post, health, endpoint information
    model_catalogue the models that are served
    hf_map         `hfwidgets.map`
    inference_api  InferenceApi, the old client

How a call is made is in `hfwidgets.calls`.
"""

from hfwidgets.client.clients import AsyncInferenceClient, InferenceClient

__all__ = ["AsyncInferenceClient", "InferenceClient"]
