"""Replicate: every task is a prediction, answered at once when it takes less than a minute.

A provider id with a colon names a version of a model. The output is a URL or a list of them; it may
be there before the status says so.
"""

from typing import Any

from hfwidgets import media
from hfwidgets.core.flow import Flow, Infer, Send
from hfwidgets.providers import _jobs
from hfwidgets.providers._answers import fetch_file, get_value, job_error, parse_json
from hfwidgets.providers._provider import Provider

provider = Provider("https://api.replicate.com", headers={"prefer": "wait"})

PENDING_STATES = ("starting", "processing", "queued")


@provider.serves("text-to-image", "text-to-video")
def generate_from_prompt(request: Infer) -> Flow[Any]:
    inputs = {"prompt": request.inputs, **request.parameters}
    if request.task == "text-to-image" and request.entry.get("adapterWeightsPath"):
        inputs["lora_weights"] = (
            f"https://huggingface.co/{request.model}"  # replicate fetches it there
        )
    return (yield from _predict_file(request, inputs))


@provider.serves("text-to-speech")
def synthesize_speech(request: Infer) -> Flow[Any]:
    return (yield from _predict_file(request, {"text": request.inputs, **request.parameters}))


@provider.serves("image-to-image")
def edit_image(request: Infer) -> Flow[Any]:
    image = yield from media.to_url(request.inputs, "image/jpeg")
    # models differ in what they call it
    names = {"image": image, "images": [image], "input_image": image, "input_images": [image]}
    return (yield from _predict_file(request, {**names, **request.parameters}))


@provider.serves("automatic-speech-recognition")
def transcribe(request: Infer) -> Flow[Any]:
    audio = yield from media.to_url(request.inputs, "audio/wav")
    output = yield from _predict(request, {"audio": audio, **request.parameters})
    return {"text": (yield from _read_transcript(request, output))}


def _read_transcript(request: Infer, output: object) -> Flow[str]:
    if isinstance(output, list) and output:
        output = output[0]
    if isinstance(output, dict):
        if output.get("txt_file"):
            return (yield from fetch_file(request, output["txt_file"])).decode("utf-8", "replace")
        output = output.get("translation") or get_value(output, "transcription")
    return str(output)


def _predict_file(request: Infer, inputs: dict[str, Any]) -> Flow[bytes]:
    output = yield from _predict(request, inputs)
    return (
        yield from fetch_file(request, get_value(output, 0) if isinstance(output, list) else output)
    )


def _predict(request: Infer, inputs: dict[str, Any]) -> Flow[Any]:
    """Return a prediction's output, polling where the first answer has none."""
    _, _, version = str(request.served_as).partition(":")
    path = "/v1/predictions" if version else f"/v1/models/{request.served_as}/predictions"
    body = {"input": inputs, **({"version": version} if version else {})}
    job = parse_json((yield Send("POST", path, json=body)))
    if _pending_reason(job):
        cancel = (job.get("urls") or {}).get("cancel")
        undo = Send("POST", _jobs.url_path(cancel)) if cancel else None
        job = yield from _jobs.wait_for_job(
            _jobs.url_path(get_value(job, "urls", "get")), _pending_reason, undo
        )
    if not job.get("output") and job.get("status") in ("failed", "canceled", "aborted"):
        raise job_error(provider.name, request, job.get("error") or f"it was {job['status']}")
    return get_value(job, "output")


def _pending_reason(job: Any) -> str | None:
    if job.get("output") or job.get("status") not in PENDING_STATES:
        return None
    return f"replicate: the prediction is {job['status']}"
