"""Replicate: every task is a prediction, answered at once when it takes less than a minute.

A provider id with a colon names a version of a model. The output is a URL or a list of them; it may
be there before the status says so.
"""

from typing import Any

from hfwidgets import media
from hfwidgets.core.flow import Flow, Infer, Send
from hfwidgets.providers import _jobs
from hfwidgets.providers._answers import at, failed, fetched
from hfwidgets.providers._hub import parsed
from hfwidgets.providers._provider import Provider

provider = Provider("https://api.replicate.com", headers={"prefer": "wait"})

WAITING = ("starting", "processing", "queued")


@provider.serves("text-to-image", "text-to-video")
def from_prompt(ask: Infer) -> Flow[Any]:
    inputs = {"prompt": ask.inputs, **ask.given}
    if ask.task == "text-to-image" and ask.entry.get("adapterWeightsPath"):
        inputs["lora_weights"] = f"https://huggingface.co/{ask.model}"  # replicate fetches it there
    return (yield from _file(ask, inputs))


@provider.serves("text-to-speech")
def speak(ask: Infer) -> Flow[Any]:
    return (yield from _file(ask, {"text": ask.inputs, **ask.given}))


@provider.serves("image-to-image")
def redraw(ask: Infer) -> Flow[Any]:
    image = yield from media.as_url(ask.inputs, "image/jpeg")
    # models differ in what they call it
    names = {"image": image, "images": [image], "input_image": image, "input_images": [image]}
    return (yield from _file(ask, {**names, **ask.given}))


@provider.serves("automatic-speech-recognition")
def transcribe(ask: Infer) -> Flow[Any]:
    audio = yield from media.as_url(ask.inputs, "audio/wav")
    output = yield from _output(ask, {"audio": audio, **ask.given})
    return {"text": (yield from _text(ask, output))}


def _text(ask: Infer, output: Any) -> Flow[str]:
    if isinstance(output, list) and output:
        output = output[0]
    if isinstance(output, dict):
        if output.get("txt_file"):
            return (yield from fetched(ask, output["txt_file"])).decode("utf-8", "replace")
        output = output.get("translation") or at(output, "transcription")
    return str(output)


def _file(ask: Infer, inputs: dict[str, Any]) -> Flow[bytes]:
    output = yield from _output(ask, inputs)
    return (yield from fetched(ask, at(output, 0) if isinstance(output, list) else output))


def _output(ask: Infer, inputs: dict[str, Any]) -> Flow[Any]:
    """The prediction's output, waited for where the first answer has none."""
    _, _, version = str(ask.served_as).partition(":")
    path = "/v1/predictions" if version else f"/v1/models/{ask.served_as}/predictions"
    body = {"input": inputs, **({"version": version} if version else {})}
    job = parsed((yield Send("POST", path, json=body)))
    if _state(job):
        cancel = (job.get("urls") or {}).get("cancel")
        undo = Send("POST", _jobs.path_of(cancel)) if cancel else None
        job = yield from _jobs.done(_jobs.path_of(at(job, "urls", "get")), _state, undo)
    if not job.get("output") and job.get("status") in ("failed", "canceled", "aborted"):
        raise failed(provider.name, ask, job.get("error") or f"it was {job['status']}")
    return at(job, "output")


def _state(job: Any) -> str | None:
    if job.get("output") or job.get("status") not in WAITING:
        return None
    return f"replicate: the prediction is {job['status']}"
