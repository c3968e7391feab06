"""Z.ai: OpenAI's wire for chat, jobs for pictures."""

from typing import Any

from hfwidgets.core.flow import Flow, Infer, Send
from hfwidgets.providers import _jobs, _openai
from hfwidgets.providers._answers import at, failed, fetched
from hfwidgets.providers._hub import parsed

ROOT = "/api/paas/v4"

provider = _openai.compatible(
    "https://api.z.ai",
    ROOT,
    headers={"accept-language": "en-US,en", "x-source-channel": "hugging_face"},
)


@provider.serves("text-to-image")
def picture(ask: Infer) -> Flow[Any]:
    body = {"model": ask.served_as, "prompt": ask.inputs, **_openai.size(provider, ask)}
    job = parsed((yield Send("POST", f"{ROOT}/async/images/generations", json=body)))
    if job.get("task_status") not in ("SUCCESS", "FAIL"):
        path = f"{ROOT}/async-result/{at(job, 'id')}"
        job = yield from _jobs.done(path, _state, first=2.0)
    if job.get("task_status") == "FAIL":
        raise failed(provider.name, ask, job.get("error") or job.get("message"))
    return (yield from fetched(ask, at(job, "image_result", 0, "url")))


def _state(job: Any) -> str | None:
    final = job.get("task_status") in ("SUCCESS", "FAIL")
    return None if final else "zai-org draws the picture"
