"""Serve OpenAI's image generation, where the user has brought a model for text-to-image.

Source: OpenAI's API reference, Images.
"""

import base64
import re
import time
from typing import Annotated, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from hfwidgets.engine.base.capability import Capability
from hfwidgets.engine.base.files import FileResult
from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.registry import choose_capability, find_capabilities
from hfwidgets.engine.server.bodies import read_json_body
from hfwidgets.engine.server.engine import Engine
from hfwidgets.engine.server.parameters import parse_body
from hfwidgets.engine.server.wire import build_reply, run_unless_gone

_SIZE = re.compile(r"(\d{1,5})x(\d{1,5})")

# The names by which OpenAI's clients ask for an image model.
_OPENAI_MODELS = re.compile(r"(dall-e|gpt-image|chatgpt-image)\b.*")


class ImageBody(msgspec.Struct):
    """A request for images; they come as PNG files in base64, since the engine stores nothing."""

    prompt: Annotated[str, msgspec.Meta(min_length=1)]
    n: Annotated[int, msgspec.Meta(ge=1, le=10)] = 1
    size: str = "auto"
    response_format: Literal["b64_json"] = "b64_json"
    output_format: Literal["png"] = "png"
    quality: Literal["auto", "standard"] = "auto"
    background: Literal["auto"] = "auto"
    stream: Literal[False] = False

    def to_parameters(self) -> dict[str, int]:
        """Return the task's parameters; 400 for a size in another form."""
        if self.size == "auto":
            return {}
        size = _SIZE.fullmatch(self.size)
        if size is None:
            raise bad_request(
                f"size must be 'auto' or WIDTHxHEIGHT in pixels, not {self.size!r}.", "size"
            )
        return {"width": int(size[1]), "height": int(size[2])}


async def create_images(request: Request) -> Response:
    """POST /v1/images/generations."""
    body = await read_json_body(request)
    capability = _find_capability(body.pop("model", None))
    settings = parse_body(ImageBody, body, "image generation", frozenset({"user", "moderation"}))
    engine: Engine = request.app.state.engine

    async def generate() -> list[str]:
        return [
            await _generate_image(engine, capability, settings.prompt, settings.to_parameters())
            for _ in range(settings.n)
        ]

    images = await run_unless_gone(request, generate())
    data = [{"b64_json": image} for image in images]
    return build_reply({"created": int(time.time()), "data": data}, capability.model)


async def _generate_image(
    engine: Engine, capability: Capability, prompt: str, parameters: dict[str, int]
) -> str:
    image = await engine.run_task(capability, "text-to-image", prompt, parameters)
    if not isinstance(image, FileResult):
        raise TypeError("a text-to-image capability must return a FileResult")
    return base64.b64encode(image.content).decode()


def _find_capability(name: object) -> Capability:
    """Return the capability for a model's name; OpenAI's names stand for the one there is."""
    if name is not None and not isinstance(name, str):
        raise bad_request("model must be a string.", "model")
    if name is None or _OPENAI_MODELS.fullmatch(name):
        return find_capabilities("text-to-image")[0]
    return choose_capability(name, "text-to-image")[0]
