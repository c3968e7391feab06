"""fal: short tasks are answered at once, long ones wait in a queue.

The queue's answer names URLs at fal; only their paths are used, on the address that was called, so
that they work through the Hub's router too.
"""

import base64
from typing import Any

from hfwidgets import errors, media
from hfwidgets.core.flow import Flow, Infer, Send
from hfwidgets.providers import _jobs
from hfwidgets.providers._answers import at, failed, fetched
from hfwidgets.providers._hub import parsed
from hfwidgets.providers._provider import Provider

QUEUE = "https://queue.fal.run"

provider = Provider("https://fal.run", show=lambda key: {"authorization": f"Key {key}"})


@provider.serves("text-to-image")
def draw(ask: Infer) -> Flow[Any]:
    raw = yield from _once(ask, {"prompt": ask.inputs, **_size(ask.given), **_lora(ask)})
    return (yield from fetched(ask, at(raw, "images", 0, "url")))


@provider.serves("automatic-speech-recognition")
def transcribe(ask: Infer) -> Flow[Any]:
    audio = yield from media.as_url(ask.inputs, "audio/mpeg")
    raw = yield from _once(ask, {"audio_url": audio, **ask.given})
    at(raw, "text")
    return raw


@provider.serves("text-to-speech")
def speak(ask: Infer) -> Flow[Any]:
    raw = yield from _once(ask, {"text": ask.inputs, **ask.given})
    return (yield from fetched(ask, at(raw, "audio", "url")))


@provider.serves("text-to-video", base=QUEUE)
def film(ask: Infer) -> Flow[Any]:
    raw = yield from _queued(ask, {"prompt": ask.inputs, **ask.given, **_lora(ask)})
    return (yield from fetched(ask, at(raw, "video", "url")))


@provider.serves("image-to-video", base=QUEUE)
def film_from_picture(ask: Infer) -> Flow[Any]:
    image = yield from media.as_url(ask.inputs, "image/jpeg")
    raw = yield from _queued(ask, {"image_url": image, **ask.given, **_lora(ask)})
    return (yield from fetched(ask, at(raw, "video", "url")))


@provider.serves("image-to-image", base=QUEUE)
def redraw(ask: Infer) -> Flow[Any]:
    image = yield from media.as_url(ask.inputs, "image/jpeg")
    given = {"image_size" if n == "target_size" else n: v for n, v in ask.given.items()}
    body = {"image_url": image, "image_urls": [image], **given, **_lora(ask)}
    raw = yield from _queued(ask, body)
    return (yield from fetched(ask, at(raw, "images", 0, "url")))


@provider.serves("image-segmentation", base=QUEUE)
def segment(ask: Infer) -> Flow[Any]:
    """One mask, without a name of its own."""
    image = yield from media.as_url(ask.inputs, "image/png")
    raw = yield from _queued(ask, {"image_url": image, **ask.given, "sync_mode": True})
    mask = yield from fetched(ask, at(raw, "image", "url"))
    return [{"label": "mask", "mask": base64.b64encode(mask).decode()}]


def _size(given: dict[str, Any]) -> dict[str, Any]:
    """The options with width and height, where both are given, as `image_size`."""
    if "image_size" in given or not {"width", "height"} <= given.keys():
        return given
    size = {"width": given.pop("width"), "height": given.pop("height")}
    return {**given, "image_size": size}


def _lora(ask: Infer) -> dict[str, Any]:
    """The adapter that the Hub's model is, for fal to fetch from the Hub."""
    weights = ask.entry.get("adapterWeightsPath")
    if not weights:
        return {}
    lora = {"path": f"{ask.hub}/{ask.model}/resolve/main/{weights}", "scale": 1}
    base = "stabilityai/stable-diffusion-xl-base-1.0"
    named = ask.task == "text-to-image" and ask.served_as == "fal-ai/lora"
    return {"loras": [lora], **({"model_name": base} if named else {})}


def _once(ask: Infer, body: dict[str, Any]) -> Flow[Any]:
    return parsed((yield Send("POST", f"/{ask.served_as}", json=body)))


def _queued(ask: Infer, body: dict[str, Any]) -> Flow[Any]:
    """The result of a job, once it left the queue and was worked on.

    Its status may be COMPLETED although it failed: then it has an error, or its result is refused.
    """
    query = "?_subdomain=queue" if ask.routed else ""
    job = parsed((yield Send("POST", f"/{ask.served_as}{query}", json=body)))
    path = _jobs.path_of(at(job, "response_url"))
    cancel = Send("PUT", f"{path}/cancel{query}")
    status = yield from _jobs.done(f"{path}/status{query}", _state, cancel)
    if status.get("error"):
        raise failed(provider.name, ask, status["error"])
    try:
        return parsed((yield Send("GET", f"{path}{query}")))
    except errors.HfHubHTTPError as error:
        told = failed(provider.name, ask, error.server_message)
        told.meta = error.meta
        raise told from error


def _state(job: Any) -> str | None:
    state = at(job, "status")
    if state == "IN_QUEUE":
        place = job.get("queue_position")
        return "fal-ai: in the queue" + ("" if place is None else f", {place} before this one")
    return "fal-ai: the job is worked on" if state == "IN_PROGRESS" else None
