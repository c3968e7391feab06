"""What a model of the user's own is, and how the tasks that it may serve are declared.

A task is one function `function(model, inputs, *, parameter=default, ...)` in the Hub's wire under
`@task(Kind)`: `Kind` is the class that opens such models, the annotations are what requests are
checked against (`parameters.py`). Nothing here imports torch before a model is used.
"""

import functools
import inspect
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, TypeVar

import msgspec

from hfwidgets.engine.base import images
from hfwidgets.engine.base.capability import LoadedModels
from hfwidgets.engine.base.http_errors import RefusedError, bad_request
from hfwidgets.errors import ConfigurationError

log = logging.getLogger(__name__)

TaskFunction = Callable[..., Any]
F = TypeVar("F", bound=TaskFunction)
TopK = Annotated[int, msgspec.Meta(ge=1)]
Labels = Annotated[list[str], msgspec.Meta(min_length=1, max_length=256)]
Text = Annotated[str, msgspec.Meta(min_length=1)]
Texts = Annotated[list[Text], msgspec.Meta(min_length=1, max_length=256)]
Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]

INSTALL_COMMAND = 'pip install "hfwidgets[transformers]"'
_MAX_ERROR_CHARACTERS = 500
"""Characters of a library's error that are passed on; some list every weight of a model."""


class CustomModel:
    """One model, opened; a subclass of its own says which. One request computes at a time."""

    task: ClassVar[str]
    source: ClassVar[str]
    """The folder, or the Hub's id: from its cache, else by a download."""
    marker_files: ClassVar[tuple[str, ...]] = ("config.json",)
    """The files by which a folder is known to hold such a model: one of them is there."""
    required_modules: ClassVar[tuple[str, ...]] = ("torch", "transformers")

    def __init__(self) -> None:
        self._lock = threading.Lock()

    @classmethod
    def check_source(cls, path: Path) -> None:
        """ConfigurationError for a file, where a folder or a Hub id is wanted."""
        if path.is_file():
            said = f"{path} is a file; a model is the folder that holds its {cls.marker_files[0]}"
            raise ConfigurationError(f"{said}, or a Hub id.")

    @classmethod
    def load(cls) -> Self:
        """Open it; 500 when it fails, in whatever way a foreign model can be broken."""
        try:
            return cls()
        except RefusedError:
            raise
        except Exception as error:
            log.exception("%s cannot be opened", cls.source)
            said = (
                f"The model {cls.__name__} cannot be opened for {cls.task}: "
                f"{summarize_error(error)}"
            )
            raise RefusedError(500, said, kind="model_broken") from error

    @property
    def name(self) -> str:
        """The id that users know it by."""
        return type(self).__name__

    def run(
        self, kit: LoadedModels, function: TaskFunction, inputs: Any, parameters: dict[str, Any]
    ) -> Any:
        """The function's answer as plain JSON values; 400 for what the model cannot take."""
        try:
            with self._lock:
                self.kit = kit  # for those that use one of the engine's own models beside
                return to_json_value(function(self, inputs, **parameters))
        except input_error_types() as error:
            raise self.to_http_error(error) from error

    def to_http_error(self, error: Exception) -> RefusedError:
        """What a library's error at a request means to the caller."""
        if type(error).__name__ == "OutOfMemoryError":
            said = f"The memory is too small for this with the model {self.name}."
            return RefusedError(503, said, kind="out_of_memory")
        return bad_request(
            f"The model {self.name} cannot take this: {summarize_error(error)}", "inputs"
        )


@functools.cache
def input_error_types() -> tuple[type[Exception], ...]:
    """What the libraries raise at inputs that they cannot take, as too long ones."""
    return ValueError, IndexError, RuntimeError, _pipeline_error_type()


def _pipeline_error_type() -> type[Exception]:
    try:
        from transformers.pipelines import (  # pyright: ignore[reportMissingImports]
            PipelineException,
        )
    except ImportError:  # a model of scikit-learn's needs no transformers
        return ValueError
    error: type[Exception] = PipelineException
    return error


def summarize_error(error: Exception) -> str:
    """A library's error in one line."""
    said = " ".join(str(error).split()) or type(error).__name__
    return said if len(said) <= _MAX_ERROR_CHARACTERS else said[:_MAX_ERROR_CHARACTERS] + " ..."


def default_device() -> Any:
    """Where models compute: the machine's accelerator, else its processor."""
    import torch  # pyright: ignore[reportMissingImports]

    return torch.accelerator.current_accelerator() or torch.device("cpu")


def load_pretrained(name: str, source: str) -> Any:
    """What transformers' class of this name makes of a model's files; their code is never run."""
    import transformers  # pyright: ignore[reportMissingImports]

    return getattr(transformers, name).from_pretrained(source, trust_remote_code=False)


def load_network(name: str, source: str) -> Any:
    """A network, ready to compute."""
    return require_trained_parts(load_pretrained(name, source), source).eval().to(default_device())


def require_trained_parts(net: Any, source: str) -> Any:
    """The network; ValueError when a part of it is not in the model's files.

    The library fills such a part, as the head of a model that was not trained for the task, with
    random numbers. A lacking pooler is usual, and no task here reads one.
    """
    trained = net.config.architectures or [type(net).__name__]
    lacks = [] if type(net).__name__ in trained else _find_missing_parts(type(net), source)
    if lacks:
        raise ValueError(
            f"its files are of a {trained[0]} and hold no {' and no '.join(lacks)}, so it would "
            "answer at random; take one that was trained for this task"
        )
    return net


def _find_missing_parts(kind: type[Any], source: str) -> list[str]:
    """The parts of a network of this class none of whose weights are in the files."""
    net, found = kind.from_pretrained(source, output_loading_info=True)
    missing = set(found["missing_keys"])
    parts: dict[str, set[str]] = {}
    for name, _ in net.named_parameters():  # one that is shared is named once
        parts.setdefault(name.partition(".")[0], set()).add(name)
    return [part for part, names in parts.items() if part != "pooler" and names <= missing]


class NetworkModel(CustomModel):
    """A network with its tokenizer, by the names of transformers' classes."""

    model_class: ClassVar[str]
    tokenizer_class: ClassVar[str] = "AutoTokenizer"

    def __init__(self) -> None:
        super().__init__()
        self.net = load_network(self.model_class, self.source)
        self.tokenizer = load_pretrained(self.tokenizer_class, self.source)


class PipelineModel(CustomModel):
    """A pipeline of transformers', called with the inputs and its own names of parameters."""

    def __init__(self) -> None:
        super().__init__()
        from transformers import pipeline  # pyright: ignore[reportMissingImports]

        self.pipe = pipeline(self.task, model=self.source, trust_remote_code=False)
        require_trained_parts(self.pipe.model, self.source)

    def __call__(self, *inputs: Any, **parameters: Any) -> Any:
        return self.pipe(*inputs, **parameters)

    @property
    def sampling_rate(self) -> int:
        """The sampling rate that the model hears at, in hertz."""
        return int(self.pipe.feature_extractor.sampling_rate)


def to_json_value(value: Any) -> Any:
    """A library's answer as JSON values: arrays as lists, pictures as PNG files in base64."""
    if isinstance(value, dict):
        return {name: to_json_value(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [to_json_value(one) for one in value]
    if hasattr(value, "tolist"):  # numpy's numbers and arrays, torch's tensors
        return value.tolist()
    return images.to_base64_png(value) if hasattr(value, "save") else value


def drop_none(**parameters: Any) -> dict[str, Any]:
    """The parameters that the caller has set; the others are left to the model's own settings."""
    return {name: value for name, value in parameters.items() if value is not None}


@dataclass(frozen=True, slots=True)
class CustomTask:
    """A task: the function that does it and the class that opens models for it."""

    function: TaskFunction
    model_class: type[CustomModel]

    def bind(self, model: type[CustomModel]) -> TaskFunction:
        """The function for one model, in the form that capabilities have."""

        @functools.wraps(self.function)
        def run(kit: LoadedModels, inputs: Any, **parameters: Any) -> Any:
            return kit.get(model).run(kit, self.function, inputs, parameters)

        return run


CUSTOM_TASKS: dict[str, CustomTask] = {}
"""The tasks that are declared, by the Hub's names."""


def custom_task(kind: type[CustomModel]) -> Callable[[F], F]:
    """Declare a task under the function's name, for models that `kind` opens."""

    def declare(function: F) -> F:
        CUSTOM_TASKS[function.__name__.replace("_", "-")] = CustomTask(function, kind)
        return function

    return declare


def parameter_names(function: TaskFunction) -> set[str]:
    """The names that a library's function takes."""
    return set(inspect.signature(function).parameters)
