"""Classify texts and fill masks with transformers pipelines."""

from typing import Any, Literal

from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.base.scores import Transform
from hfwidgets.engine.custom.model import Labels, PipelineModel, Text, TopK, custom_task, drop_none

AggregationStrategy = Literal["none", "simple", "first", "average", "max"]


@custom_task(PipelineModel)
def text_classification(
    model: PipelineModel,
    inputs: Text,
    *,
    function_to_apply: Transform | None = None,
    top_k: TopK | None = None,
) -> Any:
    """Classify a text: all labels with scores, or the `top_k` best."""
    return [model(inputs, top_k=top_k, **drop_none(function_to_apply=function_to_apply))]


@custom_task(PipelineModel)
def token_classification(
    model: PipelineModel,
    inputs: Text,
    *,
    aggregation_strategy: AggregationStrategy = "simple",
    ignore_labels: list[str] | None = None,
    stride: TopK | None = None,
) -> Any:
    """Find entities; `stride` reads a long text in windows that overlap by so many tokens."""
    if stride is not None and aggregation_strategy == "none":
        raise bad_request("stride needs an aggregation_strategy other than 'none'.", "stride")
    if stride is None:
        _check_length(model, inputs)
    options = drop_none(stride=stride)
    found = model(inputs, aggregation_strategy=aggregation_strategy, ignore_labels=[], **options)
    ignored = {"O"} if ignore_labels is None else set(ignore_labels)
    return [part for part in found if (part.get("entity_group") or part["entity"]) not in ignored]


def _check_length(model: PipelineModel, text: str) -> None:
    """Raise a 400 for a text that the pipeline would silently cut."""
    tokenizer = model.pipe.tokenizer
    count, limit = len(tokenizer(text)["input_ids"]), tokenizer.model_max_length
    if count > limit:
        raise bad_request(
            f"The text has {count} tokens and the model {model.name} reads {limit} at once; "
            "stride=16 reads it in windows that overlap by 16.",
            "stride",
        )


@custom_task(PipelineModel)
def fill_mask(
    model: PipelineModel, inputs: Text, *, top_k: TopK | None = None, targets: Labels | None = None
) -> Any:
    """Fill a mask with the most likely words, or the best of `targets`."""
    return model(inputs, **drop_none(top_k=top_k, targets=targets))


@custom_task(PipelineModel)
def zero_shot_classification(
    model: PipelineModel,
    inputs: Text,
    *,
    candidate_labels: Labels,
    multi_label: bool = False,
    hypothesis_template: str = "This example is {}.",
) -> Any:
    """Score candidate labels with a model of natural language inference."""
    found = model(
        inputs,
        candidate_labels=candidate_labels,
        multi_label=multi_label,
        hypothesis_template=hypothesis_template,
    )
    pairs = zip(found["labels"], found["scores"], strict=True)
    return [{"label": label, "score": score} for label, score in pairs]
