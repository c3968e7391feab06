"""Models of the user's own for any task but chat, through the pipelines of `transformers`.

They are optional: `pip install "hfwidgets[transformers]"`. A model is a folder or a Hub id; code
that comes with a model is never run. Each task here is a function in the Hub's wire around one
pipeline, made for one model.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from hfwidgets.errors import ConfigurationError, near
from hfwidgets.local import pictures, sounds
from hfwidgets.local._capability import Capability, Kit
from hfwidgets.local.refusal import RefusedError, bad
from hfwidgets.local.runtimes import needs
from hfwidgets.local.scores import Transform

Function = Callable[..., Any]
Top = Annotated[int, msgspec.Meta(ge=1)]
Labels = Annotated[list[str], msgspec.Meta(min_length=1, max_length=256)]
Text = Annotated[str, msgspec.Meta(min_length=1)]
Texts = Annotated[list[Text], msgspec.Meta(min_length=1, max_length=256)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]

INSTALL = 'pip install "hfwidgets[transformers]"'


class Pipeline:
    """One model, opened; a subclass of its own says which. One request computes at a time."""

    task: ClassVar[str]
    source: ClassVar[str]

    def __init__(self, run: Any) -> None:
        self._run = run
        self._lock = threading.Lock()

    @classmethod
    def load(cls) -> "Pipeline":
        """Open it, from the folder or the Hub's cache, else by a download; 500 when it fails."""
        from transformers import pipeline  # pyright: ignore[reportMissingImports]

        try:
            return cls(pipeline(cls.task, model=cls.source, trust_remote_code=False))
        except (OSError, ValueError, KeyError, ImportError) as error:
            said = f"The model {cls.source} cannot be opened for {cls.task}: {error}"
            raise RefusedError(500, said, kind="model_broken") from error

    def __call__(self, inputs: Any, **parameters: Any) -> Any:
        """The pipeline's answer as plain JSON values; 400 for what the model cannot take."""
        try:
            with self._lock:
                return plain(self._run(inputs, **parameters))
        except _refusals() as error:
            raise bad(f"The model {self.source} cannot take this: {error}", "inputs") from error

    @property
    def rate(self) -> int:
        """The sampling rate that the model hears at, in hertz."""
        return int(self._run.feature_extractor.sampling_rate)


def _refusals() -> tuple[type[Exception], ...]:
    """What pipelines raise at inputs that they cannot take, as too long ones."""
    from transformers.pipelines import (  # pyright: ignore[reportMissingImports]
        PipelineException,
    )

    return ValueError, IndexError, RuntimeError, PipelineException


def plain(value: Any) -> Any:
    """A pipeline's answer as JSON values: arrays as lists, pictures as PNG files in base64."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if hasattr(value, "tolist"):  # numpy's numbers and arrays, torch's tensors
        return value.tolist()
    return pictures.base64_png(value) if hasattr(value, "save") else value


def given(**parameters: Any) -> dict[str, Any]:
    """The parameters that the caller has set; the others are left to the model's own settings."""
    return {name: value for name, value in parameters.items() if value is not None}


def text_classification(model: type[Pipeline]) -> Function:
    def run(
        kit: Kit,
        inputs: Text,
        *,
        function_to_apply: Transform | None = None,
        top_k: Top | None = None,
    ) -> Any:
        options = given(function_to_apply=function_to_apply)
        return [kit.get(model)(inputs, top_k=top_k, **options)]

    return run


def token_classification(model: type[Pipeline]) -> Function:
    def run(
        kit: Kit,
        inputs: Text,
        *,
        aggregation_strategy: Literal["none", "simple", "first", "average", "max"] = "simple",
        ignore_labels: list[str] | None = None,
    ) -> Any:
        found = kit.get(model)(inputs, aggregation_strategy=aggregation_strategy)
        ignored = {"O"} if ignore_labels is None else set(ignore_labels)
        return [one for one in found if (one.get("entity_group") or one["entity"]) not in ignored]

    return run


def fill_mask(model: type[Pipeline]) -> Function:
    def run(
        kit: Kit, inputs: Text, *, top_k: Top | None = None, targets: Labels | None = None
    ) -> Any:
        return kit.get(model)(inputs, **given(top_k=top_k, targets=targets))

    return run


def zero_shot_classification(model: type[Pipeline]) -> Function:
    def run(
        kit: Kit,
        inputs: Text,
        *,
        candidate_labels: Labels,
        multi_label: bool = False,
        hypothesis_template: str = "This example is {}.",
    ) -> Any:
        found = kit.get(model)(
            inputs,
            candidate_labels=candidate_labels,
            multi_label=multi_label,
            hypothesis_template=hypothesis_template,
        )
        pairs = zip(found["labels"], found["scores"], strict=True)
        return [{"label": label, "score": score} for label, score in pairs]

    return run


def feature_extraction(model: type[Pipeline]) -> Function:
    def run(kit: Kit, inputs: Text | Texts, *, truncate: bool | None = None) -> Any:
        """The vectors of a text's tokens, shape (1, tokens, dimensions); of several: a list."""
        return kit.get(model)(inputs, **given(truncation=truncate))

    return run


def image_classification(model: type[Pipeline]) -> Function:
    def run(
        kit: Kit, inputs: bytes, *, function_to_apply: Transform | None = None, top_k: Top = 5
    ) -> Any:
        options = given(function_to_apply=function_to_apply)
        return kit.get(model)(pictures.opened(inputs), top_k=top_k, **options)

    return run


def object_detection(model: type[Pipeline]) -> Function:
    def run(kit: Kit, inputs: bytes, *, threshold: Share = 0.5) -> Any:
        return kit.get(model)(pictures.opened(inputs), threshold=threshold)

    return run


def zero_shot_image_classification(model: type[Pipeline]) -> Function:
    def run(
        kit: Kit,
        inputs: bytes,
        *,
        candidate_labels: Labels,
        hypothesis_template: str = "This is a photo of {}.",
    ) -> Any:
        picture = pictures.opened(inputs)
        options = {"hypothesis_template": hypothesis_template}
        return kit.get(model)(picture, candidate_labels=candidate_labels, **options)

    return run


def _heard(model: Pipeline, content: bytes) -> dict[str, Any]:
    """A sound file as the audio pipelines take it."""
    return {"raw": sounds.samples(content, model.rate), "sampling_rate": model.rate}


def automatic_speech_recognition(model: type[Pipeline]) -> Function:
    def run(
        kit: Kit,
        inputs: bytes,
        *,
        return_timestamps: bool | Literal["word", "char"] | None = None,
        generation_parameters: dict[str, Any] | None = None,
    ) -> Any:
        options = given(return_timestamps=return_timestamps, generate_kwargs=generation_parameters)
        opened = kit.get(model)
        return opened(_heard(opened, inputs), **options)

    return run


def audio_classification(model: type[Pipeline]) -> Function:
    def run(
        kit: Kit, inputs: bytes, *, function_to_apply: Transform | None = None, top_k: Top = 5
    ) -> Any:
        opened = kit.get(model)
        options = given(function_to_apply=function_to_apply)
        return opened(_heard(opened, inputs), top_k=top_k, **options)

    return run


TASKS: dict[str, Callable[[type[Pipeline]], Function]] = {
    made.__name__.replace("_", "-"): made
    for made in (
        text_classification,
        token_classification,
        fill_mask,
        zero_shot_classification,
        feature_extraction,
        image_classification,
        object_detection,
        zero_shot_image_classification,
        automatic_speech_recognition,
        audio_classification,
    )
}


def capability(task: str, source: str, *, name: str | None = None) -> Capability:
    """A model for a task; ConfigurationError when the task or the folder cannot be served."""
    if task not in TASKS:
        known = ", ".join(sorted(TASKS))
        raise ConfigurationError(
            f"No model of your own can be served for {task!r}; tasks are {known}."
            f"{near(task, TASKS)} For chat and text generation: --chat FILE.gguf."
        )
    if reason := needs("torch", "transformers", install=INSTALL)():
        raise ConfigurationError(f"{source} cannot be served: {reason}.")
    folder = Path(source).expanduser()
    if folder.is_dir() and not (folder / "config.json").is_file():
        raise ConfigurationError(f"{folder} holds no model: there is no config.json in it.")
    known_as = name or (folder.resolve().name if folder.is_dir() else source)
    where = str(folder.resolve()) if folder.is_dir() else source
    model: type[Pipeline] = type(known_as, (Pipeline,), {"task": task, "source": where})
    return Capability(
        name=known_as,
        model=known_as,
        serves={task: TASKS[task](model)},
        weights=(),
        licence="the model's own",
        languages=(),
        limits=f"Your own model {source}, through transformers.",
    )
