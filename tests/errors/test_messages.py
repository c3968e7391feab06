"""Errors and reprs show what helps, and no page and no key."""

import asyncio
import json
import time
from pathlib import Path

import pytest

from hfwidgets import AsyncInferenceClient, InferenceClient, errors
from hfwidgets.calls import settings
from hfwidgets.core import auth
from tests.core.test_streams import HELLO
from tests.plugins.loopback import Answer, Loopback, chat_answer, events

CHAT = "/v1/chat/completions"
KEY = "opaque0123456789"


@pytest.mark.parametrize(
    "page",
    [
        "<h1>Bad gateway</h1>",
        "<center>nginx</center>",
        " <!-- proxy --><p>no",
        "<html><body>no</body></html>",
    ],
)
def test_a_page_is_never_shown(loopback: Loopback, page: str) -> None:
    client = InferenceClient(base_url=loopback.url, max_retries=0)
    for body in (Answer(500, body=page.encode()), Answer(500, json={"error": page})):
        loopback.answer(body)
        with pytest.raises(errors.ServerError, match="nothing readable") as caught:
            client.chat_completion(HELLO)
        assert "<" not in str(caught.value)
    loopback.answer(events({"error": page}))
    with pytest.raises(errors.HfWidgetsError, match="no reason given"):
        list(client.chat_completion(HELLO, stream=True))


def test_a_mask_in_the_server_s_message_is_not_html(loopback: Loopback) -> None:
    loopback.answer(Answer(400, json={"error": "No <mask> in <p> found"}))
    with pytest.raises(errors.BadRequestError, match="No <mask> in <p> found"):
        InferenceClient(loopback.url).fill_mask("x")


def test_an_error_in_place_of_an_answer_does_not_mention_a_stream(loopback: Loopback) -> None:
    loopback.answer(Answer(json={"error": "out of memory"}))
    with pytest.raises(errors.TextGenerationError, match="out of memory") as caught:
        InferenceClient(base_url=loopback.url).chat_completion(HELLO)
    assert "stream" not in str(caught.value)


@pytest.mark.parametrize("name", ["api_key", "apikey", "token", "key", "sig", "access_token"])
def test_a_key_in_a_url_s_query_is_not_shown(loopback: Loopback, name: str) -> None:
    url = f"{loopback.url}/v1?{name}={KEY}&version=2"
    client = InferenceClient(base_url=url, max_retries=0)
    loopback.route("POST", CHAT, chat_answer("Hi"))
    shown = [repr(client), repr(client.explain("chat-completion", messages=HELLO))]
    assert client.chat_completion(HELLO).text == "Hi"
    assert loopback.requests[0].query == {name: [KEY], "version": ["2"]}
    loopback.clear()
    with pytest.raises(errors.NotFoundError) as caught:
        client.chat_completion(HELLO)
    for text in (*shown, str(caught.value)):
        assert KEY not in text
        assert "version=2" in text


def test_a_server_s_own_key_is_not_checked_at_the_hub(loopback: Loopback) -> None:
    loopback.answer(Answer(401, json={"error": "bad key"}))
    with pytest.raises(errors.AuthenticationError, match="check that 127") as caught:
        InferenceClient(base_url=loopback.url, api_key=KEY).chat_completion(HELLO)
    assert "huggingface.co" not in str(caught.value)


def test_a_missing_token_is_not_searched_for_at_every_call(
    loopback: Loopback, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in auth.TOKEN_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "token"))
    # In the past, so that routes that wait for a token expire on the real clock, however long the
    # machine has run.
    found, looked, now = auth.find_machine_token, list[None](), [time.monotonic() - 10]

    def look() -> auth.Token | None:
        looked.append(None)
        return found()

    monkeypatch.setattr(auth, "find_machine_token", look)
    monkeypatch.setattr(settings, "monotonic", lambda: now[0])
    loopback.route("POST", CHAT, chat_answer("Hi"))

    async def ask() -> None:
        async with AsyncInferenceClient(base_url=loopback.url) as client:
            for _ in range(5):
                await client.chat_completion(HELLO)
            assert len(looked) == 1
            monkeypatch.setenv("HF_TOKEN", "hf_abcdefgh")  # found at once: no file is read for it
            await client.chat_completion(HELLO)
            assert len(looked) == 2
            monkeypatch.delenv("HF_TOKEN")
        async with AsyncInferenceClient(base_url=loopback.url) as other:
            await other.chat_completion(HELLO)
            now[0] += settings.TOKEN_RETRY_SECONDS
            await other.chat_completion(HELLO)
        assert len(looked) == 4

    asyncio.run(ask())


def test_a_dry_run_shows_the_request_before_the_engine_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HFWIDGETS_CACHE", str(tmp_path))
    shown = InferenceClient(provider="local").explain("fill_mask", text="A [MASK].", top_k=2)
    assert shown.url == "http://127.0.0.1/models/default/pipeline/fill-mask"
    assert json.loads(shown.body) == {"inputs": "A [MASK].", "parameters": {"top_k": 2}}
    assert "start the embedded engine" in repr(shown)
    assert not list(tmp_path.iterdir())
