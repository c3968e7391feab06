"""Define custom models and how the tasks they serve are declared.

A task is one function `function(model, inputs, *, parameter=default, ...)` in the Hub's wire format
under `@custom_task(ModelClass)`: `ModelClass` opens such models, and requests are checked against
the function's annotations (`parameters.py`). Nothing here imports torch before a model is used.
"""

import functools
import inspect
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, TypeVar

import msgspec

from hfwidgets.core.arrays import SupportsToList
from hfwidgets.engine.base import images
from hfwidgets.engine.base.capability import LoadedModels
from hfwidgets.engine.base.http_errors import RefusedError, bad_request
from hfwidgets.errors import ConfigurationError

if TYPE_CHECKING:
    # torch and transformers are an optional extra: where it isn't installed, these are Any.
    from torch import device  # pyright: ignore[reportMissingImports]
    from transformers import PreTrainedModel  # pyright: ignore[reportMissingImports]

log = logging.getLogger(__name__)

TaskFunction = Callable[..., Any]
F = TypeVar("F", bound=TaskFunction)
TopK = Annotated[int, msgspec.Meta(ge=1)]
Labels = Annotated[list[str], msgspec.Meta(min_length=1, max_length=256)]
Text = Annotated[str, msgspec.Meta(min_length=1)]
Texts = Annotated[list[Text], msgspec.Meta(min_length=1, max_length=256)]
Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]
TaskInput = str | bytes | list[str] | msgspec.Struct
"""The inputs of a request after they were checked against a task's annotation."""

INSTALL_COMMAND = 'pip install "hfwidgets[transformers]"'
_MAX_ERROR_CHARACTERS = 500
"""Characters of a library's error that are passed on; some errors list every weight of a model."""


class CustomModel:
    """Hold one open model; `folder.py` subclasses it per model. Requests run one at a time."""

    task: ClassVar[str]
    source: ClassVar[str]
    """The folder, or the Hub id: read from the Hub's cache, else downloaded."""
    marker_files: ClassVar[tuple[str, ...]] = ("config.json",)
    """Glob patterns of which a model's folder must match at least one."""
    required_modules: ClassVar[tuple[str, ...]] = ("torch", "transformers")

    def __init__(self) -> None:
        self._lock = threading.Lock()

    @classmethod
    def check_source(cls, path: Path) -> None:
        """Raise ConfigurationError for a file where a folder or a Hub id is expected."""
        if path.is_file():
            message = f"{path} is a file; pass the folder that holds its {cls.marker_files[0]}"
            raise ConfigurationError(f"{message}, or a Hub id.")

    @classmethod
    def load(cls) -> Self:
        """Open the model; RefusedError 500 if it fails."""
        try:
            return cls()
        except RefusedError:
            raise
        # A custom model can be broken in any way, in code that isn't ours: report whatever it is.
        except Exception as error:
            log.exception("Failed to open %s", cls.source)
            message = (
                f"The model {cls.__name__} cannot be opened for {cls.task}: "
                f"{summarize_error(error)}"
            )
            raise RefusedError(500, message, kind="model_broken") from error

    @property
    def name(self) -> str:
        """Return the id that users see."""
        return type(self).__name__

    def run(
        self,
        kit: LoadedModels,
        function: TaskFunction,
        inputs: TaskInput,
        parameters: dict[str, Any],
    ) -> Any:
        """Return the function's answer as plain JSON values; RefusedError 400 for bad inputs."""
        try:
            with self._lock:
                self.kit = kit  # some tasks also use one of the engine's own models
                return to_json_value(function(self, inputs, **parameters))
        except input_error_types() as error:
            raise self.to_http_error(error) from error

    def to_http_error(self, error: Exception) -> RefusedError:
        """Translate a library's error during a request into an HTTP error."""
        # By name, as models without torch must not import it for this.
        if type(error).__name__ == "OutOfMemoryError":
            message = f"Not enough memory for this request with the model {self.name}."
            return RefusedError(503, message, kind="out_of_memory")
        return bad_request(
            f"The model {self.name} cannot take this: {summarize_error(error)}", "inputs"
        )


@functools.cache
def input_error_types() -> tuple[type[Exception], ...]:
    """Return the exceptions that the libraries raise for bad inputs, such as too long texts."""
    # torch raises RuntimeError for shapes that do not fit, IndexError for ids beyond its tables.
    return ValueError, IndexError, RuntimeError, _pipeline_error_type()


def _pipeline_error_type() -> type[Exception]:
    try:
        from transformers.pipelines import (  # pyright: ignore[reportMissingImports]
            PipelineException,
        )
    except ImportError:  # a scikit-learn model doesn't need transformers
        return ValueError
    error: type[Exception] = PipelineException
    return error


def summarize_error(error: Exception) -> str:
    """Return a library's error as one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _MAX_ERROR_CHARACTERS else text[:_MAX_ERROR_CHARACTERS] + " ..."


def default_device() -> "device":
    """Return the device to compute on: the machine's accelerator, else the CPU."""
    import torch  # pyright: ignore[reportMissingImports]

    return torch.accelerator.current_accelerator() or torch.device("cpu")


def load_pretrained(class_name: str, source: str) -> Any:
    """Load a model's files through the transformers class of this name.

    Code that comes with a model is never run.
    """
    import transformers  # pyright: ignore[reportMissingImports]

    return getattr(transformers, class_name).from_pretrained(source, trust_remote_code=False)


def load_network(class_name: str, source: str) -> "PreTrainedModel":
    """Load a network in evaluation mode on the default device."""
    network = require_trained_parts(load_pretrained(class_name, source), source)
    return network.eval().to(default_device())


def require_trained_parts(net: "PreTrainedModel", source: str) -> "PreTrainedModel":
    """Return the network; ValueError if the model's files lack one of its parts."""
    # transformers fills a missing part, such as the head of a model that was not trained for the
    # task, with random numbers and only warns. A missing pooler is common, and no task reads it.
    trained = net.config.architectures or [type(net).__name__]
    missing = [] if type(net).__name__ in trained else _find_missing_parts(type(net), source)
    if missing:
        raise ValueError(
            f"its files are for a {trained[0]} and hold no {' and no '.join(missing)}, so it would "
            "answer at random; use a model that was trained for this task"
        )
    return net


def _find_missing_parts(model_class: "type[PreTrainedModel]", source: str) -> list[str]:
    """Return the parts of this class of network that have no weight in the files."""
    # Loaded a second time, for its report alone; models of the expected class never get here.
    net, info = model_class.from_pretrained(source, output_loading_info=True)
    missing = set(info["missing_keys"])
    parts: dict[str, set[str]] = {}
    for name, _ in net.named_parameters():  # yields a shared parameter once
        parts.setdefault(name.partition(".")[0], set()).add(name)
    return [part for part, names in parts.items() if part != "pooler" and names <= missing]


class NetworkModel(CustomModel):
    """Open a network and its tokenizer by the names of their transformers classes."""

    model_class: ClassVar[str]
    tokenizer_class: ClassVar[str] = "AutoTokenizer"

    def __init__(self) -> None:
        super().__init__()
        self.net = load_network(self.model_class, self.source)
        self.tokenizer = load_pretrained(self.tokenizer_class, self.source)


class PipelineModel(CustomModel):
    """Open a transformers pipeline; call it with its inputs and its own parameter names."""

    def __init__(self) -> None:
        super().__init__()
        from transformers import pipeline  # pyright: ignore[reportMissingImports]

        self.pipe = pipeline(self.task, model=self.source, trust_remote_code=False)
        require_trained_parts(self.pipe.model, self.source)

    def __call__(self, *inputs: Any, **parameters: Any) -> Any:
        return self.pipe(*inputs, **parameters)

    @property
    def sampling_rate(self) -> int:
        """Return the sampling rate that the model expects, in Hz."""
        return int(self.pipe.feature_extractor.sampling_rate)


def to_json_value(value: object) -> Any:
    """Convert a library's answer to JSON values: arrays to lists, images to base64 PNG files."""
    if isinstance(value, dict):
        return {name: to_json_value(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json_value(item) for item in value]
    if isinstance(value, SupportsToList):  # numpy numbers and arrays, torch tensors
        return value.tolist()
    if hasattr(value, "save"):  # a PIL image; importing PIL to check would cost every request
        return images.to_base64_png(value)  # type: ignore[arg-type]
    return value


def drop_none(**parameters: Any) -> dict[str, Any]:
    """Return the parameters that the caller has set; the model's defaults cover the others."""
    return {name: value for name, value in parameters.items() if value is not None}


@dataclass(frozen=True, slots=True)
class CustomTask:
    """Pair a task's function with the class that opens models for it."""

    function: TaskFunction
    model_class: type[CustomModel]

    def bind(self, model: type[CustomModel]) -> TaskFunction:
        """Return the function for one model, with the signature that capabilities use."""

        # wraps() keeps the annotations, against which the engine checks requests.
        @functools.wraps(self.function)
        def run(kit: LoadedModels, inputs: TaskInput, **parameters: Any) -> Any:
            return kit.get(model).run(kit, self.function, inputs, parameters)

        return run


CUSTOM_TASKS: dict[str, CustomTask] = {}
"""The declared tasks by their Hub names."""


def custom_task(
    model_class: type[CustomModel], tasks: dict[str, CustomTask] = CUSTOM_TASKS
) -> Callable[[F], F]:
    """Declare a task of `tasks` under the function's name, for models that `model_class` opens."""

    def declare(function: F) -> F:
        tasks[function.__name__.replace("_", "-")] = CustomTask(function, model_class)
        return function

    return declare


def parameter_names(function: TaskFunction) -> set[str]:
    """Return the names of a library function's parameters."""
    return set(inspect.signature(function).parameters)
