"""Choose who serves a call, and under what name: the rules in one place.

1. A URL (on the call, else on the client) is called unchanged.
2. Else the provider is the client's `provider=`, else that of `HFWIDGETS_PROVIDER`.
3. Without either: no model -> hf-inference with the model that the Hub recommends for the task;
   chat -> the Hub's router, which chooses by itself ("auto"); another task -> hf-inference where
   the Hub lists it as live for the model, else the first live provider of the Hub's list that
   hfwidgets has. `provider="auto"` is the same without the preference for hf-inference.
4. A model may carry a suffix. `org/model:together` names the provider; `:fastest`, `:cheapest` and
   `:preferred` are policies of the router, passed on for chat and left out elsewhere.
5. A provider's own name for the model comes from `InferenceClient(mapping=...)`, else from the Hub.
   hf-inference keeps the Hub's name; the model's page must only not say that it does another task.

A failed look-up does not break a call that may work: hf-inference is then called unchecked, and a
provider with its own key is called with the model's name unchanged, with a warning. A call with a
Hub token needs the provider's name for the model, so the look-up's error is raised.
"""

from dataclasses import dataclass

from hfwidgets import errors, providers
from hfwidgets.calls import match_offers, model_info
from hfwidgets.calls.offers import Offer
from hfwidgets.calls.route import Route as Route
from hfwidgets.calls.settings import Settings, check_url, is_url, redact_model
from hfwidgets.core import environment
from hfwidgets.core.flow import Flow
from hfwidgets.errors.secrets import mask_repr
from hfwidgets.errors.user_warnings import warn
from hfwidgets.providers import Provider
from hfwidgets.tasks import BaseTask

POLICIES = frozenset({"fastest", "cheapest", "preferred"})


@mask_repr
@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model as a call names it, without its suffix."""

    task: BaseTask
    model: str
    settings: Settings
    suffix: str | None = None

    @property
    def hub_task(self) -> str:
        return self.task.hub_name

    @property
    def full_name(self) -> str:
        """The model's name with its suffix."""
        return f"{self.model}:{self.suffix}" if self.suffix else self.model


def default_provider(settings: Settings) -> str | None:
    """Return the provider for all calls: the client's, else the environment's."""
    return settings.provider or environment.default_provider()


def choose_route(task: BaseTask, model: str | None, settings: Settings) -> Flow[Route]:
    """Return who serves a task with a model, by the rules above.

    Raises:
        ConfigurationError: conflicting arguments, or a model is missing.
        TaskNotServedError: the provider does not serve the task, or not with this model.
        MissingTokenError: the token does not fit.
        ConnectError, InferenceTimeoutError, HfHubHTTPError: a look-up that was needed failed.
    """
    # A URL on the call wins over the client's model, and a model's id on the call names the
    # payload's model at the client's URL.
    url = next((text for text in (model, settings.model) if text and is_url(text)), None)
    if url is not None:
        return _route_to_url(task, check_url(url), model, settings)
    model = model or settings.model
    name = default_provider(settings)
    if name is not None and providers.get(name).needs_url:
        raise errors.ConfigurationError("provider='endpoint' needs a URL: pass base_url=.")
    if model is None:
        return (yield from _route_without_model(task, name, settings))
    # Only now is a suffix read: providers without a mapping have colons in their own names.
    asked, name = _split_suffix(task, model, name, settings)
    if name is None:
        yield from _require_hub_token(settings)
        name = "auto" if task.hub_name == match_offers.CONVERSATIONAL else None
    if name is None or (name == "auto" and task.hub_name != match_offers.CONVERSATIONAL):
        return (yield from _route_by_hub_list(asked, prefer_hub=name is None))
    provider = providers.get(name)
    provider.route(task.name)
    return (yield from _route_to_provider(asked, provider))


def _route_to_url(task: BaseTask, url: str, model: str | None, settings: Settings) -> Route:
    """Return the route to an endpoint. A model named on the call names the payload's model."""
    if settings.provider not in (None, "endpoint") and not yields_to_url(settings.provider):
        raise errors.ConfigurationError(
            f"Pass either a URL or provider={settings.provider!r}, not both."
        )
    provider = providers.get("endpoint")
    named = None if is_url(model) else model
    from hfwidgets.providers import endpoint  # most calls go to a provider by name

    if task.hub_name == match_offers.CONVERSATIONAL:
        url = endpoint.chat_url(url)
    elif endpoint.is_openai_base(url):
        provider = endpoint.openai_server
        if not provider.serves_task(task.name):
            raise errors.TaskNotServedError(
                f"{redact_model(url)} is the address of an OpenAI-compatible server, which has no "
                f"route for {task.name}.",
                advice=f"It serves chat-completion, {', '.join(sorted(provider.routes))}. Pass the "
                "URL of a server for this task, or use provider='local'.",
            )
    # A server with a single model accepts any filler as the name; vLLM and Ollama need the real
    # one, which the call can name.
    return Route(provider, named, named or "default", url)


def yields_to_url(name: str | None) -> bool:
    """Warn and return True for a provider that existing code names next to a URL.

    hf-inference was once the default of all clients; the URL wins, as huggingface_hub documents.
    """
    if name is None or name not in providers.names():
        return False
    provider = providers.get(name)
    if not (provider.uses_recommended_models or provider.picks_provider):
        return False
    warn(f"provider={name!r} is ignored, since a URL was passed.")
    return True


def _route_without_model(task: BaseTask, name: str | None, settings: Settings) -> Flow[Route]:
    """Return the route of a call without a model: a recommended one, or the provider's own."""
    if name is None:
        yield from _require_hub_token(settings)
    provider = providers.get("hf-inference" if name in (None, "auto") else name)
    provider.route(task.name)
    if provider.has_default_models:
        return Route(provider, None, None)
    if not provider.uses_recommended_models:
        raise errors.ConfigurationError(
            f"{provider.name} needs a model: pass model= with the model's id on the Hub."
        )
    model = yield from model_info.find_recommended_model(_recommending_tasks(task), settings)
    return Route(provider, model, model)


def _recommending_tasks(task: BaseTask) -> tuple[str, ...]:
    """Return the tasks whose recommended model serves a task, the first that has one."""
    if task.hub_name == match_offers.CONVERSATIONAL:
        return match_offers.CONVERSATIONAL, "text-generation"
    return (task.name,)


def known_default_model(task: BaseTask, settings: Settings) -> str | None:
    """Return the model of a call that names none, if it is known without a request."""
    if settings.model is not None:
        return None if is_url(settings.model) else settings.model
    name = default_provider(settings)
    provider = providers.get("hf-inference" if name in (None, "auto") else name)
    if not provider.uses_recommended_models:
        return None
    return model_info.known_recommended_model(_recommending_tasks(task), settings)


def _require_hub_token(settings: Settings) -> Flow[None]:
    """Refuse a provider's key if no provider is named."""
    token = yield from settings.find_token()
    if token is not None and not token.is_hub_token:
        raise errors.MissingTokenError(
            f"The token from {token.source} is not a Hub token (those start with hf_), so it must "
            "be a provider's own key: pass provider= with its name, or base_url= for an endpoint."
        )


def _split_suffix(
    task: BaseTask, model: str, name: str | None, settings: Settings
) -> tuple[ModelRef, str | None]:
    """Split a model into name and suffix; return both and the provider that they name."""
    whole = ModelRef(task, model, settings)
    if name not in (None, "auto", "hf-inference") and not providers.get(name).mapped:
        return whole, name  # names with colons are theirs
    base, _, suffix = model.rpartition(":")
    if not base:
        return whole, name
    if "/" in suffix:
        raise errors.ConfigurationError(
            f"{model!r} is neither a model's id nor a URL: a URL begins with http:// or https://, "
            "and a colon precedes a provider's name, as in 'org/model:together'."
        )
    asked = ModelRef(task, base, settings, suffix)
    if suffix in POLICIES:
        return asked, name
    # Only the client's own argument is in conflict: HFWIDGETS_PROVIDER is a default, which a suffix
    # overrides.
    if settings.provider not in (None, "auto", suffix):
        raise errors.ConfigurationError(
            f"The model {model!r} names the provider {suffix!r}, but provider="
            f"{settings.provider!r} was passed: leave one of them out."
        )
    if (
        task.hub_name == match_offers.CONVERSATIONAL
        and name in (None, "auto")
        and _is_on_router(suffix, settings)
    ):
        # The router reads the suffix itself.
        return asked, name
    return asked, suffix


def _is_on_router(suffix: str, settings: Settings) -> bool:
    """True if the router handles a provider; it may know some that hfwidgets does not."""
    # The router accepts Hub tokens only.
    direct = settings.token is not None and not settings.token.is_hub_token
    return not direct and (suffix not in providers.names() or providers.get(suffix).routable)


def _route_to_provider(asked: ModelRef, provider: Provider) -> Flow[Route]:
    """Return the route to a provider that was named."""
    if provider.name == "auto":
        return Route(provider, asked.full_name, asked.full_name)
    if provider.mapped:
        offer = yield from _find_offer(asked, provider)
        return Route(provider, asked.model, offer.id, entry=dict(offer.entry))
    if provider.name == "hf-inference":
        served = yield from _check_hub_task(asked)
        return Route(provider, asked.model, served)
    return Route(provider, asked.model, provider.to_provider_model(asked.model))


def _find_offer(asked: ModelRef, provider: Provider) -> Flow[Offer]:
    """Return a provider's offer of the model."""
    token = yield from asked.settings.find_token()
    # With its own key a provider is called directly, and the model's name may be its own already.
    own_key = token is not None and not (token.is_hub_token and provider.routable)
    try:
        about = yield from model_info.fetch_model_info(asked.model, asked.settings)
    except model_info.LOOKUP_ERRORS as error:
        if not own_key:
            error.add_advice(
                f"The Hub knows {provider.name}'s name for {asked.model}; to do without it, pass "
                f"mapping={{{asked.model!r}: {{{provider.name!r}: its name there}}}}."
            )
            raise
        return _assume_offer(asked, provider)
    theirs = [offer for offer in about.offers if offer.provider == provider.name]
    # A mapping that was passed is complete: a provider that it leaves out is not guessed at.
    if not theirs and own_key and not about.is_manual:
        return _assume_offer(asked, provider)
    found = match_offers.offers_for_task(theirs, asked.hub_task)
    if not found:
        raise match_offers.not_at_provider_error(asked.model, asked.hub_task, provider.name, about)
    return _warn_about_status(found[0], asked)


def _assume_offer(asked: ModelRef, provider: Provider) -> Offer:
    warn(
        f"The Hub does not list {asked.model!r} at {provider.name}, so the name is sent unchanged. "
        "To set another, pass mapping= to the client.",
    )
    return Offer(provider.name, asked.model)


def _route_by_hub_list(asked: ModelRef, prefer_hub: bool) -> Flow[Route]:
    """Return the first fitting provider of the Hub's list, for tasks other than chat."""
    # The Hub lists providers in the user's preferred order, so `:preferred` holds here too.
    if asked.suffix in POLICIES - {"preferred"}:
        warn(
            f"':{asked.suffix}' works for chat only; {asked.task.name} goes to the first provider "
            "of the Hub's list.",
        )
    hosted = providers.get("hf-inference")
    if prefer_hub and hosted.serves_task(asked.task.name):
        found = yield from model_info.try_model_info(asked.model, asked.settings)
        if found is None or match_offers.is_live_on_hf_inference(found, asked.hub_task):
            return Route(hosted, asked.model, asked.model)
    about = yield from model_info.fetch_model_info(asked.model, asked.settings)
    fitting = [
        offer
        for offer in match_offers.offers_for_task(about.offers, asked.hub_task)
        if _is_implemented(offer, asked)
    ]
    if not fitting:
        raise match_offers.not_served_error(asked.model, asked.hub_task, about)
    offer = _warn_about_status(fitting[0], asked)
    served = asked.model if offer.provider == "hf-inference" else offer.id
    return Route(providers.get(offer.provider), asked.model, served, entry=dict(offer.entry))


def _is_implemented(offer: Offer, asked: ModelRef) -> bool:
    known = offer.provider in providers.names()
    return known and providers.get(offer.provider).serves_task(asked.task.name)


def _warn_about_status(offer: Offer, asked: ModelRef) -> Offer:
    """Return an offer, with a warning if it is not live."""
    states = {
        "staging": "only being tested, and may fail",
        "error": "marked as failing: the Hub's last check of it failed",
    }
    if offer.status in states:
        warn(
            f"{asked.model} at {offer.provider} is {states[offer.status]}.",
        )
    return offer


def _check_hub_task(asked: ModelRef) -> Flow[str]:
    """Return hf-inference's name for the model; raise if the Hub lists it for another task."""
    try:
        about = yield from model_info.try_model_info(asked.model, asked.settings)
    except errors.HfHubHTTPError:
        return asked.model  # hf-inference will report it, if it is so
    if about is None:
        return asked.model
    if about.is_manual:
        theirs = [offer.id for offer in about.offers if offer.provider == "hf-inference"]
        return theirs[0] if theirs else asked.model
    if not match_offers.is_live_on_hf_inference(
        about, asked.hub_task
    ) and not match_offers.may_support_task(about, asked.hub_task):
        raise match_offers.other_task_error(asked.model, asked.hub_task, str(about.pipeline_tag))
    return asked.model
