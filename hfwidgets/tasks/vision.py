"""The vision tasks: classify, find, describe, edit and generate images and video."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from hfwidgets import media
from hfwidgets.core.flow import Flow, Infer
from hfwidgets.results import Elements, files
from hfwidgets.results import vision as results
from hfwidgets.tasks._media import (
    ImageInput,
    TargetSize,
    check_extra_params,
    decode_masks,
    decode_video,
    parse_size,
)
from hfwidgets.tasks.controls import Choice, Json, LabelList, Number, Slider, TextBox
from hfwidgets.tasks.controls import MediaInput as Upload
from hfwidgets.tasks.declaration import task
from hfwidgets.tasks.examples import CLOCK, HARBOR, INVOICE, PORTRAIT
from hfwidgets.tasks.shape import as_options, as_str_list, merge_alias, to_record, to_records

if TYPE_CHECKING:
    from PIL.Image import Image

Transform: TypeAlias = Literal["sigmoid", "softmax", "none"]


class VisionTasks:
    """Images in; labels, boxes, masks, text, images or video out. Text in; images or video out."""

    @task(
        "Image classification",
        {"image": CLOCK},
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
        """Classify an image.

        Args:
            image: The image: bytes, a binary file, a path, a URL, a PIL image or an array.
            model: The model's id on the Hub, or the URL of an endpoint.
            function_to_apply: The function that turns the model's outputs into scores.
            top_k: The number of labels to return, at least 1.
        """
        source = yield from media.load(image, "image")
        options = {"function_to_apply": function_to_apply, "top_k": top_k}
        raw = yield Infer(source, model, options)
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
        """Segment an image: find what each pixel belongs to.

        Each segment's `mask` is a PIL image of the input's size, its `crop` the segment cut out.

        Args:
            image: The image: bytes, a binary file, a path, a URL, a PIL image or an array.
            model: The model's id on the Hub, or the URL of an endpoint.
            mask_threshold: The least probability for a pixel to belong to a mask, 0 to 1.
            overlap_mask_area_threshold: Parts of a mask below this share, 0 to 1, are left out.
            subtask: Find single objects (instance), areas (semantic), or both (panoptic).
            threshold: Segments with a lower score, 0 to 1, are left out.
        """
        source = yield from media.load(image, "image")
        options = {
            "mask_threshold": mask_threshold,
            "overlap_mask_area_threshold": overlap_mask_area_threshold,
            "subtask": subtask,
            "threshold": threshold,
        }
        raw = yield Infer(source, model, options)
        segments = to_records(results.ImageSegmentationOutputElement, raw)
        found = yield from decode_masks(segments, source)
        return results.Segments(found, results.SourceImage(source))

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
        target_size: TargetSize | None = None,
        **kwargs: Any,
    ) -> Flow["Image"]:
        """Edit an image with a prompt.

        Args:
            image: The image: bytes, a binary file, a path, a URL, a PIL image or an array.
            prompt: The change to make.
            negative_prompt: Things to avoid in the result.
            num_inference_steps: The number of denoising steps, at least 1; more take longer.
            guidance_scale: How closely to follow the prompt; above about 10 colors suffer.
            model: The model's id on the Hub, or the URL of an endpoint.
            target_size: The result's width and height in pixels.
            kwargs: More parameters for the server.
        """
        source = yield from media.load(image, "image")
        options = {
            "prompt": prompt,
            "negative_prompt": negative_prompt,
            "num_inference_steps": num_inference_steps,
            "guidance_scale": guidance_scale,
            "target_size": parse_size(target_size),
        }
        options |= check_extra_params("image_to_image", kwargs, {**options, "model": model})
        edited: Image = yield files.decode_image((yield Infer(source, model, options)))
        return edited

    @task(
        "Image to text",
        {"image": INVOICE},
        known_as=("ocr", "image-captioning"),
        image=Upload("image"),
    )
    def image_to_text(
        self, image: ImageInput, *, model: str | None = None
    ) -> Flow[results.ImageToTextOutput]:
        """Describe an image, or read the text in it.

        Args:
            image: The image: bytes, a binary file, a path, a URL, a PIL image or an array.
            model: The model's id on the Hub, or the URL of an endpoint.
        """
        source = yield from media.load(image, "image")
        return to_record(results.ImageToTextOutput, (yield Infer(source, model)))

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
        target_size: TargetSize | None = None,
        **kwargs: Any,
    ) -> Flow[results.Video]:
        """Generate a video from an image.

        The result is the bytes of a video file.

        Args:
            image: The image: bytes, a binary file, a path, a URL, a PIL image or an array.
            model: The model's id on the Hub, or the URL of an endpoint.
            prompt: The action in the video.
            negative_prompt: Things to avoid in the video.
            num_frames: The number of frames, at least 1.
            num_inference_steps: The number of denoising steps, at least 1; more take longer.
            guidance_scale: How closely to follow the prompt.
            seed: The seed of the random numbers: the same one gives the same video.
            target_size: The video's width and height in pixels.
            kwargs: More parameters for the server.
        """
        source = yield from media.load(image, "image")
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
        return (yield from decode_video((yield Infer(source, model, options))))

    @task(
        "Object detection",
        {"image": PORTRAIT},
        image=Upload("image"),
        threshold=Slider(0.0, 1.0, 0.01),
    )
    def object_detection(
        self, image: ImageInput, *, model: str | None = None, threshold: float | None = None
    ) -> Flow[results.Detections[results.ObjectDetectionOutputElement]]:
        """Find objects in an image, with a box around each.

        Each element's `crop` is the part of the image inside its box.

        Args:
            image: The image: bytes, a binary file, a path, a URL, a PIL image or an array.
            model: The model's id on the Hub, or the URL of an endpoint.
            threshold: Objects with a lower score, 0 to 1, are left out.
        """
        source = yield from media.load(image, "image")
        raw = yield Infer(source, model, {"threshold": threshold})
        found = to_records(results.ObjectDetectionOutputElement, raw)
        return results.Detections(found, results.SourceImage(source))

    @task(
        "Text to image",
        {"prompt": "A lighthouse on a rock at dawn, watercolor"},
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
        target_size: TargetSize | None = None,
    ) -> Flow["Image"]:
        """Generate an image from a prompt.

        Args:
            prompt: A description of the image.
            negative_prompt: Things to avoid in the image.
            height: The image's height in pixels.
            width: The image's width in pixels.
            num_inference_steps: The number of denoising steps, at least 1; more take longer.
            guidance_scale: How closely to follow the prompt; above about 10 colors suffer.
            model: The model's id on the Hub, or the URL of an endpoint.
            scheduler: The denoising scheduler, by the server's name for it.
            seed: The seed of the random numbers: the same one gives the same image.
            extra_body: More parameters for the server.
            target_size: The older way to pass width and height.
        """
        size: dict[str, int] | None = None
        if target_size is not None:
            # merge_alias only warns here: width and height win one by one, below.
            size = parse_size(merge_alias("width and height", None, "target_size", target_size))
        size = size or {}
        options = {
            "negative_prompt": negative_prompt,
            "height": size.get("height") if height is None else height,
            "width": size.get("width") if width is None else width,
            "num_inference_steps": num_inference_steps,
            "guidance_scale": guidance_scale,
            "scheduler": scheduler,
            "seed": seed,
        }
        if extra_body is not None:
            options |= as_options("extra_body", extra_body)
        image: Image = yield files.decode_image((yield Infer(prompt, model, options)))
        return image

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
        """Generate a video from a prompt; this often takes minutes.

        The result is the bytes of a video file.

        Args:
            prompt: A description of the video.
            model: The model's id on the Hub, or the URL of an endpoint.
            guidance_scale: How closely to follow the prompt.
            negative_prompt: Things to avoid in the video, one string for each.
            num_frames: The number of frames, at least 1.
            num_inference_steps: The number of denoising steps, at least 1; more take longer.
            seed: The seed of the random numbers: the same one gives the same video.
            extra_body: More parameters for the server.
        """
        options = {
            "guidance_scale": guidance_scale,
            "negative_prompt": negative_prompt,
            "num_frames": num_frames,
            "num_inference_steps": num_inference_steps,
            "seed": seed,
            **as_options("extra_body", extra_body),
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
        """Score an image against custom labels.

        Args:
            image: The image: bytes, a binary file, a path, a URL, a PIL image or an array.
            candidate_labels: The labels to choose from, at least two.
            model: The model's id on the Hub, or the URL of an endpoint.
            hypothesis_template: A sentence with {} where a label goes.
            labels: The older name of candidate_labels.
        """
        choices = merge_alias("candidate_labels", candidate_labels, "labels", labels)
        options = {
            "candidate_labels": as_str_list("candidate_labels", choices, 2),
            "hypothesis_template": hypothesis_template,
        }
        source = yield from media.load(image, "image")
        raw = yield Infer(source, model, options)
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
        """Find objects with custom labels in an image, with a box around each.

        Args:
            image: The image: bytes, a binary file, a path, a URL, a PIL image or an array.
            candidate_labels: The labels to look for, at least one.
            model: The model's id on the Hub, or the URL of an endpoint.
            threshold: Objects with a lower score, 0 to 1, are left out.
        """
        options = {
            "candidate_labels": as_str_list("candidate_labels", candidate_labels),
            "threshold": threshold,
        }
        source = yield from media.load(image, "image")
        raw = yield Infer(source, model, options)
        found = to_records(results.ZeroShotObjectDetectionOutputElement, raw)
        return results.Detections(found, results.SourceImage(source))
