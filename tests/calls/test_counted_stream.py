"""Token counts of chat streams, from servers that count and from servers that refuse to."""

import asyncio

import pytest

import hfwidgets as hf
from hfwidgets import errors
from hfwidgets.calls.counted_stream import open_counted_stream
from tests.plugins.loopback import Answer, Loopback, Seen, chat_events

QUESTION = [{"role": "user", "content": "Hello"}]
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def strict(status: int, text: str):
    """Return an answer that refuses `stream_options` with such an error."""

    def answer(seen: Seen) -> Answer:
        if "stream_options" in seen.json():
            return Answer(status=status, json={"error": text})
        return chat_events("fine")

    return answer


async def read(client: hf.AsyncInferenceClient, **options) -> str:
    stream = await open_counted_stream(client, QUESTION, **options)
    async with stream:
        return "".join([chunk.choices[0].delta.get("content") or "" async for chunk in stream])


def requested(loopback: Loopback) -> list[bool]:
    return ["stream_options" in seen.json() for seen in loopback.requests]


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (400, "unknown field stream_options"),
        (422, "body.stream_options: extra fields not permitted"),
    ],
)
def test_a_server_that_refuses_is_asked_once_more_and_then_without(loopback, status, text):
    loopback.route("POST", "/v1/chat/completions", strict(status, text))

    async def main() -> None:
        async with hf.AsyncInferenceClient(base_url=loopback.url) as client:
            assert await read(client) == "fine"
            assert await read(client) == "fine"
            assert await read(client, model="another") == "fine"

    asyncio.run(main())
    assert requested(loopback) == [True, False, False, True, False]


def test_counts_arrive_where_the_server_counts(loopback):
    loopback.answer(chat_events("fine", usage=USAGE))

    async def main() -> hf.Stream:
        async with hf.AsyncInferenceClient(base_url=loopback.url) as client:
            async with await open_counted_stream(client, QUESTION) as stream:
                async for _ in stream:
                    pass
            return stream

    assert asyncio.run(main()).usage.total_tokens == 5


def test_options_of_the_caller_stay_and_other_refusals_are_raised(loopback):
    loopback.answer(chat_events("fine"), Answer(400, json={"error": "unknown field seed"}))

    async def main() -> None:
        async with hf.AsyncInferenceClient(base_url=loopback.url) as client:
            await read(client, stream_options={"include_usage": False})
            with pytest.raises(errors.BadRequestError, match="seed"):
                await read(client, seed=1)

    asyncio.run(main())
    assert loopback.requests[0].json()["stream_options"] == {"include_usage": False}
    assert len(loopback.requests) == 2


def test_a_comparison_works_where_counting_is_refused(loopback):
    loopback.route("POST", "/v1/chat/completions", strict(400, "unknown field stream_options"))
    panel = hf.compare([f"{loopback.url}?a", f"{loopback.url}?b"], "Hello", max_retries=0)
    result = panel.run()
    panel.close()
    assert [(row.answer, row.error) for row in result] == [("fine", None)] * 2
