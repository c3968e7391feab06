"""Jobs: queues that wait, results to fetch, failures after the end, calls that stop early."""

import asyncio
import threading
from typing import Any

import pytest

from hfwidgets import AsyncInferenceClient, InferenceClient, errors
from hfwidgets.providers import _jobs
from tests.plugins.asker import TOKEN, Asker
from tests.plugins.loopback import Answer, Loopback, Seen
from tests.plugins.waiting import Slow, free
from tests.providers import inputs

pytestmark = pytest.mark.usefixtures("quick")

FILM = b"\0\0\0\x18ftypmp42\0\0\0\0isommp42" + b"film" * 8
JOB = "/fal-ai/app/requests/r-1"


def put(loopback: Loopback, data: bytes) -> str:
    """A file on another host than the provider's; its URL."""
    loopback.route("GET", "/files/result", Answer(body=data))
    return f"{loopback.url}/files/result"


def steps(*answers: Answer) -> Any:
    """Each answer once, the last one forever."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def accepted(loopback: Loopback, root: str, post: str) -> None:
    """fal takes a job; the URLs it names are at its own host, whatever the way of the call."""
    queue = f"https://queue.fal.run{JOB}"
    urls = {
        "response_url": queue,
        "status_url": f"{queue}/status",
        "cancel_url": f"{queue}/cancel",
    }
    job = {"status": "IN_QUEUE", "request_id": "r-1", "queue_position": 2, **urls}
    loopback.route("POST", f"{root}/{post}", Answer(json=job))


QUEUE = [
    Answer(json={"status": "IN_QUEUE", "queue_position": 2}),
    Answer(json={"status": "IN_QUEUE", "queue_position": 0}),
    Answer(json={"status": "IN_PROGRESS", "logs": []}),
    Answer(json={"status": "COMPLETED", "metrics": {"inference_time": 1.5}}),
]


@pytest.mark.parametrize(
    ("token", "root", "query", "shown"),
    [
        (TOKEN, "/router/fal-ai", {"_subdomain": ["queue"]}, f"Bearer {TOKEN}"),
        ("fal-key", "/direct", {}, "Key fal-key"),
    ],
)
def test_fal_waits_in_its_queue(
    ask: Asker, loopback: Loopback, token: str, root: str, query: Any, shown: str
) -> None:
    accepted(loopback, root, "its/name")
    loopback.route("GET", f"{root}{JOB}/status", steps(*QUEUE))
    result = {"video": {"url": put(loopback, FILM)}}
    loopback.route("GET", f"{root}{JOB}", Answer(json=result, gzipped=True))

    film = ask("fal-ai", "text_to_video", "a cat", client={"token": token})

    assert bytes(film) == FILM
    assert film.meta.provider == "fal-ai"
    assert ask.waits == [
        "fal-ai: in the queue, 2 before this one",
        "fal-ai: in the queue, 0 before this one",
        "fal-ai: the job is worked on",
    ]
    *calls, file = loopback.requests
    assert all(seen.query == query and seen.headers["authorization"] == shown for seen in calls)
    assert file.path == "/files/result"
    assert "authorization" not in file.headers


def test_a_job_that_failed_although_it_is_completed(ask: Asker, loopback: Loopback) -> None:
    accepted(loopback, "/router/fal-ai", "its/name")
    failed = {"status": "COMPLETED", "error": "Out of memory", "error_type": "runner_error"}
    loopback.route("GET", f"/router/fal-ai{JOB}/status", Answer(json=failed))
    with pytest.raises(errors.ProviderJobError, match=r"at fal-ai failed: Out of memory") as info:
        ask("fal-ai", "image_to_image", inputs.PNG)
    assert (info.value.meta.provider, info.value.meta.model) == ("fal-ai", "org/model")
    assert [seen.method for seen in loopback.requests] == ["POST", "GET"]


def test_a_result_that_is_refused_although_the_job_is_completed(
    ask: Asker, loopback: Loopback
) -> None:
    accepted(loopback, "/router/fal-ai", "its/name")
    loopback.route("GET", f"/router/fal-ai{JOB}/status", Answer(json={"status": "COMPLETED"}))
    detail = {"detail": [{"loc": ["body", "image_url"], "msg": "Could not load image"}]}
    loopback.route("GET", f"/router/fal-ai{JOB}", Answer(422, json=detail))
    with pytest.raises(
        errors.ProviderJobError, match=r"body\.image_url: Could not load image"
    ) as info:
        ask("fal-ai", "image_to_video", inputs.PNG)
    assert info.value.meta.status_code == 422


def test_polling_survives_a_server_that_stumbles(ask: Asker, loopback: Loopback) -> None:
    accepted(loopback, "/router/fal-ai", "its/name")
    busy = Answer(503, json={"error": "busy"}, headers={"retry-after": "0"})
    loopback.route("GET", f"/router/fal-ai{JOB}/status", steps(QUEUE[2], busy, QUEUE[3]))
    result = {"images": [{"url": put(loopback, inputs.PNG)}]}
    loopback.route("GET", f"/router/fal-ai{JOB}", Answer(json=result))
    assert ask("fal-ai", "image_to_image", inputs.PNG).size == (3, 2)


def test_a_job_is_not_waited_for_without_end(
    ask: Asker, loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_jobs, "WAIT_LIMIT", 2.0)
    accepted(loopback, "/router/fal-ai", "its/name")
    loopback.route("GET", f"/router/fal-ai{JOB}/status", QUEUE[2])
    loopback.route("PUT", f"/router/fal-ai{JOB}/cancel", Answer(json={}))
    with pytest.raises(errors.ProviderJobError, match="not done after 2 s"):
        ask("fal-ai", "text_to_video", "a cat")
    assert loopback.requests[-1].path == f"/router/fal-ai{JOB}/cancel"


@pytest.mark.usefixtures("long_pauses")
def test_a_timeout_ends_the_job_too(ask: Asker, loopback: Loopback) -> None:
    accepted(loopback, "/router/fal-ai", "its/name")
    loopback.route("GET", f"/router/fal-ai{JOB}/status", QUEUE[0])
    loopback.route("PUT", f"/router/fal-ai{JOB}/cancel", Answer(json={"status": "CANCELLED"}))
    with pytest.raises(errors.InferenceTimeoutError, match="while fal-ai: in the queue, 2 before"):
        ask("fal-ai", "text_to_video", "a cat", client={"timeout": 30})
    last = loopback.requests[-1]
    assert (last.method, last.path) == ("PUT", f"/router/fal-ai{JOB}/cancel")
    assert last.query == {"_subdomain": ["queue"]}


@pytest.mark.usefixtures("long_pauses")
def test_a_server_that_does_not_answer_the_cancellation_changes_nothing(
    ask: Asker, loopback: Loopback
) -> None:
    accepted(loopback, "/router/fal-ai", "its/name")
    loopback.route("GET", f"/router/fal-ai{JOB}/status", QUEUE[0])
    loopback.route("PUT", f"/router/fal-ai{JOB}/cancel", Answer(500, json={"error": "no"}))
    with pytest.raises(errors.InferenceTimeoutError):
        ask("fal-ai", "text_to_video", "a cat", client={"timeout": 30})


def test_a_cancelled_task_ends_the_job_too(loopback: Loopback) -> None:
    accepted(loopback, "/router/fal-ai", "its/name")
    polled = threading.Event()

    def status(_: Seen) -> Answer:
        polled.set()
        return QUEUE[2]

    loopback.route("GET", f"/router/fal-ai{JOB}/status", status)
    loopback.route("PUT", f"/router/fal-ai{JOB}/cancel", Answer(json={}))

    async def run() -> None:
        async with AsyncInferenceClient(**Asker("async", loopback).settings("fal-ai")) as client:
            task = asyncio.ensure_future(client.text_to_video("a cat"))
            assert await asyncio.to_thread(polled.wait, 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(run())
    assert loopback.requests[-1].method == "PUT"


def test_an_interrupt_ends_the_job_too(loopback: Loopback) -> None:
    accepted(loopback, "/router/fal-ai", "its/name")
    loopback.route("PUT", f"/router/fal-ai{JOB}/cancel", Answer(json={}))
    loopback.route("GET", f"/router/fal-ai{JOB}/status", QUEUE[2])
    client = InferenceClient(**Asker("sync", loopback).settings("fal-ai"))

    def interrupt(reason: str, seconds: float) -> None:
        raise KeyboardInterrupt

    from hfwidgets.core import flow

    token = flow.wait_listener.set(interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            client.text_to_video("a cat")
    finally:
        flow.wait_listener.reset(token)
    assert loopback.requests[-1].method == "PUT"


def prediction(loopback: Loopback, **more: Any) -> dict[str, Any]:
    host = "https://api.replicate.com/v1/predictions/p1"
    urls = {"get": host, "cancel": f"{host}/cancel", "stream": "https://stream.replicate.com/p1"}
    return {"id": "p1", "model": "its/name", "status": "starting", "urls": urls, **more}


PREDICT = "/router/replicate/v1/models/its/name/predictions"
PREDICTION = "/router/replicate/v1/predictions/p1"


def test_replicate_goes_by_the_output_not_by_the_status(ask: Asker, loopback: Loopback) -> None:
    made = prediction(loopback, status="processing", output=[put(loopback, inputs.JPEG)])
    loopback.route("POST", PREDICT, Answer(201, json=made))
    picture = ask("replicate", "text_to_image", "a cat")
    assert (picture.size, picture.format) == ((3, 2), "JPEG")
    assert loopback.requests[0].headers["prefer"] == "wait"
    assert [seen.path for seen in loopback.requests] == [PREDICT, "/files/result"]
    assert "prefer" not in loopback.requests[1].headers


def test_replicate_is_asked_again_when_it_took_too_long(ask: Asker, loopback: Loopback) -> None:
    loopback.route("POST", PREDICT, Answer(201, json=prediction(loopback)))
    done = prediction(loopback, status="succeeded", output=put(loopback, inputs.WAV))
    working = prediction(loopback, status="processing", output=None)
    loopback.route("GET", PREDICTION, steps(Answer(json=working), Answer(json=done)))
    assert bytes(ask("replicate", "text_to_speech", "Hello")) == inputs.WAV
    assert ask.waits == ["replicate: the prediction is processing"]


@pytest.mark.parametrize("state", ["failed", "canceled"])
def test_a_failed_prediction_says_why(ask: Asker, loopback: Loopback, state: str) -> None:
    loopback.route("POST", PREDICT, Answer(201, json=prediction(loopback)))
    failed = prediction(loopback, status=state, error="NSFW content detected")
    loopback.route("GET", PREDICTION, Answer(json=failed))
    with pytest.raises(errors.ProviderJobError, match="NSFW content detected"):
        ask("replicate", "text_to_image", "a cat")
    assert [seen.method for seen in loopback.requests] == ["POST", "GET"]


@pytest.mark.usefixtures("long_pauses")
def test_a_prediction_is_cancelled_with_its_call(ask: Asker, loopback: Loopback) -> None:
    loopback.route("POST", PREDICT, Answer(201, json=prediction(loopback)))
    loopback.route("GET", PREDICTION, Answer(json=prediction(loopback)))
    loopback.route("POST", f"{PREDICTION}/cancel", Answer(json={}))
    with pytest.raises(errors.InferenceTimeoutError):
        ask("replicate", "text_to_video", "a cat", client={"timeout": 30})
    assert loopback.requests[-1].path == f"{PREDICTION}/cancel"


@pytest.mark.parametrize("where", ["transcription", "translation", "txt_file", "text", "list"])
def test_replicates_transcripts(ask: Asker, loopback: Loopback, where: str) -> None:
    file = put(loopback, "Grüße".encode())
    outputs: dict[str, Any] = {
        "transcription": {"transcription": "Grüße", "language": "de"},
        "translation": {"transcription": "x", "translation": "Grüße"},
        "txt_file": {"transcription": "x", "txt_file": file},
        "text": "Grüße",
        "list": ["Grüße", "x"],
    }
    made = prediction(loopback, status="succeeded", output=outputs[where])
    loopback.route("POST", PREDICT, Answer(201, json=made))
    assert ask("replicate", "automatic_speech_recognition", inputs.WAV).text == "Grüße"


def speeded(status: str, **data: Any) -> Answer:
    urls = {"get": "https://api.wavespeed.ai/api/v3/predictions/w1/result"}
    return Answer(json={"code": 200, "data": {"id": "w1", "status": status, "urls": urls, **data}})


WAVE = "/router/wavespeed/api/v3"


def test_wavespeed(ask: Asker, loopback: Loopback) -> None:
    loopback.route("POST", f"{WAVE}/its/name", speeded("created"))
    done = speeded("completed", outputs=[put(loopback, inputs.PNG)])
    path = f"{WAVE}/predictions/w1/result"
    loopback.route("GET", path, steps(speeded("created"), speeded("processing"), done))
    assert ask("wavespeed", "image_to_image", inputs.JPEG, prompt="red").size == (3, 2)
    assert loopback.requests[0].json()["prompt"] == "red"
    assert ask.waits == ["wavespeed: the job is created", "wavespeed: the job is processing"]


@pytest.mark.parametrize(
    ("state", "why"), [("failed", "bad prompt"), ("lost", "its state is lost")]
)
def test_wavespeed_fails(ask: Asker, loopback: Loopback, state: str, why: str) -> None:
    loopback.route("POST", f"{WAVE}/its/name", speeded("created"))
    error = {"error": "bad prompt"} if state == "failed" else {}
    loopback.route("GET", f"{WAVE}/predictions/w1/result", speeded(state, **error))
    with pytest.raises(errors.ProviderJobError, match=why):
        ask("wavespeed", "text_to_video", "a cat")


FILMS = "/router/together/v2/videos"


def test_together_videos(ask: Asker, loopback: Loopback) -> None:
    loopback.route("POST", FILMS, Answer(json={"id": "v1", "status": "queued"}))
    done = {"id": "v1", "status": "completed", "outputs": {"video_url": put(loopback, FILM)}}
    states = [{"id": "v1"}, {"id": "v1", "status": "in_progress"}, done]
    loopback.route("GET", f"{FILMS}/v1", steps(*[Answer(json=state) for state in states]))
    film = ask("together", "image_to_video", inputs.PNG, target_size={"width": 8, "height": 4})
    assert bytes(film) == FILM
    assert loopback.requests[0].json()["width"] == 8
    assert ask.waits == ["together: the video is queued", "together: the video is in_progress"]


def test_together_fails(ask: Asker, loopback: Loopback) -> None:
    loopback.route("POST", FILMS, Answer(json={"id": "v1"}))
    failed = {"id": "v1", "status": "failed", "error": {"message": "moderated", "code": "x"}}
    loopback.route("GET", f"{FILMS}/v1", Answer(json=failed))
    with pytest.raises(errors.ProviderJobError, match="moderated"):
        ask("together", "text_to_video", "a cat")


ZAI = "/router/zai-org/api/paas/v4"


def test_zai_images(ask: Asker, loopback: Loopback) -> None:
    working = Answer(json={"id": "z1", "task_status": "PROCESSING"})
    loopback.route("POST", f"{ZAI}/async/images/generations", working)
    done = {"task_status": "SUCCESS", "image_result": [{"url": put(loopback, inputs.PNG)}]}
    loopback.route("GET", f"{ZAI}/async-result/z1", steps(working, Answer(json=done)))
    assert ask("zai-org", "text_to_image", "a cat", width=64, height=32).size == (3, 2)
    assert loopback.requests[0].json()["size"] == "64x32"
    assert ask.waits == ["zai-org: the image is being generated"]


def test_zai_fails(ask: Asker, loopback: Loopback) -> None:
    answer = Answer(json={"id": "z1", "task_status": "FAIL", "error": {"message": "unsafe"}})
    loopback.route("POST", f"{ZAI}/async/images/generations", answer)
    with pytest.raises(errors.ProviderJobError, match="unsafe"):
        ask("zai-org", "text_to_image", "a cat")


def test_an_answer_without_a_job_says_what_is_missing(ask: Asker, loopback: Loopback) -> None:
    loopback.route("POST", "/router/fal-ai/its/name", Answer(json={"detail": "hm"}))
    with pytest.raises(errors.OutputError, match=r"has no response_url; it is .*hm"):
        ask("fal-ai", "text_to_video", "a cat")


def test_polling_leaves_the_loop_alone(loopback: Loopback) -> None:
    accepted(loopback, "/router/fal-ai", "its/name")
    slow = Slow(lambda _: QUEUE[3])
    loopback.route("GET", f"/router/fal-ai{JOB}/status", slow)
    result = {"video": {"url": put(loopback, FILM)}}
    loopback.route("GET", f"/router/fal-ai{JOB}", Answer(json=result))

    async def run() -> Any:
        async with AsyncInferenceClient(**Asker("async", loopback).settings("fal-ai")) as client:
            return await free(client.text_to_video("a cat"), slow)

    assert bytes(asyncio.run(run())) == FILM
