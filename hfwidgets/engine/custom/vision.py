"""Classify images, detect objects and segment images with transformers pipelines."""

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
    """Classify an image: the `top_k` most likely labels with scores."""
    options = drop_none(function_to_apply=function_to_apply)
    return model(images.open_image(inputs), top_k=top_k, **options)


@custom_task(PipelineModel)
def object_detection(model: PipelineModel, inputs: bytes, *, threshold: Fraction = 0.5) -> Any:
    """Detect objects: labels, scores and boxes in pixels."""
    return model(images.open_image(inputs), threshold=threshold)


@custom_task(PipelineModel)
def zero_shot_image_classification(
    model: PipelineModel,
    inputs: bytes,
    *,
    candidate_labels: Labels,
    hypothesis_template: str = "This is a photo of {}.",
) -> Any:
    """Score candidate labels for an image."""
    image = images.open_image(inputs)
    options = {"hypothesis_template": hypothesis_template}
    return model(image, candidate_labels=candidate_labels, **options)


@custom_task(PipelineModel)
def zero_shot_object_detection(
    model: PipelineModel, inputs: bytes, *, candidate_labels: Labels, threshold: Fraction = 0.1
) -> Any:
    """Detect objects of the candidate labels: scores and boxes in pixels."""
    image = images.open_image(inputs)
    return model(image, candidate_labels=candidate_labels, threshold=threshold)


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
    """Segment an image: labels, masks (white inside) and scores (None if semantic)."""
    thresholds = drop_none(
        threshold=threshold,
        mask_threshold=mask_threshold,
        overlap_mask_area_threshold=overlap_mask_area_threshold,
    )
    chosen = _choose_subtask(model, subtask)
    # The pipeline would ignore thresholds here.
    if chosen == "semantic" and thresholds:
        name = next(iter(thresholds))
        raise bad_request(f"A semantic segmentation has no {name}: each pixel has one label.", name)
    segments = model(images.open_image(inputs), subtask=chosen, **thresholds)
    return [{name: segment[name] for name in ("label", "score", "mask")} for segment in segments]


def _choose_subtask(model: PipelineModel, requested: SegmentationSubtask | None) -> str:
    """Return the requested subtask, else the first that the model supports."""
    supported = [
        name
        for name in ("panoptic", "instance", "semantic")
        if hasattr(model.pipe.image_processor, f"post_process_{name}_segmentation")
    ]
    if not supported or requested not in (None, *supported):
        known = " and ".join(supported) or "no subtask"
        raise bad_request(f"The model {model.name} supports {known}.", "subtask")
    return requested or supported[0]
