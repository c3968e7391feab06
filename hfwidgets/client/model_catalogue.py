"""List the models that are served, by whom and at which price: `client.models(...)`.

chat models             the router's catalog, `GET {router}/v1/models`, with prices, context
                        lengths and abilities; prices then give `meta.cost` to later results
other tasks             the Hub: `GET {hub}/api/models?inference_provider=...&pipeline_tag=...`
the embedded engine, a URL, a provider beyond the router
                        the server itself: `GET {server}/v1/models`
"""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from hfwidgets import errors, providers
from hfwidgets.calls import model_info
from hfwidgets.calls.call import join_url
from hfwidgets.calls.offers import parse_offers
from hfwidgets.calls.route import Route
from hfwidgets.calls.routing import default_provider
from hfwidgets.calls.settings import Settings, is_url
from hfwidgets.core.flow import Flow, Reply, Send, Target
from hfwidgets.results.catalogue import Catalog, CatalogModel
from hfwidgets.tasks import find

CHAT_TASK = "conversational"
_DECLARED_FIELDS = (
    "languages",
    "license",
    "limits",
    "installed",
    "default_for",
    "input_modalities",
)
"""What the embedded engine declares of its models."""

MAX_MODELS = 200
"""How many models of a task are listed, the most used ones first."""


def find_models(
    task: str | None, provider: str | None, search: str | None, settings: Settings
) -> Flow[Catalog]:
    """Return the models that fit; see `InferenceClient.models`."""
    if provider is None and is_url(settings.model):
        return Catalog((yield from _list_endpoint_models(task, search, settings)))
    name = provider or default_provider(settings)
    served_by = None if name is None else providers.get(name)
    hub_task = CHAT_TASK if task in (None, CHAT_TASK) else find(str(task)).hub_name
    if served_by is not None and (served_by.is_embedded or _is_beyond_hub(served_by)):
        rows = yield from _list_provider_models(task, search, served_by, settings)
    elif hub_task == CHAT_TASK:
        rows = yield from _list_router_models(settings)
        wanted = (search or "").lower()
        rows = [row for row in rows if wanted in row.id.lower() and _is_offered_by(row, name)]
    else:
        rows = yield from _list_hub_models(hub_task, name, search, settings)
    return Catalog(rows)


def _is_offered_by(row: CatalogModel, provider: str | None) -> bool:
    if provider is None or providers.get(provider).picks_provider:
        return True
    return provider in row.providers


def _is_beyond_hub(provider: providers.Provider) -> bool:
    """True for a provider of which the Hub lists no models, since its router cannot reach it."""
    return not (provider.routable or provider.mapped)


def _list_endpoint_models(
    task: str | None, search: str | None, settings: Settings
) -> Flow[list[CatalogModel]]:
    """Return the models of the client's own URL."""
    from hfwidgets.providers.endpoint import side_url

    url = side_url(str(settings.model), "v1/models")
    endpoint = providers.get("endpoint")

    def choose(_: Settings) -> Flow[Route]:
        # A flow is a generator, which takes a `yield`.
        yield from ()
        return Route(endpoint, None, None, url)

    yield Target(choose)
    reply = yield Send("GET", "")
    return _parse_served_models(reply, task, search, endpoint.name)


def _list_provider_models(
    task: str | None, search: str | None, provider: providers.Provider, settings: Settings
) -> Flow[list[CatalogModel]]:
    """Return the models that a provider itself lists; the embedded engine is started for it."""
    token = None if provider.is_embedded else (yield from settings.find_token())
    address = yield from provider.connect(token, settings.hosts)
    url = join_url(address.base.removesuffix("/v1"), "/v1/models")
    reply = yield Send("GET", url, headers=address.headers)
    return _parse_served_models(reply, task, search, provider.name)


def _parse_served_models(
    reply: Reply, task: str | None, search: str | None, provider: str
) -> list[CatalogModel]:
    """Return what a server lists; a model that declares its tasks is listed for those only."""
    name = None if task is None else "chat-completion" if task == CHAT_TASK else find(task).name
    wanted = (search or "").lower()
    return [
        _parse_served_model(entry, name, provider)
        for entry in _parse_entries(reply, "data")
        if wanted in str(entry.get("id")).lower() and _declares(entry, name)
    ]


def _declares(entry: Mapping[str, Any], task: str | None) -> bool:
    declared = entry.get("tasks")
    return task is None or not isinstance(declared, list) or task in declared


def _parse_served_model(entry: Mapping[str, Any], task: str | None, provider: str) -> CatalogModel:
    """Return a model with the tasks that it declares; all of them if no task was named."""
    tasks = [task] if task else list(entry.get("tasks") or ())
    offers = [{"provider": provider, "status": "live", "task": name} for name in tasks]
    declared = {name: entry.get(name) for name in _DECLARED_FIELDS}
    return CatalogModel(
        id=str(entry.get("id")),
        task=next(iter(tasks), ""),
        offers=offers or [{"provider": provider, "status": "live"}],
        **declared,
    )


def _list_router_models(settings: Settings) -> Flow[list[CatalogModel]]:
    """Return all chat models of the router."""
    router = settings.hosts.router
    # The router accepts Hub tokens only, and a provider's own key must not reach it.
    token = yield from model_info.find_hub_token(settings, router)
    reply = yield Send("GET", f"{router}/v1/models", headers=model_info.auth_headers(token))
    rows = [_parse_chat_model(entry) for entry in _parse_entries(reply, "data")]
    for row in rows:
        # Kept for `meta.cost`: the router's answers name the provider, but not the price.
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
        # True is more than False: one provider with tools is enough.
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
    """Return the Hub's models of a task that any provider serves."""
    query = {
        "inference_provider": "all" if provider in (None, "auto") else provider,
        "pipeline_tag": task,
        "sort": "trendingScore",
        "limit": MAX_MODELS,
        "expand": "inferenceProviderMapping",
        **({"search": search} if search else {}),
    }
    token = yield from model_info.find_hub_token(settings, settings.hosts.hub)
    url = f"{settings.hosts.hub}/api/models?{urlencode(query)}"
    reply = yield Send("GET", url, headers=model_info.auth_headers(token))
    return [_parse_hub_model(entry, task) for entry in _parse_entries(reply)]


def _parse_hub_model(entry: Mapping[str, Any], task: str) -> CatalogModel:
    offers = parse_offers(entry.get("inferenceProviderMapping"))
    rows = [{"provider": o.provider, "status": o.status, "task": o.task} for o in offers]
    return CatalogModel(id=str(entry.get("id") or entry.get("modelId")), task=task, offers=rows)


def _parse_entries(reply: Reply, name: str | None = None) -> list[Mapping[str, Any]]:
    try:
        body = reply.json()
        rows = body[name] if name else body
        return [row for row in rows if isinstance(row, Mapping)]
    except (ValueError, KeyError, TypeError) as error:
        raise errors.OutputError(
            f"The list of models cannot be read: the server sent {reply.text[:200]!r}."
        ) from error
