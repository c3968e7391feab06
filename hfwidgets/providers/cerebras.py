"""Cerebras's wafer-scale inference."""

from hfwidgets.providers._openai import compatible

provider = compatible("https://api.cerebras.ai")
