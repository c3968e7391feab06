"""Groq's inference."""

from hfwidgets.providers._openai import compatible

provider = compatible("https://api.groq.com", "/openai/v1")
