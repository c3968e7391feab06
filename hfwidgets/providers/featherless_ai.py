"""Featherless AI, which hosts most open text models."""

from hfwidgets.providers._openai import openai_compatible

provider = openai_compatible("https://api.featherless.ai", "/v1", "text-generation")
