"""Tasks sent to the engine's bare address, by clients that know no other."""

from typing import Any

import httpx
import huggingface_hub
import pytest
from huggingface_hub.errors import HfHubHTTPError

from tests.engine import samples
from tests.engine.conftest import Server


@pytest.fixture
def bare(server: Server) -> huggingface_hub.InferenceClient:
    """Create the Hub's client with the engine's address as its model."""
    return huggingface_hub.InferenceClient(server.url, token=server.key, timeout=120)


def test_text_generation(bare: huggingface_hub.InferenceClient) -> None:
    assert "Paris" in bare.text_generation("The capital of France is", max_new_tokens=3)
    pieces = list(bare.text_generation("The capital of France is", max_new_tokens=3, stream=True))
    assert "Paris" in "".join(pieces)


def test_chat(bare: huggingface_hub.InferenceClient) -> None:
    messages = [{"role": "user", "content": "Say hello."}]
    answer = bare.chat_completion(messages, max_tokens=8)
    assert answer.choices[0].message.content


def test_tasks_with_inputs_of_their_own_form(
    bare: huggingface_hub.InferenceClient, http: httpx.Client
) -> None:
    scores = bare.sentence_similarity("a happy person", ["a glad man", "a red car"])
    assert scores[0] > scores[1]
    answer = bare.question_answering("Who bakes?", "Anna bakes bread in Rome.")
    assert "Anna" in answer.answer
    table = {"name": ["Ann", "Bob"], "age": ["31", "45"]}
    assert bare.table_question_answering(table, "How old is Bob?").cells == ["45"]
    labels = bare.zero_shot_classification("A cake with sugar", ["cooking", "space"])
    assert labels[0].label == "cooking"
    body = {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 4}
    assert http.post("/", json=body).json()["object"] == "chat.completion"


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("token_classification", ["Ann lives in Rome."]),
        ("text_classification", ["I love it."]),
        ("summarization", ["A text."]),
        ("fill_mask", ["A [MASK] is red."]),
        ("feature_extraction", ["boat"]),
        ("image_classification", [samples.encode_image(samples.draw_shapes())]),
        ("object_detection", [samples.encode_image(samples.draw_shapes())]),
        ("automatic_speech_recognition", [samples.encode_audio(samples.make_noise(1), 16_000)]),
    ],
)
def test_ambiguous_requests_are_refused(
    bare: huggingface_hub.InferenceClient, server: Server, method: str, arguments: list[Any]
) -> None:
    with pytest.raises(HfHubHTTPError) as caught:
        getattr(bare, method)(*arguments)
    assert caught.value.response.status_code == 400
    error = caught.value.response.json()["error"]
    assert "fits several tasks" in error
    assert f"{server.url}/models/default/pipeline/TASK" in error


@pytest.mark.parametrize("path", ["/", "/models/default", "/models/tgi"])
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"inputs": "Hello"}, "several tasks"),
        ({"inputs": "boat", "parameters": {"top_k": 2}}, "several tasks"),
        ({"inputs": {"image": "aGVsbG8=", "what": 1}}, "none of its tasks"),
        ({"inputs": "Hello", "parameters": {"no_such_parameter": 1}}, "none of its tasks"),
        ({}, "tasks"),
    ],
)
def test_requests_without_a_task(
    http: httpx.Client, path: str, body: dict[str, Any], reason: str
) -> None:
    reply = http.post(path, json=body)
    assert reply.status_code == 400
    assert reason in reply.json()["error"]


def test_parameters_can_tell_the_task(http: httpx.Client) -> None:
    body = {"inputs": "The capital of France is", "parameters": {"max_new_tokens": 2}}
    assert "Paris" in http.post("/", json=body).json()[0]["generated_text"]
    # Many words are valid base64, too, but they are not images.
    zero_shot = {"inputs": "boat", "parameters": {"candidate_labels": ["sea", "sky"]}}
    assert http.post("/", json=zero_shot).json()[0]["label"] == "sea"
