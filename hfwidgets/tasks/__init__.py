"""The tasks: each is declared once, as a generator method, in the module of its domain."""

from hfwidgets.tasks.audio import AudioTasks
from hfwidgets.tasks.chat import ChatTasks
from hfwidgets.tasks.multimodal import MultimodalTasks
from hfwidgets.tasks.tabular import TabularTasks
from hfwidgets.tasks.task import TASKS, AsyncTaskClient, BaseTask, SyncTaskClient, find
from hfwidgets.tasks.text import TextTasks
from hfwidgets.tasks.vision import VisionTasks


class Tasks(ChatTasks, TextTasks, VisionTasks, AudioTasks, MultimodalTasks, TabularTasks):
    """All tasks; both clients inherit from it."""


__all__ = ["TASKS", "AsyncTaskClient", "BaseTask", "SyncTaskClient", "Tasks", "find"]
