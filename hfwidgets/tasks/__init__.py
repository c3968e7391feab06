"""The tasks: each is declared once, as a generator method, in the module of its domain.

The clients, panels, magics, batches and the embedded engine follow from the declaration, wherever
it stands. Everything that it needs is imported from here:

    from hfwidgets.results import Elements, Record
    from hfwidgets.tasks import Flow, Infer, task, to_records

    class Emotion(Record):
        label: str
        score: float

    @task("Emotion detection", {"text": "What a day!"})
    def emotion_detection(
        self: object, text: str, *, model: str | None = None, top_k: int | None = None
    ) -> Flow[Elements[Emotion]]:
        '''Name the emotions in a text.'''
        return to_records(Emotion, (yield Infer(text, model, {"top_k": top_k})))
"""

from hfwidgets.core.flow import Flow, Infer
from hfwidgets.tasks.audio import AudioTasks
from hfwidgets.tasks.chat import ChatTasks
from hfwidgets.tasks.declaration import (
    TASKS,
    AsyncTaskClient,
    BaseTask,
    SyncTaskClient,
    find,
    register,
    streaming_task,
    task,
    unregister,
)
from hfwidgets.tasks.generation import GenerationTasks
from hfwidgets.tasks.multimodal import MultimodalTasks
from hfwidgets.tasks.shape import to_record, to_records
from hfwidgets.tasks.tabular import TabularTasks
from hfwidgets.tasks.text import TextTasks
from hfwidgets.tasks.vision import VisionTasks


class Tasks(
    ChatTasks,
    TextTasks,
    GenerationTasks,
    VisionTasks,
    AudioTasks,
    MultimodalTasks,
    TabularTasks,
):
    """All tasks of this package; both clients inherit from it."""


__all__ = [
    "TASKS",
    "AsyncTaskClient",
    "BaseTask",
    "Flow",
    "Infer",
    "SyncTaskClient",
    "Tasks",
    "find",
    "register",
    "streaming_task",
    "task",
    "to_record",
    "to_records",
    "unregister",
]
