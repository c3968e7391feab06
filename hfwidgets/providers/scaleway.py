"""Scaleway's generative APIs."""

from hfwidgets.providers._openai import openai_compatible

provider = openai_compatible("https://api.scaleway.ai", "/v1", "feature-extraction")
