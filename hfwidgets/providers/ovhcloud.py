"""OVHcloud's AI endpoints."""

from hfwidgets.providers._openai import openai_compatible

provider = openai_compatible("https://oai.endpoints.kepler.ai.cloud.ovh.net")
