"""The Hub's own serverless inference."""

from typing import Any

from hfwidgets.flow import Flow, Infer
from hfwidgets.providers import _hub, _openai
from hfwidgets.providers._provider import Provider

provider = Provider("https://router.huggingface.co/hf-inference", anonymous=True, mapped=False)

EMBEDDING = ("feature-extraction", "sentence-similarity")


@provider.serves(*(name for name in _hub.TEXT if name not in EMBEDDING))
def task(ask: Infer) -> Flow[Any]:
    return _hub.post(ask, f"/models/{ask.served_as}")


@provider.serves(*EMBEDDING)
def pipeline(ask: Infer) -> Flow[Any]:
    return _hub.post(ask, f"/models/{ask.served_as}/pipeline/{ask.task}")


@provider.serves("text-generation")
def generate(ask: Infer) -> Flow[Any]:
    return _hub.generate(ask, f"/models/{ask.served_as}")


@provider.serves("chat-completion")
def chat(ask: Infer) -> Flow[Any]:
    schema = _openai.schema_of(ask)
    changes = {"response_format": {"type": "json_object", "value": schema}} if schema else {}
    body = _openai.chat_body(ask, **changes)
    return _openai.chat(ask, f"/models/{ask.served_as}/v1/chat/completions", body)
