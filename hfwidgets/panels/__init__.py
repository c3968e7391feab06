"""Panels: a task's declaration as an interactive widget, one anywidget each.

`panel(name)` opens the panel of a task, `chat()` that of chat completion. A panel's form, state
and errors come from `base.py` and the task's declaration; a task with a view of its own adds a
subclass in the table below and a view of the same name in `frontend/src`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hfwidgets import errors, tasks

if TYPE_CHECKING:
    from hfwidgets.panels.base import Panel
    from hfwidgets.panels.chat_panel import ChatPanel

_PANELS = {"chat-completion": ("hfwidgets.panels.chat_panel", "ChatPanel")}
"""Which class shows a task: its module and name."""


def panel(task: str, model: str | None = None, **settings: Any) -> "Panel":
    """Open the panel of a task.

    Args:
        task: the task's name, with hyphens or underscores.
        model: the model's id on the Hub; None leaves the choice to the provider.
        settings: `provider`, `token`, `base_url`, `timeout` and the other settings of a client, and
            the task's own parameters, such as `temperature=0.2`.

    Raises:
        UnknownTaskError: no task has this name.
        TaskNotServedError: the task has no panel yet; the message names those that have one.
        UnknownParameterError: a keyword is neither a setting nor a parameter of the task.
    """
    name = tasks.find(task).name
    if name not in _PANELS:
        raise errors.TaskNotServedError(
            f"There is no panel for {name} yet. There are panels for: {', '.join(_PANELS)}. "
            f"InferenceClient().{name.replace('-', '_')}(...) serves it without one."
        )
    module, kind = _PANELS[name]
    made: Panel = getattr(import_module(module), kind)(model, **settings)
    return made


def chat(model: str | None = None, **settings: Any) -> "ChatPanel":
    """Open a chat panel; `system=` is the system prompt, the rest is as for `panel`."""
    from hfwidgets.panels.chat_panel import ChatPanel

    return ChatPanel(model, **settings)
