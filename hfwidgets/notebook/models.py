"""Models: what is served, by whom, at which price, and what the session has learned of it.

The ids and tasks of listed models are kept in `<cache>/models.json`, so that completion offers them
and `%infer` knows a model's own task without asking anyone.
"""

import contextlib
import json
from typing import Any

from hfwidgets import engine_process
from hfwidgets.calls import model_info
from hfwidgets.calls.model_info import About
from hfwidgets.calls.settings import Settings
from hfwidgets.client import InferenceClient
from hfwidgets.core.flow import Flow
from hfwidgets.notebook import background_loop
from hfwidgets.notebook.listing import Listing
from hfwidgets.notebook.session import Session, current
from hfwidgets.results.catalogue import Catalogue
from hfwidgets.tasks import TASKS

MOST = 2000
"""How many listed models are remembered, the latest last."""

TALKS = frozenset({"conversational", "text-generation", "image-text-to-text"})
"""What the Hub calls models that are asked by chat."""


def models(
    task: str | None = None, provider: str | None = None, search: str | None = None
) -> Catalogue:
    """The models that are served, asked of the Hub; see `InferenceClient.models`.

    What is listed is remembered: for completion, as the models' own tasks, and for prices.
    """
    found = background_loop.wait(background_loop.submit(_listed(task, provider, search)))
    remember(found)
    return found


async def _listed(task: str | None, provider: str | None, search: str | None) -> Catalogue:
    return await background_loop.aclient().models(task, provider, search)


def remember(found: Catalogue, session: Session | None = None) -> None:
    """Keep ids, tasks and prices of listed models."""
    memory = session or current()
    listed = known(memory)
    for model in found:
        listed.pop(model.id, None)
        listed[model.id] = own_task(model.task)
        for offer in model.offers or ():
            if offer.input_price is not None and offer.output_price is not None:
                prices = memory.prices.setdefault(model.id, {})
                prices[offer.provider] = (offer.input_price, offer.output_price)
    while len(listed) > MOST:
        del listed[next(iter(listed))]
    with contextlib.suppress(OSError):  # a cache that cannot be written is no reason to fail
        engine_process.private(engine_process.cache())
        _file().write_text(json.dumps(listed), "utf-8")


def known(session: Session | None = None) -> dict[str, str | None]:
    """The tasks of the models that were ever listed on this machine, by id; no request is made."""
    memory = session or current()
    if memory.listed is None:
        memory.listed = _kept()
    return memory.listed


def _kept() -> dict[str, str | None]:
    try:
        found = json.loads(_file().read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(k): v for k, v in found.items()} if isinstance(found, dict) else {}


def _file() -> Any:
    return engine_process.cache() / "models.json"


def own_task(hub_name: str | None) -> str | None:
    """The task of hfwidgets for what the Hub calls a model's task; None where there is none."""
    if hub_name in TALKS:
        return "chat-completion"
    return hub_name if hub_name in TASKS else None


def task_of(model: str | None, session: Session | None = None) -> str | None:
    """A model's own task, as far as it is known without asking: the last one it was used for.

    Of a model that also chats, that is chat.
    """
    memory = session or current()
    return (memory.tasks.get(model) or known(memory).get(model)) if model else None


def model(name: str) -> Listing:
    """What the Hub says of one model: its task, and who serves it under which name, in what state.

    Raises:
        RepositoryNotFoundError: the Hub has no such model, or the token may not see it.
    """
    about: About = InferenceClient(timeout=30)._run(None, _about(name))
    task = own_task(about.pipeline)
    if task:
        known()[name] = task
    prices = current().prices.get(name, {})
    rows = (
        {
            "provider": offer.provider,
            "its name there": offer.id,
            "task": offer.task,
            "state": offer.status,
            "$ in": prices.get(offer.provider, (None, None))[0],
            "$ out": prices.get(offer.provider, (None, None))[1],
        }
        for offer in about.offers
    )
    return Listing(rows, f"No provider serves {name} ({about.pipeline or 'no task'}).")


def _about(name: str) -> Flow[About]:
    return (yield from model_info.about(name, Settings()))


def client(**settings: Any) -> InferenceClient:
    """A client that knows the prices which were listed in this session."""
    made = InferenceClient(**settings)
    made._settings.prices.update(current().prices)
    return made
