"""The 25 most frequent problems of users of inference clients, each with its solution here.

The numbers are those of the project's list; each test's docstring says what used to go wrong.
"""

import asyncio
import io
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from hfwidgets import AsyncInferenceClient, InferenceClient, InferenceTimeoutError, errors
from tests.plugins.internet import Internet
from tests.plugins.loopback import Answer, Loopback, Seen, chat_answer, chat_events, events
from tests.plugins.sample_media import encode_image, make_wav
from tests.plugins.waiting import LIMIT, Slow, free

HELLO = [{"role": "user", "content": "Hello"}]
TOKEN = "hf_" + "sentinel" * 4
MODEL = "org/model"
LABELS = Answer(json=[{"label": "cat", "score": 0.9}])


def hub(loopback: Loopback, mapping: dict[str, Any], pipeline: str = "text-generation") -> None:
    """Let the played Hub know a model's providers."""
    about = {"id": MODEL, "pipeline_tag": pipeline, "tags": ["conversational"]}
    answer = Answer(json={**about, "inferenceProviderMapping": mapping})
    loopback.route("GET", f"/api/models/{MODEL}", answer)


def offer(task: str = "conversational", name: str = "theirs") -> dict[str, str]:
    return {"status": "live", "providerId": name, "task": task}


def client(loopback: Loopback, **settings: Any) -> InferenceClient:
    """Return a client of a played Hub and router."""
    hosts = {"hub": loopback.url, "router": loopback.url, **settings.pop("hosts", {})}
    return InferenceClient(hosts=hosts, **{"token": TOKEN, **settings})


def test_pain_01_text_generation_asked_where_the_model_is_served_for_conversations(
    loopback: Loopback,
) -> None:
    """Examples and frameworks failed with this error and did not say what works."""
    hub(loopback, {"together": offer()})
    with pytest.raises(errors.TaskNotServedError, match="conversational") as caught:
        client(loopback, provider="together").text_generation("Once", model=MODEL)
    assert "chat_completion" in str(caught.value)
    assert MODEL in str(caught.value)
    assert [seen.method for seen in loopback.requests] == ["GET"]
    said = "Model m is not supported for task text-generation. Supported task: conversational."
    loopback.answer(Answer(400, json={"error": said}))
    with pytest.raises(errors.BadRequestError, match="Call chat_completion"):
        InferenceClient(base_url=loopback.url).text_generation("Once")


def test_pain_02_no_retry_on_429_and_5xx_and_a_silent_cold_start(
    loopback: Loopback, waits: list[tuple[str, float]]
) -> None:
    """429 and 503 ended programs at once, without a word about the wait."""
    loopback.answer(
        Answer(429, json={"error": "slow"}, headers={"Retry-After": "0.05"}),
        Answer(503, json={"error": "Model x is currently loading", "estimated_time": 0.1}),
        Answer(503, json={"error": "busy"}, headers={"Retry-After": "0.05"}),
        chat_answer("Hi"),
    )
    out = client(loopback, provider="auto").chat_completion(HELLO, model=MODEL)
    assert out.text == "Hi"
    pause, loading, busy = (reason for reason, _ in waits)
    assert pause == "auto asks for a pause"
    assert loading.startswith(f"loading {MODEL}, about")
    assert busy == "auto answered 503"
    limited = Answer(429, json={"error": "slow"}, headers={"Retry-After": "0.01"})
    loopback.answer(*[limited] * 4)
    with pytest.raises(errors.RateLimitError, match="auto, model org/model answered 429"):
        client(loopback, provider="auto").chat_completion(HELLO, model=MODEL)
    assert len(loopback.requests) == 4 + 4, "the retries are bounded"


def test_pain_03_streams_that_cannot_be_closed(loopback: Loopback) -> None:
    """Leaving a stream left its connection open, and the server working."""
    stop = threading.Event()

    def endless(_: Seen) -> Answer:
        def chunks() -> Iterator[bytes]:
            while not stop.wait(0.01):
                yield b'data: {"choices": [{"index": 0, "delta": {"content": "a"}}]}\n\n'

        return Answer(headers={"content-type": "text/event-stream"}, chunks=chunks())

    loopback.answer(endless)
    with InferenceClient(base_url=loopback.url).chat_completion(HELLO, stream=True) as stream:
        next(stream)
        stream.close()
    assert loopback.gone.wait(LIMIT)
    assert stream.text.startswith("a")
    stop.set()


def test_pain_04_an_async_client_that_blocks_the_loop(
    loopback: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading files, encoding, polling and look-ups happened on the loop's thread."""
    from hfwidgets.media import _load

    path = tmp_path / "cat.png"
    path.write_bytes(encode_image())
    slow = Slow(_load._open_media)
    monkeypatch.setattr(_load, "_open_media", slow)
    loopback.answer(LABELS)

    async def run() -> Any:
        async with AsyncInferenceClient(base_url=loopback.url) as asking:
            return await free(asking.image_classification(path), slow)

    assert asyncio.run(run())[0].label == "cat"


@pytest.mark.parametrize(
    "url",
    [
        "https://api-inference.huggingface.co/models/org/model",
        "https://huggingface.co/api/inference-proxy/together",
    ],
)
def test_pain_05_the_old_host_is_gone(url: str) -> None:
    """Every tutorial's address answers 404; nothing said that it was switched off."""

    def never(request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"{request.url} was called")

    with httpx.Client(transport=httpx.MockTransport(never)) as http:
        asking = InferenceClient(url, token=TOKEN, http_client=http)
        with pytest.raises(errors.RetiredHostError, match="switched off in 2025") as caught:
            asking.text_classification("x")
    assert isinstance(caught.value, ValueError)
    if "models" in url:
        assert "model='org/model'" in str(caught.value)


def test_pain_05_the_old_host_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """HF_INFERENCE_ENDPOINT may still name it."""
    monkeypatch.setenv("HF_INFERENCE_ENDPOINT", "https://api-inference.huggingface.co")
    with pytest.raises(errors.RetiredHostError, match="HF_INFERENCE_ENDPOINT"):
        InferenceClient(token=TOKEN).post(json={}, model=MODEL)


def test_pain_06_auto_picks_a_provider_that_the_client_does_not_know(loopback: Loopback) -> None:
    """A new provider at the head of the Hub's list ended the call."""
    does = offer("text-classification")
    hub(loopback, {"newcomer": does, "hf-inference": does}, "text-classification")
    loopback.route("POST", f"/hf-inference/models/{MODEL}", LABELS)
    asking = client(loopback, provider="auto")
    assert asking.text_classification("x", model=MODEL)[0].label == "cat"
    said = "The requested model 'm' is not supported by any provider you have enabled."
    loopback.answer(Answer(400, json={"error": {"message": said, "code": "model_not_supported"}}))
    with pytest.raises(errors.BadRequestError) as caught:
        asking.chat_completion(HELLO, model=MODEL)
    assert "https://huggingface.co/settings/inference-providers" in str(caught.value)


@pytest.mark.parametrize("kind", ["pil", "bytes", "path", "array"])
def test_pain_07_images_of_every_kind(loopback: Loopback, tmp_path: Path, kind: str) -> None:
    """Images in memory had to be encoded by hand, especially in chat messages."""
    path = tmp_path / "cat.png"
    path.write_bytes(encode_image())
    image = Image.open(io.BytesIO(encode_image()))
    given: Any = {"pil": image, "bytes": encode_image(), "path": path, "array": np.asarray(image)}[
        kind
    ]
    loopback.answer(LABELS, chat_answer("a cat"))
    asking = InferenceClient(base_url=loopback.url)
    assert asking.image_classification(given)[0].label == "cat"
    assert loopback.requests[0].headers["content-type"] == "image/png"
    part = {"type": "image_url", "image_url": {"url": given}}
    asking.chat_completion([{"role": "user", "content": [part]}])
    sent = loopback.requests[1].json()["messages"][0]["content"][0]["image_url"]["url"]
    assert sent.startswith("data:image/png;base64,")


def test_pain_08_file_objects_are_refused_although_documented(
    loopback: Loopback, tmp_path: Path
) -> None:
    """`open(path, "rb")` and BytesIO raised ValueError."""
    path = tmp_path / "cat.png"
    path.write_bytes(encode_image())
    loopback.answer(LABELS, LABELS)
    with path.open("rb") as file:
        InferenceClient(base_url=loopback.url).image_classification(file)
    InferenceClient(base_url=loopback.url).image_classification(io.BytesIO(encode_image()))
    assert [seen.body for seen in loopback.requests] == [encode_image()] * 2


def test_pain_09_no_access_to_what_the_headers_say(loopback: Loopback) -> None:
    """Provider, request id, timings and model revision were thrown away."""
    answer = chat_answer("Hi")
    answer.headers = {
        "x-inference-provider": "novita", "x-request-id": "req-9",
        "x-compute-time": "0.25", "x-queue-time": "12", "x-compute-type": "2-a10-g",
    }  # fmt: skip
    loopback.answer(answer)
    meta = client(loopback).chat_completion(HELLO, model=MODEL).meta
    assert meta is not None
    assert (meta.provider, meta.request_id, meta.model) == ("novita", "req-9", MODEL)
    assert meta.timings == {"compute": 0.25, "queue": 0.012}
    assert meta.compute_type == "2-a10-g"
    assert meta.usage.total_tokens == 5
    assert meta.seconds > 0


def test_pain_10_timeouts_with_the_wrong_exception(loopback: Loopback) -> None:
    """A raw ReadTimeout was raised; 504 after long answers explained nothing."""
    release = threading.Event()

    def silent(_: Seen) -> Answer:
        release.wait(LIMIT)
        return chat_answer("late")

    loopback.answer(silent)
    with pytest.raises(InferenceTimeoutError, match=r"timeout of 0\.2 s"):
        InferenceClient(base_url=loopback.url, timeout=0.2).chat_completion(HELLO)
    release.set()
    loopback.answer(Answer(504, body=b"<html><body>Gateway Time-out</body></html>"))
    with pytest.raises(errors.ServerError, match="stream=True"):
        InferenceClient(base_url=loopback.url).chat_completion(HELLO)


NAME = "abc123.us-east-1.aws.endpoints.huggingface.cloud"


def cloud(internet: Internet, *states: str) -> InferenceClient:
    """Return a client of an endpoint that passes through these states."""
    left = list(states)

    def state(_: Seen) -> Answer:
        now = left.pop(0) if len(left) > 1 else left[0]
        return Answer(json={"name": "mine", "status": {"state": now, "message": "no GPU"}})

    plane = "api.endpoints.huggingface.cloud/v2/endpoint"
    whoami = {"name": "ada", "orgs": [{"name": "lab"}]}
    item = {"name": "mine", "status": {"state": "x", "url": f"https://{NAME}"}}
    internet.get("huggingface.co/api/whoami-v2", Answer(json=whoami))
    internet.get(f"{plane}/ada", Answer(json={"items": []}))
    internet.get(f"{plane}/lab", Answer(json={"items": [item]}))
    internet.get(f"{plane}/lab/mine", state)
    return InferenceClient(f"https://{NAME}", token=TOKEN)


def test_pain_11_a_paused_endpoint(internet: Internet) -> None:
    """Paused and sleeping endpoints answered alike; the one wakes, the other never does."""
    internet.loopback.answer(Answer(503, json={"error": "503 Service Unavailable"}))
    with pytest.raises(errors.EndpointPausedError, match="paused and does not wake") as caught:
        cloud(internet, "paused").text_classification("x")
    assert "get_inference_endpoint('mine').resume()" in str(caught.value)
    assert isinstance(caught.value, errors.HfHubHTTPError)
    assert isinstance(caught.value, errors.InferenceEndpointError)


def test_pain_11_a_paused_endpoint_told_by_its_words_alone(internet: Internet) -> None:
    """Without a Hub token the control plane is not asked."""
    for status, said in ((400, "Bad Request: Invalid state"), (503, "Endpoint is paused")):
        internet.loopback.answer(Answer(status, json={"error": said}))
        with pytest.raises(errors.EndpointPausedError):
            InferenceClient(f"https://{NAME}").text_classification("x")


def test_pain_11_an_endpoint_scaled_to_zero_is_waited_for(
    internet: Internet, monkeypatch: pytest.MonkeyPatch, waits: list[tuple[str, float]]
) -> None:
    """It wakes with the first request, and says 503 until then."""
    monkeypatch.setattr("hfwidgets.calls.endpoint_state.POLL_SECONDS", 0.01)
    asleep = Answer(503, json={"error": "503 Service Unavailable"})
    internet.loopback.answer(asleep, asleep, Answer(502, body=b"<html>Bad Gateway</html>"), LABELS)
    asking = cloud(internet, "scaledToZero", "initializing", "initializing")
    assert asking.text_classification("x")[0].label == "cat"
    heard = [reason for reason, _ in waits]
    assert heard[0] == "the endpoint mine is scaled to zero and is waking up, which takes minutes"
    assert heard[1] == "the endpoint mine is initializing, which takes minutes"
    assert len(heard) == 3


def test_pain_11_an_endpoint_that_failed_says_why(internet: Internet) -> None:
    internet.loopback.answer(Answer(503, json={"error": "503 Service Unavailable"}))
    with pytest.raises(errors.InferenceEndpointError, match="mine failed to start: no GPU"):
        cloud(internet, "failed").text_classification("x")


@pytest.mark.usefixtures("long_pauses")
def test_pain_11_the_wait_for_an_endpoint_keeps_to_the_budget(
    internet: Internet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hfwidgets.calls.endpoint_state.POLL_SECONDS", 0.01)
    asleep = Answer(503, json={"error": "503 Service Unavailable"})
    internet.loopback.answer(asleep, asleep)
    asking = InferenceClient(f"https://{NAME}", timeout=30)
    with pytest.raises(InferenceTimeoutError, match="scaled to zero and is waking up"):
        asking.text_classification("x")


def test_pain_12_post_is_gone_and_nothing_replaces_it(loopback: Loopback) -> None:
    """Integrations broke; requests outside the tasks had no way."""
    loopback.route("POST", f"/hf-inference/models/{MODEL}", Answer(json={"any": "thing"}))
    response = client(loopback).post(json={"inputs": "x"}, model=MODEL)
    assert response.json() == {"any": "thing"}


def test_pain_13_content_type_of_raw_bytes_and_parameters_of_recordings(
    loopback: Loopback,
) -> None:
    """Endpoints choose their decoder by the exact Content-Type; timestamps could not be asked."""
    chunks = [{"text": "hello", "timestamp": [0.0, 0.1]}]
    loopback.answer(*[Answer(json={"text": "hello", "chunks": chunks})] * 2)
    asking = InferenceClient(base_url=loopback.url)
    asking.automatic_speech_recognition(make_wav(0.1))
    more = {"return_timestamps": True}
    heard = asking.automatic_speech_recognition(make_wav(0.1), extra_body=more)
    raw, asked = loopback.requests
    assert raw.headers["content-type"] == "audio/wav"
    assert asked.json()["parameters"]["return_timestamps"] is True
    assert heard.chunks is not None
    assert heard.chunks[0].timestamp == [0.0, 0.1]


def test_pain_14_answers_that_change_their_shape(loopback: Loopback) -> None:
    """Servers changed from one shape to another, and clients crashed on the new one."""
    old = {"sequence": "x", "labels": ["a", "b"], "scores": [0.7, 0.3]}
    new = [{"label": "a", "score": 0.7}, {"label": "b", "score": 0.3}]
    loopback.answer(Answer(json=old), Answer(json=new))
    asking = InferenceClient(base_url=loopback.url)
    shapes = [asking.zero_shot_classification("x", ["a", "b"]) for _ in range(2)]
    assert [(item.label, item.score) for item in shapes[0]] == [("a", 0.7), ("b", 0.3)]
    assert shapes[0] == shapes[1]
    loopback.answer(chat_events("Hi", usage={"total_tokens": 3}))
    stream = asking.chat_completion(HELLO, stream=True)
    assert [len(chunk.choices) for chunk in stream] == [1, 1, 0]


def test_pain_15_base_url_against_model(loopback: Loopback) -> None:
    """Suffixes were added or not, and the model of the call was ignored."""
    hub(loopback, {"together": offer(name="theirs")})
    about = {"id": "org/b", "inferenceProviderMapping": {"together": offer(name="b-there")}}
    loopback.route("GET", "/api/models/org/b", Answer(json=about))
    loopback.answer(chat_answer("Hi"), chat_answer("Hi"))
    client(loopback, provider="together", model=MODEL).chat_completion(HELLO, model="org/b")
    assert loopback.requests[-1].json()["model"] == "b-there"
    shown = InferenceClient(base_url=f"{loopback.url}/api/v1").explain(
        "chat_completion", messages=HELLO, model="llama3"
    )
    assert shown.url == f"{loopback.url}/api/v1/chat/completions"
    assert '"model": "llama3"' in shown.body
    with pytest.raises(ValueError, match="Pass either"):
        InferenceClient("https://example.test", provider="together")
    with pytest.raises(ValueError, match="Pass either"):
        InferenceClient("org/model", base_url="https://example.test")


def test_pain_16_event_streams_as_they_really_come(loopback: Loopback) -> None:
    """`data:[DONE]` without a space, comments and several data lines were JSON errors."""
    body = (
        b'\xef\xbb\xbf: PROCESSING\r\nevent: message\r\ndata:{"choices":\r\ndata: [{"index": 0, '
        b'"delta": {"content": "Hi \xe2\x80\xa8"}}]}\r\n\r\ndata:[DONE]\r\n\r\n'
    )
    cuts = [body[i : i + 1] for i in range(len(body))]
    loopback.answer(Answer(headers={"content-type": "text/event-stream"}, chunks=cuts))
    stream = InferenceClient(base_url=loopback.url).chat_completion(HELLO, stream=True)
    assert [chunk.choices[0].delta.content for chunk in stream] == ["Hi \u2028"]


def test_pain_17_tokens_given_to_anybody(
    loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token of the machine went to any URL; a 401 did not name the token."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    loopback.answer(LABELS, LABELS, Answer(401, json={"error": "no"}))
    InferenceClient(base_url=loopback.url).text_classification("x")
    assert "authorization" not in loopback.requests[0].headers
    InferenceClient(base_url=loopback.url, token="own").text_classification("x")
    assert loopback.requests[1].headers["authorization"] == "Bearer own"
    monkeypatch.setenv("HF_ENDPOINT", loopback.url)
    hosts = {"router": loopback.url}
    with pytest.raises(errors.AuthenticationError, match="environment variable HF_TOKEN"):
        InferenceClient(hosts=hosts).chat_completion(HELLO, model=MODEL)


def test_pain_18_proxies_and_certificates_of_one_client(loopback: Loopback) -> None:
    """They could be set for the whole process only."""
    seen: list[str] = []
    hooks = {"request": [lambda request: seen.append(str(request.url))]}
    loopback.answer(LABELS)
    with httpx.Client(event_hooks=hooks, headers={"x-mine": "1"}) as http:
        with InferenceClient(base_url=loopback.url, http_client=http) as asking:
            asking.text_classification("x")
        assert not http.is_closed, "it stays the caller's"
    assert seen == [loopback.url]


def test_pain_19_credits_exhausted(loopback: Loopback) -> None:
    """Tutorials ended in a bare 402."""
    said = "You have exceeded your monthly included credits for Inference Providers."
    loopback.answer(Answer(402, json={"error": said}))
    with pytest.raises(errors.PaymentRequiredError) as caught:
        client(loopback).chat_completion(HELLO, model=MODEL)
    text = str(caught.value)
    assert said.rstrip(".") in text
    assert "bill_to=" in text
    assert "provider='local'" in text
    loopback.answer(chat_answer("Hi"))
    client(loopback, bill_to="lab").chat_completion(HELLO, model=MODEL)
    assert loopback.requests[-1].headers["x-hf-bill-to"] == "lab"


def test_pain_20_embeddings_of_several_texts(loopback: Loopback) -> None:
    """Lists were refused, and it was unclear whether a vector stood for a text or for a token."""
    loopback.answer(Answer(json=[[0.1, 0.2], [0.3, 0.4]]), Answer(json=[[[0.1, 0.2], [0.3, 0.4]]]))
    asking = InferenceClient(base_url=loopback.url)
    texts = asking.feature_extraction(["a", "b"])
    assert loopback.requests[0].json()["inputs"] == ["a", "b"]
    assert texts.shape == (2, 2)
    shown = texts._repr_mimebundle_()["text/plain"]
    assert "shape (2, 2)" in shown
    assert asking.feature_extraction("a b").shape == (1, 2, 2)


def test_pain_21_which_models_can_i_call_at_what_price(loopback: Loopback) -> None:
    """There was no list."""
    offers = [{"provider": "novita", "status": "live", "context_length": 8192,
               "pricing": {"input": 0.1, "output": 0.3}}]  # fmt: skip
    entry = {"id": MODEL, "providers": offers}
    loopback.route("GET", "/v1/models", Answer(json={"object": "list", "data": [entry]}))
    answer = chat_answer("Hi")
    answer.headers = {"x-inference-provider": "novita"}
    loopback.answer(answer)
    asking = client(loopback)
    found = asking.models()
    assert (found[0].id, found[0].providers, found[0].context_length) == (MODEL, ["novita"], 8192)
    assert (found[0].input_price, found[0].output_price) == (0.1, 0.3)
    meta = asking.chat_completion(HELLO, model=MODEL).meta
    assert meta is not None
    assert meta.cost == pytest.approx((3 * 0.1 + 2 * 0.3) / 1e6)


def test_pain_22_parameters_that_are_silently_ignored(loopback: Loopback) -> None:
    """Misspelled parameters, and those that a provider does not support, vanished."""
    asking = InferenceClient(base_url=loopback.url)
    slip: Any = {"functions_to_apply": "none"}
    with pytest.raises(TypeError, match="Did you mean 'function_to_apply'"):
        asking.text_classification("x", **slip)
    with pytest.raises(TypeError, match="Did you mean 'max_tokens'"):
        asking.chat_completion(HELLO, max_token=3)  # type: ignore[call-overload]
    assert loopback.requests == []
    hub(loopback, {"nscale": offer("text-to-image")}, "text-to-image")
    data = {"data": [{"b64_json": __import__("base64").b64encode(encode_image()).decode()}]}
    loopback.answer(Answer(json=data))
    with pytest.warns(UserWarning, match="nscale does not support num_inference_steps"):
        client(loopback, provider="nscale").text_to_image("x", model=MODEL, num_inference_steps=3)


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_pain_23_reasoning_is_lost(loopback: Loopback, name: str) -> None:
    """Servers call it by two names; clients knew neither."""
    message = {"role": "assistant", "content": "4", name: "2 and 2"}
    deltas = [{"role": "assistant", name: "2 and "}, {name: "2"}, {"content": "4"}]
    pieces = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    loopback.answer(Answer(json={"choices": [{"index": 0, "message": message}]}), events(*pieces))
    asking = InferenceClient(base_url=loopback.url)
    said = asking.chat_completion(HELLO).choices[0].message
    assert (said.reasoning, said.reasoning_content, said.content) == ("2 and 2", "2 and 2", "4")
    stream = asking.chat_completion(HELLO, stream=True)
    assert [c.choices[0].delta.reasoning for c in stream] == ["2 and ", "2", None]
    assert stream.result.choices[0].message.reasoning == "2 and 2"
    assert stream.text == "4"


def test_pain_24_import_time() -> None:
    """Importing a client loaded hundreds of modules; what is not needed yet is not loaded."""
    code = (
        "import sys, hfwidgets; from hfwidgets import InferenceClient;"
        "heavy = 'httpx', 'numpy', 'PIL', 'IPython', 'ipywidgets', 'pandas', 'huggingface_hub';"
        "print(len(sys.modules), [name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    count, loaded = done.stdout.split(" ", 1)
    assert loaded.strip() == "[]"
    assert int(count) < 350


@pytest.mark.parametrize(
    ("wrong", "advice"),
    [
        *((wrong, '"role"') for wrong in ("Hello", b"Hello", {"role": "user"}, 3, None)),
        ([], "at least one"),
    ],
)
def test_pain_25_a_string_as_messages_is_accepted(
    loopback: Loopback, wrong: Any, advice: str
) -> None:
    """It was sent, and the server answered with a riddle."""
    with pytest.raises(errors.InputError, match="messages") as caught:
        InferenceClient(base_url=loopback.url).chat_completion(wrong)
    assert advice in str(caught.value)
    assert loopback.requests == []


def test_no_pain_is_left_out() -> None:
    """Each of the 25 has a test."""
    numbers = {int(name[10:12]) for name in globals() if name.startswith("test_pain_")}
    assert numbers == set(range(1, 26))
