"""Cerebras's wafer-scale inference."""

from hfwidgets.providers._openai import openai_compatible

provider = openai_compatible("https://api.cerebras.ai")
