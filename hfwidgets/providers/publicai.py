"""Public AI's inference utility."""

from hfwidgets.providers._openai import openai_compatible

provider = openai_compatible("https://api.publicai.co")
