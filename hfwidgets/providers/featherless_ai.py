"""Featherless AI, which hosts most open text models."""

from hfwidgets.providers._openai import compatible

provider = compatible("https://api.featherless.ai", "/v1", "text-generation")
