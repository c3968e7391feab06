"""Pictures classified, searched and taken apart, by transformers' pipelines."""

from typing import Any, Literal

from hfwidgets.engine.base import images
from hfwidgets.engine.base.http_errors import bad
from hfwidgets.engine.base.scores import Transform
from hfwidgets.engine.custom.model import Labels, Pipeline, Share, Top, given, task

Subtask = Literal["instance", "panoptic", "semantic"]


@task(Pipeline)
def image_classification(
    model: Pipeline, inputs: bytes, *, function_to_apply: Transform | None = None, top_k: Top = 5
) -> Any:
    """The likeliest labels with scores."""
    options = given(function_to_apply=function_to_apply)
    return model(images.opened(inputs), top_k=top_k, **options)


@task(Pipeline)
def object_detection(model: Pipeline, inputs: bytes, *, threshold: Share = 0.5) -> Any:
    """Things with labels, scores and boxes in pixels."""
    return model(images.opened(inputs), threshold=threshold)


@task(Pipeline)
def zero_shot_image_classification(
    model: Pipeline,
    inputs: bytes,
    *,
    candidate_labels: Labels,
    hypothesis_template: str = "This is a photo of {}.",
) -> Any:
    """The candidate labels with scores."""
    picture = images.opened(inputs)
    options = {"hypothesis_template": hypothesis_template}
    return model(picture, candidate_labels=candidate_labels, **options)


@task(Pipeline)
def zero_shot_object_detection(
    model: Pipeline, inputs: bytes, *, candidate_labels: Labels, threshold: Share = 0.1
) -> Any:
    """Things of the candidate labels with scores and boxes in pixels."""
    picture = images.opened(inputs)
    return model(picture, candidate_labels=candidate_labels, threshold=threshold)


@task(Pipeline)
def image_segmentation(
    model: Pipeline,
    inputs: bytes,
    *,
    threshold: Share | None = None,
    mask_threshold: Share | None = None,
    overlap_mask_area_threshold: Share | None = None,
    subtask: Subtask | None = None,
) -> Any:
    """Segments with a mask each, white where it is; semantic ones carry no score."""
    thresholds = given(
        threshold=threshold,
        mask_threshold=mask_threshold,
        overlap_mask_area_threshold=overlap_mask_area_threshold,
    )
    done = _subtask(model, subtask)
    if done == "semantic" and thresholds:
        name = next(iter(thresholds))
        raise bad(f"A semantic segmentation has no {name}: each pixel has one label.", name)
    found = model(images.opened(inputs), subtask=done, **thresholds)
    return [{name: part[name] for name in ("label", "score", "mask")} for part in found]


def _subtask(model: Pipeline, asked: Subtask | None) -> str:
    """The subtask to do: the one that is asked for, else the first that the model can do."""
    can = [
        name
        for name in ("panoptic", "instance", "semantic")
        if hasattr(model.pipe.image_processor, f"post_process_{name}_segmentation")
    ]
    if not can or asked not in (None, *can):
        raise bad(f"The model {model.name} does {' and '.join(can) or 'none'}.", "subtask")
    return asked or can[0]
