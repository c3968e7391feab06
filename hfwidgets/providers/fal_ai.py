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
def generate_image(ask: Infer) -> Flow[Any]:
    raw = yield from _post_once(
        ask, {"prompt": ask.inputs, **_to_image_size(ask.parameters), **_lora_options(ask)}
    )
    return (yield from fetch_file(ask, get_value(raw, "images", 0, "url")))


@provider.serves("automatic-speech-recognition")
def transcribe(ask: Infer) -> Flow[Any]:
    audio = yield from media.to_url(ask.inputs, "audio/mpeg")
    raw = yield from _post_once(ask, {"audio_url": audio, **ask.parameters})
    get_value(raw, "text")
    return raw


@provider.serves("text-to-speech")
def synthesize_speech(ask: Infer) -> Flow[Any]:
    raw = yield from _post_once(ask, {"text": ask.inputs, **ask.parameters})
    return (yield from fetch_file(ask, get_value(raw, "audio", "url")))


@provider.serves("text-to-video", base=QUEUE_BASE)
def generate_video(ask: Infer) -> Flow[Any]:
    raw = yield from _run_queued_job(
        ask, {"prompt": ask.inputs, **ask.parameters, **_lora_options(ask)}
    )
    return (yield from fetch_file(ask, get_value(raw, "video", "url")))


@provider.serves("image-to-video", base=QUEUE_BASE)
def animate_image(ask: Infer) -> Flow[Any]:
    image = yield from media.to_url(ask.inputs, "image/jpeg")
    raw = yield from _run_queued_job(
        ask, {"image_url": image, **ask.parameters, **_lora_options(ask)}
    )
    return (yield from fetch_file(ask, get_value(raw, "video", "url")))


@provider.serves("image-to-image", base=QUEUE_BASE)
def edit_image(ask: Infer) -> Flow[Any]:
    image = yield from media.to_url(ask.inputs, "image/jpeg")
    given = {"image_size" if n == "target_size" else n: v for n, v in ask.parameters.items()}
    body = {"image_url": image, "image_urls": [image], **given, **_lora_options(ask)}
    raw = yield from _run_queued_job(ask, body)
    return (yield from fetch_file(ask, get_value(raw, "images", 0, "url")))


@provider.serves("image-segmentation", base=QUEUE_BASE)
def segment_image(ask: Infer) -> Flow[Any]:
    """One mask, without a name of its own."""
    image = yield from media.to_url(ask.inputs, "image/png")
    raw = yield from _run_queued_job(ask, {"image_url": image, **ask.parameters, "sync_mode": True})
    mask = yield from fetch_file(ask, get_value(raw, "image", "url"))
    return [{"label": "mask", "mask": base64.b64encode(mask).decode()}]


def _to_image_size(given: dict[str, Any]) -> dict[str, Any]:
    """The options with width and height, where both are given, as `image_size`."""
    if "image_size" in given or not {"width", "height"} <= given.keys():
        return given
    size = {"width": given.pop("width"), "height": given.pop("height")}
    return {**given, "image_size": size}


def _lora_options(ask: Infer) -> dict[str, Any]:
    """The adapter that the Hub's model is, for fal to fetch from the Hub."""
    weights = ask.entry.get("adapterWeightsPath")
    if not weights:
        return {}
    lora = {"path": f"{ask.hub}/{ask.model}/resolve/main/{weights}", "scale": 1}
    base = "stabilityai/stable-diffusion-xl-base-1.0"
    named = ask.task == "text-to-image" and ask.served_as == "fal-ai/lora"
    return {"loras": [lora], **({"model_name": base} if named else {})}


def _post_once(ask: Infer, body: dict[str, Any]) -> Flow[Any]:
    return parse_json((yield Send("POST", f"/{ask.served_as}", json=body)))


def _run_queued_job(ask: Infer, body: dict[str, Any]) -> Flow[Any]:
    """The result of a job, once it left the queue and was worked on.

    Its status may be COMPLETED although it failed: then it has an error, or its result is refused.
    """
    query = "?_subdomain=queue" if ask.routed else ""
    job = parse_json((yield Send("POST", f"/{ask.served_as}{query}", json=body)))
    path = _jobs.url_path(get_value(job, "response_url"))
    cancel = Send("PUT", f"{path}/cancel{query}")
    status = yield from _jobs.wait_for_job(f"{path}/status{query}", _pending_reason, cancel)
    if status.get("error"):
        raise job_error(provider.name, ask, status["error"])
    try:
        return parse_json((yield Send("GET", f"{path}{query}")))
    except errors.HfHubHTTPError as error:
        told = job_error(provider.name, ask, error.server_message)
        told.meta = error.meta
        raise told from error


def _pending_reason(job: Any) -> str | None:
    state = get_value(job, "status")
    if state == "IN_QUEUE":
        place = job.get("queue_position")
        return "fal-ai: in the queue" + ("" if place is None else f", {place} before this one")
    return "fal-ai: the job is worked on" if state == "IN_PROGRESS" else None
