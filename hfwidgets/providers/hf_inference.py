"""The Hub's own serverless inference."""

from collections.abc import Mapping
from typing import Any

from hfwidgets.core.auth import Token
from hfwidgets.core.flow import Flow, Infer
from hfwidgets.providers import _hub, _openai, _tgi
from hfwidgets.providers._provider import ROUTER, Address, Hosts, Provider, bearer_headers


class HfInferenceProvider(Provider):
    """Below the router with and without a token; `HF_INFERENCE_ENDPOINT` names another base."""

    uses_recommended_models = True

    def connect(self, token: Token | None, hosts: Hosts, task: str = "") -> Flow[Address]:
        """The address of hf-inference."""
        yield from ()
        own = hosts.address_of(self.name, f"{hosts.router}/{self.name}", "HF_INFERENCE_ENDPOINT")
        shown = bearer_headers(token.value) if token else {}
        return Address(own, shown, routed=token is not None and token.is_hub_token)


provider = HfInferenceProvider(f"{ROUTER}/hf-inference", anonymous=True, mapped=False)

EMBEDDING_TASKS = ("feature-extraction", "sentence-similarity")


@provider.serves(
    *(name for name in _hub.TEXT_TASKS if name not in EMBEDDING_TASKS), *_hub.TABULAR_TASKS
)
def run_task(ask: Infer) -> Flow[Any]:
    return _hub.post_json(ask, f"/models/{ask.served_as}")


@provider.serves(*_hub.MEDIA_TASKS)
def run_media_task(ask: Infer) -> Flow[Any]:
    return _hub.post_media(ask, f"/models/{ask.served_as}")


@provider.serves(*EMBEDDING_TASKS)
def run_pipeline(ask: Infer) -> Flow[Any]:
    return _hub.post_json(ask, f"/models/{ask.served_as}/pipeline/{ask.task}")


@provider.serves("text-generation")
def generate_text(ask: Infer) -> Flow[Any]:
    return _tgi.generate_text(ask, f"/models/{ask.served_as}")


@provider.serves("chat-completion")
def chat(ask: Infer) -> Flow[Any]:
    return _openai.post_chat(ask, f"/models/{ask.served_as}/v1/chat/completions", _rewrite_schema)


def _rewrite_schema(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "json_object", "value": asked["schema"]}
