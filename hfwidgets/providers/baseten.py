"""Baseten's model APIs."""

from hfwidgets.providers._openai import openai_compatible

provider = openai_compatible("https://inference.baseten.co")
