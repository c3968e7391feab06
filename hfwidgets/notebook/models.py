"""Models: which are served, by which providers, at which price, and what the session has learned.

The ids and tasks of listed models are kept in `<cache>/models.json`, so that completion offers them
and `%infer` knows a model's task without a request.
"""

import contextlib
import json
from typing import Any

from hfwidgets import engine_process
from hfwidgets.calls import model_info
from hfwidgets.calls.match_offers import CHAT_TASKS
from hfwidgets.calls.offers import HubModelInfo
from hfwidgets.calls.settings import Settings
from hfwidgets.client import InferenceClient
from hfwidgets.core.flow import Flow
from hfwidgets.notebook import background_loop
from hfwidgets.notebook.listing import Listing
from hfwidgets.notebook.session import Session, current_session
from hfwidgets.results.catalogue import Catalog
from hfwidgets.tasks import TASKS

MAX_REMEMBERED = 2000
"""Listed models that are remembered, the latest last."""


def models(
    task: str | None = None, provider: str | None = None, search: str | None = None
) -> Catalog:
    """List the models that are served, from the Hub; see `InferenceClient.models`.

    Their names, tasks and prices are remembered, for completion, `%infer` and `usage`.
    """
    found = background_loop.wait_for(background_loop.submit(_list_models(task, provider, search)))
    remember_models(found)
    return found


async def _list_models(task: str | None, provider: str | None, search: str | None) -> Catalog:
    return await background_loop.shared_client().models(task, provider, search)


def remember_models(found: Catalog, session: Session | None = None) -> None:
    """Remember the ids, tasks and prices of listed models."""
    memory = session or current_session()
    listed = known_models(memory)
    for model in found:
        listed.pop(model.id, None)  # so that it becomes the latest
        listed[model.id] = task_from_hub_name(model.task)
        for offer in model.offers or ():
            if offer.input_price is not None and offer.output_price is not None:
                prices = memory.prices.setdefault(model.id, {})
                prices[offer.provider] = (offer.input_price, offer.output_price)
    while len(listed) > MAX_REMEMBERED:
        del listed[next(iter(listed))]
    with contextlib.suppress(OSError):  # a cache that cannot be written must not fail the listing
        engine_process.make_private_dir(engine_process.cache_dir())
        _models_file().write_text(json.dumps(listed), "utf-8")


def known_models(session: Session | None = None) -> dict[str, str | None]:
    """Return the tasks of the models that were listed on this machine, by id, without a request."""
    memory = session or current_session()
    if memory.listed_tasks is None:
        memory.listed_tasks = _read_known_models()
    return memory.listed_tasks


def _read_known_models() -> dict[str, str | None]:
    try:
        found = json.loads(_models_file().read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(k): v for k, v in found.items()} if isinstance(found, dict) else {}


def _models_file() -> Any:
    return engine_process.cache_dir() / "models.json"


def task_from_hub_name(hub_name: str | None) -> str | None:
    """Return the task of hfwidgets for the Hub's name of a task; None if it has none."""
    if hub_name in CHAT_TASKS:
        return "chat-completion"
    return hub_name if hub_name in TASKS else None


def model_task(model: str | None, session: Session | None = None) -> str | None:
    """Return a model's task if it is known without a request: the last one it was used for.

    For a model that also chats, it is chat.
    """
    memory = session or current_session()
    return (memory.tasks.get(model) or known_models(memory).get(model)) if model else None


def model(name: str) -> Listing:
    """List the providers of a model with its name, task, state and prices there, from the Hub.

    Raises:
        RepositoryNotFoundError: the Hub has no such model, or the token may not see it.
    """
    about: HubModelInfo = InferenceClient(timeout=30)._run(None, _fetch_model_info(name))
    task = task_from_hub_name(about.pipeline_tag)
    if task:
        known_models()[name] = task
    prices = current_session().prices.get(name, {})
    rows = (
        {
            "provider": offer.provider,
            "name there": offer.id,
            "task": offer.task,
            "state": offer.status,
            "$ in": prices.get(offer.provider, (None, None))[0],
            "$ out": prices.get(offer.provider, (None, None))[1],
        }
        for offer in about.offers
    )
    return Listing(rows, f"No provider serves {name} ({about.pipeline_tag or 'no task'}).")


def _fetch_model_info(name: str) -> Flow[HubModelInfo]:
    return (yield from model_info.fetch_model_info(name, Settings()))


def session_client(**settings: Any) -> InferenceClient:
    """Return a client that knows the prices that were listed in this session."""
    made = InferenceClient(**settings)
    made._caller.settings.prices.update(current_session().prices)
    return made
