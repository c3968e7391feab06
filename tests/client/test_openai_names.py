"""Code that was written for openai's client, after its import is changed."""

import asyncio
import json
import threading
from typing import Any

import pytest

from hfwidgets import AsyncInferenceClient, InferenceClient, InferenceTimeoutError, errors
from tests.core.test_streams import HELLO
from tests.plugins.loopback import Answer, Loopback, chat_answer, chat_events
from tests.plugins.waiting import LIMIT

CHAT = "/v1/chat/completions"


@pytest.fixture
def client(loopback: Loopback) -> InferenceClient:
    loopback.route("POST", CHAT, chat_answer("Hi"))
    return InferenceClient(base_url=loopback.url, headers={"x-team": "a"})


def test_answers_dump_as_pydantic_models_do(client: InferenceClient) -> None:
    answer = client.chat.completions.create(messages=HELLO, model="m")
    message = answer.choices[0].message
    assert message.model_dump() == message.to_dict() == {"role": "assistant", "content": "Hi"}
    assert type(answer.model_dump()["choices"][0]) is dict
    assert json.loads(answer.model_dump_json()) == json.loads(answer.to_json()) == answer
    assert answer.model_dump_json().startswith('{"id":"c1",')
    assert answer.model_dump_json(indent=2).startswith('{\n  "id": "c1",')


def test_a_dump_leaves_out_none(loopback: Loopback, client: InferenceClient) -> None:
    message = {"role": "assistant", "content": "Hi", "tool_calls": None}
    loopback.route("POST", CHAT, Answer(json={"choices": [{"message": message, "logprobs": None}]}))
    answer = client.chat_completion(HELLO)
    assert answer.model_dump(exclude_none=True) == {
        "choices": [{"message": {"role": "assistant", "content": "Hi"}}]
    }


def test_an_answer_s_message_goes_on_with_the_conversation(
    loopback: Loopback, client: InferenceClient
) -> None:
    answer = client.chat_completion(HELLO)
    for said in (answer.choices[0].message, answer.choices[0].message.model_dump()):
        client.chat_completion([*HELLO, said, *HELLO])
        assert loopback.requests[-1].json()["messages"][1] == {"role": "assistant", "content": "Hi"}


def test_options_of_one_call_are_not_sent_to_the_model(
    loopback: Loopback, client: InferenceClient
) -> None:
    client.chat.completions.create(
        messages=HELLO, model="m", timeout=30, extra_headers={"X-Title": "notebook"}
    )
    seen = loopback.requests[-1]
    assert set(seen.json()) == {"messages", "model", "stream"}
    assert (seen.headers["x-title"], seen.headers["x-team"]) == ("notebook", "a")
    client.chat_completion(HELLO)
    assert "x-title" not in loopback.requests[-1].headers


def test_the_timeout_of_one_call_holds(loopback: Loopback, client: InferenceClient) -> None:
    over = threading.Event()
    loopback.route("POST", CHAT, lambda _: (over.wait(LIMIT), chat_answer("late"))[1])
    with pytest.raises(InferenceTimeoutError, match=r"0\.1 s"):
        client.chat_completion(HELLO, timeout=0.1)
    over.set()
    assert client.timeout is None


def test_options_of_one_awaited_call(loopback: Loopback) -> None:
    loopback.route("POST", CHAT, chat_events("Hi"))

    async def ask() -> str:
        async with AsyncInferenceClient(base_url=loopback.url) as client:
            stream = await client.chat.completions.create(
                messages=HELLO, stream=True, extra_headers={"X-Title": "notebook"}
            )
            return "".join([part.choices[0].delta.content or "" async for part in stream])

    assert asyncio.run(ask()) == "Hi"
    assert loopback.requests[-1].headers["x-title"] == "notebook"


def test_a_client_with_other_options_shares_the_connection(
    loopback: Loopback, client: InferenceClient
) -> None:
    client.chat_completion(HELLO)
    client.with_options(timeout=5, model=loopback.url, max_retries=0).chat_completion(HELLO)
    assert loopback.connections == 1
    with pytest.raises(errors.UnknownParameterError, match="Did you mean 'timeout'"):
        client.with_options(time_out=5)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("embeddings", "feature_extraction"),
        ("images", "text_to_image"),
        ("responses", "chat_completion"),
        ("list_deployed_models", r"client\.models"),
        ("text_clasification", "Did you mean 'text_classification'"),
    ],
)
def test_another_client_s_names_lead_to_ours(client: InferenceClient, name: str, said: str) -> None:
    with pytest.raises(AttributeError, match=said):
        getattr(client, name)
    assert not hasattr(client, "_nothing_of_this_name")


def test_the_token_is_not_an_attribute() -> None:
    client: Any = InferenceClient(token="hf_abcdefghijkl")
    for name in ("token", "api_key"):
        with pytest.raises(AttributeError, match="not shown"):
            getattr(client, name)
