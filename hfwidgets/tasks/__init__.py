"""The tasks: each is declared once, as a generator method, in the module of its domain."""

from hfwidgets.tasks._task import TASKS, Async, BaseTask, Sync, find
from hfwidgets.tasks.chat import Chat
from hfwidgets.tasks.text import TextTasks


class Tasks(Chat, TextTasks):
    """All tasks; both clients inherit from it."""


__all__ = ["TASKS", "Async", "BaseTask", "Sync", "Tasks", "find"]
