"""OVHcloud's AI endpoints."""

from hfwidgets.providers._openai import compatible

provider = compatible("https://oai.endpoints.kepler.ai.cloud.ovh.net")
