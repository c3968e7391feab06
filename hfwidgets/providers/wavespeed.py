"""WaveSpeed: every task is a job."""

from typing import Any

from hfwidgets import media
from hfwidgets.core.flow import Flow, Infer, Send
from hfwidgets.providers import _jobs
from hfwidgets.providers._answers import fetch_file, get_value, job_error, parse_json
from hfwidgets.providers._provider import Provider

provider = Provider("https://api.wavespeed.ai")


@provider.serves("text-to-image", "text-to-video")
def generate_from_text(request: Infer) -> Flow[Any]:
    return (yield from _run_job(request, {"prompt": request.inputs, **request.parameters}))


@provider.serves("image-to-image", "image-to-video")
def generate_from_image(request: Infer) -> Flow[Any]:
    image = yield from media.to_url(request.inputs, "image/jpeg")
    return (yield from _run_job(request, {"image": image, **request.parameters}))


def _run_job(request: Infer, body: dict[str, Any]) -> Flow[bytes]:
    job = parse_json((yield Send("POST", f"/api/v3/{request.served_as}", json=body)))
    path = _jobs.url_path(get_value(job, "data", "urls", "get"))
    status = get_value((yield from _jobs.wait_for_job(path, _pending_reason)), "data")
    if status.get("status") != "completed":
        raise job_error(
            provider.name, request, status.get("error") or f"its state is {status['status']}"
        )
    return (yield from fetch_file(request, get_value(status, "outputs", 0)))


def _pending_reason(job: object) -> str | None:
    state = get_value(job, "data", "status")
    return f"wavespeed: the job is {state}" if state in ("created", "processing") else None
