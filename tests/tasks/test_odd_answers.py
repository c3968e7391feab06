"""Answers that deviate from their protocol: errors in a 200, lists as content, cut characters."""

import json
from typing import Any

import pytest

from hfwidgets import InferenceClient, errors
from tests.plugins.loopback import Answer, Loopback, chat_events, events

HELLO = [{"role": "user", "content": "Hello"}]
PIECE = {"choices": [{"index": 0, "delta": {"content": "so far"}}]}
CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Hi"}}
EVENT_STREAM = {"content-type": "text/event-stream"}


def chat(loopback: Loopback, answer: Answer) -> Any:
    loopback.answer(answer)
    with InferenceClient(loopback.url) as client:
        return client.chat_completion(HELLO)


def stream(loopback: Loopback, answer: Answer) -> Any:
    loopback.answer(answer)
    return InferenceClient(loopback.url).chat_completion(HELLO, stream=True)


def read(loopback: Loopback, answer: Answer) -> tuple[str, str | None]:
    """A stream's text and reason for its end."""
    opened = stream(loopback, answer)
    for _ in opened:
        pass
    return opened.text, opened.result.choices[0].finish_reason


# Errors in an answer of status 200

ERRORS: dict[str, Any] = {
    "next to choices": {"error": {"message": "boom"}, "choices": [CHOICE]},
    "in a choice": {"choices": [{**CHOICE, "error": {"message": "boom"}}]},
    "as an object": {"object": "error", "message": "boom"},
    "as FastAPI's detail": {"detail": "boom"},
    "as a list of errors": {"errors": ["boom"]},
    "as a text": {"error": "boom"},
    "as a title": {"title": "boom", "status": 500},
    "as a code": {"code": 1301, "msg": "boom"},
    "in snake case": {"error_code": 17, "error_msg": "boom"},
    "in camel case": {"errorMessage": "boom", "errorType": "Timeout"},
    "in capitals": {"Message": "boom"},
    "in a wrapper": {"base_resp": {"status_code": 1004, "status_msg": "boom"}},
    "in a fault": {"fault": {"faultstring": "boom"}},
    "in a list": [{"error": {"code": 429, "message": "boom"}}],
}


@pytest.mark.parametrize("answer", ERRORS.values(), ids=ERRORS)
def test_an_error_in_an_answer_is_raised(loopback: Loopback, answer: Any) -> None:
    with pytest.raises(errors.HfWidgetsError, match="boom"):
        chat(loopback, Answer(json=answer))
    loopback.answer(Answer(json=answer))
    with pytest.raises(errors.HfWidgetsError, match="boom"):
        InferenceClient(loopback.url).text_generation("Hi")


@pytest.mark.parametrize("answer", ERRORS.values(), ids=ERRORS)
def test_an_error_in_a_stream_is_raised_and_what_came_is_kept(
    loopback: Loopback, answer: Any
) -> None:
    opened = stream(loopback, events(PIECE, answer, done=False))
    with pytest.raises(errors.HfWidgetsError, match="boom"):
        list(opened)
    assert opened.text == opened.result.text == "so far"


@pytest.mark.parametrize("data", ["boom", '"boom"', '{"message": "boom"}', '{"code": "boom"}'])
def test_an_event_named_error_is_raised(loopback: Loopback, data: str) -> None:
    body = f"data: {json.dumps(PIECE)}\n\nevent: error\ndata: {data}\n\n".encode()
    opened = stream(loopback, Answer(headers=EVENT_STREAM, chunks=[body]))
    with pytest.raises(errors.HfWidgetsError, match="boom"):
        list(opened)
    assert opened.text == "so far"


@pytest.mark.parametrize("choices", [None, [], {}, "x", [None], [5], [{}], [{"message": None}]])
def test_an_answer_without_choices_is_refused(loopback: Loopback, choices: Any) -> None:
    with pytest.raises(errors.OutputError, match=r"choices|message"):
        chat(loopback, Answer(json={"choices": choices, "id": "the start"}))
    with pytest.raises(errors.OutputError):
        list(stream(loopback, events({"choices": choices, "id": "x"}, {"choices": choices})))


# Streams that are not event streams

BODIES: dict[str, tuple[str, bytes]] = {
    "a page": ("text/html", b"<html><title>the start</title>"),
    "an empty body": ("text/event-stream", b""),
    "blanks": ("", b" \n \n"),
    "comments alone": ("text/event-stream", b": the start\n\n: ping\n\n"),
    "done alone": ("text/event-stream", b"data: [DONE]\n\n"),
    "JSON that is no answer": ("text/plain", b'{"a": "the start"}'),
    "a problem": ("application/problem+json", b'{"a": 1, "b": "the start"}'),
    "JSON lines that are no answer": ("application/x-ndjson", b'{"a": "the start"}\n{"a": 2}\n'),
    "a text": ("text/plain", b"the start of a text"),
    "cut JSON": ("application/json", b'{"choices": [{"message": {"content": "the start'),
}


@pytest.mark.parametrize(("kind", "body"), BODIES.values(), ids=BODIES)
def test_a_stream_without_an_answer_is_an_error(loopback: Loopback, kind: str, body: bytes) -> None:
    opened = stream(loopback, Answer(headers={"content-type": kind}, chunks=[body]))
    with pytest.raises(errors.OutputError):
        list(opened)
    loopback.answer(Answer(headers={"content-type": kind}, chunks=[body]))
    with pytest.raises(errors.OutputError) as caught:
        list(InferenceClient(loopback.url).text_generation("Hi", stream=True))
    assert "the start" in str(caught.value) or b"the start" not in body


WHOLE = {"choices": [{**CHOICE, "finish_reason": "stop"}]}


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "text/event-stream", ""])
@pytest.mark.parametrize("indent", [None, 2])
def test_a_whole_answer_in_place_of_a_stream_is_read_whatever_its_type(
    loopback: Loopback, kind: str, indent: int | None
) -> None:
    body = json.dumps(WHOLE, indent=indent).encode()
    chunks = [body[:5], body[5:40], body[40:]]
    assert read(loopback, Answer(headers={"content-type": kind}, chunks=chunks)) == ("Hi", "stop")


@pytest.mark.parametrize("kind", ["application/x-ndjson", "application/json", "text/plain"])
def test_chunks_as_json_lines_are_read(loopback: Loopback, kind: str) -> None:
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    body = b"".join(json.dumps(item).encode() + b"\r\n" for item in (PIECE, PIECE, end))
    answer = Answer(headers={"content-type": kind}, chunks=[body[:30], body[30:]])
    assert read(loopback, answer) == ("so farso far", "stop")


# Content that is not a text

THINKING = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm. "}]}
CONTENTS: dict[str, tuple[Any, str, str | None]] = {
    "thinking and text": ([THINKING, {"type": "text", "text": "Hi"}], "Hi", "Hm. "),
    "text alone": ([{"type": "text", "text": "H"}, {"type": "text", "text": "i"}], "Hi", None),
    "texts": (["H", "i"], "Hi", None),
    "one part": ({"type": "text", "text": "Hi"}, "Hi", None),
    "a number": (5, "5", None),
    "an empty list": ([], "", None),
    "odd parts": ([None, 5, {"type": "image"}, {"type": "text", "text": None}], "5", None),
}


@pytest.mark.parametrize(("content", "text", "reasoning"), CONTENTS.values(), ids=CONTENTS)
def test_content_in_parts_is_a_text(
    loopback: Loopback, content: Any, text: str, reasoning: str | None
) -> None:
    message = {"role": "assistant", "content": content}
    found = chat(loopback, Answer(json={"choices": [{"index": 0, "message": message}]}))
    assert found.text == found.choices[0].message.content == str(found) == text
    assert found.choices[0].message.reasoning == reasoning
    assert text in found._repr_mimebundle_()["text/html"]
    chunks = [{"choices": [{"index": 0, "delta": {"content": content}}]}]
    opened = stream(loopback, events(*chunks, *chunks))
    pieces = [chunk.choices[0].delta.content for chunk in opened]
    assert opened.text == "".join(pieces) == text * 2
    assert opened.result.choices[0].message.reasoning == (reasoning and reasoning * 2)


def test_a_field_whose_type_changes_keeps_all_that_came(loopback: Loopback) -> None:
    deltas = [
        {"content": "A", "reasoning": "x", "extra": "1"},
        {"content": [{"type": "text", "text": "BC"}], "reasoning": ["y"], "extra": [2]},
        {"content": None, "reasoning": {"text": "z"}, "extra": {"a": 1}},
        {"content": "D", "tool_calls": {"index": 0, "id": "i", "function": {"name": "f"}}},
    ]
    opened = stream(loopback, events(*({"choices": [{"delta": delta}]} for delta in deltas)))
    assert [chunk.choices[0].delta.content for chunk in opened] == ["A", "BC", None, "D"]
    message = opened.result.choices[0].message
    assert (opened.text, message.content, message.reasoning) == ("ABCD", "ABCD", "xyz")
    assert message.tool_calls[0].function.name == "f"


def test_parts_that_are_neither_text_nor_thinking_are_kept(loopback: Loopback) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:,x"}}
    message = {"role": "assistant", "content": [{"type": "text", "text": "Look"}, image]}
    found = chat(loopback, Answer(json={"choices": [{"index": 0, "message": message}]}))
    assert found.text == "Look"
    assert found.choices[0].message.content_parts == [image]


# Characters in halves

HIGH, LOW = "\\ud83d", "\\ude00"
HALVES: dict[str, tuple[list[str], str]] = {
    "two pieces": ([f"a{HIGH}", f"{LOW}b"], "a😀b"),
    "alone in their pieces": ([HIGH, LOW], "😀"),
    "an empty piece between": ([HIGH, "", LOW], "😀"),
    "never completed": (["a", HIGH], "a\ufffd"),
    "another character follows": ([HIGH, "b"], "\ufffdb"),
    "a low half alone": (["a", LOW, "b"], "a\ufffdb"),
    "two high halves": ([HIGH, HIGH + LOW], "\ufffd😀"),
    "whole in one piece": ([HIGH + LOW], "😀"),
}


@pytest.mark.parametrize(("pieces", "text"), HALVES.values(), ids=HALVES)
def test_halves_of_characters_are_joined(loopback: Loopback, pieces: list[str], text: str) -> None:
    for field in ("content", "reasoning_content"):
        body = "".join(
            f'data: {{"choices":[{{"index":0,"delta":{{"{field}":"{piece}"}}}}]}}\n\n'
            for piece in pieces
        )
        answer = Answer(headers=EVENT_STREAM, chunks=[body.encode()])
        opened = stream(loopback, answer)
        found = "".join(chunk.choices[0].delta.get(field) or "" for chunk in opened)
        message = opened.result.choices[0].message
        assert found == message[field] == text
        text.encode()
    body = "".join(f'data: {{"token":{{"text":"{piece}"}}}}\n\n' for piece in pieces)
    for details in (False, True):
        loopback.answer(Answer(headers=EVENT_STREAM, chunks=[body.encode()]))
        tokens = InferenceClient(loopback.url).text_generation("x", stream=True, details=details)
        items: list[Any] = list(tokens)
        assert "".join(i.token.text if details else i for i in items) == tokens.text == text


def test_halves_in_a_whole_answer_are_repaired(loopback: Loopback) -> None:
    content = f"{HIGH}{LOW} {HIGH} {LOW}{HIGH}"
    body = f'{{"choices":[{{"message":{{"content":"{content}"}}}}]}}'.encode()
    assert chat(loopback, Answer(body=body)).text == "😀 \ufffd \ufffd\ufffd"


def test_halves_in_a_tool_calls_arguments_are_joined(loopback: Loopback) -> None:
    calls = [
        f'{{"index":0,"id":"i","function":{{"name":"f","arguments":"{{\\"a\\":\\"{HIGH}"}}}}',
        f'{{"index":0,"function":{{"arguments":"{LOW}\\"}}"}}}}',
    ]
    body = "".join(
        f'data: {{"choices":[{{"index":0,"delta":{{"tool_calls":[{call}]}}}}]}}\n\n'
        for call in calls
    )
    opened = stream(loopback, Answer(headers=EVENT_STREAM, chunks=[body.encode()]))
    assert list(opened)
    [call] = opened.result.choices[0].message.tool_calls
    assert json.loads(call.function.arguments) == {"a": "😀"}


def test_one_invalid_byte_in_an_event_is_one_replaced_character(loopback: Loopback) -> None:
    body = b'data: {"choices":[{"index":0,"delta":{"content":"a\xffb"}}]}\n\n'
    opened = stream(loopback, Answer(headers=EVENT_STREAM, chunks=[body]))
    assert [chunk.choices[0].delta.content for chunk in opened] == ["a\ufffdb"]


# A bare address

HEALTH = {"status": "ok", "tasks": ["token-classification", "text-generation"]}
ENTITIES = Answer(json=[{"word": "Ada", "score": 1, "entity": "PER", "start": 0, "end": 3}])


@pytest.mark.parametrize("status", [400, 404, 501])
def test_a_task_that_a_bare_address_refuses_is_named_where_health_lists_it(
    loopback: Loopback, status: int
) -> None:
    loopback.route("POST", "/", Answer(status, json={"error": "which task?"}))
    loopback.route("GET", "/health", Answer(json=HEALTH))
    loopback.route("POST", "/models/default/pipeline/token-classification", ENTITIES)
    with InferenceClient(loopback.url) as client:
        for _ in range(2):
            assert client.token_classification("Ada")[0].word == "Ada"
        assert [seen.path for seen in loopback.requests] == [
            "/",
            "/health",
            *["/models/default/pipeline/token-classification"] * 2,
        ]
        loopback.requests.clear()
    client = InferenceClient(loopback.url)
    with client, pytest.raises(errors.HfWidgetsError, match="which task"):
        client.fill_mask("[MASK]")
    assert [seen.path for seen in loopback.requests] == ["/", "/health"]


@pytest.mark.parametrize("health", [Answer(404), Answer(json=[]), Answer(json={"tasks": 3})])
def test_a_refusal_stands_where_health_lists_no_tasks(loopback: Loopback, health: Answer) -> None:
    loopback.route("POST", "/", Answer(400, json={"error": "too long"}))
    loopback.route("GET", "/health", health)
    client = InferenceClient(loopback.url)
    with client, pytest.raises(errors.BadRequestError, match="too long"):
        client.token_classification("Ada")


def test_an_address_with_a_path_is_called_as_it_is(loopback: Loopback) -> None:
    loopback.route("POST", "/mine", Answer(400, json={"error": "too long"}))
    client = InferenceClient(f"{loopback.url}/mine")
    with client, pytest.raises(errors.BadRequestError, match="too long"):
        client.token_classification("Ada")
    assert [seen.path for seen in loopback.requests] == ["/mine"]


def test_an_answer_of_another_task_is_refused(loopback: Loopback) -> None:
    loopback.answer(Answer(json=[{"generated_text": "invented prose"}]))
    client = InferenceClient(loopback.url)
    with client, pytest.raises(errors.OutputError, match=r"'word'.*'score'.*|'score'.*'word'.*"):
        client.token_classification("Ada")


def test_a_good_stream_is_still_read(loopback: Loopback) -> None:
    assert read(loopback, chat_events("Hi ", "there"))[0] == "Hi there"


def test_a_finish_reason_of_error_is_an_error_that_keeps_the_text(loopback: Loopback) -> None:
    with pytest.raises(errors.TextGenerationError, match="finish_reason is 'error'"):
        chat(loopback, Answer(json={"choices": [{**CHOICE, "finish_reason": "error"}]}))
    last = {"index": 0, "delta": {"content": " and on"}, "finish_reason": "error"}
    opened = stream(loopback, events(PIECE, {"choices": [last]}))
    with pytest.raises(errors.TextGenerationError, match="finish_reason is 'error'"):
        list(opened)
    assert opened.text == "so far and on"
    delta = {"error": {"message": "boom"}}
    opened = stream(loopback, events(PIECE, {"choices": [{"index": 0, "delta": delta}]}))
    with pytest.raises(errors.TextGenerationError, match="boom"):
        list(opened)


@pytest.mark.parametrize(
    "answer",
    [
        {"message": {"role": "assistant", "content": "Hey"}, "done": True},
        {"type": "message_start", "message": {"role": "assistant", "content": []}},
    ],
)
def test_a_message_of_another_protocol_is_not_called_an_error(
    loopback: Loopback, answer: Any
) -> None:
    with pytest.raises(errors.OutputError, match=r"'choices'.*assistant"):
        chat(loopback, Answer(json=answer))
    with pytest.raises(errors.OutputError, match=r"without an answer.*assistant"):
        list(stream(loopback, events(answer)))


def test_objects_that_come_in_pieces_are_joined(loopback: Loopback) -> None:
    deltas: list[dict[str, Any]] = [
        {"function_call": {"name": "add", "arguments": ""}},
        {"function_call": {"name": None, "arguments": '{"a":'}},
        {"function_call": {"arguments": " 1}"}},
        {"audio": {"id": "a1", "transcript": "He"}},
        {"audio": {"id": "a1", "transcript": "y", "data": "AAAA"}},
        {"audio": {"data": "BBBB", "expires_at": 5}},
    ]
    opened = stream(loopback, events(*({"choices": [{"index": 0, "delta": d}]} for d in deltas)))
    list(opened)
    message = opened.result.choices[0].message
    assert message["function_call"] == {"name": "add", "arguments": '{"a": 1}'}
    audio = {"id": "a1", "transcript": "Hey", "data": "AAAABBBB", "expires_at": 5}
    assert message["audio"] == audio


def test_a_tool_call_without_the_object_around_its_function_is_read(loopback: Loopback) -> None:
    call = {"id": "x", "name": "add", "arguments": {"a": 1}}
    opened = stream(loopback, events({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}))
    list(opened)
    found = opened.result.choices[0].message.tool_calls[0]
    assert (found.id, found.function) == ("x", {"name": "add", "arguments": '{"a": 1}'})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("thinking", "Well"),
        ("reasoning_text", "Well"),
        ("reasoning_details", [{"type": "reasoning.text", "text": "Well"}]),
        ("reasoning", {"summary": [{"type": "summary_text", "text": "Well"}]}),
    ],
)
def test_reasoning_is_found_under_every_name(loopback: Loopback, name: str, value: Any) -> None:
    message = {"role": "assistant", "content": "Hi", name: value}
    found = chat(loopback, Answer(json={"choices": [{"index": 0, "message": message}]}))
    assert found.choices[0].message.reasoning == "Well"
    opened = stream(loopback, events({"choices": [{"index": 0, "delta": message}]}))
    assert [chunk.choices[0].delta.reasoning for chunk in opened] == ["Well"]
    assert opened.result.choices[0].message.reasoning == "Well"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_events_without_empty_lines_between_them_are_read(loopback: Loopback, end: bytes) -> None:
    lines = [b"data: " + json.dumps(PIECE).encode()] * 2 + [b"data: [DONE]"]
    body = b"".join(line + end for line in lines)
    assert read(loopback, Answer(body=body, headers=EVENT_STREAM)) == ("so farso far", None)


def test_blanks_before_the_first_event_do_not_cost_it(loopback: Loopback) -> None:
    body = b"\n  data: " + json.dumps(PIECE).encode() + b"\n\n"
    assert read(loopback, Answer(body=body, headers=EVENT_STREAM)) == ("so far", None)


def test_answers_that_are_counted_from_one_have_a_text(loopback: Loopback) -> None:
    piece = {"choices": [{"index": 1, "delta": {"content": "Hi"}}]}
    assert read(loopback, events(piece, piece)) == ("HiHi", None)
