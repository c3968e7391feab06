"""fal: short tasks are answered at once, long ones wait in a queue.

The queue's answer names URLs at fal; only their paths are used, on the address that was called, so
that they work through the Hub's router too.
"""

import base64
from typing import Any

from hfwidgets import errors, media
from hfwidgets.core.flow import Flow, Infer, Send
from hfwidgets.providers import _jobs
from hfwidgets.providers._answers import fetch_file, get_value, job_error, parse_json
from hfwidgets.providers._provider import Provider

QUEUE_BASE = "https://queue.fal.run"

provider = Provider("https://fal.run", auth_headers=lambda key: {"authorization": f"Key {key}"})


@provider.serves("text-to-image")
def generate_image(request: Infer) -> Flow[Any]:
    size = _to_image_size(request.parameters)
    body = {"prompt": request.inputs, **size, **_lora_options(request)}
    raw = parse_json((yield Send("POST", f"/{request.served_as}", json=body)))
    return (yield from fetch_file(request, get_value(raw, "images", 0, "url")))


@provider.serves("automatic-speech-recognition")
def transcribe(request: Infer) -> Flow[Any]:
    audio = yield from media.to_url(request.inputs, "audio/mpeg")
    body = {"audio_url": audio, **request.parameters}
    raw = parse_json((yield Send("POST", f"/{request.served_as}", json=body)))
    get_value(raw, "text")
    return raw


@provider.serves("text-to-speech")
def synthesize_speech(request: Infer) -> Flow[Any]:
    body = {"text": request.inputs, **request.parameters}
    raw = parse_json((yield Send("POST", f"/{request.served_as}", json=body)))
    return (yield from fetch_file(request, get_value(raw, "audio", "url")))


@provider.serves("text-to-video", base=QUEUE_BASE)
def generate_video(request: Infer) -> Flow[Any]:
    raw = yield from _run_queued_job(
        request, {"prompt": request.inputs, **request.parameters, **_lora_options(request)}
    )
    return (yield from fetch_file(request, get_value(raw, "video", "url")))


@provider.serves("image-to-video", base=QUEUE_BASE)
def animate_image(request: Infer) -> Flow[Any]:
    image = yield from media.to_url(request.inputs, "image/jpeg")
    raw = yield from _run_queued_job(
        request, {"image_url": image, **request.parameters, **_lora_options(request)}
    )
    return (yield from fetch_file(request, get_value(raw, "video", "url")))


@provider.serves("image-to-image", base=QUEUE_BASE)
def edit_image(request: Infer) -> Flow[Any]:
    image = yield from media.to_url(request.inputs, "image/jpeg")
    options = {"image_size" if n == "target_size" else n: v for n, v in request.parameters.items()}
    # Models differ in which of the two they read.
    body = {"image_url": image, "image_urls": [image], **options, **_lora_options(request)}
    raw = yield from _run_queued_job(request, body)
    return (yield from fetch_file(request, get_value(raw, "images", 0, "url")))


@provider.serves("image-segmentation", base=QUEUE_BASE)
def segment_image(request: Infer) -> Flow[Any]:
    """Return one mask, which has no label."""
    image = yield from media.to_url(request.inputs, "image/png")
    raw = yield from _run_queued_job(
        request, {"image_url": image, **request.parameters, "sync_mode": True}
    )
    # With sync_mode this is a data URL. The task's reader expects base64, as hf-inference sends it.
    mask = yield from fetch_file(request, get_value(raw, "image", "url"))
    return [{"label": "mask", "mask": base64.b64encode(mask).decode()}]


def _to_image_size(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options with width and height, where both are options, as `image_size`."""
    if "image_size" in options or not {"width", "height"} <= options.keys():
        return options
    size = {"width": options.pop("width"), "height": options.pop("height")}
    return {**options, "image_size": size}


def _lora_options(request: Infer) -> dict[str, Any]:
    """Return the Hub's model as an adapter that fal fetches from the Hub."""
    weights = request.entry.get("adapterWeightsPath")
    if not weights:
        return {}
    assert request.hosts is not None
    lora = {"path": f"{request.hosts.hub}/{request.model}/resolve/main/{weights}", "scale": 1}
    base = "stabilityai/stable-diffusion-xl-base-1.0"
    # Only the generic route needs the base model's name; each other route has one already.
    named = request.task == "text-to-image" and request.served_as == "fal-ai/lora"
    return {"loras": [lora], **({"model_name": base} if named else {})}


def _run_queued_job(request: Infer, body: dict[str, Any]) -> Flow[Any]:
    """Queue a job, wait until it is done and return its result."""
    # This parameter makes the router forward to fal's queue; every poll needs it as well.
    query = "?_subdomain=queue" if request.routed else ""
    job = parse_json((yield Send("POST", f"/{request.served_as}{query}", json=body)))
    # Not the path of the request: the queue drops the parts after a model's name.
    path = _jobs.url_path(get_value(job, "response_url"))
    cancel = Send("PUT", f"{path}/cancel{query}")
    status = yield from _jobs.wait_for_job(f"{path}/status{query}", _pending_reason, cancel)
    # COMPLETED says only that the job has ended, not that it succeeded.
    if status.get("error"):
        raise job_error(provider.name, request, status["error"])
    try:
        return parse_json((yield Send("GET", f"{path}{query}")))
    except errors.HfHubHTTPError as error:
        # The result of a failed job answers 4xx with the reason. Passed on as it is, it would read
        # like a fault of the request.
        failed = job_error(provider.name, request, error.server_message)
        failed.meta = error.meta
        raise failed from error


def _pending_reason(job: Any) -> str | None:
    state = get_value(job, "status")
    if state == "IN_QUEUE":
        place = job.get("queue_position")
        return "fal-ai: in the queue" + ("" if place is None else f", {place} before this one")
    return "fal-ai: the job is worked on" if state == "IN_PROGRESS" else None
