"""Generate images and videos with diffusers pipelines.

The accepted parameters differ from model to model: one that a pipeline doesn't accept is refused by
name. Scripts that come with a model are never run.
"""

import inspect
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec

from hfwidgets.engine.base import images
from hfwidgets.engine.base.files import FileResult
from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.custom.model import (
    CustomModel,
    Fraction,
    Text,
    custom_task,
    default_device,
    drop_none,
)
from hfwidgets.errors import did_you_mean

if TYPE_CHECKING:
    from diffusers.utils import BaseOutput  # pyright: ignore[reportMissingImports]
    from PIL.Image import Image
    from torch import Generator  # pyright: ignore[reportMissingImports]

SideLength = Annotated[int, msgspec.Meta(ge=8, le=8192)]
StepCount = Annotated[int, msgspec.Meta(ge=1, le=1000)]
GuidanceScale = Annotated[float, msgspec.Meta(ge=0, le=100)]
Seed = Annotated[int, msgspec.Meta(ge=0)]
# The Hub's schema has a number here, so clients may send 16.0, while pipelines need an int.
FrameCount = Annotated[float, msgspec.Meta(ge=1, le=1000, multiple_of=1)]

DEFAULT_FRAME_RATE = 8
"""Frames per second of a video whose pipeline names no rate."""


class OutputSize(msgspec.Struct, forbid_unknown_fields=True):
    """The size of the result, in pixels."""

    width: SideLength
    height: SideLength


class DiffusionModel(CustomModel):
    """Open a diffusers pipeline through one of the library's pipeline classes."""

    marker_files = ("model_index.json",)
    required_modules: ClassVar[tuple[str, ...]] = ("torch", "transformers", "diffusers")
    pipeline_class: ClassVar[str]
    required_parameter: ClassVar[str]
    """The parameter that a pipeline must accept to serve the task."""

    def __init__(self) -> None:
        super().__init__()
        import diffusers  # pyright: ignore[reportMissingImports]

        loader = getattr(diffusers, self.pipeline_class)
        pipe = loader.from_pretrained(self.source, trust_remote_code=False)
        self.pipe = pipe.to(default_device())
        self.pipe.set_progress_bar_config(disable=True)
        self.pipeline_parameters = inspect.signature(self.pipe.__call__).parameters
        if self.required_parameter not in self.pipeline_parameters:
            kind = type(self.pipe).__name__
            raise ValueError(f"its pipeline {kind} takes no {self.required_parameter}")

    def generate(
        self, *, seed: int | None, scheduler: str | None = None, **parameters: Any
    ) -> "BaseOutput":
        """Run the pipeline and return its output; a 400 for a parameter it doesn't accept."""
        for name in parameters:
            if name not in self.pipeline_parameters:
                kind = type(self.pipe).__name__
                message = f"The model {self.name} ({kind}) takes no {name}; leave it out."
                raise bad_request(message, name)
        if seed is not None:
            parameters["generator"] = self._seeded_generator(seed)
        with self._use_scheduler(scheduler):
            return self.pipe(**parameters)

    @staticmethod
    def _seeded_generator(seed: int) -> "Generator":
        import torch  # pyright: ignore[reportMissingImports]

        # A generator on the CPU gives the same numbers on every machine, with or without a GPU.
        return torch.Generator("cpu").manual_seed(seed % 2**63)

    @contextmanager
    def _use_scheduler(self, name: str | None) -> Iterator[None]:
        """Use the scheduler class of this name for one request; None keeps the model's."""
        default = self.pipe.scheduler
        if name is not None:
            schedulers = {kind.__name__: kind for kind in default.compatibles}
            if name not in schedulers:
                known = ", ".join(sorted(schedulers)) or "only its default"
                message = f"The model {self.name} has no scheduler {name!r}; it has {known}."
                raise bad_request(message + did_you_mean(name, schedulers), "scheduler")
            self.pipe.scheduler = schedulers[name].from_config(default.config)
        try:
            yield
        finally:
            self.pipe.scheduler = default


class TextToImageModel(DiffusionModel):
    """Open a pipeline that generates images from text."""

    pipeline_class = "AutoPipelineForText2Image"
    required_parameter = "prompt"


class ImageToImageModel(DiffusionModel):
    """Open a pipeline that edits images with text."""

    pipeline_class = "AutoPipelineForImage2Image"
    required_parameter = "image"


class TextToVideoModel(DiffusionModel):
    """Open a pipeline that generates videos from text."""

    required_modules = (*DiffusionModel.required_modules, "av")
    pipeline_class = "DiffusionPipeline"
    required_parameter = "prompt"

    def generate_video(self, **parameters: Any) -> FileResult:
        """Generate a video, as an MP4 file."""
        output = self.generate(**parameters)
        # DiffusionPipeline opens any pipeline: only the output shows what it generates.
        if not hasattr(output, "frames"):
            kind = type(self.pipe).__name__
            message = f"The model {self.name} ({kind}) generates images, not videos."
            raise bad_request(message, "inputs")
        return FileResult(encode_video(output.frames[0], self._find_frame_rate()), "video/mp4")

    def _find_frame_rate(self) -> int:
        """Return the frames per second that the model was trained for, if its pipeline says so."""
        for name in ("frame_rate", "fps"):
            parameter = self.pipeline_parameters.get(name)
            if parameter is not None and isinstance(parameter.default, int | float):
                return round(parameter.default)
        return DEFAULT_FRAME_RATE


class ImageToVideoModel(TextToVideoModel):
    """Open a pipeline that generates videos from an image."""

    required_parameter = "image"


@custom_task(TextToImageModel)
def text_to_image(
    model: TextToImageModel,
    inputs: Text,
    *,
    guidance_scale: GuidanceScale | None = None,
    height: SideLength | None = None,
    negative_prompt: str | None = None,
    num_inference_steps: StepCount | None = None,
    scheduler: str | None = None,
    seed: Seed | None = None,
    width: SideLength | None = None,
) -> FileResult:
    """Generate an image from the text, as PNG."""
    _check_size(width, height)
    options = drop_none(
        guidance_scale=guidance_scale,
        height=height,
        negative_prompt=negative_prompt,
        num_inference_steps=num_inference_steps,
        width=width,
    )
    output = model.generate(prompt=inputs, seed=seed, scheduler=scheduler, **options)
    return FileResult(images.to_png(output.images[0]), "image/png")


@custom_task(ImageToImageModel)
def image_to_image(
    model: ImageToImageModel,
    inputs: bytes,
    *,
    guidance_scale: GuidanceScale | None = None,
    negative_prompt: str | None = None,
    num_inference_steps: StepCount | None = None,
    prompt: str = "",
    seed: Seed | None = None,
    strength: Fraction | None = None,
    target_size: OutputSize | None = None,
) -> FileResult:
    """Edit an image with a prompt, as PNG."""
    image = _resize_image(images.open_image(inputs), target_size)
    options = drop_none(
        guidance_scale=guidance_scale,
        negative_prompt=negative_prompt,
        num_inference_steps=num_inference_steps,
        strength=strength,
    )
    edited = model.generate(image=image, prompt=prompt, seed=seed, **options).images[0]
    # Pipelines round the size to a multiple of their own: bring the result to what was asked for.
    return FileResult(images.to_png(_resize_image(edited, target_size)), "image/png")


@custom_task(TextToVideoModel)
def text_to_video(
    model: TextToVideoModel,
    inputs: Text,
    *,
    guidance_scale: GuidanceScale | None = None,
    height: SideLength | None = None,
    negative_prompt: list[str] | str | None = None,
    num_frames: FrameCount | None = None,
    num_inference_steps: StepCount | None = None,
    seed: Seed | None = None,
    width: SideLength | None = None,
) -> FileResult:
    """Generate a video from the text, as MP4."""
    frames = None if num_frames is None else int(num_frames)
    _check_size(width, height, frames)
    options = drop_none(
        guidance_scale=guidance_scale,
        height=height,
        negative_prompt=_join_texts(negative_prompt),
        num_frames=frames,
        num_inference_steps=num_inference_steps,
        width=width,
    )
    return model.generate_video(prompt=inputs, seed=seed, **options)


@custom_task(ImageToVideoModel)
def image_to_video(
    model: ImageToVideoModel,
    inputs: bytes,
    *,
    guidance_scale: GuidanceScale | None = None,
    negative_prompt: str | None = None,
    num_frames: FrameCount | None = None,
    num_inference_steps: StepCount | None = None,
    prompt: str | None = None,
    seed: Seed | None = None,
    target_size: OutputSize | None = None,
) -> FileResult:
    """Generate a video that starts with the image, as MP4."""
    size = {"width": target_size.width, "height": target_size.height} if target_size else {}
    options = size | drop_none(
        guidance_scale=guidance_scale,
        negative_prompt=negative_prompt,
        num_frames=None if num_frames is None else int(num_frames),
        num_inference_steps=num_inference_steps,
        prompt=prompt,
    )
    return model.generate_video(image=images.open_image(inputs), seed=seed, **options)


def _join_texts(texts: list[str] | str | None) -> str | None:
    return ", ".join(texts) if isinstance(texts, list) else texts


def _check_size(width: int | None, height: int | None, frames: int | None = None) -> None:
    """Raise a 400 for too many pixels, or for one of width and height, which pipelines ignore."""
    if (width is None) != (height is None):
        raise bad_request("Pass both width and height, or neither.", "height" if width else "width")
    if (width or 1) * (height or 1) * (frames or 1) > images.MAX_PIXELS:
        raise bad_request(
            f"The result may have at most {images.MAX_PIXELS / 1e6:.0f} million pixels.", "width"
        )


def _resize_image(image: "Image", size: OutputSize | None) -> "Image":
    if size is None or image.size == (size.width, size.height):
        return image
    _check_size(size.width, size.height)
    return image.resize((size.width, size.height))


def encode_video(frames: "list[Image]", rate: int) -> bytes:
    """Encode frames as an MP4 file (H.264), at `rate` frames per second."""
    import av  # pyright: ignore[reportMissingImports]

    file = io.BytesIO()
    # yuv420p halves the color's resolution, so both sides must be even; browsers play no other.
    width, height = (side - side % 2 for side in frames[0].size)
    with av.open(file, "w", format="mp4") as video:
        stream = video.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for image in frames:
            cropped = image.crop((0, 0, width, height))
            # Without the extra, av is Any; with it, this one function has no types.
            frame = av.VideoFrame.from_image(cropped)  # type: ignore[no-untyped-call, unused-ignore]
            video.mux(stream.encode(frame))
        video.mux(stream.encode())  # flush
    return file.getvalue()
