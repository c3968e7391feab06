"""Scaleway's generative APIs."""

from hfwidgets.providers._openai import compatible

provider = compatible("https://api.scaleway.ai", "/v1", "feature-extraction")
