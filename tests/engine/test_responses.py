"""OpenAI's Responses API by its official client: text, streamed events, tools."""

from typing import Any

import httpx
import openai
import pytest
from pydantic import BaseModel

QUESTION = "What is the capital of France?"
WEATHER: dict[str, Any] = {
    "type": "function",
    "name": "get_weather",
    "description": "Get the weather in a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}


def answer_in_chat(gpt: openai.OpenAI, limit: int, *messages: Any) -> str | None:
    """Return the answer of chat completions to the same conversation."""
    chat = gpt.chat.completions.create(model="default", messages=list(messages), max_tokens=limit)
    return chat.choices[0].message.content


def test_text(gpt: openai.OpenAI) -> None:
    response = gpt.responses.create(model="default", input=QUESTION, max_output_tokens=40)
    assert "Paris" in response.output_text
    assert response.status == "completed"
    assert response.usage is not None
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens
    [message] = response.output
    assert message.type == "message"
    assert message.content[0].type == "output_text"


def test_same_answer_as_chat_completions(gpt: openai.OpenAI) -> None:
    instructions = "You are a pirate."
    response = gpt.responses.create(
        model="default", instructions=instructions, input=QUESTION, max_output_tokens=20
    )
    messages: Any = [
        {"role": "system", "content": instructions},
        {"role": "user", "content": QUESTION},
    ]
    assert response.output_text == answer_in_chat(gpt, 20, *messages)


def test_conversation_of_items(gpt: openai.OpenAI) -> None:
    items: Any = [
        {"role": "user", "content": [{"type": "input_text", "text": "My name is Zoe."}]},
        {"role": "assistant", "content": [{"type": "output_text", "text": "Hello Zoe."}]},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "message", "role": "user", "content": "What is my name?"},
    ]
    response = gpt.responses.create(model="default", input=items, max_output_tokens=30)
    assert response.output_text == answer_in_chat(
        gpt,
        30,
        {"role": "user", "content": "My name is Zoe."},
        {"role": "assistant", "content": "Hello Zoe."},
        {"role": "user", "content": "What is my name?"},
    )


def test_truncated_answer(gpt: openai.OpenAI) -> None:
    response = gpt.responses.create(model="default", input="Tell me a story.", max_output_tokens=4)
    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"
    assert response.output_text


def test_streamed_events(gpt: openai.OpenAI) -> None:
    events = list(
        gpt.responses.create(model="default", input=QUESTION, max_output_tokens=40, stream=True)
    )
    kinds = [event.type for event in events]
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    final = events[-1]
    assert final.type == "response.completed"
    assert "Paris" in text
    assert final.response.output_text == text


def test_clients_accumulated_stream(gpt: openai.OpenAI) -> None:
    with gpt.responses.stream(model="default", input=QUESTION, max_output_tokens=40) as stream:
        for _ in stream:
            pass
        assert "Paris" in stream.get_final_response().output_text


def test_function_call_and_its_result(gpt: openai.OpenAI) -> None:
    items: list[Any] = [{"role": "user", "content": "What is the weather in Rome?"}]
    response = gpt.responses.create(model="default", input=items, tools=[WEATHER])
    [call] = response.output
    assert call.type == "function_call"
    assert call.name == "get_weather"
    assert "city" in call.arguments
    items += [
        call.model_dump(),
        {"type": "function_call_output", "call_id": call.call_id, "output": "21 degrees, sunny"},
    ]
    response = gpt.responses.create(
        model="default", input=items, tools=[WEATHER], max_output_tokens=40
    )
    function = {"name": call.name, "arguments": call.arguments}
    chat_call = {"id": call.call_id, "type": "function", "function": function}
    assert response.output_text == answer_in_chat(
        gpt,
        40,
        items[0],
        {"role": "assistant", "tool_calls": [chat_call]},
        {"role": "tool", "tool_call_id": call.call_id, "content": "21 degrees, sunny"},
    )


def test_streamed_function_call(gpt: openai.OpenAI) -> None:
    events = list(
        gpt.responses.create(
            model="default",
            input="What is the weather in Rome?",
            tools=[WEATHER],
            tool_choice={"type": "function", "name": "get_weather"},
            stream=True,
        )
    )
    pieces = [e.delta for e in events if e.type == "response.function_call_arguments.delta"]
    [done] = [e for e in events if e.type == "response.function_call_arguments.done"]
    final = events[-1]
    assert final.type == "response.completed"
    [call] = final.response.output
    assert call.type == "function_call"
    assert "".join(pieces) == done.arguments == call.arguments


class Person(BaseModel):
    """A structured answer."""

    name: str
    age: int


def test_structured_answer(gpt: openai.OpenAI) -> None:
    response = gpt.responses.parse(
        model="default", input="Ann is 31 years old. Extract the person.", text_format=Person
    )
    assert isinstance(response.output_parsed, Person)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"previous_response_id": "resp_1"}, "stores no responses"),
        ({"tools": [{"type": "web_search"}]}, "'web_search'"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "'item_reference'"),
        ({"input": [{"role": "wizard", "content": "x"}]}, "wizard"),
        ({"input": []}, "input"),
        ({"temprature": 1}, "Did you mean 'temperature'"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
    ],
)
def test_refusals(http: httpx.Client, options: dict[str, Any], message: str) -> None:
    for stream in (False, True):
        body = {"model": "default", "input": "Hello", "stream": stream} | options
        reply = http.post("/v1/responses", json=body)
        assert reply.status_code == 400
        assert message in reply.json()["error"]["message"]
