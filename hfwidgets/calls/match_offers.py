"""Find the offers of a model that fit a task, and explain when none does."""

from collections.abc import Iterable

from hfwidgets import providers
from hfwidgets.calls.offers import HubModelInfo, Offer
from hfwidgets.errors import TaskNotServedError
from hfwidgets.tasks import TASKS

CONVERSATIONAL = "conversational"

EMBEDDING_TASKS = frozenset({"feature-extraction", "sentence-similarity"})
"""Tasks of the same models, whichever of the two the Hub lists."""

CHAT_TASKS = frozenset({CONVERSATIONAL, "text-generation", "image-text-to-text"})


def offers_for_task(offers: Iterable[Offer], task: str) -> list[Offer]:
    """Return the offers for a task, by its name on the Hub; live ones first."""
    tasks = EMBEDDING_TASKS if task in EMBEDDING_TASKS else {task}
    found = [offer for offer in offers if offer.task is None or offer.task in tasks]
    # The sort is stable, so the Hub's order, which is the user's preference, holds among equals.
    return sorted(found, key=lambda offer: offer.status != "live")


def is_live_on_hf_inference(about: HubModelInfo, task: str) -> bool:
    """True if hf-inference is live for the model and task."""
    theirs = (offer for offer in about.offers if offer.provider == "hf-inference")
    return any(offer.status == "live" for offer in offers_for_task(theirs, task))


def may_support_task(about: HubModelInfo, task: str) -> bool:
    """True if hf-inference may serve a task with such a model, as far as its page tells."""
    pipeline = about.pipeline_tag
    if pipeline in EMBEDDING_TASKS and task in EMBEDDING_TASKS:
        return task == pipeline or task in about.tags
    allowed = {
        None: {task},
        "text-generation": {"text-generation", CONVERSATIONAL},
        "text2text-generation": {"text-generation"},
        "image-text-to-text": {CONVERSATIONAL},
    }
    return task in allowed.get(pipeline, {pipeline})


def other_task_error(model: str, task: str, pipeline: str) -> TaskNotServedError:
    """Build the error for a model whose page names another task."""
    return TaskNotServedError(
        f"{model} is a model for {pipeline}, not for {task}"
        f".{_suggest_call(model, task, {pipeline})}"
    )


def not_at_provider_error(
    model: str, task: str, provider: str, about: HubModelInfo
) -> TaskNotServedError:
    """Build the error for a provider without the model, or with it for another task only."""
    there = {str(offer.task) for offer in about.offers if offer.provider == provider}
    if there:
        return TaskNotServedError(
            f"{provider} serves {model} for {_join_names(there)}, not for {task}."
            f"{_suggest_call(model, task, there)}"
        )
    names = {offer.provider for offer in offers_for_task(about.offers, task)}
    others = f" For {task} use {_join_names(names)}." if names else _suggest_alternatives()
    return TaskNotServedError(f"{provider} does not serve {model}.{others}")


def not_served_error(model: str, task: str, about: HubModelInfo) -> TaskNotServedError:
    """Build the error for a model that no provider serves for the task."""
    names = {offer.provider for offer in offers_for_task(about.offers, task)}
    if names:
        return TaskNotServedError(
            f"{model} is served for {task} by {_join_names(names)} only, which hfwidgets has no "
            f"route for; a package may add one. Providers: {', '.join(providers.names())}."
        )
    if not about.offers:
        return TaskNotServedError(f"No provider serves {model}.{_suggest_alternatives()}")
    there = {str(offer.task) for offer in about.offers}
    return TaskNotServedError(
        f"{model} is served for {_join_names(there)}, not for {task}"
        f".{_suggest_call(model, task, there)}"
    )


def _suggest_call(model: str, task: str, served: set[str]) -> str:
    """Suggest the call that would work."""
    if served & CHAT_TASKS and task != CONVERSATIONAL:
        chat = f'[{{"role": "user", "content": ...}}], model={model!r}'
        return f" Use client.chat_completion({chat})."
    for known in TASKS.values():
        if known.hub_name in served:
            return f" Use client.{known.method}(..., model={model!r})."
    return _suggest_alternatives()


def _suggest_alternatives() -> str:
    return (
        " Choose another model (client.models(task=...) lists those that are served), pass the URL "
        "of an endpoint as model=, or use provider='local'."
    )


def _join_names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
