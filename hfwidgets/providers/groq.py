"""Groq's inference."""

from hfwidgets.providers._openai import openai_compatible

provider = openai_compatible("https://api.groq.com", "/openai/v1")
