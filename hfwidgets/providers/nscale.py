"""Nscale: OpenAI's wire for chat and images."""

from typing import Any

from hfwidgets.core.flow import Flow, Infer, Send
from hfwidgets.providers import _openai
from hfwidgets.providers._answers import parse_json

provider = _openai.openai_compatible("https://inference.api.nscale.com")


@provider.serves("text-to-image")
def generate_image(request: Infer) -> Flow[Any]:
    options = _openai.size_options(provider, request, "num_inference_steps", "cfg_scale")
    body = {
        "response_format": "b64_json",
        "prompt": request.inputs,
        "model": request.served_as,
        **options,
    }
    return _openai.first_image(
        parse_json((yield Send("POST", "/v1/images/generations", json=body)))
    )
