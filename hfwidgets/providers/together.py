"""Together AI: OpenAI's wire for text, embeddings, speech and images; jobs for videos."""

from typing import Any

from hfwidgets import media
from hfwidgets.core.flow import Flow, Infer, Send
from hfwidgets.providers import _jobs, _openai
from hfwidgets.providers._answers import fetch_file, get_value, job_error, parse_json

provider = _openai.openai_compatible(
    "https://api.together.xyz",
    "/v1",
    "text-generation",
    "feature-extraction",
    "text-to-speech",
    response_format=lambda schema: {"type": "json_schema", "schema": schema["schema"]},
)

IMAGES_PATH = "/v1/images/generations"
VIDEOS_PATH = "/v2/videos"
SINGLE_IMAGE_PREFIX = "black-forest-labs/flux.1-kontext"
"""Models with this prefix take one `image_url`; the others take `reference_images`."""


@provider.serves("text-to-image")
def generate_image(request: Infer) -> Flow[Any]:
    return (
        yield from _post_image(
            request, {"prompt": request.inputs}, _rename_steps(request.parameters)
        )
    )


@provider.serves("image-to-image")
def edit_image(request: Infer) -> Flow[Any]:
    image = yield from media.to_url(request.inputs, "image/jpeg")
    one = str(request.served_as).lower().startswith(SINGLE_IMAGE_PREFIX)
    source = {"image_url": image} if one else {"reference_images": [image]}
    options = _split_target_size(_rename_steps(request.parameters))
    return (
        yield from _post_image(request, {"prompt": options.pop("prompt", ""), **source}, options)
    )


@provider.serves("text-to-video")
def generate_video(request: Infer) -> Flow[Any]:
    return (
        yield from _run_video_job(
            request, {"prompt": request.inputs, **_rename_steps(request.parameters)}
        )
    )


@provider.serves("image-to-video")
def animate_image(request: Infer) -> Flow[Any]:
    image = yield from media.to_url(request.inputs, "image/png")
    frames = [{"input_image": image, "frame": "first"}]
    return (
        yield from _run_video_job(
            request,
            {"frame_images": frames, **_split_target_size(_rename_steps(request.parameters))},
        )
    )


def _rename_steps(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options with Together's name for the number of steps."""
    return {"steps" if n == "num_inference_steps" else n: v for n, v in options.items()}


def _split_target_size(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options with `target_size` as width and height."""
    size = options.pop("target_size", None)
    return {**options, **{name: size[name] for name in ("width", "height") if name in (size or {})}}


def _post_image(request: Infer, source: dict[str, Any], options: dict[str, Any]) -> Flow[bytes]:
    body = {**source, "response_format": "base64", **options, "model": request.served_as}
    return _openai.first_image(parse_json((yield Send("POST", IMAGES_PATH, json=body))))


def _run_video_job(request: Infer, body: dict[str, Any]) -> Flow[bytes]:
    job = parse_json((yield Send("POST", VIDEOS_PATH, json={**body, "model": request.served_as})))
    status = yield from _jobs.wait_for_job(
        f"{VIDEOS_PATH}/{get_value(job, 'id')}", _pending_reason, first=2.0
    )
    if status.get("status") != "completed":
        raise job_error(
            provider.name, request, status.get("error") or f"its state is {status['status']}"
        )
    return (yield from fetch_file(request, get_value(status, "outputs", "video_url")))


def _pending_reason(job: Any) -> str | None:
    state = job.get("status") or "queued"
    return f"together: the video is {state}" if state in ("queued", "in_progress") else None
