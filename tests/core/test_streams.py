"""Streams in the blocking client: their ends, and what becomes of the connection."""

import gc
import threading
import weakref
from typing import Any

import pytest

from hfwidgets import InferenceClient, InferenceTimeoutError, errors
from hfwidgets.calls import transports
from tests.plugins.clients import EVENT_STREAM, Held, piece
from tests.plugins.loopback import Answer, Loopback, chat_events, events
from tests.plugins.waiting import LIMIT, reading, until

pytestmark = pytest.mark.usefixtures("each_transport")

HELLO = [{"role": "user", "content": "Hello"}]


def opened(loopback: Loopback, **settings: Any) -> Any:
    client = InferenceClient(base_url=loopback.url, **settings)
    return client.chat_completion(HELLO, stream=True)


def test_close_frees_the_connection_at_once_and_keeps_what_came(
    loopback: Loopback, held: Held
) -> None:
    stream = opened(loopback)
    assert next(stream).choices[0].delta.content == "Hel"
    stream.close()
    assert loopback.gone.wait(LIMIT), "the server never saw the connection close"
    assert stream.text == "Hel"
    assert stream.closed
    assert list(stream) == []


def test_a_with_block_closes(loopback: Loopback, held: Held) -> None:
    with opened(loopback) as stream:
        for _ in stream:
            break
    assert loopback.gone.wait(LIMIT)
    assert stream.result.choices[0].message.content == "Hel"


def test_an_unreferenced_stream_is_closed_without_the_collector(
    loopback: Loopback, held: Held
) -> None:
    gc.disable()
    try:
        stream = opened(loopback)
        next(stream)
        seen = weakref.ref(stream)
        del stream
        assert seen() is None, "the stream is kept alive by a cycle"
        assert loopback.gone.wait(LIMIT)
    finally:
        gc.enable()


def test_leaving_a_for_loop_over_a_temporary_stream_closes_it(
    loopback: Loopback, held: Held
) -> None:
    for _ in opened(loopback):
        break
    assert loopback.gone.wait(LIMIT)


def test_a_stream_lives_without_its_client(loopback: Loopback) -> None:
    loopback.answer(chat_events("Hel", "lo"))
    stream = opened(loopback)  # the client is gone already
    gc.collect()
    assert "".join(c.choices[0].delta.content or "" for c in stream) == "Hello"


def test_close_from_another_thread_ends_the_reader_quietly(loopback: Loopback, held: Held) -> None:
    stream = opened(loopback)
    next(stream)
    rest: list[Any] = []
    reader = threading.Thread(target=lambda: rest.extend(stream))
    reader.start()
    until(lambda: reading(reader))
    stream.close()
    reader.join(LIMIT)
    assert not reader.is_alive(), "the reader still waits"
    assert rest == []
    assert loopback.gone.wait(LIMIT)


def test_20_full_streams_use_one_connection(loopback: Loopback) -> None:
    loopback.answer(*[chat_events("a", "b") for _ in range(20)])
    client = InferenceClient(base_url=loopback.url)
    for _ in range(20):
        assert len(list(client.chat_completion(HELLO, stream=True))) == 3
    assert loopback.connections == 1


def test_abandoned_streams_leave_the_client_usable(loopback: Loopback) -> None:
    loopback.answer(*[chat_events("a", "b") for _ in range(5)])
    client = InferenceClient(base_url=loopback.url)
    for _ in range(5):
        next(client.chat_completion(HELLO, stream=True))
    loopback.answer(chat_events("whole"))
    assert next(client.chat_completion(HELLO, stream=True)).choices


def test_a_broken_stream_keeps_what_came(loopback: Loopback) -> None:
    answer = chat_events("Hel", "lo", done=False)
    answer.chunks, answer.cut = list(answer.chunks or ())[:2], True
    loopback.answer(answer)
    stream = opened(loopback)
    got = []
    with pytest.raises(errors.StreamBrokenError, match="broke inside the answer") as caught:
        got.extend(stream)
    assert stream.text == "Hello"
    assert caught.value.meta is stream.meta
    assert isinstance(caught.value, ConnectionError)


def test_a_stream_without_done_that_ends_properly_is_whole(loopback: Loopback) -> None:
    loopback.answer(chat_events("Hel", "lo", done=False))
    stream = opened(loopback)
    assert len(list(stream)) == 3
    assert stream.result.choices[0].finish_reason == "stop"


def test_the_timeout_holds_between_chunks(loopback: Loopback, held: Held) -> None:
    stream = opened(loopback, timeout=1.0)
    with pytest.raises(InferenceTimeoutError, match=r"timeout of 1 s while waiting for the stream"):
        list(stream)
    assert stream.text == "Hel"
    assert loopback.gone.wait(LIMIT)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("length", ["connection: close", "content-length: 1000"])
def test_the_timeout_holds_for_a_body_that_stops_halfway(
    monkeypatch: pytest.MonkeyPatch, length: str, stream: bool
) -> None:
    """Without a length a shut connection looks like a whole answer; a single read has no limit."""
    import socket

    request = transports.build_request
    monkeypatch.setattr(transports, "build_request", lambda wire, _left: request(wire, None))
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            connection.sendall(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
                + length.encode()
                + b"\r\n\r\n"
                + piece("Hel")
            )
            while connection.recv(65536):
                pass  # the rest of the request; then the client leaves
            connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        client = InferenceClient(base_url=url, timeout=1.0)
        with pytest.raises(InferenceTimeoutError):
            list(client.chat_completion(HELLO, stream=stream))
        thread.join(LIMIT)
        assert not thread.is_alive(), "the connection was not closed"


@pytest.mark.parametrize(
    ("event", "kind", "text"),
    [
        ({"error": "no", "error_type": "validation"}, errors.ValidationError, "no"),
        ({"error": "full", "error_type": "overloaded"}, errors.OverloadedError, "full"),
        ({"error": "cut", "error_type": "incomplete_generation"},
         errors.IncompleteGenerationError, "cut"),
        ({"error": "bad", "error_type": "generation"}, errors.GenerationError, "bad"),
        ({"error": {"message": "quota", "type": "x", "code": 429}}, errors.UnknownError, "quota"),
    ],
)  # fmt: skip
def test_an_error_event_inside_a_stream(
    loopback: Loopback, event: Any, kind: type[Exception], text: str
) -> None:
    answer = events({"choices": [{"index": 0, "delta": {"content": "Hel"}}]}, event)
    answer.headers = {**answer.headers, "x-request-id": "r-7"}
    loopback.answer(answer)
    stream = opened(loopback)
    with pytest.raises(kind, match=text) as caught:
        list(stream)
    assert "r-7" in str(caught.value)
    assert caught.value.meta is stream.meta  # type: ignore[attr-defined]
    assert stream.text == "Hel"


def test_an_event_that_is_not_json_is_a_clear_error(loopback: Loopback) -> None:
    loopback.answer(Answer(headers=EVENT_STREAM, chunks=[b"data: <html>oops</html>\n\n"]))
    with pytest.raises(errors.OutputError, match="what is not JSON"):
        list(opened(loopback))


def test_a_refused_stream_is_an_error_of_the_call_itself(loopback: Loopback) -> None:
    loopback.answer(Answer(422, json={"error": "no chat template"}))
    with pytest.raises(errors.BadRequestError, match="no chat template"):
        opened(loopback)


def test_the_last_chunk_may_have_only_usage(loopback: Loopback) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    loopback.answer(chat_events("Hi", usage=usage))
    stream = opened(loopback)
    last = list(stream)[-1]
    assert last.choices == []
    assert last.usage.total_tokens == 3
    assert stream.usage.prompt_tokens == 1
    assert stream.meta.usage.completion_tokens == 2


def test_first_token_time_is_measured_from_the_call(loopback: Loopback) -> None:
    loopback.answer(chat_events("Hi"))
    stream = opened(loopback)
    assert stream.meta.first_token_seconds is None
    list(stream)
    assert 0 < (stream.meta.first_token_seconds or 0) <= stream.meta.seconds
