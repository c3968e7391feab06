"""Which models are served, by whom and at which price: `client.models(...)`.

Chat models come from the router's catalogue, `GET {router}/v1/models`, with prices, context lengths
and what they can do; its prices then give `meta.cost` to later results of the same client. Models
of other tasks come from the Hub: `GET {hub}/api/models?inference_provider=...&pipeline_tag=...`,
those of the embedded engine from itself.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from hfwidgets import errors, providers
from hfwidgets.calls import model_info
from hfwidgets.calls.offers import parse_offers
from hfwidgets.calls.settings import Settings
from hfwidgets.core import auth
from hfwidgets.core.flow import Flow, Send
from hfwidgets.providers import bearer_headers
from hfwidgets.results.catalogue import Catalog, CatalogModel
from hfwidgets.tasks import find

CHAT_TASK = "conversational"
MAX_MODELS = 200
"""How many models of a task are listed, the ones that are used most first."""


def find_models(
    task: str | None, provider: str | None, search: str | None, settings: Settings
) -> Flow[Catalog]:
    """The models that fit; see `InferenceClient.models`."""
    if provider is not None:
        providers.get(provider)
    name = CHAT_TASK if task in (None, CHAT_TASK) else find(str(task)).hub_name
    if providers.is_embedded(provider):
        rows = yield from _list_local_models(task, search, settings)
    elif name == CHAT_TASK:
        rows = yield from _list_router_models(settings)
        wanted = (search or "").lower()
        rows = [row for row in rows if wanted in row.id.lower() and _is_offered_by(row, provider)]
    else:
        rows = yield from _list_hub_models(name, provider, search, settings)
    return Catalog(rows)


def _is_offered_by(row: CatalogModel, provider: str | None) -> bool:
    return provider in (None, "auto") or provider in row.providers


def _list_local_models(
    task: str | None, search: str | None, settings: Settings
) -> Flow[list[CatalogModel]]:
    """The embedded engine's models, of a task or all, as it declares them; it is started for it."""
    name = None if task is None else "chat-completion" if task == CHAT_TASK else find(task).name
    address = yield from providers.embedded().connect(None, settings.hosts)
    reply = yield Send("GET", address.url("/v1/models"), headers=address.headers)
    wanted = (search or "").lower()
    return [
        _parse_local_model(entry, name)
        for entry in _parse_entries(reply, "data")
        if wanted in str(entry.get("id")).lower() and name in (None, *entry.get("tasks", ()))
    ]


def _parse_local_model(entry: Mapping[str, Any], task: str | None) -> CatalogModel:
    """A model of the engine with what it is declared to do; all its tasks when none was asked."""
    tasks = [task] if task else list(entry.get("tasks") or ())
    offers = [
        {"provider": providers.embedded().name, "status": "live", "task": name} for name in tasks
    ]
    declared = {name: entry.get(name) for name in ("languages", "license", "limits", "installed")}
    return CatalogModel(
        id=str(entry.get("id")), task=next(iter(tasks), ""), offers=offers, **declared
    )


def _list_router_models(settings: Settings) -> Flow[list[CatalogModel]]:
    """All chat models of the router."""
    router = settings.hosts.router
    token = yield from settings.find_token()
    may_go = (
        token is not None
        and token.is_hub_token
        and (token.is_explicit or auth.is_trusted_url(router))
    )
    headers = bearer_headers(token.value) if token is not None and may_go else {}
    reply = yield Send("GET", f"{router}/v1/models", headers=headers)
    rows = [_parse_chat_model(entry) for entry in _parse_entries(reply, "data")]
    for row in rows:
        settings.prices[row.id] = {
            offer.provider: (offer.input_price, offer.output_price)
            for offer in row.offers
            if offer.input_price is not None and offer.output_price is not None
        }
    return rows


def _parse_chat_model(entry: Mapping[str, Any]) -> CatalogModel:
    offers = [_parse_chat_offer(offer) for offer in entry.get("providers") or ()]
    kinds = entry.get("architecture") or {}
    return CatalogModel(
        id=str(entry.get("id")),
        task=CHAT_TASK,
        offers=offers,
        input_modalities=kinds.get("input_modalities"),
        output_modalities=kinds.get("output_modalities"),
        context_length=max(_known_values(offers, "context_length"), default=None),
        input_price=min(_known_values(offers, "input_price"), default=None),
        output_price=min(_known_values(offers, "output_price"), default=None),
        supports_tools=max(_known_values(offers, "supports_tools"), default=None),
    )


def _parse_chat_offer(offer: Mapping[str, Any]) -> dict[str, Any]:
    price = offer.get("pricing") or {}
    rest = {name: value for name, value in offer.items() if name != "pricing"}
    return {**rest, "input_price": price.get("input"), "output_price": price.get("output")}


def _known_values(offers: Iterable[Mapping[str, Any]], name: str) -> list[Any]:
    return [offer[name] for offer in offers if offer.get(name) is not None]


def _list_hub_models(
    task: str, provider: str | None, search: str | None, settings: Settings
) -> Flow[list[CatalogModel]]:
    """The Hub's models of a task that somebody serves."""
    query = {
        "inference_provider": "all" if provider in (None, "auto") else provider,
        "pipeline_tag": task,
        "sort": "trendingScore",
        "limit": MAX_MODELS,
        "expand": "inferenceProviderMapping",
        **({"search": search} if search else {}),
    }
    token = yield from model_info.find_hub_token(settings)
    url = f"{settings.hosts.hub}/api/models?{urlencode(query)}"
    reply = yield Send("GET", url, headers=model_info.auth_headers(token))
    return [_parse_hub_model(entry, task) for entry in _parse_entries(reply)]


def _parse_hub_model(entry: Mapping[str, Any], task: str) -> CatalogModel:
    offers = parse_offers(entry.get("inferenceProviderMapping"))
    rows = [{"provider": o.provider, "status": o.status, "task": o.task} for o in offers]
    return CatalogModel(id=str(entry.get("id") or entry.get("modelId")), task=task, offers=rows)


def _parse_entries(reply: Any, name: str | None = None) -> list[Mapping[str, Any]]:
    try:
        body = reply.json()
        rows = body[name] if name else body
        return [row for row in rows if isinstance(row, Mapping)]
    except (ValueError, KeyError, TypeError) as error:
        raise errors.OutputError(
            f"The catalogue cannot be read: the server sent {reply.text[:200]!r}."
        ) from error
