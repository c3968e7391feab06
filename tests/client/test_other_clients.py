"""What code written for other clients brings along: names, sentinels, addresses, arguments."""

import asyncio
from typing import Any

import openai
import pytest

from hfwidgets import AsyncInferenceClient, InferenceClient, errors
from tests.plugins.loopback import Answer, Loopback, chat_answer, chat_events, events
from tests.plugins.sample_media import encode_image
from tests.providers import inputs

HELLO = [{"role": "user", "content": "Hello"}]


# An OpenAI-compatible address

OPENAI_CALLS = {
    "text_generation": (("Once",), "completions", {"choices": [{"text": " upon"}]}),
    "feature_extraction": (("x",), "embeddings", {"data": [{"index": 0, "embedding": [1.0, 2.0]}]}),
    "automatic_speech_recognition": ((inputs.WAV,), "audio/transcriptions", {"text": "Hello"}),
}


@pytest.fixture(params=["base_url", "base_url with a query", "provider"])
def openai_client(request: pytest.FixtureRequest, loopback: Loopback) -> InferenceClient:
    url = f"{loopback.url}/v1"
    if request.param == "provider":
        return InferenceClient("m", provider="openai", token="k", hosts={"openai": url})
    return InferenceClient(base_url=url if request.param == "base_url" else f"{url}/?version=1")


@pytest.mark.parametrize("method", OPENAI_CALLS)
def test_a_task_speaks_openais_wire(
    method: str, openai_client: InferenceClient, loopback: Loopback
) -> None:
    args, path, answer = OPENAI_CALLS[method]
    loopback.route("POST", f"/v1/{path}", Answer(json=answer))
    result = getattr(openai_client, method)(*args, model="m")
    assert loopback.requests[0].path == f"/v1/{path}"
    assert str(getattr(result, "text", result)) in (" upon", "Hello", "[[1. 2.]]")
    if openai_client.provider is None and "version" in str(openai_client.model):
        assert loopback.requests[0].query == {"version": ["1"]}


def test_speech_and_images_at_openais_wire(
    openai_client: InferenceClient, loopback: Loopback
) -> None:
    loopback.route("POST", "/v1/audio/speech", Answer(body=inputs.WAV))
    assert bytes(openai_client.text_to_speech("Hello", model="m")) == inputs.WAV
    loopback.route(
        "POST",
        "/v1/images/generations",
        Answer(json={"data": [{"url": f"{loopback.url}/image.png"}]}),
    )
    loopback.route("GET", "/image.png", Answer(body=encode_image()))
    assert openai_client.text_to_image("a boat", width=64, height=32, model="m").size == (40, 30)
    assert loopback.requests[1].json() == {
        "prompt": "a boat",
        "response_format": "b64_json",
        "size": "64x32",
        "model": "m",
    }


def test_a_transcript_with_times(openai_client: InferenceClient, loopback: Loopback) -> None:
    answer = {"text": "Hi", "segments": [{"text": "Hi", "start": 0.0, "end": 0.5}]}
    loopback.route("POST", "/v1/audio/transcriptions", Answer(json=answer))
    out = openai_client.automatic_speech_recognition(inputs.WAV, return_timestamps=True, model="m")
    assert list(out.chunks[0].timestamp) == [0.0, 0.5]
    assert b"verbose_json" in loopback.requests[0].body


def test_a_task_without_a_route_there_is_refused(loopback: Loopback) -> None:
    client = InferenceClient(base_url=f"{loopback.url}/v1")
    with pytest.raises(errors.TaskNotServedError, match=r"OpenAI-compatible server.*no route"):
        client.text_classification("x")
    with pytest.raises(errors.TaskNotServedError):
        client.object_detection(encode_image())
    assert loopback.requests == []


# Models


def test_models_are_those_of_the_clients_address(loopback: Loopback) -> None:
    rows = [{"id": "a", "object": "model"}, {"id": "b", "tasks": ["summarization"]}]
    loopback.route("GET", "/v1/models", Answer(json={"data": rows}))
    for url in (f"{loopback.url}/v1", f"{loopback.url}/v1/chat/completions", loopback.url):
        client = InferenceClient(base_url=url, token="mine")
        assert [row.id for row in client.models()] == ["a", "b"]
        assert [row.id for row in client.models(search="B")] == ["b"]
        assert [row.id for row in client.models(task="summarization")] == ["a", "b"]
        assert [row.id for row in client.models(task="translation")] == ["a"]
    assert {seen.headers["authorization"] for seen in loopback.requests} == {"Bearer mine"}


@pytest.mark.parametrize("ending", ["", "/v1"])
def test_models_are_those_of_a_provider_beyond_the_router(loopback: Loopback, ending: str) -> None:
    loopback.route("GET", "/v1/models", Answer(json={"data": [{"id": "a"}]}))
    hosts = {"openai": f"{loopback.url}{ending}"}
    client = InferenceClient(provider="openai", token="k", hosts=hosts)
    assert [row.id for row in client.models()] == ["a"]


def test_models_of_the_router_are_filtered_by_the_clients_provider(loopback: Loopback) -> None:
    rows = [
        {"id": "a", "providers": [{"provider": "together", "status": "live"}]},
        {"id": "b", "providers": [{"provider": "groq", "status": "live"}]},
    ]
    loopback.route("GET", "/router/v1/models", Answer(json={"data": rows}))
    hosts = {"router": f"{loopback.url}/router"}
    client = InferenceClient(provider="groq", token="hf_x", hosts=hosts)
    assert [row.id for row in client.models()] == ["b"]
    assert [row.id for row in client.models(provider="together")] == ["a"]


# Arguments


@pytest.mark.parametrize("provider", ["hf-inference", "auto"])
def test_a_url_wins_over_a_provider_that_was_once_a_default(
    provider: str, loopback: Loopback
) -> None:
    loopback.route("POST", "/v1/chat/completions", chat_answer("Hi"))
    with pytest.warns(UserWarning, match=f"provider='{provider}' is ignored"):
        client = InferenceClient(loopback.url, provider=provider)
    assert client.provider is None
    assert client.chat_completion(HELLO).text == "Hi"
    by_id = InferenceClient(provider=provider)
    with pytest.warns(UserWarning, match=f"provider='{provider}' is ignored"):
        assert by_id.chat_completion(HELLO, model=loopback.url).text == "Hi"


def test_other_providers_with_a_url_are_refused(loopback: Loopback) -> None:
    with pytest.raises(errors.ConfigurationError, match="Pass either a URL or provider='groq'"):
        InferenceClient(loopback.url, provider="groq")


@pytest.mark.parametrize("sentinel", [openai.NOT_GIVEN, openai.omit])
def test_openais_sentinels_leave_an_argument_out(sentinel: Any, loopback: Loopback) -> None:
    loopback.route("POST", "/v1/chat/completions", chat_answer("Hi"))
    client = InferenceClient(base_url=loopback.url)
    client.chat_completion(
        HELLO,
        temperature=sentinel,
        stop=sentinel,
        extra_headers=sentinel,
        extra_body={"a": sentinel},
    )
    client.chat.completions.create(messages=HELLO, model="m", tools=sentinel, timeout=sentinel)

    async def main() -> None:
        async with AsyncInferenceClient(base_url=loopback.url) as client:
            await client.chat_completion(HELLO, max_tokens=sentinel)

    asyncio.run(main())
    assert [set(seen.json()) for seen in loopback.requests] == [{"model", "messages", "stream"}] * 3


def test_extra_query_is_added_to_the_address_for_one_call(loopback: Loopback) -> None:
    loopback.route("POST", "/v1/chat/completions", chat_answer("Hi"))
    client = InferenceClient(base_url=f"{loopback.url}/v1?version=1")
    client.chat_completion(HELLO, extra_query={"trace": "a b", "none": None})
    client.chat_completion(HELLO)
    assert [seen.query for seen in loopback.requests] == [
        {"version": ["1"], "trace": ["a b"]},
        {"version": ["1"]},
    ]
    assert all("extra_query" not in seen.json() for seen in loopback.requests)


def test_headers_and_cookies_can_be_read_without_their_secrets() -> None:
    client = InferenceClient(
        headers={"X-Team": "blue", "X-Api-Key": "sentinel-key"}, cookies={"id": "sentinel-cookie"}
    )
    assert client.headers["X-Team"] == "blue"
    assert set(client.cookies) == {"id"}
    assert "sentinel" not in f"{dict(client.headers)} {dict(client.cookies)}"
    with pytest.raises(TypeError):
        client.headers["X-Team"] = "red"  # type: ignore[index]


def test_token_may_be_true_or_false(loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    loopback.route("POST", "/v1/chat/completions", chat_answer("Hi"))
    monkeypatch.setenv("HF_ENDPOINT", loopback.url)  # so that the machine's token may go there
    with pytest.raises(errors.MissingTokenError, match="token=True"):
        InferenceClient(loopback.url, token=True).chat_completion(HELLO)
    monkeypatch.setenv("HF_TOKEN", "hf_machine")
    InferenceClient(loopback.url, token=True).chat_completion(HELLO)
    InferenceClient(loopback.url, token=False).chat_completion(HELLO)
    InferenceClient(loopback.url).chat_completion(HELLO)
    shown = [seen.headers.get("authorization") for seen in loopback.requests]
    assert shown == ["Bearer hf_machine", None, "Bearer hf_machine"]


@pytest.mark.parametrize(
    ("read", "use"),
    [
        (lambda c: c.with_raw_response, "meta"),
        (lambda c: c.with_streaming_response, "stream=True"),
        (lambda c: c.chat.completions.parse, "response_format=Model"),
        (lambda c: c.chat.completions.stream, "stream=True"),
        (lambda c: c.chat.completions.with_raw_response, "meta"),
        (lambda c: c.models.list(), r"client\.models\(\)"),
    ],
)
@pytest.mark.parametrize("kind", [InferenceClient, AsyncInferenceClient])
def test_names_of_openais_client_are_explained(kind: type, read: Any, use: str) -> None:
    with pytest.raises(AttributeError, match=use):
        read(kind())


def test_a_stream_is_closed_by_its_response_as_in_openais_client(loopback: Loopback) -> None:
    loopback.route("POST", "/v1/chat/completions", chat_events("Hel", "lo"))
    client = InferenceClient(base_url=loopback.url)
    stream = client.chat_completion(HELLO, stream=True)
    next(stream)
    assert stream.response.status_code == 200
    assert stream.response.headers["content-type"] == "text/event-stream"
    stream.response.close()
    assert stream.closed
    assert stream.text == "Hel"

    async def main() -> str:
        async with AsyncInferenceClient(base_url=loopback.url) as client:
            stream = await client.chat_completion(HELLO, stream=True)
            await anext(stream)
            await stream.response.close()
            assert stream.closed
            return stream.text

    assert asyncio.run(main()) == "Hel"


def test_a_streams_result_has_the_log_probabilities_of_a_refusal(loopback: Loopback) -> None:
    def chunk(token: str) -> dict[str, Any]:
        logprobs = {"content": None, "refusal": [{"token": token, "logprob": -1.0}]}
        delta = {"refusal": token, "reasoning_content": "r"}
        return {"choices": [{"index": 0, "delta": delta, "logprobs": logprobs}]}

    loopback.route("POST", "/v1/chat/completions", events(chunk("No"), chunk(".")))
    stream = InferenceClient(base_url=loopback.url).chat_completion(HELLO, stream=True)
    assert len(list(stream)) == 2
    choice = stream.result.choices[0]
    assert [token.token for token in choice.logprobs.refusal] == ["No", "."]
    assert (choice.message.refusal, choice.message.reasoning) == ("No.", "rr")


def test_the_other_names_of_fields(loopback: Loopback) -> None:
    client = InferenceClient(base_url=loopback.url)
    filled = {"sequence": "a boat", "score": 1.0, "token": 5, "token_str": "boat"}
    loopback.answer(Answer(json=[filled]), Answer(json=[{"generated_text": "a boat"}]))
    assert client.fill_mask("a [MASK]")[0].fill_mask_output_token_str == "boat"
    assert client.image_to_text(encode_image()).image_to_text_output_generated_text == "a boat"


def test_an_argument_of_the_client_is_sent_there() -> None:
    for method, args in (("text_to_image", ("x",)), ("summarization", ("x",))):
        with pytest.raises(errors.UnknownParameterError, match="belongs to the client") as caught:
            getattr(InferenceClient(), method)(*args, provider="fal-ai")
        assert "InferenceClient(provider=...)" in str(caught.value)
