"""Pictures and films drawn by diffusers' pipelines.

What a pipeline takes differs from model to model: a parameter that the given one does not take is
refused by name. Scripts that come with a model are never run.
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
    from PIL.Image import Image

SideLength = Annotated[int, msgspec.Meta(ge=8, le=8192)]
StepCount = Annotated[int, msgspec.Meta(ge=1, le=1000)]
GuidanceScale = Annotated[float, msgspec.Meta(ge=0, le=100)]
Seed = Annotated[int, msgspec.Meta(ge=0)]
FrameCount = Annotated[float, msgspec.Meta(ge=1, le=1000, multiple_of=1)]

DEFAULT_FRAME_RATE = 8
"""Pictures of a film that are shown in a second, where the model does not say."""


class OutputSize(msgspec.Struct, forbid_unknown_fields=True):
    """The result's size in pixels."""

    width: SideLength
    height: SideLength


class DiffusionModel(CustomModel):
    """A pipeline of diffusers', opened by one of its classes."""

    marker_files = ("model_index.json",)
    required_modules: ClassVar[tuple[str, ...]] = ("torch", "transformers", "diffusers")
    pipeline_class: ClassVar[str]
    required_parameter: ClassVar[str]
    """What the pipeline must take for the task to be served."""

    def __init__(self) -> None:
        super().__init__()
        import diffusers  # pyright: ignore[reportMissingImports]

        opener = getattr(diffusers, self.pipeline_class)
        self.pipe = opener.from_pretrained(self.source, trust_remote_code=False).to(
            default_device()
        )
        self.pipe.set_progress_bar_config(disable=True)
        self.pipeline_parameters = inspect.signature(self.pipe.__call__).parameters
        if self.required_parameter not in self.pipeline_parameters:
            kind = type(self.pipe).__name__
            raise ValueError(f"its pipeline {kind} takes no {self.required_parameter}")

    def generate(self, *, seed: int | None, scheduler: str | None = None, **asked: Any) -> Any:
        """The pipeline's output; a 400 for a parameter that it does not take."""
        for name in asked:
            if name not in self.pipeline_parameters:
                kind = type(self.pipe).__name__
                said = f"The model {self.name} ({kind}) takes no {name}; leave it out."
                raise bad_request(said, name)
        if seed is not None:
            asked["generator"] = self._seeded_generator(seed)
        with self._use_scheduler(scheduler):
            return self.pipe(**asked)

    @staticmethod
    def _seeded_generator(seed: int) -> Any:
        import torch  # pyright: ignore[reportMissingImports]

        # Drawn on the processor, they are the same numbers on every machine.
        return torch.Generator("cpu").manual_seed(seed % 2**63)

    @contextmanager
    def _use_scheduler(self, name: str | None) -> Iterator[None]:
        """Another scheduler, by its class's name, for one drawing."""
        own = self.pipe.scheduler
        if name is not None:
            kinds = {kind.__name__: kind for kind in own.compatibles}
            if name not in kinds:
                known = ", ".join(sorted(kinds)) or "none but its own"
                said = f"The model {self.name} has no scheduler {name!r}; it has {known}."
                raise bad_request(said + did_you_mean(name, kinds), "scheduler")
            self.pipe.scheduler = kinds[name].from_config(own.config)
        try:
            yield
        finally:
            self.pipe.scheduler = own


class TextToImageModel(DiffusionModel):
    """Pictures from texts."""

    pipeline_class = "AutoPipelineForText2Image"
    required_parameter = "prompt"


class ImageToImageModel(DiffusionModel):
    """Pictures from pictures and texts."""

    pipeline_class = "AutoPipelineForImage2Image"
    required_parameter = "image"


class TextToVideoModel(DiffusionModel):
    """Films from texts."""

    required_modules = (*DiffusionModel.required_modules, "av")
    pipeline_class = "DiffusionPipeline"
    required_parameter = "prompt"

    def generate_video(self, **asked: Any) -> FileResult:
        """The film that is drawn, as an MP4 file."""
        made = self.generate(**asked)
        if not hasattr(made, "frames"):
            kind = type(self.pipe).__name__
            raise bad_request(f"The model {self.name} ({kind}) draws pictures, no films.", "inputs")
        return FileResult(encode_video(made.frames[0], self._find_frame_rate()), "video/mp4")

    def _find_frame_rate(self) -> int:
        """The pictures of a second that the model reckons with."""
        for name in ("frame_rate", "fps"):
            default = (
                self.pipeline_parameters[name].default if name in self.pipeline_parameters else None
            )
            if isinstance(default, int | float):
                return round(default)
        return DEFAULT_FRAME_RATE


class ImageToVideoModel(TextToVideoModel):
    """Films from pictures."""

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
    """A picture of what the text says, as PNG."""
    _check_size(width, height)
    options = drop_none(
        guidance_scale=guidance_scale,
        height=height,
        negative_prompt=negative_prompt,
        num_inference_steps=num_inference_steps,
        width=width,
    )
    made = model.generate(prompt=inputs, seed=seed, scheduler=scheduler, **options)
    return FileResult(images.to_png(made.images[0]), "image/png")


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
    """The picture changed as the prompt says, as PNG."""
    picture = _resize_image(images.open_image(inputs), target_size)
    options = drop_none(
        guidance_scale=guidance_scale,
        negative_prompt=negative_prompt,
        num_inference_steps=num_inference_steps,
        strength=strength,
    )
    made = model.generate(image=picture, prompt=prompt, seed=seed, **options).images[0]
    return FileResult(images.to_png(_resize_image(made, target_size)), "image/png")


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
    """A film of what the text says, as MP4."""
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
    """A film that begins with the picture, as MP4."""
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
    """Refuse half a size, which pipelines would leave out of account, and too large ones."""
    if (width is None) != (height is None):
        raise bad_request("width and height come together.", "height" if width else "width")
    if (width or 1) * (height or 1) * (frames or 1) > images.MAX_PIXELS:
        raise bad_request(
            f"At most {images.MAX_PIXELS / 1e6:.0f} million pixels are drawn.", "width"
        )


def _resize_image(picture: "Image", size: OutputSize | None) -> "Image":
    if size is None or picture.size == (size.width, size.height):
        return picture
    _check_size(size.width, size.height)
    return picture.resize((size.width, size.height))


def encode_video(frames: "list[Image]", rate: int) -> bytes:
    """Pictures as an MP4 film (H.264, sides cut to even numbers), so many a second."""
    import av  # pyright: ignore[reportMissingImports]

    file = io.BytesIO()
    width, height = (side - side % 2 for side in frames[0].size)
    with av.open(file, "w", format="mp4") as film:
        stream = film.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for picture in frames:
            cut = picture.crop((0, 0, width, height))
            # Without the extra, av is Any; with it, this one function has no types.
            frame = av.VideoFrame.from_image(cut)  # type: ignore[no-untyped-call, unused-ignore]
            film.mux(stream.encode(frame))
        film.mux(stream.encode())
    return file.getvalue()
