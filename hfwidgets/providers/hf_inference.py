"""The Hub's own serverless inference."""

from collections.abc import Mapping
from typing import Any

from hfwidgets.core.auth import Token
from hfwidgets.core.flow import Flow, Infer
from hfwidgets.providers import _hub, _openai, _tgi
from hfwidgets.providers._provider import ROUTER, Address, Hosts, Provider, bearer


class HfInference(Provider):
    """Below the router with and without a token; `HF_INFERENCE_ENDPOINT` names another base."""

    def connect(self, token: Token | None, hosts: Hosts, task: str = "") -> Flow[Address]:
        """The address of hf-inference."""
        yield from ()
        own = hosts.of(self.name, f"{hosts.router}/{self.name}", "HF_INFERENCE_ENDPOINT")
        shown = bearer(token.value) if token else {}
        return Address(own, shown, routed=token is not None and token.routed)


provider = HfInference(f"{ROUTER}/hf-inference", anonymous=True, mapped=False)

EMBEDDING = ("feature-extraction", "sentence-similarity")


@provider.serves(*(name for name in _hub.TEXT if name not in EMBEDDING), *_hub.TABLES)
def task(ask: Infer) -> Flow[Any]:
    return _hub.post(ask, f"/models/{ask.served_as}")


@provider.serves(*_hub.MEDIA)
def files(ask: Infer) -> Flow[Any]:
    return _hub.files(ask, f"/models/{ask.served_as}")


@provider.serves(*EMBEDDING)
def pipeline(ask: Infer) -> Flow[Any]:
    return _hub.post(ask, f"/models/{ask.served_as}/pipeline/{ask.task}")


@provider.serves("text-generation")
def generate(ask: Infer) -> Flow[Any]:
    return _tgi.generate(ask, f"/models/{ask.served_as}")


@provider.serves("chat-completion")
def chat(ask: Infer) -> Flow[Any]:
    return _openai.chat(ask, f"/models/{ask.served_as}/v1/chat/completions", _schema)


def _schema(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "json_object", "value": asked["schema"]}
