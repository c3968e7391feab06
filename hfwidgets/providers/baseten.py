"""Baseten's model APIs."""

from hfwidgets.providers._openai import compatible

provider = compatible("https://inference.baseten.co")
