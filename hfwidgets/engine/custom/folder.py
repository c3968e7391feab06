"""Turn a folder or a Hub id into a capability for any task.

Custom models need the optional extra: `pip install "hfwidgets[transformers]"`. Code that comes with
a model is never run, and pickles, which could run any code, are never opened.
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

# Importing a module declares its tasks.
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
"""The modules that declare tasks."""

MODEL_CLASSES: dict[str, type[CustomModel]] = {
    name: task.model_class for name, task in CUSTOM_TASKS.items()
}
MODEL_CLASSES |= dict.fromkeys(causal_lm.CAUSAL_TASKS, causal_lm.CausalModel)


def build_custom_capability(task: str, source: str) -> Capability:
    """Return the capability that serves a folder or Hub id for a task.

    Raises ConfigurationError for an unknown task, a missing library or an unusable folder.
    """
    if task not in MODEL_CLASSES:
        known = ", ".join(sorted(MODEL_CLASSES))
        raise ConfigurationError(
            f"Custom models can't serve the task {task!r}; possible tasks are {known}."
            f"{did_you_mean(task, MODEL_CLASSES)}"
        )
    model_class = MODEL_CLASSES[task]
    if reason := require_modules(*model_class.required_modules, install=INSTALL_COMMAND)():
        raise ConfigurationError(f"{source} cannot be served: {reason}.")
    path = Path(source).expanduser()
    _check_folder(path, model_class, task)
    # Resolved, because a path such as "." has no name.
    name = path.resolve().name if path.exists() else source
    location = str(path.resolve()) if path.exists() else source
    # The kit of loaded models is keyed by class, so each model is a class with its own name.
    model: type[CustomModel] = type(name, (model_class,), {"task": task, "source": location})
    if task in causal_lm.CAUSAL_TASKS:
        return causal_lm.build_causal_capability(model, task)
    return Capability(
        name=name,
        model=name,
        serves={task: CUSTOM_TASKS[task].bind(model)},
        weights=(),
        license="the model's own",
        languages=(),
        limits=f"Custom model {source}, through {model_class.required_modules[-1]}.",
    )


def _check_folder(path: Path, model_class: type[CustomModel], task: str) -> None:
    """Raise ConfigurationError for a folder or file that can't hold such a model."""
    patterns = model_class.marker_files
    if path.is_dir() and not any(True for pattern in patterns for _ in path.glob(pattern)):
        raise ConfigurationError(
            f"{path} holds no model for {task}: no {' or '.join(patterns)} in it."
        )
    model_class.check_source(path)
