"""Test tools, JSON, images and broken files with a custom GGUF model."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from hfwidgets import InferenceClient
from hfwidgets.engine.base.weights import WEIGHTS
from tests.engine import projector, samples
from tests.engine.requests import serve_models
from tests.engine.test_cli import run

CHAT = "/v1/chat/completions"
WIDTH = 576
"""The dimensions of SmolLM2-135M's embeddings."""
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
QUESTION = "What is the weather in Paris?"


@pytest.fixture(scope="module")
def file(light_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the light set's chat model under another name."""
    path = tmp_path_factory.mktemp("gguf") / "mine.gguf"
    path.symlink_to(WEIGHTS["smollm2"].path("model.gguf"))
    return path


@pytest.fixture(scope="module")
def http(file: Path) -> Iterator[httpx.Client]:
    """Run `hfwidgets serve` with the model and a projector."""
    path = projector.write_projector(file.with_name("projector.gguf"), WIDTH)
    with serve_models("--chat", str(file), "--mmproj", str(path)) as client:
        yield client


def request_chat(http: httpx.Client, content: Any, **options: Any) -> Any:
    """Return the answer to a user's message."""
    messages = [{"role": "user", "content": content}]
    body = {"messages": messages, "max_tokens": 24, "temperature": 0, **options}
    reply = http.post(CHAT, json=body)
    assert reply.status_code == 200, reply.text
    return reply.json()


def expect_chat_error(http: httpx.Client, content: Any, **options: Any) -> str:
    """The refusal of a user's message."""
    messages = [{"role": "user", "content": content}]
    reply = http.post(CHAT, json={"messages": messages, **options})
    assert reply.status_code == 400, reply.text
    return str(reply.json()["error"]["message"])


def image_part(color: str, kind: str = "PNG", **options: Any) -> dict[str, Any]:
    """Return a message part with an image of one color."""
    data = base64.b64encode(
        samples.encode_image(Image.new("RGB", (48, 40), color), kind, **options)
    )
    url = f"data:image/{kind.lower()};base64,{data.decode()}"
    return {"type": "image_url", "image_url": {"url": url}}


def test_tools(http: httpx.Client) -> None:
    for choice in ("auto", "required", {"type": "function", "function": {"name": "get_weather"}}):
        [answer] = request_chat(http, QUESTION, tools=[WEATHER], tool_choice=choice)["choices"]
        [call] = answer["message"]["tool_calls"]
        assert answer["finish_reason"] == "tool_calls"
        assert call["function"]["name"] == "get_weather"
        assert json.loads(call["function"]["arguments"]) == {"city": "Paris"}
    [answer] = request_chat(http, QUESTION, tools=[WEATHER], tool_choice="none")["choices"]
    assert answer["message"]["content"]


def test_a_json_schema(http: httpx.Client) -> None:
    properties = {"city": {"type": "string"}, "warm": {"type": "boolean"}}
    schema = {"type": "object", "properties": properties, "required": ["city", "warm"]}
    form = {"type": "json_schema", "json_schema": {"name": "weather", "schema": schema}}
    answer = request_chat(http, QUESTION, response_format=form, max_tokens=100)
    found = json.loads(answer["choices"][0]["message"]["content"])
    assert found["city"] == "Paris"
    assert isinstance(found["warm"], bool)
    message = expect_chat_error(http, QUESTION, response_format={"type": "regex", "value": "a"})
    assert "Possible values: 'text', 'json_object', 'json_schema', 'json'" in message


def test_images_reach_the_model(http: httpx.Client) -> None:
    words = {"type": "text", "text": "What is it?"}
    options = {"logprobs": True, "top_logprobs": 3}
    blind = request_chat(http, [words], **options)
    red, again, blue = (
        request_chat(http, [words, image_part(color)], **options)
        for color in ("red", "red", "blue")
    )
    image_tokens = red["usage"]["prompt_tokens"] - blind["usage"]["prompt_tokens"]
    assert image_tokens == pytest.approx(projector.TOKENS, abs=2), "plus line breaks"
    first = [one["choices"][0]["logprobs"]["content"][0] for one in (blind, red, again, blue)]
    assert first[1] == first[2]
    assert first[0] != first[1] != first[3]
    both = request_chat(http, [words, image_part("red"), image_part("blue")])["usage"][
        "prompt_tokens"
    ]
    assert both - red["usage"]["prompt_tokens"] == pytest.approx(image_tokens, abs=2)


def test_images_of_every_format(http: httpx.Client) -> None:
    usage = [
        request_chat(http, [image_part("red", kind), {"type": "text", "text": "What?"}])["usage"]
        for kind in ("PNG", "WEBP", "TIFF")  # llama.cpp itself reads only PNG
    ]
    assert len({one["prompt_tokens"] for one in usage}) == 1


def test_images_from_our_client(http: httpx.Client) -> None:
    client = InferenceClient(base_url=str(http.base_url), token="k")
    content = [{"type": "text", "text": "What is it?"}, image_part("red")]
    with client.chat_completion(
        [{"role": "user", "content": content}], max_tokens=4, stream=True
    ) as stream:
        assert "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def test_images_that_would_be_ignored_are_refused(http: httpx.Client) -> None:
    assert "leave out the tools or the image" in expect_chat_error(
        http, [image_part("red")], tools=[WEATHER]
    )
    elsewhere = {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}}
    assert "downloads no images" in expect_chat_error(http, [elsewhere])
    broken = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    assert "Unknown image format" in expect_chat_error(http, [broken])
    assert "not valid base64" in expect_chat_error(
        http, [{"type": "image_url", "image_url": "data:;base64,A"}]
    )
    assert "'input_audio'" in expect_chat_error(http, [{"type": "input_audio", "input_audio": {}}])
    system = [
        {"role": "system", "content": [image_part("red")]},
        {"role": "user", "content": "What?"},
    ]
    reply = http.post(CHAT, json={"messages": system})
    assert "only 'user' may" in reply.json()["error"]["message"]
    reply = http.post(CHAT, json={"messages": [{"role": "user", "content": [broken]}]})
    assert reply.json()["error"]["param"] == "messages"


def test_the_model_list_names_the_inputs(http: httpx.Client) -> None:
    custom, embedded = http.get("/v1/models").json()["data"][:2]
    assert "images through projector.gguf" in custom["limits"]
    reply = expect_chat_error(http, [image_part("red")], model=embedded["id"])
    assert "reads text only" in reply
    assert "--mmproj" in reply


def test_a_broken_gguf_file_fails_alone(file: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(file.read_bytes()[:100_000])
    narrow = projector.write_projector(tmp_path / "narrow.gguf", 64)
    for options in (("--chat", str(cut)), ("--chat", str(file), "--mmproj", str(narrow))):
        with serve_models(*options) as http:
            reply = http.post(CHAT, json={"messages": [{"role": "user", "content": "Hello"}]})
            assert reply.status_code == 500
            message = reply.json()["error"]["message"]
            assert all(name in message for name in options if name.endswith(".gguf"))
            assert "cut off" in message
            assert http.get("/health").status_code == 200, "only the model fails, not the engine"


def test_a_projector_needs_a_chat_model(file: Path, tmp_path: Path) -> None:
    done = run("serve", "--port", "0", "--mmproj", str(file))
    assert (done.returncode, "--mmproj need --chat" in done.stderr) == (1, True)
    (tmp_path / "notes.gguf").write_text("nothing")
    done = run(
        "serve", "--port", "0", "--chat", str(file), "--mmproj", str(tmp_path / "notes.gguf")
    )
    assert (done.returncode, "notes.gguf is not a GGUF file" in done.stderr) == (1, True)
