"""The names that a model's page gives to LABEL_0, LABEL_1, ..."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from hfwidgets import errors
from hfwidgets.calls.model_info import auth_headers, find_hub_token
from hfwidgets.calls.settings import Settings
from hfwidgets.core.flow import Flow, Send

if TYPE_CHECKING:
    from hfwidgets.evaluation.answers import Answerer

TIMEOUT = 10.0
"""How long the Hub's answer is waited for, in seconds."""


def fetch_id2label(answerer: "Answerer") -> Mapping[str, str]:
    """Return {"LABEL_0": name, ...} by the model's config; empty where the Hub has none."""
    client, model = answerer.client, answerer.candidate.model
    if client is None or not isinstance(model, str) or "/" not in model or "://" in model:
        return {}
    try:
        config = client._run(None, _read_config(model.partition(":")[0], client._settings))
    # The names only help the match, so a Hub that fails must not end the evaluation.
    except errors.HfWidgetsError:
        return {}
    names = config.get("id2label") if isinstance(config, Mapping) else None
    return {f"LABEL_{key}": str(name) for key, name in (names or {}).items()}


def _read_config(model: str, settings: Settings) -> Flow[Any]:
    token = yield from find_hub_token(settings, settings.hosts.hub)
    url = f"{settings.hosts.hub}/{quote(model, safe='/')}/resolve/main/config.json"
    reply = yield Send("GET", url, headers=auth_headers(token), max_wait=TIMEOUT, tries=0)
    return reply.json()
