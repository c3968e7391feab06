"""Image families: classes, boxes, masks, and labels of the user's own by CLIP or SigLIP."""

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from hfwidgets.engine.base import images
from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.base.onnx_repository import first_logits
from hfwidgets.engine.base.scores import (
    Transform,
    fill_template,
    rank_labels,
    rank_scores,
    sigmoid,
    softmax,
)
from hfwidgets.engine.custom.model import Fraction, Labels, TopK
from hfwidgets.engine.onnx.model import OnnxTaskModel, onnx_task

if TYPE_CHECKING:
    from PIL.Image import Image
    from tokenizers import Tokenizer

Pixels = NDArray[np.float32]
Shares = NDArray[np.float64]

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Preprocessor:
    """Turns an image into a network's input, as `preprocessor_config.json` says.

    Args:
        settings: that file's content; the keys are those of transformers' image processors.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings

    def __call__(self, image: "Image") -> Pixels:
        """Return the pixels, shape (1, 3, height, width)."""
        settings = self._settings
        image = image.convert("RGB")
        if settings.get("do_resize", True):
            image = self._resize(image)
        if settings.get("do_center_crop"):
            image = self._crop(image)
        pixels = np.asarray(image, np.float32)
        if settings.get("do_rescale", True):
            pixels = pixels * np.float32(settings.get("rescale_factor", 1 / 255))
        if settings.get("do_normalize", True):
            mean = np.array(settings.get("image_mean") or IMAGENET_MEAN, np.float32)
            std = np.array(settings.get("image_std") or IMAGENET_STD, np.float32)
            pixels = (pixels - mean) / std
        planes: Pixels = pixels.transpose(2, 0, 1)[None].astype(np.float32)
        return planes

    def _resize(self, image: "Image") -> "Image":
        size = self._settings.get("size", 224)
        if isinstance(size, int):
            # Older files give one number: the shorter edge where a crop follows, else both.
            size = (
                {"shortest_edge": size}
                if self._settings.get("do_center_crop")
                else {"height": size, "width": size}
            )
        resample = int(self._settings.get("resample", 2))
        if "shortest_edge" not in size:
            return image.resize((int(size["width"]), int(size["height"])), resample)
        scale = size["shortest_edge"] / min(image.size)
        longest = size.get("longest_edge")
        if longest and max(image.size) * scale > longest:
            scale = longest / max(image.size)
        width, height = (max(1, round(side * scale)) for side in image.size)
        return image.resize((width, height), resample)

    def _crop(self, image: "Image") -> "Image":
        size = self._settings.get("crop_size", 224)
        height, width = (size, size) if isinstance(size, int) else (size["height"], size["width"])
        left, top = (image.width - width) // 2, (image.height - height) // 2
        return image.crop((left, top, left + width, top + height))


class ImageModel(OnnxTaskModel):
    """A model of one image."""

    def __init__(self) -> None:
        super().__init__()
        self.preprocess = Preprocessor(self.repository.read_json("preprocessor_config.json"))

    def run_image(self, image: "Image", **more: Any) -> dict[str, Any]:
        """Return the outputs for an image."""
        pixels = self.preprocess(image)
        # Only models of DETR's kind have this input; run() leaves it out for the others.
        mask = np.ones((1, *pixels.shape[2:]), np.int64)
        return self.session.run(pixel_values=pixels, pixel_mask=mask, **more)


@onnx_task(ImageModel)
def image_classification(
    model: ImageModel,
    inputs: bytes,
    *,
    function_to_apply: Transform | None = None,
    top_k: TopK = 5,
) -> Any:
    """Classify an image: the `top_k` most likely labels with scores."""
    logits = first_logits(model.run_image(images.open_image(inputs)))
    several = model.config.get("problem_type") == "multi_label_classification"
    transform = function_to_apply or ("sigmoid" if several else "softmax")
    return rank_labels(model.repository.labels, logits, transform, top_k)


@onnx_task(ImageModel)
def object_detection(model: ImageModel, inputs: bytes, *, threshold: Fraction = 0.5) -> Any:
    """Detect objects with a model of DETR's kind: labels, scores and boxes in pixels."""
    image = images.open_image(inputs)
    found = model.run_image(image)
    shares, best = _query_labels(found, len(model.repository.labels))
    scale = np.array([image.width, image.height, image.width, image.height])
    rows = []
    for box, label, score in zip(found["pred_boxes"][0], best, shares, strict=True):
        if score < threshold:
            continue
        # Center and size, as shares of the sides of the image.
        x, y, width, height = box
        corners = np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2]) * scale
        corners = np.clip(corners, 0, scale).round().astype(int).tolist()
        sides = dict(zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True))
        rows.append(
            {"label": model.repository.labels[int(label)], "score": float(score), "box": sides}
        )
    return sorted(rows, key=lambda row: -row["score"])


def _query_labels(found: Mapping[str, Any], count: int) -> tuple[Shares, NDArray[np.intp]]:
    """The score and the label of each query; the label after the last means "nothing"."""
    logits = found["logits"][0]
    # DETR's kind has one more label, RT-DETR's scores each label alone.
    has_nothing = logits.shape[-1] > count
    shares = softmax(logits)[:, :count] if has_nothing else sigmoid(logits)
    return shares.max(-1), shares.argmax(-1)


@onnx_task(ImageModel)
def image_segmentation(
    model: ImageModel,
    inputs: bytes,
    *,
    threshold: Fraction = 0.9,
    mask_threshold: Fraction = 0.5,
    subtask: Literal["semantic", "panoptic"] | None = None,
) -> Any:
    """Segment an image: labels, masks (white inside) and scores (None for semantic models)."""
    image = images.open_image(inputs)
    found = model.run_image(image)
    if "pred_masks" in found:
        if subtask == "semantic":
            raise bad_request(f"The model {model.name} is panoptic.", "subtask")
        return _panoptic_segments(model, found, image, threshold, mask_threshold)
    if subtask == "panoptic":
        raise bad_request(f"The model {model.name} is semantic.", "subtask")
    labels = _resize_planes(found["logits"][0], image.size).argmax(0)
    return [
        {
            "label": model.repository.labels[int(at)],
            "score": None,
            "mask": _to_mask(labels == at),
        }
        for at in np.unique(labels)
    ]


def _panoptic_segments(
    model: ImageModel,
    found: Mapping[str, Any],
    image: "Image",
    threshold: float,
    mask_threshold: float,
) -> list[dict[str, Any]]:
    """The masks of queries that are sure; each pixel belongs to the surest of them."""
    shares, best = _query_labels(found, len(model.repository.labels))
    kept = np.flatnonzero(shares >= threshold)
    if not kept.size:
        return []
    planes = _resize_planes(found["pred_masks"][0][kept], image.size)
    inside = sigmoid(planes)
    owner = (inside * shares[kept][:, None, None]).argmax(0)
    rows = []
    for at, query in enumerate(kept):
        mask = (owner == at) & (inside[at] >= mask_threshold)
        if mask.any():
            label = model.repository.labels[int(best[query])]
            rows.append({"label": label, "score": float(shares[query]), "mask": _to_mask(mask)})
    return rows


def _resize_planes(planes: Pixels, size: tuple[int, int]) -> Pixels:
    """Planes of shape (n, height, width) at an image's size, by bilinear interpolation."""
    from PIL import Image

    rows = [
        np.asarray(
            Image.fromarray(plane.astype(np.float32)).resize(size, Image.Resampling.BILINEAR)
        )
        for plane in planes
    ]
    return np.stack(rows)


def _to_mask(inside: NDArray[np.bool_]) -> str:
    from PIL import Image

    return images.to_base64_png(Image.fromarray(inside.astype(np.uint8) * 255))


class ImageTextModel(ImageModel):
    """A model that scores texts for an image, such as CLIP and SigLIP."""

    @functools.cached_property
    def tokenizer(self) -> "Tokenizer":
        found = self.repository.open_tokenizer()
        length = (self.config.get("text_config") or {}).get("max_position_embeddings") or 77
        found.enable_truncation(length)
        # SigLIP was trained on texts padded to their full length; CLIP reads any length.
        if self.is_siglip:
            pad = self.repository.read_json("tokenizer_config.json").get("pad_token") or "</s>"
            token = str(pad.get("content") if isinstance(pad, dict) else pad)
            found.enable_padding(
                length=length, pad_id=found.token_to_id(token) or 0, pad_token=token
            )
        else:
            found.enable_padding()
        return found

    @property
    def is_siglip(self) -> bool:
        return "siglip" in str(self.config.get("model_type", ""))


@onnx_task(ImageTextModel)
def zero_shot_image_classification(
    model: ImageTextModel,
    inputs: bytes,
    *,
    candidate_labels: Labels,
    hypothesis_template: str = "This is a photo of {}.",
) -> Any:
    """Score candidate labels for an image: shares for CLIP, each label alone for SigLIP."""
    encodings = model.tokenizer.encode_batch(fill_template(hypothesis_template, candidate_labels))
    found = model.run_image(
        images.open_image(inputs),
        input_ids=np.array([one.ids for one in encodings], np.int64),
        attention_mask=np.array([one.attention_mask for one in encodings], np.int64),
    )
    logits = found["logits_per_image"][0]
    return rank_scores(candidate_labels, sigmoid(logits) if model.is_siglip else softmax(logits))
