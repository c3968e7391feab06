"""Report what the engine serves: its models and its health."""

from typing import TypedDict

from starlette.requests import Request
from starlette.responses import Response

from hfwidgets._version import __version__
from hfwidgets.engine.base.capability import Capability
from hfwidgets.engine.base.http_errors import RefusedError
from hfwidgets.engine.registry import (
    all_capabilities,
    find_capabilities,
    list_served_tasks,
    model_names,
)
from hfwidgets.engine.server.engine import Engine
from hfwidgets.engine.server.wire import build_reply
from hfwidgets.errors import did_you_mean


class ModelEntry(TypedDict):
    """A model: OpenAI's fields, then the engine's own."""

    id: str
    object: str
    created: int
    owned_by: str
    tasks: list[str]
    languages: list[str]
    license: str
    limits: str
    measured: dict[str, tuple[int, int]]
    installed: bool
    default_for: list[str]
    """The tasks that it answers where no model is named."""
    input_modalities: list[str] | None
    """What a chat model reads; None for other models."""


async def list_models(request: Request) -> Response:
    """GET /v1/models."""
    engine: Engine = request.app.state.engine
    models: dict[str, ModelEntry] = {}
    for capability in all_capabilities():
        if capability.why_unavailable() is None:
            own = _model_entry(capability, engine)
            entry = models.setdefault(capability.model, own)
            entry["tasks"] += [task for task in capability.serves if task not in entry["tasks"]]
            entry["measured"] |= capability.measured
            entry["default_for"] += [t for t in own["default_for"] if t not in entry["default_for"]]
            entry["installed"] = entry["installed"] and not capability.missing_weights
    return build_reply({"object": "list", "data": list(models.values())})


async def retrieve_model(request: Request) -> Response:
    """GET /v1/models/{id}."""
    name = request.path_params["model"]
    for capability in all_capabilities():
        if name in model_names(capability):
            entry = _model_entry(capability, request.app.state.engine)
            return build_reply(entry, capability.model)
    known = sorted({capability.model for capability in all_capabilities()})
    raise RefusedError(
        404,
        f"The local engine has no model {name!r}.{did_you_mean(name, known)}",
        kind="model_not_found",
        parameter="model",
    )


def _model_entry(capability: Capability, engine: Engine) -> ModelEntry:
    served = [task for task in capability.serves if task in list_served_tasks()]
    return {
        "id": capability.model,
        "object": "model",
        "created": engine.start_time,
        "owned_by": "hfwidgets",
        "tasks": list(capability.serves),
        "languages": list(capability.languages),
        "license": capability.license,
        "limits": capability.limits,
        "measured": dict(capability.measured),
        "installed": not capability.missing_weights,
        "default_for": [task for task in served if find_capabilities(task)[0] is capability],
        "input_modalities": _input_modalities(capability, engine),
    }


def _input_modalities(capability: Capability, engine: Engine) -> list[str] | None:
    if "chat-completion" not in capability.serves:
        return None
    reads_images = engine.models_for(capability).llama.reads_images
    return ["text", "image"] if reads_images else ["text"]


async def check_health(request: Request) -> Response:
    """GET /health, the one route that needs no key: probes of other servers send none."""
    engine: Engine = request.app.state.engine
    state = {
        "status": "ok",
        "version": __version__,
        "tasks": list_served_tasks(),
        "loaded": engine.loaded_models(),
        "clients": engine.clients.count_living(),
        "working": engine.chat_queue.working_count + engine.worker_queue.working_count,
        "waiting": engine.chat_queue.waiting_count + engine.worker_queue.waiting_count,
    }
    return build_reply(state)
