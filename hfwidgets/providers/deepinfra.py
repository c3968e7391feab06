"""DeepInfra: OpenAI's wire for text, embeddings and audio."""

from hfwidgets.providers._openai import openai_compatible

provider = openai_compatible(
    "https://api.deepinfra.com",
    "/v1/openai",
    "text-generation",
    "feature-extraction",
    "text-to-speech",
    "automatic-speech-recognition",
)
