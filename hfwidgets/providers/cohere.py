"""Cohere, by its compatibility routes; a schema goes next to `json_object`."""

from hfwidgets.providers._openai import openai_compatible

provider = openai_compatible(
    "https://api.cohere.com",
    "/compatibility/v1",
    response_format=lambda schema: {"type": "json_object", "schema": schema["schema"]},
)
