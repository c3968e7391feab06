"""WaveSpeed: every task is a job."""

from typing import Any

from hfwidgets import media
from hfwidgets.core.flow import Flow, Infer, Send
from hfwidgets.providers import _jobs
from hfwidgets.providers._answers import at, failed, fetched
from hfwidgets.providers._hub import parsed
from hfwidgets.providers._provider import Provider

provider = Provider("https://api.wavespeed.ai")


@provider.serves("text-to-image", "text-to-video")
def from_text(ask: Infer) -> Flow[Any]:
    return (yield from _result(ask, {"prompt": ask.inputs, **ask.given}))


@provider.serves("image-to-image", "image-to-video")
def from_picture(ask: Infer) -> Flow[Any]:
    image = yield from media.as_url(ask.inputs, "image/jpeg")
    return (yield from _result(ask, {"image": image, **ask.given}))


def _result(ask: Infer, body: dict[str, Any]) -> Flow[bytes]:
    job = parsed((yield Send("POST", f"/api/v3/{ask.served_as}", json=body)))
    path = _jobs.path_of(at(job, "data", "urls", "get"))
    status = at((yield from _jobs.done(path, _state)), "data")
    if status.get("status") != "completed":
        raise failed(provider.name, ask, status.get("error") or f"its state is {status['status']}")
    return (yield from fetched(ask, at(status, "outputs", 0)))


def _state(job: Any) -> str | None:
    state = at(job, "data", "status")
    return f"wavespeed: the job is {state}" if state in ("created", "processing") else None
