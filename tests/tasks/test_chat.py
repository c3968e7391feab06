"""Chat in full: tool calls as servers really stream them, log-probabilities, choices, extras."""

import asyncio
import json
from typing import Any

import pytest

from hfwidgets import AsyncInferenceClient, InferenceClient, errors
from hfwidgets.results.chat import ChatCompletionOutput
from tests.plugins.loopback import Answer, Loopback, chat_answer, chat_events, events

HELLO = [{"role": "user", "content": "Hello"}]

Call = tuple[str, str, str]


def streamed(loopback: Loopback, *deltas: dict[str, Any], **more: Any) -> Any:
    """The stream of an answer whose first choice has these deltas."""
    loopback.answer(events(*[{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]))
    return InferenceClient(loopback.url).chat_completion(HELLO, stream=True, **more)


def piece(index: int | None = 0, call: str | None = None, name: str | None = None,
          arguments: Any = None) -> dict[str, Any]:  # fmt: skip
    """A piece of a tool call, without what it does not have."""
    function = {k: v for k, v in (("name", name), ("arguments", arguments)) if v is not None}
    found = {"index": index, "id": call, "type": "function" if call else None, "function": function}
    return {k: v for k, v in found.items() if v is not None}


OPENAI = [
    [piece(0, "a", "add", "")], [piece(0, arguments='{"x"')], [piece(0, arguments=": 1}")],
    [piece(1, "b", "sub", "")], [piece(1, arguments='{"x": 2}')],
]  # fmt: skip
SHAPES: dict[str, tuple[list[Any], list[Call]]] = {
    "openai, piece by piece": (OPENAI, [("a", "add", '{"x": 1}'), ("b", "sub", '{"x": 2}')]),
    "interleaved by index": (
        [[piece(0, "a", "add", '{"x"')], [piece(1, "b", "sub", '{"y"')],
         [piece(0, arguments=": 1}")], [piece(1, arguments=": 2}")]],
        [("a", "add", '{"x": 1}'), ("b", "sub", '{"y": 2}')],
    ),
    "groq: whole calls in one chunk": (
        [[piece(0, "a", "add", '{"x": 1}'), piece(1, "b", "sub", '{"x": 2}')]],
        [("a", "add", '{"x": 1}'), ("b", "sub", '{"x": 2}')],
    ),
    "ollama: every call has index 0": (
        [[piece(0, "a", "add", '{"x": 1}')], [piece(0, "b", "add", '{"x": 2}')]],
        [("a", "add", '{"x": 1}'), ("b", "add", '{"x": 2}')],
    ),
    "ollama: a whole call that comes again": (
        [[piece(0, "a", "add", '{"x": 1}')], [piece(0, "a", "add", '{"x": 1}')]],
        [("a", "add", '{"x": 1}')],
    ),
    "index 0 and pieces after the second call began": (
        [[piece(0, "a", "add", '{"x": 1}')], [piece(0, "b", "sub", '{"y"')],
         [piece(0, arguments=": 2}")]],
        [("a", "add", '{"x": 1}'), ("b", "sub", '{"y": 2}')],
    ),
    "no ids, one index": (
        [[piece(0, None, "add", '{"x": 1}')], [piece(0, None, "add", '{"x": 2}')]],
        [("", "add", '{"x": 1}'), ("", "add", '{"x": 2}')],
    ),
    "no index at all": (
        [[piece(None, "a", "add", '{"x": 1}')], [piece(None, "b", "sub", '{"x": 2}')]],
        [("a", "add", '{"x": 1}'), ("b", "sub", '{"x": 2}')],
    ),
    "the name in every piece": (
        [[piece(0, "a", "add", "")], [piece(0, "a", "add", '{"x"')],
         [piece(0, "a", "add", ": 1}")]],
        [("a", "add", '{"x": 1}')],
    ),
    "arguments as an object": (
        [[piece(0, "a", "add", {"x": 1})]], [("a", "add", '{"x": 1}')],
    ),
    "no arguments": ([[piece(0, "a", "now")]], [("a", "now", "{}")]),
    "together: null between the pieces": (
        [[piece(0, "a", "add", '{"x": 1}')], None, [piece(0, arguments="")]],
        [("a", "add", '{"x": 1}')],
    ),
    "a new id in every piece": (
        [[piece(0, "a", "add", '{"x"')], [piece(0, "b", arguments=":")],
         [piece(0, "c", arguments="1}")], [piece(0, "d", arguments="")]],
        [("a", "add", '{"x":1}')],
    ),
    "a new id and the name in every piece": (
        [[piece(0, "a", "add", "")], [piece(0, "b", "add", '{"x"')],
         [piece(0, "c", "add", ": 1}")]],
        [("a", "add", '{"x": 1}')],
    ),
    "no index in later pieces": (
        [[piece(0, "a", "add", '{"x"')], [piece(None, arguments=": 1}")],
         [piece(1, "b", "sub", '{"y"')], [piece(None, arguments=": 2}")]],
        [("a", "add", '{"x": 1}'), ("b", "sub", '{"y": 2}')],
    ),
    "an index in later pieces only": (
        [[piece(None, "a", "add", '{"x"')], [piece(0, arguments=": 1}")]],
        [("a", "add", '{"x": 1}')],
    ),
    "the name in pieces": (
        [[piece(0, "a", "get_")], [piece(0, None, "weather", "")],
         [piece(0, arguments='{"x": 1}')]],
        [("a", "get_weather", '{"x": 1}')],
    ),
    "two whole calls, index 0, no ids": (
        [[piece(0, None, "add", '{"x": 1}'), piece(0, None, "sub", '{"x": 1}')]],
        [("", "add", '{"x": 1}'), ("", "sub", '{"x": 1}')],
    ),
    "two equal calls by their ids": (
        [[piece(0, "a", "add", '{"x": 1}')], [piece(0, "b", "add", '{"x": 1}')]],
        [("a", "add", '{"x": 1}'), ("b", "add", '{"x": 1}')],
    ),
    "null and other oddities among the pieces": (
        [[None], [5, "x", piece(0, "a", "add", '{"x": 1}')], [[]], [{"index": 0, "function": 3}]],
        [("a", "add", '{"x": 1}')],
    ),
    "indexes as texts": (
        [[piece("0", "a", "add", '{"x"')], [piece("0", arguments=": 1}")]],
        [("a", "add", '{"x": 1}')],
    ),
    "arguments that end in braces of their own": (
        [[piece(0, "a", "add", '{"x": {}')], [piece(0, arguments=', "y": "}"')],
         [piece(0, arguments="}")]],
        [("a", "add", '{"x": {}, "y": "}"}')],
    ),
    "an object instead of a list": (
        [piece(0, "a", "add", '{"x"'), piece(0, arguments=": 1}")],
        [("a", "add", '{"x": 1}')],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("pieces", "calls"), SHAPES.values(), ids=SHAPES)
def test_tool_calls_are_assembled(loopback: Loopback, pieces: list[Any], calls: list[Call]) -> None:
    stream = streamed(loopback, {"role": "assistant"}, *[{"tool_calls": some} for some in pieces])
    for _ in stream:
        pass
    message = stream.result.choices[0].message
    found = [(c.id, c.function.name, c.function.arguments) for c in message.tool_calls]
    assert found == calls
    assert all(call.type == "function" for call in message.tool_calls)
    assert message.content is None


def test_the_calls_may_be_looked_at_while_they_come(loopback: Loopback) -> None:
    stream = streamed(loopback, *[{"tool_calls": some} for some in OPENAI])
    seen = []
    for _ in stream:
        calls = stream.result.choices[0].message.tool_calls
        seen.append([call.function.arguments for call in calls])
    assert seen[0] == ["{}"]
    assert seen[1] == ['{"x"']
    assert seen[-1] == ['{"x": 1}', '{"x": 2}']


def test_a_conversation_with_a_tool(loopback: Loopback) -> None:
    """The answer's own message goes back as it is, with what the tool said."""
    tool = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}
    call = {"id": "a", "type": "function", "function": {"name": "add", "arguments": '{"x": 1}'}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    loopback.answer(Answer(json={"choices": [choice]}), chat_answer("1"))
    client = InferenceClient(loopback.url)
    first = client.chat_completion(HELLO, tools=[tool], tool_choice="auto")
    asked = first.choices[0].message.tool_calls
    assert asked is not None
    assert json.loads(asked[0].function.arguments) == {"x": 1}
    answer = {"role": "tool", "tool_call_id": asked[0].id, "content": "1"}
    client.chat_completion([*HELLO, first.choices[0].message, answer], tools=[tool])
    sent = loopback.requests[1].json()["messages"]
    assert sent[1] == {"role": "assistant", "tool_calls": [call]}
    assert sent[2] == answer
    assert loopback.requests[0].json()["tools"] == [tool]
    assert loopback.requests[0].json()["tool_choice"] == "auto"


def test_log_probabilities_whole_and_streamed(loopback: Loopback) -> None:
    token = {"token": "Hi", "logprob": -0.5, "top_logprobs": [{"token": "Ho", "logprob": -1.5}]}
    whole = {"index": 0, "message": {"role": "assistant", "content": "Hi"},
             "logprobs": {"content": [token]}}  # fmt: skip
    delta = {"index": 0, "delta": {"content": "Hi"}, "logprobs": {"content": [token]}}
    loopback.answer(Answer(json={"choices": [whole]}), events(*[{"choices": [delta]}] * 2))
    client = InferenceClient(loopback.url)
    found = client.chat_completion(HELLO, logprobs=True, top_logprobs=1).choices[0].logprobs
    assert found is not None
    assert found.content[0].top_logprobs[0].token == "Ho"
    assert loopback.requests[0].json()["top_logprobs"] == 1
    stream = client.chat_completion(HELLO, stream=True, logprobs=True)
    chunks = list(stream)
    assert chunks[0].choices[0].logprobs is not None
    assert chunks[0].choices[0].logprobs.content[0].logprob == -0.5
    gathered = stream.result.choices[0].logprobs
    assert gathered is not None
    assert [one.token for one in gathered.content] == ["Hi", "Hi"]


def test_several_choices_in_one_stream(loopback: Loopback) -> None:
    said = [(0, "a"), (1, "x"), (1, "y"), (0, "b")]
    items = [{"choices": [{"index": i, "delta": {"content": text}}]} for i, text in said]
    ends: list[Any] = [
        {"choices": [{"index": i, "delta": {}, "finish_reason": f"end{i}"}]} for i in (1, 0)
    ]
    loopback.answer(events(*items, *ends))
    stream = InferenceClient(loopback.url).chat_completion(HELLO, stream=True, n=2)
    for _ in stream:
        pass
    found = [(c.index, c.message.content, c.finish_reason) for c in stream.result.choices]
    assert found == [(0, "ab", "end0"), (1, "xy", "end1")]
    assert stream.text == "ab"
    assert loopback.requests[0].json()["n"] == 2


def test_stream_options_and_extras_pass_through(loopback: Loopback) -> None:
    loopback.answer(chat_events("Hi", usage={"total_tokens": 3}))
    stream = InferenceClient(loopback.url).chat_completion(
        HELLO,
        stream=True,
        stream_options={"include_usage": True},
        max_completion_tokens=9,
        reasoning_effort="low",
        parallel_tool_calls=False,
        extra_body={"min_p": 0.1, "seed": 4},
    )
    assert len(list(stream)) == 3
    assert stream.usage.total_tokens == 3
    sent = loopback.requests[0].json()
    assert sent["stream_options"] == {"include_usage": True}
    assert (sent["max_completion_tokens"], sent["reasoning_effort"]) == (9, "low")
    assert (sent["parallel_tool_calls"], sent["min_p"], sent["seed"]) == (False, 0.1, 4)


def test_none_is_not_sent(loopback: Loopback) -> None:
    loopback.answer(chat_answer("Hi"))
    messages = [{"role": "user", "content": "x", "name": None}]
    InferenceClient(loopback.url).chat_completion(messages, temperature=None, top_p=0.5)
    assert set(loopback.requests[0].json()) == {"model", "messages", "stream", "top_p"}
    assert loopback.requests[0].json()["messages"] == [{"role": "user", "content": "x"}]


@pytest.mark.parametrize("awaited", [False, True])
def test_a_plain_answer_to_the_wish_for_a_stream(loopback: Loopback, awaited: bool) -> None:
    loopback.answer(chat_answer("Hello there"))
    if awaited:

        async def run() -> tuple[list[Any], ChatCompletionOutput]:
            async with AsyncInferenceClient(loopback.url) as client:
                stream = await client.chat_completion(HELLO, stream=True)
                return [chunk async for chunk in stream], stream.result

        chunks, result = asyncio.run(run())
    else:
        stream = InferenceClient(loopback.url).chat_completion(HELLO, stream=True)
        chunks, result = list(stream), stream.result
    assert [chunk.choices[0].delta.content for chunk in chunks] == ["Hello there"]
    assert result.choices[0].message.content == "Hello there"
    assert result.choices[0].finish_reason == "stop"
    assert result.usage is not None
    assert result.usage.total_tokens == 5


def test_a_plain_error_to_the_wish_for_a_stream(loopback: Loopback) -> None:
    loopback.answer(Answer(json={"error": {"message": "no such model"}}))
    with pytest.raises(errors.HfWidgetsError, match="no such model"):
        list(InferenceClient(loopback.url).chat_completion(HELLO, stream=True))


def test_a_plain_text_to_the_wish_for_streamed_tokens(loopback: Loopback) -> None:
    loopback.answer(*[Answer(json=[{"generated_text": "and so on"}])] * 2)
    client = InferenceClient(loopback.url)
    assert list(client.text_generation("Once", stream=True)) == ["and so on"]
    stream = client.text_generation("Once", stream=True, details=True)
    assert [event.token.text for event in stream] == ["and so on"]


def test_an_error_with_status_200_is_an_error(loopback: Loopback) -> None:
    loopback.answer(Answer(json={"error": "overloaded", "error_type": "overloaded"}))
    with pytest.raises(errors.OverloadedError, match="overloaded"):
        InferenceClient(loopback.url).chat_completion(HELLO)


def test_what_a_server_adds_is_reachable(loopback: Loopback) -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hi", "refusal": "no"}}
    usage = {"total_tokens": 3, "completion_tokens_details": {"reasoning_tokens": 2}}
    body = {"choices": [choice], "usage": usage, "service_tier": "flex", "seed": 2**64}
    loopback.answer(Answer(json=body))
    out: Any = InferenceClient(loopback.url).chat_completion(HELLO)
    assert out.service_tier == out["service_tier"] == "flex"
    assert out.choices[0].message.refusal == "no"
    assert out.usage.completion_tokens_details["reasoning_tokens"] == 2
    assert out.seed == 2**64
    assert out.id is None
    with pytest.raises(AttributeError, match="no field 'service_tear'"):
        _ = out.service_tear


def test_lists_of_pieces_are_joined(loopback: Loopback) -> None:
    """reasoning_details and annotations come as lists."""
    stream = streamed(loopback, {"annotations": [1]}, {"annotations": [2]}, {"content": "x"})
    for _ in stream:
        pass
    assert stream.result.choices[0].message.annotations == [1, 2]
