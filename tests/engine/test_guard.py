"""Requests that are refused: without the key, from web pages, too large, malformed."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection

import httpx
import psutil
import pytest

from hfwidgets.engine.server.guard import MAX_BODY_BYTES
from tests.engine.conftest import Server

TASK = "/models/default/pipeline/text-classification"
BODY = {"inputs": "I love this!"}


@pytest.mark.parametrize("key", [None, "Bearer wrong", "Bearer a b", "Basic a-key-of-the-tests"])
def test_key(server: Server, key: str | None) -> None:
    headers = {} if key is None else {"Authorization": key}
    for path in ("/v1/models", "/nothing"):
        reply = httpx.get(server.url + path, headers=headers)
        assert reply.status_code == 401
        assert reply.headers["www-authenticate"] == "Bearer"
        assert server.key not in reply.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "evil.example:80@127.0.0.1"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost:8888"},
        {"Origin": "null"},
    ],
)
def test_web_pages_are_refused(http: httpx.Client, headers: dict[str, str]) -> None:
    reply = http.post(TASK, json=BODY, headers=headers)
    assert reply.status_code == 403
    assert "access-control-allow-origin" not in reply.headers


def test_no_preflight(server: Server) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    reply = httpx.options(server.url + TASK, headers=headers)
    assert reply.status_code == 403
    assert "access-control-allow-origin" not in reply.headers


def test_loopback_names(server: Server, http: httpx.Client) -> None:
    port = server.url.rpartition(":")[2]
    for host in (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}"):
        assert http.get("/health", headers={"Host": host}).status_code == 200


def test_only_loopback_listens(server: Server, http: httpx.Client) -> None:
    http.post("/v1/completions", json={"prompt": "x", "max_tokens": 1}).raise_for_status()
    listening = [
        connection.laddr.ip
        for process in (psutil.Process(server.pid), server.child())
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert set(listening) == {"127.0.0.1"}


def test_declared_size_too_large(server: Server) -> None:
    connection = HTTPConnection(server.url.removeprefix("http://"))
    headers = {"Authorization": f"Bearer {server.key}", "Content-Length": str(MAX_BODY_BYTES + 1)}
    connection.request("POST", TASK, headers=headers)  # refused before the body is sent
    reply = connection.getresponse()
    assert reply.status == 413
    assert b"32 MB" in reply.read()
    connection.close()


def test_streamed_body_too_large(http: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:
        yield b'{"inputs": "'
        for _ in range(MAX_BODY_BYTES // 1_000_000 + 1):
            yield b"x" * 1_000_000

    reply = http.post(TASK, content=endless())
    assert reply.status_code == 413


LONG = "It was good. " * 80_000  # just over a million characters
TOO_LONG: list[tuple[str, object, dict[str, object]]] = [
    ("text-classification", LONG, {}),
    ("token-classification", LONG, {}),
    ("feature-extraction", LONG, {}),
    ("feature-extraction", [LONG[:1000]] * 1100, {}),
    ("sentence-similarity", {"source_sentence": "x", "sentences": [LONG]}, {}),
    ("zero-shot-classification", LONG, {"candidate_labels": ["a", "b"]}),
    ("summarization", LONG, {}),
    ("fill-mask", LONG + "<mask>", {}),
    ("question-answering", {"question": "Who?", "context": LONG}, {}),
    ("text-generation", LONG, {}),
    ("table-question-answering", {"query": "How many?", "table": {"a": ["1"] * 30_000}}, {}),
]


@pytest.mark.parametrize(("task", "inputs", "parameters"), TOO_LONG)
def test_very_long_texts(
    http: httpx.Client, task: str, inputs: object, parameters: dict[str, object]
) -> None:
    body = {"inputs": inputs, "parameters": parameters}
    reply = http.post(f"/models/default/pipeline/{task}", json=body)
    assert reply.status_code == 400
    assert any(text in reply.json()["error"] for text in ("characters", "length", "cells"))


@pytest.mark.parametrize("choice", ["auto", {"type": "function", "function": {"name": "f"}}])
def test_very_long_conversations(http: httpx.Client, choice: object) -> None:
    body = {
        "messages": [{"role": "user", "content": LONG}],
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "tool_choice": choice,
    }
    reply = http.post("/v1/chat/completions", json=body)
    assert reply.status_code == 400
    assert "1,000,000" in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1]",
        b'"text"',
        b"\xff\xfe",
        b'{"inputs": "caf\xe9"}',
        b'{"inputs": "\xed\xa0\xbd"}',
        b'{"inputs": "\\ud83d"}',
        b'{"\xff": 1}',
        b"[" * 100_000,
        b'{"inputs": 3}',
        b'{"inputs": [3]}',
        b'{"inputs": []}',
        b'{"inputs": "a", "parameters": []}',
        b'{"inputs": "a", "parameters": {"top_k": "many"}}',
        b'{"inputs": "a", "parameters": {"top_k": 0}}',
    ],
)
def test_bad_bodies(http: httpx.Client, body: bytes) -> None:
    reply = http.post(TASK, content=body)
    assert reply.status_code == 400
    assert isinstance(reply.json()["error"], str)
    assert http.post(TASK, json=BODY).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": []},
        {"messages": "hello"},
        {"messages": [{"role": "wizard", "content": "x"}]},
        {"messages": [{"role": "user", "content": "x"}], "model": 3},
        {"messages": [{"role": "user", "content": "x"}], "n": 1000},
        {"messages": [{"role": "user", "content": "x"}], "tool_choice": "required"},
        {
            "messages": [{"role": "user", "content": "x"}],
            "response_format": {
                "type": "json_schema",
                "json_schema": {"schema": {"type": "objec"}},
            },
        },
    ],
)
def test_bad_chats(http: httpx.Client, body: dict[str, object]) -> None:
    reply = http.post("/v1/chat/completions", json=body)
    assert reply.status_code == 400
    assert reply.json()["error"]["message"]
    assert reply.json()["error"]["type"] == "invalid_request_error"


def test_endless_schema(http: httpx.Client) -> None:
    schema: dict[str, object] = {"type": "string"}
    for _ in range(200):
        schema = {"type": "array", "items": schema}
    form = {"type": "json_schema", "json_schema": {"schema": schema}}
    body = {"messages": [{"role": "user", "content": "x"}], "response_format": form}
    reply = http.post("/v1/chat/completions", json=body)
    assert reply.status_code == 400
    assert "32 levels" in reply.json()["error"]["message"]


def test_unknown_routes_tasks_and_models(http: httpx.Client) -> None:
    nowhere = http.get("/nothing")
    assert nowhere.status_code == 404
    assert "/v1/models" in nowhere.json()["error"]
    wrong_way = http.get(TASK)
    assert wrong_way.status_code == 405
    task = http.post("/models/default/pipeline/text-clasification", json=BODY)
    assert task.status_code == 404
    assert "'text-classification'" in task.json()["error"]
    model = http.post("/models/some/bert/pipeline/text-classification", json=BODY)
    assert model.status_code == 404
    assert "cjhutto/vaderSentiment" in model.json()["error"]


def test_models_by_name(http: httpx.Client) -> None:
    for name in ("cjhutto/vaderSentiment", "vaderSentiment", "sentiment"):
        assert http.post(f"/models/{name}", json=BODY).json()[0][0]["label"] == "POSITIVE"


def test_raw_bodies(http: httpx.Client) -> None:
    reply = http.post(TASK, content="I hate this.", headers={"Content-Type": "text/plain"})
    assert reply.json()[0][0]["label"] == "NEGATIVE"


def test_streams_of_tasks_without_streams(http: httpx.Client) -> None:
    reply = http.post(TASK, json={**BODY, "stream": True})
    assert reply.status_code == 400
    assert "no streamed form" in reply.json()["error"]


def test_reply_headers(http: httpx.Client) -> None:
    reply = http.post(TASK, json=BODY, headers={"X-Request-Id": "mine-1"})
    assert reply.headers["x-request-id"] == "mine-1"
    assert float(reply.headers["x-compute-time"]) >= 0
    assert reply.headers["x-inference-model"] == "cjhutto/vaderSentiment"
    other = http.post(TASK, json=BODY, headers={"X-Request-Id": "<script>"})
    assert other.headers["x-request-id"].startswith("req_")


def test_errors_name_no_secret(http: httpx.Client) -> None:
    reply = http.post(TASK, json={"inputs": "x", "parameters": {"hf_abcdefghijk": 1}})
    assert "hf_abcdefghijk" not in reply.text
    assert json.loads(reply.text)["error_type"] == "validation"


@pytest.mark.parametrize("key", [None, "Bearer wrong"])
def test_health_needs_no_key(server: Server, key: str | None) -> None:
    headers = {} if key is None else {"Authorization": key}
    reply = httpx.get(server.url + "/health", headers=headers)
    assert reply.status_code == 200
    assert "text-generation" in reply.json()["tasks"]
    assert server.key not in reply.text
    # Only the key is not required.
    stranger = httpx.get(server.url + "/health", headers={"Origin": "http://evil.example"})
    assert stranger.status_code == 403


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/audio/speech", "/"])
def test_invalid_utf8_is_a_bad_request(http: httpx.Client, path: str) -> None:
    headers = {"Content-Type": "application/json"}
    reply = http.post(path, content=b'{"input": "caf\xe9"}', headers=headers)
    assert reply.status_code == 400
    assert "not valid JSON" in reply.text


def test_texts_in_other_character_sets(http: httpx.Client) -> None:
    def post(content: bytes, charset: str) -> httpx.Response:
        headers = {"Content-Type": f"text/plain; charset={charset}"}
        return http.post(TASK, content=content, headers=headers)

    assert post("I love this café!".encode("latin-1"), "latin-1").status_code == 200
    assert post("I love this café!".encode(), '"utf-8"').status_code == 200
    for content, charset in ((b"caf\xe9", "utf-8"), (b"a", "no-such-charset")):
        reply = post(content, charset)
        assert reply.status_code == 400
        assert charset in reply.json()["error"]


PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n--b--\r\n'


@pytest.mark.parametrize("route", ["transcriptions", "translations"])
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", PART),
        ("multipart/form-data; boundary=", PART),
        ("multipart/form-data; boundary=other", PART),
        ("multipart/form-data; boundary=b", b"x" + PART),
        ("multipart/form-data; boundary=b", PART.replace(b"--b--", b"--b!")),
        ("multipart/form-data; boundary=b", PART[:40]),
        ("multipart/form-data; boundary=b", PART.replace(b"Content-Disposition", b"Cont\xff")),
        ("multipart/form-data; boundary=b; charset=no-such", PART),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\nx\r\n--b--\r\n"),
        ("application/x-www-form-urlencoded", b"file=text"),
        ("application/json", b"{}"),
    ],
)
def test_broken_forms(http: httpx.Client, route: str, content_type: str, body: bytes) -> None:
    headers = {"Content-Type": content_type}
    reply = http.post(f"/v1/audio/{route}", content=body, headers=headers)
    assert reply.status_code == 400
    assert reply.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/chat/completions", "POST"),
        ("PUT", "/v1/audio/speech", "POST"),
        ("GET", "/models/default/pipeline/fill-mask", "POST"),
        ("POST", "/health", "GET"),
        ("DELETE", "/v1/models", "GET"),
        ("GET", "/", "POST"),
    ],
)
def test_wrong_methods_are_told_the_right_one(
    http: httpx.Client, method: str, path: str, allowed: str
) -> None:
    reply = http.request(method, path)
    assert reply.status_code == 405
    assert allowed in reply.headers["allow"]
    error = reply.json()["error"]
    message = error["message"] if isinstance(error, dict) else error
    assert message.startswith(f"{path} does not support {method}; use ")
    assert allowed in message


def test_unknown_paths_list_all_with_their_methods(http: httpx.Client) -> None:
    reply = http.get("/v2/models")
    assert reply.status_code == 404
    for route in ("POST /v1/responses", "GET /health", "POST /models/{model:path}"):
        assert route in reply.json()["error"]


def test_token_ids_as_embedding_input(http: httpx.Client) -> None:
    for ids in ([1, 2, 3], [[1, 2], [3]]):
        reply = http.post("/v1/embeddings", json={"model": "default", "input": ids})
        assert reply.status_code == 400
        assert "check_embedding_ctx_length=False" in reply.json()["error"]["message"]


def test_images_need_a_model_of_the_user(http: httpx.Client) -> None:
    reply = http.post("/v1/images/generations", json={"prompt": "a cat", "model": "dall-e-3"})
    assert reply.status_code == 501
    assert "no text-to-image model" in reply.json()["error"]["message"]
