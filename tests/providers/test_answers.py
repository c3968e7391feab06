"""What providers answer, in the shapes that were recorded or are documented, under both clients."""

import base64
import struct
from typing import Any

import pytest

from hfwidgets import errors
from tests.plugins.asker import Asker
from tests.plugins.loopback import Answer, Loopback, chat_answer, chat_events, events
from tests.providers import inputs

HELLO = [{"role": "user", "content": "Hello"}]


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


# Text generation


COMPLETED = {
    "id": "c-1",
    "object": "text_completion",
    "model": "its/name",
    "choices": [{"index": 0, "text": " upon a time", "finish_reason": "eos", "seed": 2**63 + 5}],
    "usage": {"prompt_tokens": 2, "completion_tokens": 4, "total_tokens": 6},
}


@pytest.mark.parametrize(
    ("provider", "path"),
    [
        ("together", "/v1/completions"),
        ("featherless-ai", "/v1/completions"),
        ("novita", "/v3/openai/completions"),
        ("deepinfra", "/v1/openai/completions"),
    ],
)
def test_completions(ask: Asker, loopback: Loopback, provider: str, path: str) -> None:
    loopback.route("POST", f"/router/{provider}{path}", Answer(json=COMPLETED, gzipped=True))
    assert ask(provider, "text_generation", "Once", max_new_tokens=4) == " upon a time"
    assert loopback.requests[0].json() == {
        "prompt": "Once",
        "max_tokens": 4,
        "model": "its/name",
    }


def test_details_of_a_completion(ask: Asker, loopback: Loopback) -> None:
    loopback.route("POST", "/router/together/v1/completions", Answer(json=COMPLETED))
    with pytest.warns(UserWarning, match="together returns no tokens"):
        out = ask("together", "text_generation", "Once", details=True)
    assert out.generated_text == " upon a time"
    assert (out.details.finish_reason, out.details.generated_tokens) == ("eos", 4)
    assert out.details.seed == 2**63 + 5


def test_parameters_that_are_left_out_are_named(ask: Asker, loopback: Loopback) -> None:
    loopback.route("POST", "/router/together/v1/completions", Answer(json=COMPLETED))
    with pytest.warns(
        UserWarning, match="together does not support truncate, watermark of text-gen"
    ):
        ask("together", "text_generation", "Once", watermark=True, truncate=3, top_k=2)
    assert loopback.requests[0].json().keys() == {"prompt", "top_k", "model"}


def test_a_streamed_completion(ask: Asker, loopback: Loopback) -> None:
    pieces = [
        {"choices": [{"index": 0, "text": text, "finish_reason": end}]}
        for text, end in ((" upon", None), (" a time", "stop"))
    ]
    loopback.route("POST", "/router/together/v1/completions", events(*pieces))
    items, stream = ask("together", "text_generation", "Once", stream=True)
    assert items == [" upon", " a time"]
    assert stream.text == " upon a time"
    assert loopback.requests[0].json()["stream"] is True


# Chat


def test_a_recorded_chat_of_together(ask: Asker, loopback: Loopback) -> None:
    answer = chat_answer("Hi")
    answer.json["choices"][0] |= {"finish_reason": "eos", "seed": 7, "logprobs": None}
    answer.gzipped = True
    answer.headers = {"x-inference-provider": "together", "x-request-id": "r-9"}
    loopback.route("POST", "/router/together/v1/chat/completions", answer)
    out = ask("together", "chat_completion", HELLO)
    assert out.choices[0].finish_reason == "eos"
    assert out.choices[0].seed == 7
    assert (out.meta.provider, out.meta.request_id) == ("together", "r-9")


def test_a_stream_that_dies(ask: Asker, loopback: Loopback) -> None:
    answer = chat_events("Hel", "lo", done=False)
    answer.cut = True
    loopback.route("POST", "/router/groq/openai/v1/chat/completions", answer)
    with pytest.raises(errors.StreamBrokenError, match="broke inside the answer"):
        ask("groq", "chat_completion", HELLO, stream=True)
    assert len(loopback.requests) == 1  # never sent again once something has come


def test_loading_then_there(ask: Asker, loopback: Loopback) -> None:
    loading = Answer(503, json={"error": "Model is currently loading", "estimated_time": 0.1})
    base = "/router/hf-inference/models/its/name"
    left = [loading, Answer(json=[{"generated_text": "Once more"}])]
    loopback.route("POST", base, lambda _: left.pop(0))
    assert ask("hf-inference", "text_generation", "Once") == "Once more"
    assert ask.waits == ["loading org/model, about 1 s"]


# Vectors


def test_vectors_come_in_order(ask: Asker, loopback: Loopback) -> None:
    rows = [{"index": 1, "embedding": [3, 4]}, {"index": 0, "embedding": [1, 2]}]
    loopback.route("POST", "/router/scaleway/v1/embeddings", Answer(json={"data": rows}))
    found = ask("scaleway", "feature_extraction", ["a", "b"])
    assert found.tolist() == [[1, 2], [3, 4]]
    assert str(found.dtype) == "float32"


def test_vectors_as_base64(ask: Asker, loopback: Loopback) -> None:
    text = b64(struct.pack("<3f", 0.5, -1.0, 2.0))
    rows = {"data": [{"index": 0, "embedding": text}]}
    loopback.route("POST", "/router/together/v1/embeddings", Answer(json=rows))
    found = ask("together", "feature_extraction", "a", encoding_format="base64", dimensions=3)
    assert found.tolist() == [[0.5, -1.0, 2.0]]
    loopback.route(
        "POST", "/router/together/v1/embeddings", Answer(json={"data": [{"embedding": "AAA="}]})
    )
    with pytest.raises(errors.OutputError, match="holds no float32"):
        ask("together", "feature_extraction", "a")


def test_what_embeddings_do_not_know(ask: Asker, loopback: Loopback) -> None:
    loopback.route(
        "POST", "/router/scaleway/v1/embeddings", Answer(json={"data": [{"embedding": [1]}]})
    )
    with pytest.warns(
        UserWarning, match="scaleway does not support normalize of feature-extraction"
    ):
        ask("scaleway", "feature_extraction", "a", normalize=True)


# Images


@pytest.mark.parametrize("provider", ["together", "nscale"])
def test_images_inside_the_answer(ask: Asker, loopback: Loopback, provider: str) -> None:
    answer = {"id": "i", "data": [{"index": 0, "b64_json": b64(inputs.JPEG)}]}
    loopback.route("POST", f"/router/{provider}/v1/images/generations", Answer(json=answer))
    picture = ask(provider, "text_to_image", "a cat", width=64, height=32)
    assert (picture.size, picture.format) == ((3, 2), "JPEG")


def test_what_nscale_does_not_know(ask: Asker, loopback: Loopback) -> None:
    answer = {"data": [{"b64_json": b64(inputs.PNG)}]}
    loopback.route("POST", "/router/nscale/v1/images/generations", Answer(json=answer))
    with (
        pytest.warns(UserWarning, match="nscale does not support num_inference_steps of"),
        pytest.warns(UserWarning, match="width and height together: width alone is left out"),
    ):
        ask("nscale", "text_to_image", "a cat", width=64, num_inference_steps=3)
    assert loopback.requests[0].json().keys() == {"response_format", "prompt", "model"}


def test_fal_images_have_the_type_of_their_bytes(ask: Asker, loopback: Loopback) -> None:
    loopback.route("GET", "/file.jpg", Answer(body=inputs.PNG))
    url = f"{loopback.url}/file.jpg"
    recorded = {"url": url, "width": 3, "height": 2, "content_type": "image/jpeg"}
    answer = {"images": [recorded], "timings": {"inference": 1.2}, "seed": 1, "prompt": "a cat"}
    loopback.route("POST", "/router/fal-ai/its/name", Answer(json=answer))
    assert ask("fal-ai", "text_to_image", "a cat").format == "PNG"
    assert "authorization" not in loopback.requests[1].headers


def test_a_result_elsewhere_is_not_fetched_from_private_places(
    ask: Asker, loopback: Loopback
) -> None:
    for url in ("http://169.254.169.254/latest", "file:///etc/passwd", "https://10.0.0.1/x"):
        answer = {"images": [{"url": url}]}
        loopback.route("POST", "/router/fal-ai/its/name", Answer(json=answer))
        with pytest.raises(errors.OutputError, match=r"was not fetched|should name the result"):
            ask("fal-ai", "text_to_image", "a cat")


def test_a_mask_as_a_data_url(ask: Asker, loopback: Loopback) -> None:
    job = {"request_id": "r", "response_url": "https://queue.fal.run/a/requests/r"}
    loopback.route("POST", "/router/fal-ai/its/name", Answer(json=job))
    path = "/router/fal-ai/a/requests/r"
    loopback.route("GET", f"{path}/status", Answer(json={"status": "COMPLETED"}))
    image = {"image": {"url": f"data:image/png;base64,{b64(inputs.PNG)}"}}
    loopback.route("GET", path, Answer(json=image))
    (found,) = ask("fal-ai", "image_segmentation", inputs.PNG)
    assert found.label == "mask"
    assert found.mask.size == (3, 2)
    assert loopback.requests[0].json()["sync_mode"] is True


# Audio


def test_fals_transcript(ask: Asker, loopback: Loopback) -> None:
    chunks = [{"timestamp": [0.0, 1.5], "text": " Hello", "speaker": None}]
    answer = {"text": " Hello", "chunks": chunks, "inferred_languages": ["en"]}
    loopback.route("POST", "/router/fal-ai/its/name", Answer(json=answer))
    out = ask("fal-ai", "automatic_speech_recognition", inputs.WAV)
    assert out.text == " Hello"
    assert list(out.chunks[0].timestamp) == [0.0, 1.5]
    assert out.inferred_languages == ["en"]


def test_deepinfras_transcript(ask: Asker, loopback: Loopback) -> None:
    answer = {"text": "Hello", "segments": [{"id": 0, "text": "Hello", "start": 0.0, "end": 1.5}]}
    path = "/router/deepinfra/v1/openai/audio/transcriptions"
    loopback.route("POST", path, Answer(json=answer))
    out = ask("deepinfra", "automatic_speech_recognition", inputs.WAV)
    assert (out.text, list(out.chunks[0].timestamp)) == ("Hello", [0.0, 1.5])
    seen = loopback.requests[0]
    assert int(seen.headers["content-length"]) == len(seen.body)
    assert inputs.WAV in seen.body


@pytest.mark.parametrize(
    ("provider", "path"),
    [("together", "/v1/audio/speech"), ("deepinfra", "/v1/openai/audio/speech")],
)
def test_speech_as_it_comes(ask: Asker, loopback: Loopback, provider: str, path: str) -> None:
    loopback.route("POST", f"/router/{provider}{path}", Answer(body=inputs.WAV))
    sound = ask(provider, "text_to_speech", "Hello", extra_body={"voice": "nova"})
    assert bytes(sound) == inputs.WAV
    assert loopback.requests[0].json()["voice"] == "nova"


def test_fals_speech(ask: Asker, loopback: Loopback) -> None:
    loopback.route("GET", "/a.wav", Answer(body=inputs.WAV))
    answer = {"audio": {"url": f"{loopback.url}/a.wav"}}
    loopback.route("POST", "/router/fal-ai/its/name", Answer(json=answer))
    assert bytes(ask("fal-ai", "text_to_speech", "Hello")) == inputs.WAV


def test_novita_videos(ask: Asker, loopback: Loopback) -> None:
    film = b"\0\0\0\x18ftypmp42\0\0\0\0isommp42"
    loopback.route("GET", "/a.mp4", Answer(body=film))
    answer = {"video": {"video_url": f"{loopback.url}/a.mp4"}}
    loopback.route("POST", "/router/novita/v3/hf/its/name", Answer(json=answer))
    assert bytes(ask("novita", "text_to_video", "a cat")) == film


# What is wrong


@pytest.mark.parametrize(
    ("provider", "method", "args", "path", "missing"),
    [
        ("fal-ai", "text_to_image", ("a",), "/its/name", r"images\[0\]\.url"),
        ("fal-ai", "text_to_speech", ("a",), "/its/name", r"audio\.url"),
        ("together", "text_to_image", ("a",), "/v1/images/generations", r"data\[0\]\.b64_json"),
        ("together", "text_generation", ("a",), "/v1/completions", r"choices\[0\]"),
        ("scaleway", "feature_extraction", ("a",), "/v1/embeddings", "data"),
        ("wavespeed", "text_to_image", ("a",), "/api/v3/its/name", r"data\.urls\.get"),
        ("novita", "text_to_video", ("a",), "/v3/hf/its/name", r"video\.video_url"),
        (
            "zai-org",
            "text_to_image",
            ("a",),
            "/api/paas/v4/async/images/generations",
            "id",
        ),
    ],
)
def test_an_answer_of_another_shape_says_what_is_missing(
    ask: Asker,
    loopback: Loopback,
    provider: str,
    method: str,
    args: Any,
    path: str,
    missing: str,
) -> None:
    loopback.route("POST", f"/router/{provider}{path}", Answer(json={"surprise": 1}))
    with pytest.raises(errors.OutputError, match=rf'has no {missing}; it is {{"surprise": 1}}'):
        ask(provider, method, *args)


def test_an_answer_that_is_not_json(ask: Asker, loopback: Loopback) -> None:
    loopback.route("POST", "/router/fal-ai/its/name", Answer(body=b"<html>busy</html>"))
    with pytest.raises(errors.OutputError, match="is not JSON"):
        ask("fal-ai", "text_to_image", "a cat")
