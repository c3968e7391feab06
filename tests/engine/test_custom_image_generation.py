"""Models of the user's own that draw pictures and films: tiny ones with random weights."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from hfwidgets import InferenceClient
from tests.engine import samples
from tests.engine.requests import answered, refused, reply
from tests.engine.test_custom_gguf import serving

pytest.importorskip("torch", reason="torch is not installed (hfwidgets[transformers])")
pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("diffusers", reason="diffusers is not installed")
pytest.importorskip("av", reason="av is not installed")
import av

from tests.engine import tiny_models as tiny

PICTURE = samples.file(samples.written(["noon"]).resize((40, 30)))
FEW = {"num_inference_steps": 2, "seed": 1}


@pytest.fixture(scope="module")
def http(light_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """`hfwidgets serve` with a model for each task."""
    root = tmp_path_factory.mktemp("models")
    painter = tiny.stable_diffusion(root / "painter")
    models = [
        ("text-to-video", painter),  # wrongly
        ("image-to-video", painter),
        ("text-to-image", painter),
        ("image-to-image", painter),
        ("text-to-video", tiny.ltx(root / "filmer", "LTXPipeline")),
        ("image-to-video", tiny.ltx(root / "animator", "LTXImageToVideoPipeline")),
    ]
    with serving(*(f"--model={task}={folder}" for task, folder in models)) as client:
        yield client


def drawn(http: httpx.Client, **parameters: object) -> bytes:
    """A picture from a text."""
    path = "/models/painter/pipeline/text-to-image"
    found = http.post(path, json={"inputs": "a cat", "parameters": {**FEW, **parameters}})
    assert found.status_code == 200, found.text
    assert found.headers["content-type"] == "image/png"
    return found.content


def not_drawn(http: httpx.Client, **parameters: object) -> str:
    """The text of the refusal."""
    path = "/models/painter/pipeline/text-to-image"
    found = http.post(path, json={"inputs": "a cat", "parameters": {**FEW, **parameters}})
    assert found.status_code == 400, found.text
    return str(found.json()["error"])


def test_text_to_image(http: httpx.Client) -> None:
    usual = drawn(http)
    assert samples.opened(usual).size == (32, 32)
    assert drawn(http) == usual, "a seed repeats the picture"
    assert samples.opened(drawn(http, width=16, height=24)).size == (16, 24)
    others = {"seed": 2, "num_inference_steps": 3, "guidance_scale": 1.0, "negative_prompt": "dog"}
    for name, value in (*others.items(), ("scheduler", "DDPMScheduler")):
        assert drawn(http, **{name: value}) != usual, name
    assert drawn(http) == usual, "another scheduler was for one picture only"


def test_what_cannot_be_drawn(http: httpx.Client) -> None:
    assert "divisible by 8" in not_drawn(http, width=17, height=16)
    assert "come together" in not_drawn(http, height=16)
    assert "million pixels" in not_drawn(http, width=8192, height=8192)
    assert "Did you mean 'EulerDiscreteScheduler'" in not_drawn(http, scheduler="EulerDiscret")
    assert "strength" in not_drawn(http, strength=0.5)


def test_image_to_image(http: httpx.Client) -> None:
    def changed(**parameters: object) -> bytes:
        options = {"prompt": "a cat", "seed": 1, "num_inference_steps": 4, **parameters}
        return bytes(answered(http, "painter", PICTURE, **options))

    usual = changed()
    assert samples.opened(usual).size == (40, 30)
    assert changed() == usual
    for name, value in {"prompt": "a dog", "strength": 0.3, "guidance_scale": 1.0}.items():
        assert changed(**{name: value}) != usual, name
    sized = changed(target_size={"width": 33, "height": 20}, negative_prompt="dog")
    assert samples.opened(sized).size == (33, 20)
    assert "no_such" in refused(http, "painter", PICTURE, no_such=1)


def film(content: bytes) -> Any:
    """A film's pictures, shape (pictures, height, width, 3)."""
    with av.open(io.BytesIO(content)) as file:
        return np.array([one.to_ndarray(format="rgb24") for one in file.decode(video=0)], int)


def apart(one: bytes, other: bytes) -> float:
    """How far the colours of two films lie apart, in the mean; encoding alone makes it some."""
    return float(np.abs(film(one) - film(other)).mean())


def test_text_to_video(http: httpx.Client) -> None:
    options = {**FEW, "num_frames": 9.0, "width": 32, "height": 64}
    found = reply(http, "filmer", "ann went to rome", options)
    assert found.headers["content-type"] == "video/mp4"
    assert film(found.content).shape == (9, 64, 32, 3)
    same = answered(http, "filmer", "ann went to rome", **options)
    other = answered(http, "filmer", "ann went to rome", **options | {"seed": 2})
    assert apart(same, found.content) < 0.1 * apart(other, found.content)
    told = {"guidance_scale": 20.0, "negative_prompt": ["noon", "day"]}
    assert answered(http, "filmer", "ann went to rome", **options, **told) != found.content
    assert "num_frames" in refused(http, "filmer", "ann", num_frames=2.5)


def test_image_to_video(http: httpx.Client) -> None:
    size = {"target_size": {"width": 32, "height": 32}}
    options = {**FEW, **size, "num_frames": 9, "prompt": "ann went"}
    found = answered(http, "animator", PICTURE, **options)
    assert film(found).shape == (9, 32, 32, 3)
    same = answered(http, "animator", PICTURE, **options)
    assert apart(same, found) < 0.1 * apart(
        answered(http, "animator", PICTURE, **options | {"seed": 2}), found
    )


def test_our_client(http: httpx.Client) -> None:
    url = f"{http.base_url}/models/painter/pipeline/text-to-image"
    picture = InferenceClient(model=url, token="k").text_to_image("a cat", num_inference_steps=1)
    assert picture.size == (32, 32)
    url = f"{http.base_url}/models/filmer"
    options = {"width": 32, "height": 32}
    made = InferenceClient(model=url, token="k").text_to_video(
        "ann went", num_frames=9, num_inference_steps=1, extra_body=options
    )
    assert film(bytes(made)).shape == (9, 32, 32, 3)


def test_a_pipeline_for_another_task(http: httpx.Client) -> None:
    body = {"inputs": "a cat", "parameters": {"num_inference_steps": 1}}
    film = http.post("/models/painter/pipeline/text-to-video", json=body)
    assert film.status_code == 400
    assert "draws pictures, no films" in film.json()["error"]
    animated = http.post("/models/painter/pipeline/image-to-video", content=PICTURE)
    assert animated.status_code == 500
    assert "takes no image" in animated.json()["error"]
