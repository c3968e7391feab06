"""Test raw requests, and what servers report about themselves."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hfwidgets import AsyncInferenceClient, InferenceClient, errors
from hfwidgets.providers.endpoint import chat_url, is_openai_base, side_url
from hfwidgets.results.posted import RawResponse
from tests.plugins.loopback import Answer, Loopback
from tests.plugins.sample_media import encode_image

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
TOKEN = "hf_" + "sentinel" * 4


def hosted(loopback: Loopback, **more: Any) -> InferenceClient:
    """Return a client of a played hf-inference."""
    hosts = {"hub": loopback.url, "hf-inference": loopback.url}
    return InferenceClient(hosts=hosts, token=TOKEN, **more)


def test_post_sends_json_and_returns_bytes_that_know_more(loopback: Loopback) -> None:
    loopback.answer(Answer(json=[{"label": "A"}], headers={"x-compute-time": "0.5"}))
    response = hosted(loopback).post(json={"inputs": "Hello"}, model="org/model")
    asked = loopback.requests[0]
    assert (asked.method, asked.path, asked.json()) == (
        "POST", "/models/org/model", {"inputs": "Hello"},
    )  # fmt: skip
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    assert isinstance(response, bytes)
    assert response == response.content == b'[{"label": "A"}]'
    assert response.json() == [{"label": "A"}]
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.text == '[{"label": "A"}]'
    assert response.meta is not None
    assert response.meta.timings == {"compute": 0.5}
    assert response.meta.provider == "hf-inference"


@pytest.mark.parametrize("kind", ["bytes", "bytearray", "memoryview", "file", "path", "str"])
def test_post_sends_data_of_every_kind_with_its_type(
    loopback: Loopback, tmp_path: Path, kind: str
) -> None:
    data = encode_image()
    path = tmp_path / "x.png"
    path.write_bytes(data)
    loopback.answer(Answer(json={}))
    with path.open("rb") as file:
        given = {
            "bytes": data, "bytearray": bytearray(data), "memoryview": memoryview(data),
            "file": file, "path": path, "str": str(path),
        }  # fmt: skip
        hosted(loopback).post(data=given[kind], model="org/model")
    assert loopback.requests[0].body == data
    assert loopback.requests[0].headers["content-type"] == "image/png"


def test_post_sends_unknown_bytes_as_they_are(loopback: Loopback) -> None:
    loopback.answer(Answer(json={}))
    hosted(loopback).post(data=b"\x00\x01\xfe", model="m")
    assert loopback.requests[0].body == b"\x00\x01\xfe"
    assert "content-type" not in loopback.requests[0].headers


def test_post_fetches_a_url_without_credentials(loopback: Loopback) -> None:
    loopback.route("GET", "/cat.png", Answer(body=encode_image()))
    loopback.answer(Answer(json={}))
    hosted(loopback).post(data=f"{loopback.url}/cat.png", model="m")
    fetched, posted = loopback.requests
    assert "authorization" not in fetched.headers
    assert posted.body == encode_image()


@pytest.mark.parametrize(
    ("task", "path"),
    [
        ("feature-extraction", "/models/m/pipeline/feature-extraction"),
        ("sentence_similarity", "/models/m/pipeline/sentence-similarity"),
        ("text-classification", "/models/m"),
        ("unknown", "/models/m"),
        (None, "/models/m"),
    ],
)
def test_the_task_decides_the_route(loopback: Loopback, task: str | None, path: str) -> None:
    loopback.answer(Answer(json={}))
    hosted(loopback).post(json={}, model="m", task=task)
    assert loopback.requests[0].path == path


def test_an_image_task_asks_for_an_image(loopback: Loopback) -> None:
    loopback.answer(Answer(body=PNG), Answer(body=PNG))
    hosted(loopback).post(json={"inputs": "x"}, model="m", task="text-to-image")
    hosted(loopback).post(json={"inputs": "x"}, model="m")
    assert [seen.headers["accept"] for seen in loopback.requests] == ["image/png", "*/*"]


def test_the_model_of_the_call_wins_then_the_client_s_then_the_recommended(
    loopback: Loopback,
) -> None:
    tasks = {"fill-mask": {"widgetModels": ["bert/recommended"]}}
    loopback.route("GET", "/api/tasks", Answer(json=tasks))
    loopback.answer(Answer(json={}), Answer(json={}), Answer(json={}))
    client = hosted(loopback, model="mine")
    client.post(json={}, model="other")
    client.post(json={})
    hosted(loopback).post(json={}, task="fill-mask")
    paths = [seen.path for seen in loopback.requests if seen.method == "POST"]
    assert paths == ["/models/other", "/models/mine", "/models/bert/recommended"]


def test_a_url_is_called_as_it_is(loopback: Loopback) -> None:
    loopback.answer(Answer(json={}), Answer(json={}))
    url = f"{loopback.url}/deep/path?x=1"
    InferenceClient().post(json={}, model=url)
    InferenceClient(base_url=url).post(json={}, model="ignored-for-the-address")
    assert [seen.target for seen in loopback.requests] == ["/deep/path?x=1"] * 2


def test_post_streams_lines(loopback: Loopback) -> None:
    loopback.answer(Answer(chunks=[b"one\ntw", b"o\n\nthree"]))
    stream = hosted(loopback).post(json={}, model="m", stream=True)
    assert list(stream) == [b"one", b"two", b"three"]
    assert stream.result == b"one\ntwo\nthree"
    assert stream.result.status_code == 200


def test_the_async_client_posts_the_same(loopback: Loopback) -> None:
    loopback.answer(Answer(json=[1]), Answer(chunks=[b"a\n", b"b\n"]))

    async def run() -> tuple[RawResponse, list[bytes]]:
        async with AsyncInferenceClient(base_url=loopback.url) as client:
            whole = await client.post(json={"x": 1})
            return whole, [line async for line in await client.post(json={}, stream=True)]

    whole, lines = asyncio.run(run())
    assert whole.json() == [1]
    assert lines == [b"a", b"b"]


def test_what_post_refuses(loopback: Loopback) -> None:
    with pytest.raises(errors.ConfigurationError, match="either json or data"):
        hosted(loopback).post(json={}, data=b"x", model="m")
    with pytest.raises(errors.ConfigurationError, match=r"needs a model="):
        hosted(loopback).post(json={})
    with pytest.raises(errors.ConfigurationError, match="not with together"):
        InferenceClient(provider="together", token="k").post(json={}, model="m")
    assert loopback.requests == []


def test_an_error_of_post_is_like_any_other(loopback: Loopback) -> None:
    loopback.answer(Answer(404, json={"error": "Not Found"}))
    with pytest.raises(errors.NotFoundError, match="hf-inference, model org/model answered 404"):
        hosted(loopback).post(json={}, model="org/model")


def test_explain_shows_what_post_would_send(loopback: Loopback) -> None:
    shown = hosted(loopback).explain("post", json={"inputs": "x"}, model="org/model")
    assert (shown.method, shown.url) == ("POST", f"{loopback.url}/models/org/model")
    assert TOKEN not in repr(shown)
    assert loopback.requests == []


def test_a_long_answer_has_a_short_repr() -> None:
    answer = RawResponse.of(b"x" * 100_000, 200, {})
    assert len(repr(answer)) < 200
    assert "100,000 bytes" in repr(answer)
    assert repr(RawResponse.of(b"ab", 200, {})) == "b'ab'"


@pytest.mark.parametrize(
    ("url", "chat", "info"),
    [
        ("http://h:1", "http://h:1/v1/chat/completions", "http://h:1/info"),
        ("http://h:1/", "http://h:1/v1/chat/completions", "http://h:1/info"),
        ("http://h:1/v1", "http://h:1/v1/chat/completions", "http://h:1/info"),
        ("http://h:1/v1/", "http://h:1/v1/chat/completions", "http://h:1/info"),
        ("http://h/a/b", "http://h/a/b/v1/chat/completions", "http://h/a/b/info"),
        ("http://h/a/v1?k=1", "http://h/a/v1/chat/completions?k=1", "http://h/a/info?k=1"),
        ("http://h/v1/chat/completions", "http://h/v1/chat/completions", "http://h/info"),
        ("http://h/openai/chat/completions?v=2", "http://h/openai/chat/completions?v=2",
         "http://h/openai/info?v=2"),
    ],
)  # fmt: skip
def test_the_rules_for_urls(url: str, chat: str, info: str) -> None:
    assert chat_url(url) == chat
    assert side_url(url, "info") == info
    messages = [{"role": "user", "content": "x"}]
    assert InferenceClient(url).explain("chat_completion", messages=messages).url == chat
    if not is_openai_base(url):
        assert InferenceClient(url).explain("text_classification", text="x").url == url
    assert InferenceClient(url).explain("get_endpoint_info").url == info


def test_get_endpoint_info_in_both_clients(loopback: Loopback) -> None:
    said = {"model_id": "org/model", "max_input_tokens": 1024}
    loopback.route("GET", "/info", Answer(json=said))
    assert InferenceClient(base_url=f"{loopback.url}/v1").get_endpoint_info() == said
    assert InferenceClient().get_endpoint_info(model=loopback.url)["max_input_tokens"] == 1024

    async def run() -> dict[str, Any]:
        async with AsyncInferenceClient(loopback.url) as client:
            return await client.get_endpoint_info()

    assert asyncio.run(run()) == said


def test_get_endpoint_info_of_a_model(loopback: Loopback) -> None:
    loopback.route("GET", "/models/org/model/info", Answer(json={"model_id": "org/model"}))
    assert hosted(loopback).get_endpoint_info(model="org/model")["model_id"] == "org/model"


def test_a_server_without_info_is_told(loopback: Loopback) -> None:
    loopback.route("GET", "/info", Answer(body=b"<html>hello</html>"))
    with pytest.raises(errors.OutputError, match="not a text-generation server"):
        InferenceClient(loopback.url).get_endpoint_info()


@pytest.mark.parametrize(
    ("status", "well"), [(200, True), (204, False), (404, False), (503, False)]
)
def test_health_check(loopback: Loopback, status: int, well: bool) -> None:
    loopback.route("GET", "/health", Answer(status, json={"error": "x", "estimated_time": 20.0}))
    assert InferenceClient(base_url=loopback.url).health_check() is well
    assert len(loopback.requests) == 1, "it is asked once"

    async def run() -> bool:
        async with AsyncInferenceClient() as client:
            return await client.health_check(loopback.url)

    assert asyncio.run(run()) is well


def test_health_without_and_with_a_model() -> None:
    assert InferenceClient("http://127.0.0.1:9").health_check() is False
    with pytest.raises(ValueError, match="needs an endpoint"):
        InferenceClient(token=TOKEN).health_check("org/model")
