"""Texts classified, and masked words guessed, by transformers' pipelines."""

from typing import Any, Literal

from hfwidgets.engine.base.http_errors import bad
from hfwidgets.engine.base.scores import Transform
from hfwidgets.engine.custom.model import Labels, Pipeline, Text, Top, given, task

Aggregation = Literal["none", "simple", "first", "average", "max"]


@task(Pipeline)
def text_classification(
    model: Pipeline,
    inputs: Text,
    *,
    function_to_apply: Transform | None = None,
    top_k: Top | None = None,
) -> Any:
    """All labels with scores, or the `top_k` best."""
    return [model(inputs, top_k=top_k, **given(function_to_apply=function_to_apply))]


@task(Pipeline)
def token_classification(
    model: Pipeline,
    inputs: Text,
    *,
    aggregation_strategy: Aggregation = "simple",
    ignore_labels: list[str] | None = None,
    stride: Top | None = None,
) -> Any:
    """The entities; `stride` cuts a long text into windows that share so many tokens."""
    if stride is not None and aggregation_strategy == "none":
        raise bad("stride needs an aggregation_strategy other than 'none'.", "stride")
    if stride is None:
        _check_length(model, inputs)
    options = given(stride=stride)
    found = model(inputs, aggregation_strategy=aggregation_strategy, ignore_labels=[], **options)
    ignored = {"O"} if ignore_labels is None else set(ignore_labels)
    return [one for one in found if (one.get("entity_group") or one["entity"]) not in ignored]


def _check_length(model: Pipeline, text: str) -> None:
    """Refuse a text that is too long to be read whole: the pipeline would cut it unasked."""
    read = model.pipe.tokenizer
    count = len(read(text)["input_ids"])
    if count > read.model_max_length:
        raise bad(
            f"The text has {count} tokens and the model {model.name} reads {read.model_max_length} "
            "at once; stride=16 reads it in windows that share 16.",
            "stride",
        )


@task(Pipeline)
def fill_mask(
    model: Pipeline, inputs: Text, *, top_k: Top | None = None, targets: Labels | None = None
) -> Any:
    """The likeliest words, or those of `targets`, with the completed text."""
    return model(inputs, **given(top_k=top_k, targets=targets))


@task(Pipeline)
def zero_shot_classification(
    model: Pipeline,
    inputs: Text,
    *,
    candidate_labels: Labels,
    multi_label: bool = False,
    hypothesis_template: str = "This example is {}.",
) -> Any:
    """The candidate labels with scores, by a model of natural language inference."""
    found = model(
        inputs,
        candidate_labels=candidate_labels,
        multi_label=multi_label,
        hypothesis_template=hypothesis_template,
    )
    pairs = zip(found["labels"], found["scores"], strict=True)
    return [{"label": label, "score": score} for label, score in pairs]
