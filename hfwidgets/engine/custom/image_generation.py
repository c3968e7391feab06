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
from hfwidgets.engine.base.files import File
from hfwidgets.engine.base.http_errors import bad
from hfwidgets.engine.custom.model import Model, Share, Text, device, given, task
from hfwidgets.errors import near

if TYPE_CHECKING:
    from PIL.Image import Image

Side = Annotated[int, msgspec.Meta(ge=8, le=8192)]
Steps = Annotated[int, msgspec.Meta(ge=1, le=1000)]
Scale = Annotated[float, msgspec.Meta(ge=0, le=100)]
Seed = Annotated[int, msgspec.Meta(ge=0)]
Frames = Annotated[float, msgspec.Meta(ge=1, le=1000, multiple_of=1)]

RATE = 8
"""Pictures of a film that are shown in a second, where the model does not say."""


class TargetSize(msgspec.Struct, forbid_unknown_fields=True):
    """The result's size in pixels."""

    width: Side
    height: Side


class Drawer(Model):
    """A pipeline of diffusers', opened by one of its classes."""

    marks = ("model_index.json",)
    modules: ClassVar[tuple[str, ...]] = ("torch", "transformers", "diffusers")
    opener: ClassVar[str]
    takes: ClassVar[str]
    """What the pipeline must take for the task to be served."""

    def __init__(self) -> None:
        super().__init__()
        import diffusers  # pyright: ignore[reportMissingImports]

        opener = getattr(diffusers, self.opener)
        self.pipe = opener.from_pretrained(self.source, trust_remote_code=False).to(device())
        self.pipe.set_progress_bar_config(disable=True)
        self.known = inspect.signature(self.pipe.__call__).parameters
        if self.takes not in self.known:
            kind = type(self.pipe).__name__
            raise ValueError(f"its pipeline {kind} takes no {self.takes}")

    def draw(self, *, seed: int | None, scheduler: str | None = None, **asked: Any) -> Any:
        """The pipeline's output; a 400 for a parameter that it does not take."""
        for name in asked:
            if name not in self.known:
                kind = type(self.pipe).__name__
                said = f"The model {self.name} ({kind}) takes no {name}; leave it out."
                raise bad(said, name)
        if seed is not None:
            asked["generator"] = self._generator(seed)
        with self._scheduled(scheduler):
            return self.pipe(**asked)

    @staticmethod
    def _generator(seed: int) -> Any:
        import torch  # pyright: ignore[reportMissingImports]

        # Drawn on the processor, they are the same numbers on every machine.
        return torch.Generator("cpu").manual_seed(seed % 2**63)

    @contextmanager
    def _scheduled(self, name: str | None) -> Iterator[None]:
        """Another scheduler, by its class's name, for one drawing."""
        own = self.pipe.scheduler
        if name is not None:
            kinds = {kind.__name__: kind for kind in own.compatibles}
            if name not in kinds:
                known = ", ".join(sorted(kinds)) or "none but its own"
                said = f"The model {self.name} has no scheduler {name!r}; it has {known}."
                raise bad(said + near(name, kinds), "scheduler")
            self.pipe.scheduler = kinds[name].from_config(own.config)
        try:
            yield
        finally:
            self.pipe.scheduler = own


class Painter(Drawer):
    """Pictures from texts."""

    opener = "AutoPipelineForText2Image"
    takes = "prompt"


class Changer(Drawer):
    """Pictures from pictures and texts."""

    opener = "AutoPipelineForImage2Image"
    takes = "image"


class Filmer(Drawer):
    """Films from texts."""

    modules = (*Drawer.modules, "av")
    opener = "DiffusionPipeline"
    takes = "prompt"

    def film(self, **asked: Any) -> File:
        """The film that is drawn, as an MP4 file."""
        made = self.draw(**asked)
        if not hasattr(made, "frames"):
            kind = type(self.pipe).__name__
            raise bad(f"The model {self.name} ({kind}) draws pictures, no films.", "inputs")
        return File(filmed(made.frames[0], self._rate()), "video/mp4")

    def _rate(self) -> int:
        """The pictures of a second that the model reckons with."""
        for name in ("frame_rate", "fps"):
            default = self.known[name].default if name in self.known else None
            if isinstance(default, int | float):
                return round(default)
        return RATE


class Animator(Filmer):
    """Films from pictures."""

    takes = "image"


@task(Painter)
def text_to_image(
    model: Painter,
    inputs: Text,
    *,
    guidance_scale: Scale | None = None,
    height: Side | None = None,
    negative_prompt: str | None = None,
    num_inference_steps: Steps | None = None,
    scheduler: str | None = None,
    seed: Seed | None = None,
    width: Side | None = None,
) -> File:
    """A picture of what the text says, as PNG."""
    _check_size(width, height)
    options = given(
        guidance_scale=guidance_scale,
        height=height,
        negative_prompt=negative_prompt,
        num_inference_steps=num_inference_steps,
        width=width,
    )
    made = model.draw(prompt=inputs, seed=seed, scheduler=scheduler, **options)
    return File(images.png(made.images[0]), "image/png")


@task(Changer)
def image_to_image(
    model: Changer,
    inputs: bytes,
    *,
    guidance_scale: Scale | None = None,
    negative_prompt: str | None = None,
    num_inference_steps: Steps | None = None,
    prompt: str = "",
    seed: Seed | None = None,
    strength: Share | None = None,
    target_size: TargetSize | None = None,
) -> File:
    """The picture changed as the prompt says, as PNG."""
    picture = _sized(images.opened(inputs), target_size)
    options = given(
        guidance_scale=guidance_scale,
        negative_prompt=negative_prompt,
        num_inference_steps=num_inference_steps,
        strength=strength,
    )
    made = model.draw(image=picture, prompt=prompt, seed=seed, **options).images[0]
    return File(images.png(_sized(made, target_size)), "image/png")


@task(Filmer)
def text_to_video(
    model: Filmer,
    inputs: Text,
    *,
    guidance_scale: Scale | None = None,
    height: Side | None = None,
    negative_prompt: list[str] | str | None = None,
    num_frames: Frames | None = None,
    num_inference_steps: Steps | None = None,
    seed: Seed | None = None,
    width: Side | None = None,
) -> File:
    """A film of what the text says, as MP4."""
    frames = None if num_frames is None else int(num_frames)
    _check_size(width, height, frames)
    options = given(
        guidance_scale=guidance_scale,
        height=height,
        negative_prompt=_joined(negative_prompt),
        num_frames=frames,
        num_inference_steps=num_inference_steps,
        width=width,
    )
    return model.film(prompt=inputs, seed=seed, **options)


@task(Animator)
def image_to_video(
    model: Animator,
    inputs: bytes,
    *,
    guidance_scale: Scale | None = None,
    negative_prompt: str | None = None,
    num_frames: Frames | None = None,
    num_inference_steps: Steps | None = None,
    prompt: str | None = None,
    seed: Seed | None = None,
    target_size: TargetSize | None = None,
) -> File:
    """A film that begins with the picture, as MP4."""
    size = {"width": target_size.width, "height": target_size.height} if target_size else {}
    options = size | given(
        guidance_scale=guidance_scale,
        negative_prompt=negative_prompt,
        num_frames=None if num_frames is None else int(num_frames),
        num_inference_steps=num_inference_steps,
        prompt=prompt,
    )
    return model.film(image=images.opened(inputs), seed=seed, **options)


def _joined(texts: list[str] | str | None) -> str | None:
    return ", ".join(texts) if isinstance(texts, list) else texts


def _check_size(width: int | None, height: int | None, frames: int | None = None) -> None:
    """Refuse half a size, which pipelines would leave out of account, and too large ones."""
    if (width is None) != (height is None):
        raise bad("width and height come together.", "height" if width else "width")
    if (width or 1) * (height or 1) * (frames or 1) > images.LIMIT:
        raise bad(f"At most {images.LIMIT / 1e6:.0f} million pixels are drawn.", "width")


def _sized(picture: "Image", size: TargetSize | None) -> "Image":
    if size is None or picture.size == (size.width, size.height):
        return picture
    _check_size(size.width, size.height)
    return picture.resize((size.width, size.height))


def filmed(frames: "list[Image]", rate: int) -> bytes:
    """Pictures as an MP4 film (H.264, sides cut to even numbers), so many a second."""
    import av  # pyright: ignore[reportMissingImports]

    file = io.BytesIO()
    width, height = (side - side % 2 for side in frames[0].size)
    with av.open(file, "w", format="mp4") as film:
        stream = film.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for picture in frames:
            frame = av.VideoFrame.from_image(picture.crop((0, 0, width, height)))
            film.mux(stream.encode(frame))
        film.mux(stream.encode())
    return file.getvalue()
