"""Fireworks AI; a schema goes next to `json_object`."""

from hfwidgets.providers._openai import openai_compatible

provider = openai_compatible(
    "https://api.fireworks.ai",
    "/inference/v1",
    response_format=lambda schema: {"type": "json_object", "schema": schema["schema"]},
)
