"""Together AI: OpenAI's wire for text, vectors, speech and pictures; jobs for films."""

from typing import Any

from hfwidgets import media
from hfwidgets.core.flow import Flow, Infer, Send
from hfwidgets.providers import _jobs, _openai
from hfwidgets.providers._answers import at, failed, fetched
from hfwidgets.providers._hub import parsed

provider = _openai.compatible(
    "https://api.together.xyz",
    "/v1",
    "text-generation",
    "feature-extraction",
    "text-to-speech",
    response_format=lambda asked: {"type": "json_schema", "schema": asked["schema"]},
)

PICTURES = "/v1/images/generations"
FILMS = "/v2/videos"
ONE_PICTURE = "black-forest-labs/flux.1-kontext"
"""Models whose names begin so take one `image_url`; the others take `reference_images`."""


@provider.serves("text-to-image")
def draw(ask: Infer) -> Flow[Any]:
    return (yield from _picture(ask, {"prompt": ask.inputs}, _steps(ask.given)))


@provider.serves("image-to-image")
def redraw(ask: Infer) -> Flow[Any]:
    image = yield from media.as_url(ask.inputs, "image/jpeg")
    one = str(ask.served_as).lower().startswith(ONE_PICTURE)
    source = {"image_url": image} if one else {"reference_images": [image]}
    given = _sized(_steps(ask.given))
    return (yield from _picture(ask, {"prompt": given.pop("prompt", ""), **source}, given))


@provider.serves("text-to-video")
def film(ask: Infer) -> Flow[Any]:
    return (yield from _film(ask, {"prompt": ask.inputs, **_steps(ask.given)}))


@provider.serves("image-to-video")
def film_from_picture(ask: Infer) -> Flow[Any]:
    image = yield from media.as_url(ask.inputs, "image/png")
    frames = [{"input_image": image, "frame": "first"}]
    return (yield from _film(ask, {"frame_images": frames, **_sized(_steps(ask.given))}))


def _steps(given: dict[str, Any]) -> dict[str, Any]:
    """The options with Together's name for the number of steps."""
    return {"steps" if n == "num_inference_steps" else n: v for n, v in given.items()}


def _sized(given: dict[str, Any]) -> dict[str, Any]:
    """The options with `target_size` as width and height."""
    size = given.pop("target_size", None)
    return {**given, **{name: size[name] for name in ("width", "height") if name in (size or {})}}


def _picture(ask: Infer, source: dict[str, Any], given: dict[str, Any]) -> Flow[bytes]:
    body = {**source, "response_format": "base64", **given, "model": ask.served_as}
    return _openai.picture(parsed((yield Send("POST", PICTURES, json=body))))


def _film(ask: Infer, body: dict[str, Any]) -> Flow[bytes]:
    job = parsed((yield Send("POST", FILMS, json={**body, "model": ask.served_as})))
    status = yield from _jobs.done(f"{FILMS}/{at(job, 'id')}", _state, first=2.0)
    if status.get("status") != "completed":
        raise failed(provider.name, ask, status.get("error") or f"its state is {status['status']}")
    return (yield from fetched(ask, at(status, "outputs", "video_url")))


def _state(job: Any) -> str | None:
    state = job.get("status") or "queued"
    return f"together: the film is {state}" if state in ("queued", "in_progress") else None
