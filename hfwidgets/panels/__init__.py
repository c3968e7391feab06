"""Panels: a task's declaration as an interactive widget, one anywidget each.

`panel(name)` opens the panel of a task, `chat()` that of chat completion; `text()`, `vision()`,
`audio()`, `multimodal()` and `tabular()` hold the tasks of a domain, `playground()` all of them.
A panel's form comes from the task's declaration and its view from what the result is, so a task
that is added to the client has a panel at once.
"""

from typing import TYPE_CHECKING, Any

from hfwidgets import tasks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hfwidgets.panels.base_panel import Panel
    from hfwidgets.panels.chat_panel import ChatPanel
    from hfwidgets.panels.compare_panel import ComparePanel
    from hfwidgets.panels.task_panel import TaskPanel


def panel(task: str, model: str | None = None, **settings: Any) -> "Panel":
    """Open the panel of a task.

    Args:
        task: the task's name, with hyphens or underscores.
        model: the model's id on the Hub; None leaves the choice to the provider.
        settings: `provider`, `token`, `base_url`, `timeout` and the other settings of a client, and
            the task's own inputs and parameters, such as `text="..."`, `top_k=3`.

    Raises:
        UnknownTaskError: no task has this name.
        UnknownParameterError: a keyword is neither a setting nor a parameter of the task.
    """
    name = tasks.find(task).name
    if name == "chat-completion":
        return chat(model, **settings)
    from hfwidgets.panels.task_panel import TaskPanel

    return TaskPanel(name, model, **settings)


def chat(model: str | None = None, **settings: Any) -> "ChatPanel":
    """Open a chat panel; `system=` is the system prompt, the rest is as for `panel`."""
    from hfwidgets.panels.chat_panel import ChatPanel

    return ChatPanel(model, **settings)


def text(**settings: Any) -> "TaskPanel":
    """Open a panel with all text tasks to choose from."""
    return _domain_panel("text", "text-classification", settings)


def vision(**settings: Any) -> "TaskPanel":
    """Open a panel with all vision tasks to choose from."""
    return _domain_panel("vision", "image-classification", settings)


def audio(**settings: Any) -> "TaskPanel":
    """Open a panel with all audio tasks to choose from."""
    return _domain_panel("audio", "automatic-speech-recognition", settings)


def multimodal(**settings: Any) -> "TaskPanel":
    """Open a panel with the tasks that join pictures and text."""
    return _domain_panel("multimodal", "document-question-answering", settings)


def tabular(**settings: Any) -> "TaskPanel":
    """Open a panel with the tabular tasks to choose from."""
    return _domain_panel("tabular", "tabular-classification", settings)


def playground(**settings: Any) -> "TaskPanel":
    """Open a panel with the tasks of all domains."""
    return _domain_panel(None, "text-classification", settings)


def compare(models: "Iterable[str]", prompt: str = "", **settings: Any) -> "ComparePanel":
    """Open a panel that asks several models the same, side by side.

    Args:
        models: model ids, `MODEL:PROVIDER`, names of providers, URLs of endpoints; at least two.
        prompt: what the form holds at first.
        settings: as for `panel`, for all models; `system` is a system prompt.
    """
    from hfwidgets.panels.compare_panel import ComparePanel

    return ComparePanel(models, prompt, **settings)


def _domain_panel(domain: str | None, first: str, settings: dict[str, Any]) -> "TaskPanel":
    from hfwidgets.panels.task_panel import TaskPanel

    names = [name for name, task in tasks.TASKS.items() if domain in (None, task.domain)]
    return TaskPanel(settings.pop("task", first), choices=names, **settings)
