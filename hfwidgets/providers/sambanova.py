"""SambaNova: it accepts its own keys only, since the Hub's router dropped it.

Its names are the Hub's without the organization, and Meta's begin with `Meta-`. It refuses strict
schemas.
"""

from hfwidgets.providers._openai import openai_compatible


def to_sambanova_name(model: str) -> str:
    """Return SambaNova's name for a model of the Hub; its own names stay as they are."""
    organisation, _, name = model.rpartition("/")
    return f"Meta-{name}" if organisation == "meta-llama" and name.startswith("Llama-3") else name


provider = openai_compatible(
    "https://api.sambanova.ai",
    "/v1",
    "feature-extraction",
    response_format=lambda schema: {
        "type": "json_schema",
        "json_schema": {**schema, "strict": False},
    },
    routable=False,
    mapped=False,
    naming=to_sambanova_name,
)
