"""Serve an ONNX repository: which family answers which task.

A family is one class and a function per task, for every model of its kind: no model is known here
by its name. `onnxruntime` and `tokenizers` are all that is needed, and no code that comes with a
model is run.
"""

import functools
from typing import Any, ClassVar

from hfwidgets.engine.base.capability import Capability
from hfwidgets.engine.base.onnx_repository import OnnxRepository
from hfwidgets.engine.base.runtimes import require_modules
from hfwidgets.engine.custom.model import CustomModel, CustomTask, custom_task
from hfwidgets.errors import ConfigurationError, did_you_mean

ONNX_TASKS: dict[str, CustomTask] = {}
"""The tasks that ONNX models serve, by their Hub names."""

onnx_task = functools.partial(custom_task, tasks=ONNX_TASKS)
"""Declares a task for ONNX models, as `custom_task` does."""


class OnnxTaskModel(CustomModel):
    """An open ONNX model; families subclass it, and `build_onnx_capability` each model."""

    required_modules: ClassVar[tuple[str, ...]] = ("onnxruntime", "tokenizers")

    def __init__(self) -> None:
        super().__init__()
        self.repository = OnnxRepository(self.source)
        self.session = self.repository.open_session()

    @property
    def config(self) -> Any:
        return self.repository.config


def build_onnx_capability(task: str, source: str) -> Capability:
    """Return the capability that serves an ONNX repository for a task.

    Raises:
        ConfigurationError: a task that ONNX models do not serve, or a missing runtime.
    """
    if task not in ONNX_TASKS:
        known = ", ".join(sorted(ONNX_TASKS))
        raise ConfigurationError(
            f"ONNX models can't serve the task {task!r}; possible tasks are {known}."
            f"{did_you_mean(task, ONNX_TASKS)}"
        )
    declared = ONNX_TASKS[task]
    if reason := require_modules(*declared.model_class.required_modules)():
        raise ConfigurationError(f"{source} cannot be served: {reason}.")
    repository = OnnxRepository(source)
    name = repository.name
    # The kit of loaded models is keyed by class, so each model is a class with its own name.
    model: type[CustomModel] = type(name, (declared.model_class,), {"task": task, "source": source})
    return Capability(
        name=name,
        model=name,
        serves={task: declared.bind(model)},
        weights=(),
        license="the model's own",
        languages=(),
        limits=f"Custom model {source}, through onnxruntime.",
    )
