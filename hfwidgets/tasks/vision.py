"""The vision tasks: classify, find, describe, change, draw, film."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from hfwidgets import media
from hfwidgets.core.flow import Flow, Infer
from hfwidgets.results import Elements
from hfwidgets.results import vision as results
from hfwidgets.tasks._media import (
    ImageInput,
    check_extra_params,
    decode_image,
    decode_masks,
    decode_video,
    parse_size,
)
from hfwidgets.tasks.controls import Choice, Json, LabelList, Number, Slider, TextBox
from hfwidgets.tasks.controls import MediaInput as Upload
from hfwidgets.tasks.declaration import task
from hfwidgets.tasks.examples import HARBOR, INVOICE, PORTRAIT
from hfwidgets.tasks.shape import as_str_list, merge_alias, to_record, to_records

if TYPE_CHECKING:
    from PIL.Image import Image

Transform: TypeAlias = Literal["sigmoid", "softmax", "none"]


class VisionTasks:
    """Pictures in, labels, boxes, masks, texts or pictures out; texts in, pictures or films out."""

    @task(
        "Image classification",
        {"image": HARBOR},
        image=Upload("image"),
        top_k=Number(1, None, 1, whole=True),
        function_to_apply=Choice(("sigmoid", "softmax", "none"), advanced=True),
    )
    def image_classification(
        self,
        image: ImageInput,
        *,
        model: str | None = None,
        function_to_apply: Transform | None = None,
        top_k: int | None = None,
    ) -> Flow[Elements[results.ImageClassificationOutputElement]]:
        """Give a picture labels with scores.

        Args:
            image: The picture: bytes, a binary file, a path, a URL, a PIL image or an array.
            model: The model's id on the Hub, or the URL of an endpoint.
            function_to_apply: What turns the model's outputs into scores.
            top_k: How many labels to return, at least 1.
        """
        picture = yield from media.load(image, "image")
        options = {"function_to_apply": function_to_apply, "top_k": top_k}
        raw = yield Infer(picture, model, options)
        return to_records(results.ImageClassificationOutputElement, raw)

    @task(
        "Image segmentation",
        {"image": PORTRAIT},
        image=Upload("image"),
        threshold=Slider(0.0, 1.0, 0.01),
        subtask=Choice(("instance", "panoptic", "semantic")),
        mask_threshold=Slider(0.0, 1.0, 0.01, advanced=True),
        overlap_mask_area_threshold=Slider(0.0, 1.0, 0.01, advanced=True),
    )
    def image_segmentation(
        self,
        image: ImageInput,
        *,
        model: str | None = None,
        mask_threshold: float | None = None,
        overlap_mask_area_threshold: float | None = None,
        subtask: Literal["instance", "panoptic", "semantic"] | None = None,
        threshold: float | None = None,
    ) -> Flow[results.Segments[results.ImageSegmentationOutputElement]]:
        """Find what each pixel of a picture belongs to.

        Each segment's `mask` is a PIL image of the picture's size, its `crop` the segment cut out.

        Args:
            image: The picture: bytes, a binary file, a path, a URL, a PIL image or an array.
            model: The model's id on the Hub, or the URL of an endpoint.
            mask_threshold: How sure the model must be that a pixel belongs, 0 to 1.
            overlap_mask_area_threshold: Parts of a mask smaller than this share are left out.
            subtask: Whether to find single things, areas, or both.
            threshold: Segments with a lower score, 0 to 1, are left out.
        """
        picture = yield from media.load(image, "image")
        options = {
            "mask_threshold": mask_threshold,
            "overlap_mask_area_threshold": overlap_mask_area_threshold,
            "subtask": subtask,
            "threshold": threshold,
        }
        raw = yield Infer(picture, model, options)
        found = yield from decode_masks(to_records(results.ImageSegmentationOutputElement, raw))
        return results.Segments(found, results.SourceImage(picture))

    @task(
        "Image to image",
        {"image": HARBOR},
        image=Upload("image"),
        prompt=TextBox(2),
        negative_prompt=TextBox(1, advanced=True),
        num_inference_steps=Number(1, None, 1, whole=True, advanced=True),
        guidance_scale=Slider(0.0, 20.0, 0.5, advanced=True),
        target_size=Json(advanced=True),
    )
    def image_to_image(
        self,
        /,
        image: ImageInput,
        prompt: str | None = None,
        *,
        negative_prompt: str | None = None,
        num_inference_steps: int | None = None,
        guidance_scale: float | None = None,
        model: str | None = None,
        target_size: Any = None,
        **kwargs: Any,
    ) -> Flow["Image"]:
        """Change a picture as a text says.

        Args:
            image: The picture: bytes, a binary file, a path, a URL, a PIL image or an array.
            prompt: What to make of it.
            negative_prompt: What must not be in it.
            num_inference_steps: More steps take longer and may look better, at least 1.
            guidance_scale: How closely to follow the prompt; above 10 or so colours suffer.
            model: The model's id on the Hub, or the URL of an endpoint.
            target_size: The result's width and height in pixels.
            kwargs: More parameters for the server.
        """
        picture = yield from media.load(image, "image")
        options = {
            "prompt": prompt,
            "negative_prompt": negative_prompt,
            "num_inference_steps": num_inference_steps,
            "guidance_scale": guidance_scale,
            "target_size": parse_size(target_size),
        }
        options |= check_extra_params("image_to_image", kwargs, {**options, "model": model})
        return (yield from decode_image((yield Infer(picture, model, options))))

    @task("Image to text", {"image": INVOICE}, image=Upload("image"))
    def image_to_text(
        self, image: ImageInput, *, model: str | None = None
    ) -> Flow[results.ImageToTextOutput]:
        """Describe a picture, or read what is written in it.

        Args:
            image: The picture: bytes, a binary file, a path, a URL, a PIL image or an array.
            model: The model's id on the Hub, or the URL of an endpoint.
        """
        picture = yield from media.load(image, "image")
        return to_record(results.ImageToTextOutput, (yield Infer(picture, model)))

    @task(
        "Image to video",
        {"image": HARBOR, "prompt": "The boat sails away"},
        image=Upload("image"),
        prompt=TextBox(2),
        num_frames=Number(1, None, 1, whole=True, advanced=True),
        seed=Number(0, None, 1, whole=True, advanced=True),
        target_size=Json(advanced=True),
    )
    def image_to_video(
        self,
        /,
        image: ImageInput,
        *,
        model: str | None = None,
        prompt: str | None = None,
        negative_prompt: str | None = None,
        num_frames: float | None = None,
        num_inference_steps: int | None = None,
        guidance_scale: float | None = None,
        seed: int | None = None,
        target_size: Any = None,
        **kwargs: Any,
    ) -> Flow[results.Video]:
        """Make a film that begins with a picture.

        The result is the bytes of a film's file.

        Args:
            image: The picture: bytes, a binary file, a path, a URL, a PIL image or an array.
            model: The model's id on the Hub, or the URL of an endpoint.
            prompt: What happens.
            negative_prompt: What must not be in it.
            num_frames: How many pictures the film has.
            num_inference_steps: More steps take longer and may look better, at least 1.
            guidance_scale: How closely to follow the prompt.
            seed: Where the randomness starts, for films that can be repeated.
            target_size: The film's width and height in pixels.
            kwargs: More parameters for the server.
        """
        picture = yield from media.load(image, "image")
        options = {
            "prompt": prompt,
            "negative_prompt": negative_prompt,
            "num_frames": num_frames,
            "num_inference_steps": num_inference_steps,
            "guidance_scale": guidance_scale,
            "seed": seed,
            "target_size": parse_size(target_size),
        }
        options |= check_extra_params("image_to_video", kwargs, {**options, "model": model})
        return (yield from decode_video((yield Infer(picture, model, options))))

    @task(
        "Object detection",
        {"image": PORTRAIT},
        image=Upload("image"),
        threshold=Slider(0.0, 1.0, 0.01),
    )
    def object_detection(
        self, image: ImageInput, *, model: str | None = None, threshold: float | None = None
    ) -> Flow[results.Detections[results.ObjectDetectionOutputElement]]:
        """Find things in a picture, with a box around each.

        Each element's `crop` is the part of the picture inside its box.

        Args:
            image: The picture: bytes, a binary file, a path, a URL, a PIL image or an array.
            model: The model's id on the Hub, or the URL of an endpoint.
            threshold: Objects with a lower score, 0 to 1, are left out.
        """
        picture = yield from media.load(image, "image")
        raw = yield Infer(picture, model, {"threshold": threshold})
        found = to_records(results.ObjectDetectionOutputElement, raw)
        return results.Detections(found, results.SourceImage(picture))

    @task(
        "Text to image",
        {"prompt": "A lighthouse on a rock at dawn, watercolour"},
        prompt=TextBox(3),
        height=Number(1, None, 8, whole=True),
        width=Number(1, None, 8, whole=True),
        seed=Number(0, None, 1, whole=True),
        negative_prompt=TextBox(1, advanced=True),
        num_inference_steps=Number(1, None, 1, whole=True, advanced=True),
        guidance_scale=Slider(0.0, 20.0, 0.5, advanced=True),
        scheduler=TextBox(1, advanced=True),
        target_size=Json(advanced=True),
    )
    def text_to_image(
        self,
        prompt: str,
        *,
        negative_prompt: str | None = None,
        height: int | None = None,
        width: int | None = None,
        num_inference_steps: int | None = None,
        guidance_scale: float | None = None,
        model: str | None = None,
        scheduler: str | None = None,
        seed: int | None = None,
        extra_body: Mapping[str, Any] | None = None,
        target_size: Any = None,
    ) -> Flow["Image"]:
        """Draw a picture from a text.

        Args:
            prompt: What to draw.
            negative_prompt: What must not be in it.
            height: The picture's height in pixels.
            width: The picture's width in pixels.
            num_inference_steps: More steps take longer and may look better, at least 1.
            guidance_scale: How closely to follow the prompt; above 10 or so colours suffer.
            model: The model's id on the Hub, or the URL of an endpoint.
            scheduler: How noise is removed, by the server's name for it.
            seed: Where the randomness starts, for pictures that can be repeated.
            extra_body: More parameters for the server.
            target_size: The older way to give width and height.
        """
        size = parse_size(merge_alias("width and height", None, "target_size", target_size)) or {}
        options = {
            "negative_prompt": negative_prompt,
            "height": size.get("height") if height is None else height,
            "width": size.get("width") if width is None else width,
            "num_inference_steps": num_inference_steps,
            "guidance_scale": guidance_scale,
            "scheduler": scheduler,
            "seed": seed,
            **(extra_body or {}),
        }
        return (yield from decode_image((yield Infer(prompt, model, options))))

    @task(
        "Text to video",
        {"prompt": "A sailing boat crosses a calm bay"},
        prompt=TextBox(3),
        num_frames=Number(1, None, 1, whole=True),
        seed=Number(0, None, 1, whole=True),
        guidance_scale=Slider(0.0, 20.0, 0.5, advanced=True),
    )
    def text_to_video(
        self,
        prompt: str,
        *,
        model: str | None = None,
        guidance_scale: float | None = None,
        negative_prompt: list[str] | None = None,
        num_frames: float | None = None,
        num_inference_steps: int | None = None,
        seed: int | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> Flow[results.Video]:
        """Make a film from a text; this often takes minutes.

        The result is the bytes of a film's file.

        Args:
            prompt: What happens in it.
            model: The model's id on the Hub, or the URL of an endpoint.
            guidance_scale: How closely to follow the prompt.
            negative_prompt: What must not be in it, each thing a text of its own.
            num_frames: How many pictures the film has.
            num_inference_steps: More steps take longer and may look better, at least 1.
            seed: Where the randomness starts, for films that can be repeated.
            extra_body: More parameters for the server.
        """
        options = {
            "guidance_scale": guidance_scale,
            "negative_prompt": negative_prompt,
            "num_frames": num_frames,
            "num_inference_steps": num_inference_steps,
            "seed": seed,
            **(extra_body or {}),
        }
        return (yield from decode_video((yield Infer(prompt, model, options))))

    @task(
        "Zero-shot image classification",
        {"image": HARBOR, "candidate_labels": ["sailing boat", "bicycle", "cathedral"]},
        image=Upload("image"),
        candidate_labels=LabelList(least=2),
        hypothesis_template=TextBox(1, advanced=True),
    )
    def zero_shot_image_classification(
        self,
        image: ImageInput,
        candidate_labels: list[str] | None = None,
        *,
        model: str | None = None,
        hypothesis_template: str | None = None,
        labels: list[str] | None = None,
    ) -> Flow[Elements[results.ZeroShotImageClassificationOutputElement]]:
        """Score a picture against labels of your own.

        Args:
            image: The picture: bytes, a binary file, a path, a URL, a PIL image or an array.
            candidate_labels: The labels to choose from, at least two.
            model: The model's id on the Hub, or the URL of an endpoint.
            hypothesis_template: A sentence with {} where a label goes.
            labels: The older name of candidate_labels.
        """
        wanted = merge_alias("candidate_labels", candidate_labels, "labels", labels)
        options = {
            "candidate_labels": as_str_list("candidate_labels", wanted, 2),
            "hypothesis_template": hypothesis_template,
        }
        picture = yield from media.load(image, "image")
        raw = yield Infer(picture, model, options)
        return to_records(results.ZeroShotImageClassificationOutputElement, raw)

    @task(
        "Zero-shot object detection",
        {"image": HARBOR, "candidate_labels": ["sailing boat", "lighthouse", "sun"]},
        image=Upload("image"),
        candidate_labels=LabelList(least=1),
        threshold=Slider(0.0, 1.0, 0.01, advanced=True),
    )
    def zero_shot_object_detection(
        self,
        image: ImageInput,
        candidate_labels: list[str],
        *,
        model: str | None = None,
        threshold: float | None = None,
    ) -> Flow[results.Detections[results.ZeroShotObjectDetectionOutputElement]]:
        """Find things that you name in a picture, with a box around each.

        Args:
            image: The picture: bytes, a binary file, a path, a URL, a PIL image or an array.
            candidate_labels: What to look for, at least one label.
            model: The model's id on the Hub, or the URL of an endpoint.
            threshold: Objects with a lower score, 0 to 1, are left out.
        """
        options = {
            "candidate_labels": as_str_list("candidate_labels", candidate_labels),
            "threshold": threshold,
        }
        picture = yield from media.load(image, "image")
        raw = yield Infer(picture, model, options)
        found = to_records(results.ZeroShotObjectDetectionOutputElement, raw)
        return results.Detections(found, results.SourceImage(picture))
