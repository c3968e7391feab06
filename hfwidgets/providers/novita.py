"""Novita AI: OpenAI's wire for text, a route of its own for videos."""

from typing import Any

from hfwidgets.core.flow import Flow, Infer, Send
from hfwidgets.providers._answers import fetch_file, get_value, parse_json
from hfwidgets.providers._openai import openai_compatible

provider = openai_compatible("https://api.novita.ai", "/v3/openai", "text-generation")


@provider.serves("text-to-video")
def generate_video(request: Infer) -> Flow[Any]:
    body = {"prompt": request.inputs, **request.parameters}
    raw = parse_json((yield Send("POST", f"/v3/hf/{request.served_as}", json=body)))
    return (yield from fetch_file(request, get_value(raw, "video", "video_url")))
