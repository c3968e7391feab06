"""Z.ai: OpenAI's wire for chat, jobs for images."""

from typing import Any

from hfwidgets.core.flow import Flow, Infer, Send
from hfwidgets.providers import _jobs, _openai
from hfwidgets.providers._answers import fetch_file, get_value, job_error, parse_json

ROOT = "/api/paas/v4"

provider = _openai.openai_compatible(
    "https://api.z.ai",
    ROOT,
    headers={"accept-language": "en-US,en", "x-source-channel": "hugging_face"},
)


@provider.serves("text-to-image")
def generate_image(request: Infer) -> Flow[Any]:
    body = {
        "model": request.served_as,
        "prompt": request.inputs,
        **_openai.size_options(provider, request),
    }
    job = parse_json((yield Send("POST", f"{ROOT}/async/images/generations", json=body)))
    if job.get("task_status") not in ("SUCCESS", "FAIL"):
        path = f"{ROOT}/async-result/{get_value(job, 'id')}"
        job = yield from _jobs.wait_for_job(path, _pending_reason, first=2.0)
    if job.get("task_status") == "FAIL":
        raise job_error(provider.name, request, job.get("error") or job.get("message"))
    return (yield from fetch_file(request, get_value(job, "image_result", 0, "url")))


def _pending_reason(job: Any) -> str | None:
    final = job.get("task_status") in ("SUCCESS", "FAIL")
    return None if final else "zai-org: the image is being generated"
