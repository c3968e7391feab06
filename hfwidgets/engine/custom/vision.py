"""Pictures classified, searched and taken apart, by transformers' pipelines."""

from typing import Any, Literal

from hfwidgets.engine.base import images
from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.base.scores import Transform
from hfwidgets.engine.custom.model import (
    Fraction,
    Labels,
    PipelineModel,
    TopK,
    custom_task,
    drop_none,
)

SegmentationSubtask = Literal["instance", "panoptic", "semantic"]


@custom_task(PipelineModel)
def image_classification(
    model: PipelineModel,
    inputs: bytes,
    *,
    function_to_apply: Transform | None = None,
    top_k: TopK = 5,
) -> Any:
    """The likeliest labels with scores."""
    options = drop_none(function_to_apply=function_to_apply)
    return model(images.open_image(inputs), top_k=top_k, **options)


@custom_task(PipelineModel)
def object_detection(model: PipelineModel, inputs: bytes, *, threshold: Fraction = 0.5) -> Any:
    """Things with labels, scores and boxes in pixels."""
    return model(images.open_image(inputs), threshold=threshold)


@custom_task(PipelineModel)
def zero_shot_image_classification(
    model: PipelineModel,
    inputs: bytes,
    *,
    candidate_labels: Labels,
    hypothesis_template: str = "This is a photo of {}.",
) -> Any:
    """The candidate labels with scores."""
    picture = images.open_image(inputs)
    options = {"hypothesis_template": hypothesis_template}
    return model(picture, candidate_labels=candidate_labels, **options)


@custom_task(PipelineModel)
def zero_shot_object_detection(
    model: PipelineModel, inputs: bytes, *, candidate_labels: Labels, threshold: Fraction = 0.1
) -> Any:
    """Things of the candidate labels with scores and boxes in pixels."""
    picture = images.open_image(inputs)
    return model(picture, candidate_labels=candidate_labels, threshold=threshold)


@custom_task(PipelineModel)
def image_segmentation(
    model: PipelineModel,
    inputs: bytes,
    *,
    threshold: Fraction | None = None,
    mask_threshold: Fraction | None = None,
    overlap_mask_area_threshold: Fraction | None = None,
    subtask: SegmentationSubtask | None = None,
) -> Any:
    """Segments with a mask each, white where it is; semantic ones carry no score."""
    thresholds = drop_none(
        threshold=threshold,
        mask_threshold=mask_threshold,
        overlap_mask_area_threshold=overlap_mask_area_threshold,
    )
    done = _choose_subtask(model, subtask)
    if done == "semantic" and thresholds:
        name = next(iter(thresholds))
        raise bad_request(f"A semantic segmentation has no {name}: each pixel has one label.", name)
    found = model(images.open_image(inputs), subtask=done, **thresholds)
    return [{name: part[name] for name in ("label", "score", "mask")} for part in found]


def _choose_subtask(model: PipelineModel, asked: SegmentationSubtask | None) -> str:
    """The subtask to do: the one that is asked for, else the first that the model can do."""
    can = [
        name
        for name in ("panoptic", "instance", "semantic")
        if hasattr(model.pipe.image_processor, f"post_process_{name}_segmentation")
    ]
    if not can or asked not in (None, *can):
        raise bad_request(f"The model {model.name} does {' and '.join(can) or 'none'}.", "subtask")
    return asked or can[0]
