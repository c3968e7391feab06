"""Look models up on the Hub: who serves them, under what name, and which it recommends.

    GET {hub}/api/models/{id}?expand=inferenceProviderMapping&expand=pipeline_tag&expand=tags
    GET {hub}/api/tasks

A client keeps answers by model and token for ten minutes, failed look-ups for one minute.
Only a Hub token that may go to this Hub is sent along.
"""

import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from hfwidgets import errors
from hfwidgets.calls.offers import HubModelInfo, parse_offers
from hfwidgets.calls.settings import Settings
from hfwidgets.core import auth
from hfwidgets.core.flow import Flow, Reply, Send
from hfwidgets.providers import bearer_headers

CACHE_SECONDS = 600.0
"""How long an answer is kept, in seconds."""

LOOKUP_TIMEOUT = 10.0
"""The longest wait for an answer, in seconds: a call that works without it must not hang."""

FAILURE_CACHE_SECONDS = 60.0
"""How long an optional look-up is skipped after a failure, in seconds."""

REFUSED_STATUSES = frozenset({401, 403, 404})

EXPAND_FIELDS = ("inferenceProviderMapping", "pipeline_tag", "tags")

LOOKUP_ERRORS = (
    errors.ConnectError,
    errors.InferenceTimeoutError,
    errors.HfHubHTTPError,
    errors.OfflineModeIsEnabled,
)
"""The errors of a failed look-up."""


def fetch_model_info(model: str, settings: Settings) -> Flow[HubModelInfo]:
    """Return the Hub's entry of a model.

    Raises:
        ConnectError, InferenceTimeoutError, HfHubHTTPError: the Hub did not answer, or does not
            have the model.
    """
    if model in settings.mapping:
        return HubModelInfo(settings.mapping[model], is_manual=True)
    token = yield from find_hub_token(settings, settings.hosts.hub)
    key = (model, token.secret if token else "")
    known = settings.known_models.get(key)
    # Answers depend on the token: a private model exists for its owner only.
    if known is not None and known[0] > time.monotonic():
        return known[1]
    query = "&".join(f"expand={name}" for name in EXPAND_FIELDS)
    url = f"{settings.hosts.hub}/api/models/{quote(model, safe='/')}?{query}"
    reply = yield Send("GET", url, headers=auth_headers(token), max_wait=LOOKUP_TIMEOUT, tries=0)
    body = _parse_object(reply)
    found = HubModelInfo(
        parse_offers(body.get("inferenceProviderMapping")),
        body.get("pipeline_tag"),
        frozenset(map(str, body.get("tags") or ())),
    )
    settings.known_models[key] = (time.monotonic() + CACHE_SECONDS, found)
    return found


def try_model_info(model: str, settings: Settings) -> Flow[HubModelInfo | None]:
    """Return the Hub's entry of a model; None if the Hub fails, which is remembered for a minute.

    Raises:
        HfHubHTTPError: the Hub does not have the model, or does not show it.
    """
    # It shares the answers' table: Hub tokens begin with hf_, so none equals this word. A Hub that
    # fails, fails with every token.
    key = (model, "unanswered")
    silent = settings.known_models.get(key)
    if silent is not None and silent[0] > time.monotonic():
        return None
    try:
        return (yield from fetch_model_info(model, settings))
    except LOOKUP_ERRORS as error:
        # The Hub answered: the model is missing or hidden, which asking again would not change.
        if getattr(error, "status_code", None) in REFUSED_STATUSES:
            raise
    settings.known_models[key] = (time.monotonic() + FAILURE_CACHE_SECONDS, HubModelInfo())
    return None


def known_recommended_model(tasks: Iterable[str], settings: Settings) -> str | None:
    """Return the recommended model if an earlier call has looked it up; nothing is sent."""
    known = settings.recommended_models or {}
    return next((known[task][0] for task in tasks if known.get(task)), None)


def find_recommended_model(tasks: Iterable[str], settings: Settings) -> Flow[str]:
    """Return the model that the Hub recommends for the first of these tasks that it knows."""
    if settings.recommended_models is None:
        token = yield from find_hub_token(settings, settings.hosts.hub)
        reply = yield Send("GET", f"{settings.hosts.hub}/api/tasks", headers=auth_headers(token))
        listed = _parse_object(reply).items()
        settings.recommended_models = {
            name: entry.get("widgetModels") or [] for name, entry in listed
        }
    tasks = list(tasks)
    if (model := known_recommended_model(tasks, settings)) is not None:
        return model
    raise errors.ConfigurationError(
        f"The Hub does not recommend a model for {tasks[0]}.",
        advice="Pass model= with a model's id or a URL, or use provider='local'.",
    )


def find_hub_token(settings: Settings, url: str) -> Flow[auth.Token | None]:
    """Return the client's token, if it is a Hub token that may go to a URL."""
    token = yield from settings.find_token()
    if token is None or not token.is_hub_token:
        return None
    return token if token.is_explicit or auth.is_trusted_url(url) else None


def auth_headers(token: auth.Token | None) -> dict[str, str]:
    """Return the headers that carry a token."""
    return bearer_headers(token.value) if token else {}


def _parse_object(reply: Reply) -> dict[str, Any]:
    try:
        body = reply.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise errors.ConnectError(
            "The Hub's answer cannot be read.",
            advice="Check for a proxy or a login page in between.",
        )
    return body
