# pyright: reportUnnecessaryTypeIgnoreComment=true
"""What a type checker knows of the blocking client: read by mypy and pyright, never run."""

from pathlib import Path
from typing import assert_type

from PIL.Image import Image

from hfwidgets import InferenceClient
from hfwidgets.core.streams import Stream
from hfwidgets.results import Elements, Text
from hfwidgets.results.audio import AutomaticSpeechRecognitionOutput
from hfwidgets.results.chat import ChatCompletionOutput, ChatCompletionStreamOutput
from hfwidgets.results.posted import RawResponse
from hfwidgets.results.text import (
    SummarizationOutput,
    TextClassificationOutputElement,
    TextGenerationOutput,
    TextGenerationStreamOutput,
)
from hfwidgets.results.vision import ImageClassificationOutputElement

MESSAGES = [{"role": "user", "content": "Hello"}]


def tasks(client: InferenceClient, path: Path) -> None:
    """Results by task."""
    labels = client.text_classification("x", top_k=3, function_to_apply="softmax")
    assert_type(labels, Elements[TextClassificationOutputElement])
    assert_type(labels[0].label, str)
    assert_type(labels[0].score, float)
    assert_type(client.summarization("x"), SummarizationOutput)
    assert_type(client.text_to_image("x", seed=3), Image)
    assert_type(client.image_classification(path), Elements[ImageClassificationOutputElement])
    assert_type(client.image_classification(b"x")[0].label, str)
    heard = client.automatic_speech_recognition("a.flac")
    assert_type(heard, AutomaticSpeechRecognitionOutput)
    assert_type(heard.text, str)


def chat(client: InferenceClient, streamed: bool) -> None:
    """Chat, whole and streamed."""
    whole = client.chat_completion(MESSAGES, max_tokens=3)
    assert_type(whole, ChatCompletionOutput)
    assert_type(whole.choices[0].message.content, str | None)
    assert_type(whole.choices[0].message.reasoning, str | None)
    stream = client.chat_completion(MESSAGES, stream=True)
    assert_type(stream, Stream[ChatCompletionStreamOutput, ChatCompletionOutput])
    for chunk in stream:
        assert_type(chunk, ChatCompletionStreamOutput)
        assert_type(chunk.choices[0].delta.content, str | None)
    assert_type(stream.result, ChatCompletionOutput)
    assert_type(stream.text, str)
    either = client.chat_completion(MESSAGES, stream=streamed)
    assert_type(
        either, ChatCompletionOutput | Stream[ChatCompletionStreamOutput, ChatCompletionOutput]
    )
    alias = client.chat.completions.create(messages=MESSAGES, model="m", stream=True)
    assert_type(alias, Stream[ChatCompletionStreamOutput, ChatCompletionOutput])


def generation(client: InferenceClient) -> None:
    """Text generation, in its four forms."""
    assert_type(client.text_generation("x"), Text)
    assert_type(client.text_generation("x", details=True), TextGenerationOutput)
    assert_type(client.text_generation("x", stream=True), Stream[str, Text])
    assert_type(
        client.text_generation("x", stream=True, details=True),
        Stream[TextGenerationStreamOutput, TextGenerationOutput],
    )


def custom(client: InferenceClient) -> None:
    """Requests outside the tasks."""
    assert_type(client.post(json={}, model="m"), RawResponse)
    assert_type(client.post(json={}, stream=True), Stream[bytes, RawResponse])
    assert_type(client.health_check(), bool)


def wrong(client: InferenceClient) -> None:
    """What a type checker must refuse; an ignore that is not needed is an error itself."""
    client.text_classification("x", top_k="three")  # type: ignore[arg-type]
    client.text_classification("x", topk=3)  # type: ignore[call-arg]
    client.chat_completion(MESSAGES, max_token=3)  # type: ignore[call-overload]
    client.summarization()  # type: ignore[call-arg]
