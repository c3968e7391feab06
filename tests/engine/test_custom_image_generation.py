"""Test custom models that generate images and videos: tiny ones with random weights."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from hfwidgets import InferenceClient
from tests.engine import samples
from tests.engine.requests import ask_model, expect_refusal, send_request, serve_models

pytest.importorskip("torch", reason="torch is not installed (hfwidgets[transformers])")
pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("diffusers", reason="diffusers is not installed")
pytest.importorskip("av", reason="av is not installed")
import av

from tests.engine import tiny_models as tiny

IMAGE = samples.encode_image(samples.draw_text(["noon"]).resize((40, 30)))
FAST = {"num_inference_steps": 2, "seed": 1}


@pytest.fixture(scope="module")
def http(light_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Run `hfwidgets serve` with a model per task."""
    root = tmp_path_factory.mktemp("models")
    painter = tiny.stable_diffusion(root / "painter")
    models = [
        ("text-to-video", painter),  # the wrong task
        ("image-to-video", painter),
        ("text-to-image", painter),
        ("image-to-image", painter),
        ("text-to-video", tiny.ltx(root / "videos", "LTXPipeline")),
        ("image-to-video", tiny.ltx(root / "animations", "LTXImageToVideoPipeline")),
    ]
    with serve_models(*(f"--model={task}={folder}" for task, folder in models)) as client:
        yield client


def generate_image(http: httpx.Client, **parameters: object) -> bytes:
    """Return an image generated from a text."""
    path = "/models/painter/pipeline/text-to-image"
    found = http.post(path, json={"inputs": "a cat", "parameters": {**FAST, **parameters}})
    assert found.status_code == 200, found.text
    assert found.headers["content-type"] == "image/png"
    return found.content


def expect_image_error(http: httpx.Client, **parameters: object) -> str:
    """Return the error text of a refused image."""
    path = "/models/painter/pipeline/text-to-image"
    found = http.post(path, json={"inputs": "a cat", "parameters": {**FAST, **parameters}})
    assert found.status_code == 400, found.text
    return str(found.json()["error"])


def test_text_to_image(http: httpx.Client) -> None:
    default = generate_image(http)
    assert samples.open_image(default).size == (32, 32)
    assert generate_image(http) == default, "a seed repeats the image"
    assert samples.open_image(generate_image(http, width=16, height=24)).size == (16, 24)
    others = {"seed": 2, "num_inference_steps": 3, "guidance_scale": 1.0, "negative_prompt": "dog"}
    for name, value in (*others.items(), ("scheduler", "DDPMScheduler")):
        assert generate_image(http, **{name: value}) != default, name
    assert generate_image(http) == default, "a scheduler applies to one request"


def test_impossible_images_are_refused(http: httpx.Client) -> None:
    assert "divisible by 8" in expect_image_error(http, width=17, height=16)
    assert "both width and height" in expect_image_error(http, height=16)
    assert "million pixels" in expect_image_error(http, width=8192, height=8192)
    assert "Did you mean 'EulerDiscreteScheduler'" in expect_image_error(
        http, scheduler="EulerDiscret"
    )
    assert "strength" in expect_image_error(http, strength=0.5)


def test_image_to_image(http: httpx.Client) -> None:
    def edit_image(**parameters: object) -> bytes:
        options = {"prompt": "a cat", "seed": 1, "num_inference_steps": 4, **parameters}
        return bytes(ask_model(http, "painter", IMAGE, **options))

    default = edit_image()
    assert samples.open_image(default).size == (40, 30)
    assert edit_image() == default
    for name, value in {"prompt": "a dog", "strength": 0.3, "guidance_scale": 1.0}.items():
        assert edit_image(**{name: value}) != default, name
    sized = edit_image(target_size={"width": 33, "height": 20}, negative_prompt="dog")
    assert samples.open_image(sized).size == (33, 20)
    assert "no_such" in expect_refusal(http, "painter", IMAGE, no_such=1)


def decode_video(content: bytes) -> Any:
    """Return a video's frames, shape (frames, height, width, 3)."""
    with av.open(io.BytesIO(content)) as file:
        return np.array([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)], int)


def color_difference(one: bytes, other: bytes) -> float:
    """Return the mean difference of two videos' colors, 0 to 255; encoding alone adds some."""
    return float(np.abs(decode_video(one) - decode_video(other)).mean())


def test_text_to_video(http: httpx.Client) -> None:
    options = {**FAST, "num_frames": 9.0, "width": 32, "height": 64}
    found = send_request(http, "videos", "ann went to rome", options)
    assert found.headers["content-type"] == "video/mp4"
    assert decode_video(found.content).shape == (9, 64, 32, 3)
    same = ask_model(http, "videos", "ann went to rome", **options)
    other = ask_model(http, "videos", "ann went to rome", **options | {"seed": 2})
    assert color_difference(same, found.content) < 0.1 * color_difference(other, found.content)
    guidance = {"guidance_scale": 20.0, "negative_prompt": ["noon", "day"]}
    assert ask_model(http, "videos", "ann went to rome", **options, **guidance) != found.content
    assert "num_frames" in expect_refusal(http, "videos", "ann", num_frames=2.5)


def test_image_to_video(http: httpx.Client) -> None:
    size = {"target_size": {"width": 32, "height": 32}}
    options = {**FAST, **size, "num_frames": 9, "prompt": "ann went"}
    found = ask_model(http, "animations", IMAGE, **options)
    assert decode_video(found).shape == (9, 32, 32, 3)
    same = ask_model(http, "animations", IMAGE, **options)
    assert color_difference(same, found) < 0.1 * color_difference(
        ask_model(http, "animations", IMAGE, **options | {"seed": 2}), found
    )


def test_our_client(http: httpx.Client) -> None:
    url = f"{http.base_url}/models/painter/pipeline/text-to-image"
    image = InferenceClient(model=url, token="k").text_to_image("a cat", num_inference_steps=1)
    assert image.size == (32, 32)
    url = f"{http.base_url}/models/videos"
    options = {"width": 32, "height": 32}
    video = InferenceClient(model=url, token="k").text_to_video(
        "ann went", num_frames=9, num_inference_steps=1, extra_body=options
    )
    assert decode_video(bytes(video)).shape == (9, 32, 32, 3)


def test_a_pipeline_of_another_task_is_refused(http: httpx.Client) -> None:
    body = {"inputs": "a cat", "parameters": {"num_inference_steps": 1}}
    video = http.post("/models/painter/pipeline/text-to-video", json=body)
    assert video.status_code == 400
    assert "generates images, not videos" in video.json()["error"]
    animated = http.post("/models/painter/pipeline/image-to-video", content=IMAGE)
    assert animated.status_code == 500
    assert "takes no image" in animated.json()["error"]
