"""Fireworks AI; a schema stands beside `json_object`."""

from hfwidgets.providers._openai import openai_compatible

provider = openai_compatible(
    "https://api.fireworks.ai",
    "/inference/v1",
    response_format=lambda asked: {"type": "json_object", "schema": asked["schema"]},
)
