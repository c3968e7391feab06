"""A folder or a Hub id as a capability, for any task: all tasks are gathered here.

They need the optional extra: `pip install "hfwidgets[transformers]"`. Code that comes with a model
is never run, and no pickle is opened that could run any.
"""

from pathlib import Path

from hfwidgets.engine.base.capability import Capability
from hfwidgets.engine.base.runtimes import require_modules
from hfwidgets.engine.custom import (
    audio,
    causal_lm,
    embeddings,
    image_generation,
    image_to_text,
    question_answering,
    seq2seq,
    tabular,
    text,
    vision,
)
from hfwidgets.engine.custom.model import CUSTOM_TASKS, INSTALL_COMMAND, CustomModel
from hfwidgets.errors import ConfigurationError, did_you_mean

TASK_MODULES = (
    audio,
    image_generation,
    question_answering,
    seq2seq,
    image_to_text,
    tabular,
    text,
    embeddings,
    vision,
)
"""The modules that declare tasks, by importing them."""

MODEL_CLASSES: dict[str, type[CustomModel]] = {
    name: task.model_class for name, task in CUSTOM_TASKS.items()
}
MODEL_CLASSES |= dict.fromkeys(causal_lm.CAUSAL_TASKS, causal_lm.CausalModel)


def build_custom_capability(task: str, source: str) -> Capability:
    """A model for a task; ConfigurationError when the task or the folder cannot be served."""
    if task not in MODEL_CLASSES:
        known = ", ".join(sorted(MODEL_CLASSES))
        raise ConfigurationError(
            f"No model of your own can be served for {task!r}; tasks are {known}."
            f"{did_you_mean(task, MODEL_CLASSES)}"
        )
    kind = MODEL_CLASSES[task]
    if reason := require_modules(*kind.required_modules, install=INSTALL_COMMAND)():
        raise ConfigurationError(f"{source} cannot be served: {reason}.")
    path = Path(source).expanduser()
    _check_folder(path, kind, task)
    name = path.resolve().name if path.exists() else source
    where = str(path.resolve()) if path.exists() else source
    model: type[CustomModel] = type(name, (kind,), {"task": task, "source": where})
    if task in causal_lm.CAUSAL_TASKS:
        return causal_lm.build_causal_capability(model, task)
    return Capability(
        name=name,
        model=name,
        serves={task: CUSTOM_TASKS[task].bind(model)},
        weights=(),
        license="the model's own",
        languages=(),
        limits=f"Your own model {source}, through {kind.required_modules[-1]}.",
    )


def _check_folder(path: Path, kind: type[CustomModel], task: str) -> None:
    """Refuse a folder without such a model, and files that are none."""
    wanted = " or ".join(kind.marker_files)
    if path.is_dir() and not any(found for mark in kind.marker_files for found in path.glob(mark)):
        raise ConfigurationError(f"{path} holds no model for {task}: there is no {wanted} in it.")
    kind.check_source(path)
