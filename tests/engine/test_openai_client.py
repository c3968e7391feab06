"""OpenAI's official client, unchanged, through the routes of its wire."""

import json
import math
from typing import Any

import openai
import pytest

ASK = [{"role": "user", "content": "What is the capital of France?"}]
CHAT = "HuggingFaceTB/SmolLM2-135M-Instruct"


def test_chat(gpt: openai.OpenAI) -> None:
    answer = gpt.chat.completions.create(model="default", messages=ASK, max_tokens=30)
    assert "Paris" in answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert (answer.object, answer.model) == ("chat.completion", CHAT)
    assert answer.id.startswith("chatcmpl-")
    assert answer.system_fingerprint.startswith("hfwidgets-")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_streamed_chat(gpt: openai.OpenAI) -> None:
    chunks = list(
        gpt.chat.completions.create(
            model=CHAT,
            messages=ASK,
            max_tokens=30,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert "Paris" in "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert {(c.id, c.object, c.model) for c in chunks} == {
        (chunks[0].id, "chat.completion.chunk", CHAT)
    }
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens >= 5


def test_usage_only_on_request(gpt: openai.OpenAI) -> None:
    chunks = gpt.chat.completions.create(model="", messages=ASK, max_tokens=2, stream=True)
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)


def test_length(gpt: openai.OpenAI) -> None:
    answer = gpt.chat.completions.create(model="default", messages=ASK, max_completion_tokens=3)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 3


def test_stop(gpt: openai.OpenAI) -> None:
    whole = gpt.chat.completions.create(model="default", messages=ASK, max_tokens=30)
    cut = gpt.chat.completions.create(model="default", messages=ASK, max_tokens=30, stop="Paris")
    text = whole.choices[0].message.content
    assert cut.choices[0].message.content == text[: text.index("Paris")]
    assert cut.choices[0].finish_reason == "stop"


def test_seed(gpt: openai.OpenAI) -> None:
    def story_for(seed: int) -> str:
        messages = [{"role": "user", "content": "Tell me a story."}]
        answer = gpt.chat.completions.create(
            model="default", messages=messages, max_tokens=24, temperature=1.2, seed=seed
        )
        return answer.choices[0].message.content

    assert story_for(1) == story_for(1)
    assert len({story_for(1), story_for(2), story_for(3)}) > 1


def test_several_choices(gpt: openai.OpenAI) -> None:
    messages = [{"role": "user", "content": "Tell me a story."}]
    answer = gpt.chat.completions.create(
        model="default", messages=messages, max_tokens=16, n=3, temperature=1.2, seed=5
    )
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert len({choice.message.content for choice in answer.choices}) > 1
    assert answer.usage.completion_tokens > 16


def test_several_streamed_choices(gpt: openai.OpenAI) -> None:
    chunks = list(
        gpt.chat.completions.create(model="default", messages=ASK, max_tokens=4, n=2, stream=True)
    )
    ends = [c.choices[0].index for c in chunks if c.choices[0].finish_reason]
    assert ends == [0, 1]


def test_logprobs(gpt: openai.OpenAI) -> None:
    answer = gpt.chat.completions.create(
        model="default", messages=ASK, max_tokens=6, logprobs=True, top_logprobs=3, temperature=0
    )
    tokens = answer.choices[0].logprobs.content
    assert "".join(token.token for token in tokens) == answer.choices[0].message.content
    assert all(len(token.top_logprobs) == 3 for token in tokens)
    assert all(math.exp(token.logprob) <= 1 for token in tokens)
    assert all(bytes(token.bytes).decode() == token.token for token in tokens)
    plain = gpt.chat.completions.create(model="default", messages=ASK, max_tokens=2, logprobs=True)
    assert plain.choices[0].logprobs.content[0].top_logprobs == []


def test_json_schema(gpt: openai.OpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "age": {"type": "integer"},
            "kind": {"enum": ["cat", "dog"]},
        },
        "required": ["name", "age", "kind"],
    }
    answer = gpt.chat.completions.create(
        model="default",
        messages=[{"role": "user", "content": "Invent a pet."}],
        response_format={"type": "json_schema", "json_schema": {"name": "p", "schema": schema}},
    )
    pet = json.loads(answer.choices[0].message.content)
    assert set(pet) == {"name", "age", "kind"}
    assert isinstance(pet["age"], int)
    assert pet["kind"] in ("cat", "dog")


def test_json_object(gpt: openai.OpenAI) -> None:
    answer = gpt.chat.completions.create(
        model="default",
        messages=[{"role": "user", "content": 'Say {"ok": true}'}],
        response_format={"type": "json_object"},
        max_tokens=200,
        stop=["}"],
    )
    assert answer.choices[0].message.content.lstrip().startswith("{")


TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Get the current weather in a city",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string"},
                    "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
                },
                "required": ["city", "unit"],
            },
        },
    },
    {
        "type": "function",
        "function": {"name": "send_mail", "description": "Send an email to a person"},
    },
]
RAIN = [{"role": "user", "content": "What is the weather in Paris, in celsius?"}]


def test_tools(gpt: openai.OpenAI) -> None:
    answer = gpt.chat.completions.create(model="default", messages=RAIN, tools=TOOLS)
    [call] = answer.choices[0].message.tool_calls
    assert answer.choices[0].finish_reason == "tool_calls"
    assert answer.choices[0].message.content is None
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments) == {"city": "Paris", "unit": "celsius"}
    assert call.id.startswith("call_")


def test_streamed_tools(gpt: openai.OpenAI) -> None:
    chunks = list(
        gpt.chat.completions.create(model="default", messages=RAIN, tools=TOOLS, stream=True)
    )
    calls = [c for chunk in chunks for c in chunk.choices[0].delta.tool_calls or []]
    assert calls[0].function.name == "get_weather"
    assert calls[0].id
    assert len(calls) > 3, "the arguments come as they are written"
    arguments = json.loads("".join(call.function.arguments for call in calls))
    assert arguments["city"] == "Paris"
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


def test_tool_choice(gpt: openai.OpenAI) -> None:
    def called_tool(content: str, choice: Any) -> str | None:
        answer = gpt.chat.completions.create(
            model="default",
            messages=[{"role": "user", "content": content}],
            tools=TOOLS,
            tool_choice=choice,
            max_tokens=60,
        )
        calls = answer.choices[0].message.tool_calls
        return calls[0].function.name if calls else None

    named = {"type": "function", "function": {"name": "send_mail"}}
    assert called_tool(RAIN[0]["content"], named) == "send_mail"
    assert called_tool(RAIN[0]["content"], "none") is None
    assert called_tool("Tell me a joke about a frog.", "auto") is None
    assert called_tool("Tell me a joke about a frog.", "required") in ("get_weather", "send_mail")


def test_unknown_tool_choice(gpt: openai.OpenAI) -> None:
    named: Any = {"type": "function", "function": {"name": "get_wether"}}
    with pytest.raises(openai.BadRequestError, match="get_weather"):
        gpt.chat.completions.create(model="default", messages=RAIN, tools=TOOLS, tool_choice=named)


def test_tool_results_lead_to_text(gpt: openai.OpenAI) -> None:
    first = gpt.chat.completions.create(model="default", messages=RAIN, tools=TOOLS)
    call = first.choices[0].message.tool_calls[0]
    answer = gpt.chat.completions.create(
        model="default",
        messages=[
            *RAIN,
            first.choices[0].message.model_dump(exclude_none=True),
            {"role": "tool", "tool_call_id": call.id, "content": "It is 21 degrees and sunny."},
        ],
        tools=TOOLS,
        max_tokens=60,
    )
    assert answer.choices[0].message.tool_calls is None
    assert "21" in answer.choices[0].message.content or "sunny" in answer.choices[0].message.content


def test_images_are_refused(gpt: openai.OpenAI) -> None:
    image_part = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    with pytest.raises(openai.BadRequestError, match="reads text only"):
        gpt.chat.completions.create(
            model="default", messages=[{"role": "user", "content": [image_part]}]
        )


def test_text_parts(gpt: openai.OpenAI) -> None:
    parts = [{"type": "text", "text": ASK[0]["content"]}]
    answer = gpt.chat.completions.create(
        model="default", messages=[{"role": "user", "content": parts}], max_tokens=30
    )
    assert "Paris" in answer.choices[0].message.content


def test_conversation_beyond_the_context(gpt: openai.OpenAI) -> None:
    messages = [{"role": "user", "content": "word " * 5000}]
    for stream in (False, True):
        with pytest.raises(openai.BadRequestError, match=r"50\d\d tokens.* 2048"):
            gpt.chat.completions.create(model="default", messages=messages, stream=stream)


def test_unknown_parameters(gpt: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match=r"'temprature'.*Did you mean 'temperature'"):
        gpt.chat.completions.create(model="default", messages=ASK, extra_body={"temprature": 1})
    with pytest.raises(openai.BadRequestError, match="temperature"):
        gpt.chat.completions.create(model="default", messages=ASK, temperature=7)


def test_ignored_parameters(gpt: openai.OpenAI) -> None:
    answer = gpt.chat.completions.create(
        model="default", messages=ASK, max_tokens=2, user="me", metadata={"a": "b"}, store=False
    )
    assert answer.choices[0].message.content


def test_unknown_models(gpt: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="SmolLM2") as caught:
        gpt.chat.completions.create(model="gpt-4o", messages=ASK)
    assert caught.value.code == "model_not_found"


def test_completions(gpt: openai.OpenAI) -> None:
    answer = gpt.completions.create(
        model="default", prompt="The capital of France is", max_tokens=3, logprobs=2, echo=False
    )
    [choice] = answer.choices
    assert choice.text.startswith(" Paris")
    assert choice.finish_reason == "length"
    assert "".join(choice.logprobs.tokens) == choice.text
    assert len(choice.logprobs.top_logprobs[0]) == 2
    assert answer.usage.prompt_tokens == 5


def test_streamed_completions(gpt: openai.OpenAI) -> None:
    chunks = list(
        gpt.completions.create(
            model="default",
            prompt="The capital of France is",
            max_tokens=3,
            stream=True,
            echo=True,
            stream_options={"include_usage": True},
        )
    )
    text = "".join(chunk.choices[0].text for chunk in chunks if chunk.choices)
    assert text.startswith("The capital of France is Paris")
    assert chunks[-1].usage.completion_tokens == 3


def test_several_prompts(gpt: openai.OpenAI) -> None:
    answer = gpt.completions.create(
        model="default", prompt=["One, two,", "The capital of France is"], n=2, max_tokens=2
    )
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    assert answer.choices[2].text.startswith(" Paris")


def test_embeddings(gpt: openai.OpenAI) -> None:
    # the client asks for base64 by default, and decodes it
    plain = gpt.embeddings.create(model="default", input="A happy person", encoding_format="float")
    packed = gpt.embeddings.create(model="default", input=["A happy person", "x"])
    assert len(packed.data) == 2
    assert packed.data[0].embedding == pytest.approx(plain.data[0].embedding, abs=1e-6)
    assert len(plain.data[0].embedding) == 384
    assert plain.usage.prompt_tokens == 5
    assert plain.model == "sentence-transformers/all-MiniLM-L6-v2"


def test_models(gpt: openai.OpenAI) -> None:
    models = {model.id: model for model in gpt.models.list()}
    assert "text-generation" in models[CHAT].tasks
    assert "zero-shot-classification" in models["sentence-transformers/all-MiniLM-L6-v2"].tasks
    one = gpt.models.retrieve(CHAT)
    assert one.id == CHAT
    assert "135 million" in one.limits
