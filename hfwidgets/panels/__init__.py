"""Panels: a task's declaration as an interactive widget.

`panel(name)` opens the panel of a task or of a domain, `chat()` that of chat completion. `text()`,
`vision()`, `audio()`, `multimodal()` and `tabular()` offer the tasks of a domain, `playground()`
those of all domains. A panel's form comes from the task's declaration and its view from the type of
the result, so a task that is added to the client has a panel right away.
"""

from typing import TYPE_CHECKING, Any

from hfwidgets import tasks

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

    from hfwidgets.evaluation import Evaluation
    from hfwidgets.panels.base_panel import Panel
    from hfwidgets.panels.chat_panel import ChatPanel
    from hfwidgets.panels.compare_panel import ComparePanel
    from hfwidgets.panels.compare_task_panel import CompareTaskPanel
    from hfwidgets.panels.rows_panel import RowsPanel
    from hfwidgets.panels.task_panel import TaskPanel

CHAT = "chat-completion"

FIRST_TASKS = {
    "text": "text-classification",
    "vision": "image-classification",
    "audio": "automatic-speech-recognition",
    "multimodal": "document-question-answering",
    "tabular": "tabular-classification",
}
"""The task that a domain's panel shows first, by domain."""


def panel(task: str, model: str | None = None, **settings: Any) -> "Panel":
    """Open the panel of a task, or of a domain with all its tasks to choose from.

    Args:
        task: the task's name, with hyphens or underscores, or one of its short names such as
            "sentiment"; or a domain: "text", "vision", "audio", "multimodal" or "tabular".
        model: the model's id on the Hub; None leaves the choice to the provider.
        settings: `provider`, `token`, `base_url`, `timeout` and the other settings of a client, and
            the task's own inputs and parameters, such as `text="..."`, `top_k=3`.

    Raises:
        UnknownTaskError: there is neither a task nor a domain of this name.
        UnknownParameterError: a keyword is neither a setting nor a parameter of the task.
    """
    if isinstance(task, str) and task in FIRST_TASKS:
        return _domain_panel(task, FIRST_TASKS[task], model, settings)
    name = tasks.find(task).name
    if name == CHAT:
        return chat(model, **settings)
    from hfwidgets.panels.task_panel import TaskPanel

    return TaskPanel(name, model, **settings)


def chat(model: str | None = None, **settings: Any) -> "ChatPanel":
    """Open a chat panel; `system=` is the system prompt, other settings are as for `panel`."""
    from hfwidgets.panels.chat_panel import ChatPanel

    return ChatPanel(model, **settings)


def text(**settings: Any) -> "TaskPanel":
    """Open a panel with all text tasks to choose from."""
    return _domain_panel("text", FIRST_TASKS["text"], None, settings)


def vision(**settings: Any) -> "TaskPanel":
    """Open a panel with all vision tasks to choose from."""
    return _domain_panel("vision", FIRST_TASKS["vision"], None, settings)


def audio(**settings: Any) -> "TaskPanel":
    """Open a panel with all audio tasks to choose from."""
    return _domain_panel("audio", FIRST_TASKS["audio"], None, settings)


def multimodal(**settings: Any) -> "TaskPanel":
    """Open a panel with the tasks that combine images and text."""
    return _domain_panel("multimodal", FIRST_TASKS["multimodal"], None, settings)


def tabular(**settings: Any) -> "TaskPanel":
    """Open a panel with the tabular tasks to choose from."""
    return _domain_panel("tabular", FIRST_TASKS["tabular"], None, settings)


def playground(**settings: Any) -> "TaskPanel":
    """Open a panel with the tasks of all domains."""
    return _domain_panel(None, FIRST_TASKS["text"], None, settings)


def compare(
    models: "Iterable[str]", prompt: str = "", *, task: str = CHAT, **settings: Any
) -> "ComparePanel | CompareTaskPanel":
    """Open a panel that sends the same input to several models, side by side.

        hf.compare(["org/one", "org/two:together"], "Describe waves.")
        hf.compare(["org/one", "local"], task="object-detection", image="street.jpg")

    Args:
        models: model ids, `MODEL:PROVIDER`, names of providers, URLs of endpoints; at least two.
        prompt: the form's first text.
        task: the task's name.
        settings: as for `panel`, for all models: inputs, parameters, settings of a client. In a
            chat, `system` is a system prompt. `votes` is a file that keeps your votes; in all tasks
            but chat, `blind=True` hides the models' names until you have voted.

    Raises:
        ConfigurationError: fewer than two models, or a prompt for a task without a text.
        UnknownTaskError: no such task.
    """
    if tasks.find(task).name == CHAT:
        from hfwidgets.panels.compare_panel import ComparePanel

        return ComparePanel(models, prompt, **settings)
    from hfwidgets.panels.compare_task_panel import CompareTaskPanel

    return CompareTaskPanel(task, models, prompt, **settings)


def browse(
    evaluation: "Evaluation",
    *,
    votes: "str | PathLike[str] | None" = None,
    blind: bool = False,
) -> "RowsPanel":
    """Open a panel that walks through the rows of an evaluation, each model's result in its view.

    Args:
        evaluation: what `hf.evaluate` returned.
        votes: a file that keeps your votes.
        blind: True hides the models' names, and shuffles them, until you have voted on a row.

    Raises:
        ConfigurationError: the evaluation has no rows.
    """
    from hfwidgets.panels.rows_panel import RowsPanel

    return RowsPanel(evaluation, votes=votes, blind=blind)


def _domain_panel(
    domain: str | None, first: str, model: str | None, settings: dict[str, Any]
) -> "TaskPanel":
    from hfwidgets.panels.task_panel import TaskPanel

    names = [name for name, task in tasks.TASKS.items() if domain in (None, task.domain)]
    return TaskPanel(
        settings.pop("task", first), settings.pop("model", model), choices=names, **settings
    )
