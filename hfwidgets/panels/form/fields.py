"""The fixed part of a panel, read from the task's declaration: fields, controls, providers."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from hfwidgets.calls.settings import redact_model
from hfwidgets.core import environment
from hfwidgets.notebook import background_loop
from hfwidgets.panels.document import assets
from hfwidgets.panels.document.protocol import (
    ControlView,
    DefaultServer,
    Field,
    Json,
    PanelSettings,
    PanelShape,
)
from hfwidgets.tasks import BaseTask, controls

FIELD_LABELS = {
    "messages": "Message",
    "query": "Question",
    "src_lang": "From language",
    "tgt_lang": "To language",
    "top_k": "Number of results (top k)",
    "multi_label": "Allow several labels",
}
"""Labels of parameters whose names say too little."""

HIDDEN_PARAMETERS = frozenset({"n", "stream_options", "tool_prompt"})
"""Parameters that are of no use in a panel; code can still set them."""


def describe_panel(
    task: BaseTask, view: str, starters: Iterable[str], base_url: str | None = None
) -> PanelShape:
    """Describe what does not change while a panel lives.

    Args:
        task: the declaration.
        view: the name of the front end's view.
        starters: prompts to begin with.
        base_url: the endpoint that answers, if one was set.
    """
    return PanelShape(
        task=task.name,
        label=task.label,
        help=task.doc,
        view=view,
        fields=parameter_fields(task),
        starters=list(starters),
        providers=background_loop.list_providers(task.name),
        unserved=list_unserving(task),
        served=default_server(base_url),
        chunks=assets.chunk_digests(),
    )


def _is_blank(value: object) -> bool:
    # Without a comparison, which arrays and tables answer with one of their own.
    return value is None or (isinstance(value, str) and not value)


def describe_settings(
    model: str | None, provider: str | None, values: Mapping[str, Any]
) -> PanelSettings:
    """Return the settings as the page shows them; values that are not set are left out."""
    visible = {name: value for name, value in values.items() if not _is_blank(value)}
    return PanelSettings(model=model or "", provider=provider or "", values=visible)


def default_server(base_url: str | None) -> DefaultServer:
    """Return what answers while no provider is chosen; an endpoint cannot be exchanged."""
    if base_url:
        # An address may carry a user and password, which must not be shown.
        host = urlsplit(base_url).netloc.rpartition("@")[2]
        return DefaultServer(label=host or redact_model(base_url), fixed=True)
    name = environment.default_provider()
    return DefaultServer(label=f"Automatic ({name})" if name else "Automatic", fixed=False)


def list_unserving(task: BaseTask) -> list[str]:
    """Return the names of the providers that do not serve a task."""
    serving = background_loop.list_providers(task.name)
    return [name for name in background_loop.list_providers() if name not in serving]


def parameter_fields(task: BaseTask) -> list[Field]:
    """Return a field for each parameter that is not an input; hinted ones first, in their order."""
    hidden = set(task.inputs) | HIDDEN_PARAMETERS
    names = [name for name in task.controls if name not in hidden]
    hinted = [name for name in task.hints if name in names]
    return [describe_field(task, name) for name in dict.fromkeys([*hinted, *names])]


def describe_field(task: BaseTask, name: str) -> Field:
    """Describe a parameter or input with its label, help and control."""
    control = task.controls[name]
    return Field(
        name=name,
        label=FIELD_LABELS.get(name) or name.replace("_", " ").capitalize(),
        help=task.parameters.get(name, ""),
        # Only a hint declares that people need a parameter often; all others are folded away.
        advanced=control.advanced if name in task.hints else True,
        control=describe_control(control),
        default=_known_default(task, name),
    )


def _known_default(task: BaseTask, name: str) -> Json:
    """Return what a parameter is where it is not set; None where the server decides."""
    default = task.signature.parameters[name].default
    return default if isinstance(default, str | int | float) else None


def describe_control(control: controls.Control) -> ControlView:
    """Describe a hint; its class name selects the front end's control."""
    if isinstance(control, controls.MediaInput):
        return ControlView(kind=control.kind)
    # `advanced` belongs to the field, not to the control.
    values = dataclasses.asdict(control)
    values.pop("advanced")
    lists = {name: list(value) for name, value in values.items() if isinstance(value, tuple)}
    return ControlView(kind=type(control).__name__.lower(), **{**values, **lists})
