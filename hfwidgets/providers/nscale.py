"""Nscale: OpenAI's wire for chat and pictures."""

from typing import Any

from hfwidgets.core.flow import Flow, Infer, Send
from hfwidgets.providers import _openai
from hfwidgets.providers._hub import parsed

provider = _openai.compatible("https://inference.api.nscale.com")


@provider.serves("text-to-image")
def picture(ask: Infer) -> Flow[Any]:
    given = _openai.size(provider, ask, "num_inference_steps", "cfg_scale")
    body = {
        "response_format": "b64_json",
        "prompt": ask.inputs,
        "model": ask.served_as,
        **given,
    }
    return _openai.picture(parsed((yield Send("POST", "/v1/images/generations", json=body))))
