"""A folder or a Hub id as a capability, for any task: all tasks are gathered here.

They need the optional extra: `pip install "hfwidgets[transformers]"`. Code that comes with a model
is never run, and no pickle is opened that could run any.
"""

from pathlib import Path

from hfwidgets.engine.base.capability import Capability
from hfwidgets.engine.base.runtimes import needs
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
from hfwidgets.engine.custom.model import INSTALL, TASKS, Model
from hfwidgets.errors import ConfigurationError, near

MODULES = (
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

KINDS: dict[str, type[Model]] = {name: task.kind for name, task in TASKS.items()}
KINDS |= dict.fromkeys(causal_lm.TASKS, causal_lm.Causal)


def capability(task: str, source: str) -> Capability:
    """A model for a task; ConfigurationError when the task or the folder cannot be served."""
    if task not in KINDS:
        known = ", ".join(sorted(KINDS))
        raise ConfigurationError(
            f"No model of your own can be served for {task!r}; tasks are {known}."
            f"{near(task, KINDS)}"
        )
    kind = KINDS[task]
    if reason := needs(*kind.modules, install=INSTALL)():
        raise ConfigurationError(f"{source} cannot be served: {reason}.")
    path = Path(source).expanduser()
    _check(path, kind, task)
    name = path.resolve().name if path.exists() else source
    where = str(path.resolve()) if path.exists() else source
    model: type[Model] = type(name, (kind,), {"task": task, "source": where})
    if task in causal_lm.TASKS:
        return causal_lm.capability(model, task)
    return Capability(
        name=name,
        model=name,
        serves={task: TASKS[task].bound(model)},
        weights=(),
        licence="the model's own",
        languages=(),
        limits=f"Your own model {source}, through {kind.modules[-1]}.",
    )


def _check(path: Path, kind: type[Model], task: str) -> None:
    """Refuse a folder without such a model, and files that are none."""
    wanted = " or ".join(kind.marks)
    if path.is_dir() and not any(found for mark in kind.marks for found in path.glob(mark)):
        raise ConfigurationError(f"{path} holds no model for {task}: there is no {wanted} in it.")
    kind.checked(path)
