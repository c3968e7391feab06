"""What a panel shows that does not change while it lives, read from the task's declaration."""

import dataclasses
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from hfwidgets.calls.settings import redact_model
from hfwidgets.core import environment
from hfwidgets.notebook import background_loop
from hfwidgets.panels.document import assets
from hfwidgets.tasks import BaseTask, controls

FIELD_LABELS = {
    "messages": "Message",
    "query": "Question",
    "src_lang": "From language",
    "tgt_lang": "To language",
    "top_k": "How many (top k)",
    "multi_label": "Several may be true",
}
"""What people read where a parameter's name says too little."""

HIDDEN_PARAMETERS = frozenset({"n", "stream_options", "tool_prompt"})
"""Parameters that mean nothing to a person at a panel; code can still set them."""


def describe_panel(
    task: BaseTask, view: str, starters: Iterable[str], base_url: str | None = None
) -> dict[str, Any]:
    """The panel's fixed part.

    Args:
        task: the declaration.
        view: the front end's view.
        starters: prompts or inputs to begin with.
        base_url: the endpoint that answers, when one was given.
    """
    return {
        "task": task.name,
        "label": task.label,
        "help": task.doc,
        "view": view,
        "fields": parameter_fields(task),
        "starters": list(starters),
        "providers": background_loop.list_providers(task.name),
        "served": default_server(base_url),
        "chunks": assets.chunk_digests(),
    }


def default_server(base_url: str | None) -> dict[str, Any]:
    """What answers when no provider is chosen, and whether there is nothing else to choose."""
    if base_url:
        host = urlsplit(base_url).netloc.rpartition("@")[2]
        return {"label": host or redact_model(base_url), "fixed": True}
    name = environment.default_provider()
    return {"label": f"default ({name})" if name else "default provider", "fixed": False}


def parameter_fields(task: BaseTask) -> list[dict[str, Any]]:
    """One field for each parameter that is no input; hinted ones first, in the hints' order."""
    inputs = set(task.inputs)
    shown = [name for name in task.controls if name not in inputs | HIDDEN_PARAMETERS]
    hinted = [name for name in task.hints if name in shown]
    return [describe_field(task, name) for name in dict.fromkeys([*hinted, *shown])]


def describe_field(task: BaseTask, name: str) -> dict[str, Any]:
    """A parameter with its label, help and control, as plain data for the page."""
    control = task.controls[name]
    advanced = control.advanced if name in task.hints else True
    return {
        "name": name,
        "label": FIELD_LABELS.get(name) or name.replace("_", " ").capitalize(),
        "help": task.parameters.get(name, ""),
        "advanced": advanced,
        "control": describe_control(control),
    }


def describe_control(control: controls.Control) -> dict[str, Any]:
    """A hint as plain data for the page."""
    values = dataclasses.asdict(control).items()
    plain = {n: list(v) if isinstance(v, tuple) else v for n, v in values if n != "advanced"}
    return {"kind": type(control).__name__.lower(), **plain}
