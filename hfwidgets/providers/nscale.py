"""Nscale: OpenAI's wire for chat and pictures."""

from typing import Any

from hfwidgets.core.flow import Flow, Infer, Send
from hfwidgets.providers import _openai
from hfwidgets.providers._answers import parse_json

provider = _openai.openai_compatible("https://inference.api.nscale.com")


@provider.serves("text-to-image")
def generate_image(ask: Infer) -> Flow[Any]:
    given = _openai.size_options(provider, ask, "num_inference_steps", "cfg_scale")
    body = {
        "response_format": "b64_json",
        "prompt": ask.inputs,
        "model": ask.served_as,
        **given,
    }
    return _openai.first_image(
        parse_json((yield Send("POST", "/v1/images/generations", json=body)))
    )
