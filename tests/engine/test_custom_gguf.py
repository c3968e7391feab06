"""Test custom GGUF models: names, contexts, and files that can't be served."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hfwidgets import InferenceClient, engine_process
from hfwidgets.engine import custom, registry
from hfwidgets.engine.base.llama import Llama
from hfwidgets.engine.base.weights import WEIGHTS
from hfwidgets.engine.chat.chat import MODEL
from tests.engine.requests import serve_models
from tests.engine.test_cli import run
from tests.plugins.engine import make_cache, start_managed_engine
from tests.plugins.loopback import Answer, Loopback

MESSAGES = [{"role": "user", "content": "What is the capital of France?"}]


@pytest.fixture
def gguf(light_weights: Path, tmp_path: Path) -> Path:
    """Return the light set's chat model under another name."""
    path = tmp_path / "tiny-storyteller.gguf"
    path.symlink_to(WEIGHTS["smollm2"].path("model.gguf"))
    return path


def test_a_gguf_file_is_served_under_its_name(gguf: Path) -> None:
    with serve_models("--chat", str(gguf)) as http:
        first = http.get("/v1/models").json()["data"][0]
        assert first["id"] == "tiny-storyteller"
        assert first["installed"]
        for model in (None, "tiny-storyteller"):
            body = {"messages": MESSAGES, "max_tokens": 8, "model": model}
            reply = http.post("/v1/chat/completions", json=body)
            assert reply.headers["x-inference-model"] == reply.json()["model"] == "tiny-storyteller"
            assert reply.json()["choices"][0]["message"]["content"]
        assert http.get("/health").json()["loaded"] == ["tiny-storyteller"]
        own = http.post("/v1/chat/completions", json=body | {"model": MODEL})
        assert own.json()["model"] == MODEL, "the engine's own model is still served"
        assert "Paris" in own.json()["choices"][0]["message"]["content"]
        continued = {"prompt": "The capital of France is", "max_tokens": 1}
        text = http.post("/v1/completions", json=continued).json()
        assert (text["model"], text["choices"][0]["text"]) == ("tiny-storyteller", " Paris")
        mask = http.post(
            "/models/default/pipeline/fill-mask", json={"inputs": "Paris is in [MASK]."}
        )
        assert mask.headers["x-inference-model"] == MODEL


def test_the_end_of_turn_token_comes_from_the_model(gguf: Path) -> None:
    async def run() -> int:
        llama = Llama(lambda: gguf, "mine")
        try:
            return await llama.end_token_id()
        finally:
            await llama.close()

    assert asyncio.run(run()) == 2


def test_chat_name_and_context(gguf: Path) -> None:
    with serve_models(
        "--chat", str(gguf), "--chat-name", "me/mine", "--chat-context", "256"
    ) as http:
        body = {"inputs": "The capital of France is", "parameters": {"max_new_tokens": 1}}
        reply = http.post("/models/me/mine/pipeline/text-generation", json=body)
        assert reply.headers["x-inference-model"] == "me/mine"
        assert reply.json() == [{"generated_text": " Paris"}]
        long = {"messages": [{"role": "user", "content": "word " * 600}]}
        reply = http.post("/v1/chat/completions", json=long)
        assert reply.status_code == 400
        assert "me/mine holds 256" in reply.json()["error"]["message"]


def test_provider_local_serves_the_gguf_file(
    gguf: Path, light_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HFWIDGETS_CACHE", str(make_cache(tmp_path / "cache", light_weights)))
    monkeypatch.setenv("HFWIDGETS_CHAT_MODEL", str(gguf))
    monkeypatch.setenv("HFWIDGETS_CHAT_NAME", "classroom")
    start_managed_engine()
    try:
        answer = InferenceClient(provider="local").chat_completion(MESSAGES, max_tokens=8)
        assert answer.model == "classroom"
        assert answer.choices[0].message.content
    finally:
        engine_process.stop_engine()


def test_unusable_files_fail_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "notes.gguf").write_text("nothing")
    for options, message in {
        ("--chat", str(tmp_path / "none.gguf")): "none.gguf: No such file",
        ("--chat", str(tmp_path / "notes.gguf")): "notes.gguf is not a GGUF file",
        ("--chat-name", "x"): "need --chat FILE_OR_ID",
    }.items():
        done = run("serve", "--port", "0", *options)
        assert done.returncode == 1
        assert message in done.stderr
        assert "Traceback" not in done.stderr


FIND = """
import sys
from hfwidgets.engine.custom import gguf
from hfwidgets.errors import ConfigurationError
for source in sys.argv[1:]:
    try:
        name, path, projector = gguf.find_gguf(source)
        print(name, path.name, projector and projector.name)
    except ConfigurationError as error:
        print(error)
"""


def find(tmp_path: Path, *sources: str, **environment: str) -> list[str]:
    """Find files in a process of its own: huggingface_hub reads its variables once."""
    cache = {"HF_HUB_CACHE": str(tmp_path / "hub")}
    command = [sys.executable, "-c", FIND, *sources]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **cache, **environment}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def play_repository(loopback: Loopback, repo: str, names: list[str]) -> None:
    """Answer as the Hub does for a repository with these files."""
    listing = [{"type": "file", "path": name, "size": 9, "oid": "0"} for name in names]
    loopback.route("GET", f"/api/models/{repo}/tree/main", Answer(json=listing))
    for name in names:
        content = b"GGUF" + name.encode()
        headers = {"etag": f'"{name}"', "x-repo-commit": "c" * 40}
        for method in ("HEAD", "GET"):
            answer = Answer(headers=headers, body=content)
            loopback.route(method, f"/{repo}/resolve/main/{name}", answer)
            loopback.route(method, f"/{repo}/resolve/{'c' * 40}/{name}", answer)


def test_a_gguf_file_comes_from_the_hub(tmp_path: Path, loopback: Loopback) -> None:
    files = ["m-f16.gguf", "m-q4_k_m.gguf", "m-q8_0.gguf", "mmproj-m-f16.gguf", "README.md"]
    play_repository(loopback, "org/m-GGUF", files)
    parts = ["big-q4_k_m-00001-of-00002.gguf", "big-q4_k_m-00002-of-00002.gguf"]
    play_repository(loopback, "org/big-GGUF", parts)
    sources = [f"org/m-GGUF{file}" for file in ("", ":Q8_0", ":m-f16.gguf", ":q2")]
    found = find(tmp_path, *sources, "org/big-GGUF", HF_ENDPOINT=loopback.url)
    assert found == [
        "org/m-GGUF m-q4_k_m.gguf mmproj-m-f16.gguf",
        "org/m-GGUF m-q8_0.gguf mmproj-m-f16.gguf",
        "org/m-GGUF m-f16.gguf mmproj-m-f16.gguf",
        "org/m-GGUF has no file 'q2'; it has m-f16.gguf, m-q4_k_m.gguf, m-q8_0.gguf.",
        f"org/big-GGUF {parts[0]} None",
    ]
    cached = {path.name for path in (tmp_path / "hub").rglob("*.gguf")}
    assert cached == {*files[:4], *parts}, "all parts were downloaded"
    offline = find(tmp_path, "org/m-GGUF", "org/none", HF_HUB_OFFLINE="1")
    assert offline[0] == found[0]
    assert offline[1].startswith("org/none cannot be read from the Hub, and is not in its cache")


def test_a_gguf_file_is_a_model_for_text_generation(gguf: Path) -> None:
    before = registry.registered()
    try:
        served = custom.serve_model(f"text-generation={gguf}")
        assert (served.model, served.main_task) == ("tiny-storyteller", "text-generation")
    finally:
        registry._REGISTERED[:] = before
