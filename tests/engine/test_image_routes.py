"""OpenAI's image generation, with a text-to-image model that the user has brought."""

import base64
import io
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from PIL import Image
from starlette.testclient import TestClient

from hfwidgets.engine import registry
from hfwidgets.engine.base import images
from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.files import FileResult
from hfwidgets.engine.server.app import create_app
from hfwidgets.engine.server.engine import Engine


def text_to_image(
    models: LoadedModels, inputs: str, *, width: int = 32, height: int = 16
) -> FileResult:
    """Draw an image in the color that the prompt names."""
    return FileResult(images.to_png(Image.new("RGB", (width, height), inputs)), "image/png")


@pytest.fixture
def painter(monkeypatch: pytest.MonkeyPatch) -> Iterator[openai.OpenAI]:
    """Serve the model above to OpenAI's client."""
    monkeypatch.setattr(registry, "_REGISTERED", [])
    registry.register(
        Capability(
            name="painter",
            model="acme/painter",
            serves={"text-to-image": text_to_image},
            weights=(),
            license="MIT",
            languages=(),
            limits="Plain colors only.",
        )
    )
    app = create_app(Engine(), "k")
    with (
        TestClient(app, base_url="http://localhost") as http,
        openai.OpenAI(base_url="http://localhost/v1", api_key="k", http_client=http) as client,
    ):
        yield client


def decode(reply: Any) -> list[Image.Image]:
    """Return the images of a reply."""
    return [Image.open(io.BytesIO(base64.b64decode(one.b64_json))) for one in reply.data]


@pytest.mark.parametrize("model", ["dall-e-3", "gpt-image-1", "acme/painter", "painter"])
def test_image(painter: openai.OpenAI, model: str) -> None:
    reply = painter.images.generate(model=model, prompt="red")
    [image] = decode(reply)
    assert image.size == (32, 16)
    assert image.getpixel((0, 0)) == (255, 0, 0)


def test_size_and_number(painter: openai.OpenAI) -> None:
    reply = painter.images.generate(model="painter", prompt="blue", size="64x48", n=3)  # type: ignore[call-overload]
    assert [image.size for image in decode(reply)] == [(64, 48)] * 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": "large"}, "WIDTHxHEIGHT"),
        ({"response_format": "url"}, "b64_json"),
        ({"n": 0}, "n"),
        ({"qualty": "hd"}, "Did you mean 'quality'"),
        ({"model": "acme/sculptor"}, "no model"),
    ],
)
def test_refusals(painter: openai.OpenAI, options: dict[str, Any], message: str) -> None:
    body = {"model": "painter", "prompt": "red"} | options
    with pytest.raises(openai.APIStatusError, match=message) as caught:
        painter.post("/images/generations", body=body, cast_to=object)
    assert caught.value.status_code in (400, 404)
