"""OpenAI itself: it accepts its own keys only, and its models keep their own names."""

from hfwidgets.providers._openai import openai_compatible

provider = openai_compatible("https://api.openai.com", "/v1", routable=False, mapped=False)
