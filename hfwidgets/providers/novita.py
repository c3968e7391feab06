"""Novita AI: OpenAI's wire for text, a route of its own for films."""

from typing import Any

from hfwidgets.core.flow import Flow, Infer, Send
from hfwidgets.providers._answers import at, fetched
from hfwidgets.providers._hub import parsed
from hfwidgets.providers._openai import compatible

provider = compatible("https://api.novita.ai", "/v3/openai", "text-generation")


@provider.serves("text-to-video")
def film(ask: Infer) -> Flow[Any]:
    body = {"prompt": ask.inputs, **ask.given}
    raw = parsed((yield Send("POST", f"/v3/hf/{ask.served_as}", json=body)))
    return (yield from fetched(ask, at(raw, "video", "video_url")))
