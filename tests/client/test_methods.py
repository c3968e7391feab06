"""Tasks are plain functions of the clients' classes, as mocks, wrappers and help expect them."""

import asyncio
import inspect
import pydoc
from typing import get_type_hints
from unittest.mock import AsyncMock, create_autospec, patch

import pytest

from hfwidgets import AsyncInferenceClient, AsyncStream, InferenceClient, Stream, errors
from hfwidgets.results.chat import ChatCompletionOutput
from hfwidgets.tasks import TASKS
from tests.plugins.loopback import Answer, Loopback

NAMES = [*(task.method for task in TASKS.values()), "post", "health_check", "get_endpoint_info"]
HELLO = [{"role": "user", "content": "Hello"}]


@pytest.mark.parametrize("name", NAMES)
def test_a_method_is_a_function_of_its_class(name: str) -> None:
    function = getattr(InferenceClient, name)
    assert inspect.isfunction(function)
    assert (function.__name__, function.__qualname__) == (name, f"InferenceClient.{name}")
    assert next(iter(inspect.signature(function).parameters)) == "self"
    assert inspect.ismethod(getattr(InferenceClient(), name))
    assert not inspect.iscoroutinefunction(function)


@pytest.mark.parametrize("name", NAMES)
def test_a_method_of_the_async_client_is_a_coroutine_function(name: str) -> None:
    client = AsyncInferenceClient()
    assert inspect.iscoroutinefunction(getattr(AsyncInferenceClient, name))
    assert inspect.iscoroutinefunction(getattr(client, name))
    assert asyncio.iscoroutinefunction(client.chat.completions.create)


def test_a_signature_names_what_users_get() -> None:
    def result(client: type) -> str:
        return str(inspect.signature(client.chat_completion).return_annotation)  # type: ignore[attr-defined]

    assert ChatCompletionOutput.__name__ in result(InferenceClient)
    assert f".{Stream.__name__}[" in result(InferenceClient)
    assert f".{AsyncStream.__name__}[" in result(AsyncInferenceClient)
    for name in NAMES:
        shown = str(inspect.signature(getattr(InferenceClient, name)))
        assert "Flow" not in shown
        assert "StreamedReply" not in shown


def test_help_shows_functions() -> None:
    text = pydoc.plain(pydoc.render_doc(InferenceClient))
    assert "chat_completion(self, messages" in text
    assert "StreamingTask" not in text


def test_an_autospec_checks_arguments_like_the_client() -> None:
    client = create_autospec(InferenceClient, instance=True)
    client.chat_completion(HELLO, model="org/model")
    client.text_classification("x", top_k=3)
    with pytest.raises(TypeError):
        client.text_classification()
    with pytest.raises(TypeError):
        client.text_classification("x", topk=3)


@pytest.mark.parametrize("name", ["chat_completion", "text_to_image", "health_check"])
def test_a_method_can_be_patched(name: str) -> None:
    before = getattr(InferenceClient, name)
    with patch.object(InferenceClient, name, autospec=True) as patched:
        client = InferenceClient()
        getattr(client, name)("x")
        patched.assert_called_once_with(client, "x")
    assert getattr(InferenceClient, name) is before


def test_an_async_client_can_be_mocked() -> None:
    client = AsyncMock(spec=AsyncInferenceClient)
    client.text_classification.return_value = "fine"
    assert asyncio.run(client.text_classification("x")) == "fine"


@pytest.mark.parametrize("kind", [InferenceClient, AsyncInferenceClient])
def test_the_openai_names_can_be_patched_on_a_client(kind: type) -> None:
    client = kind()
    with patch.object(client.chat.completions, "create", lambda messages: "canned"):
        assert client.chat.completions.create(messages=HELLO) == "canned"
    assert client.chat.completions.create == client.chat_completion


def test_a_subclass_may_override_a_task(loopback: Loopback) -> None:
    class Loud(InferenceClient):
        def summarization(self, text: str, **options: object) -> str:  # type: ignore[override]
            return super().summarization(text, **options).summary_text.upper()

    loopback.answer(Answer(json={"summary_text": "short"}))
    assert Loud(base_url=loopback.url).summarization("long") == "SHORT"


def test_a_wrong_keyword_is_explained_by_both_clients() -> None:
    with pytest.raises(errors.UnknownParameterError, match="Did you mean 'top_k'"):
        InferenceClient().text_classification("x", topk=1)
    with pytest.raises(errors.UnknownParameterError, match="Did you mean 'top_k'"):
        asyncio.run(AsyncInferenceClient().text_classification("x", topk=1))


def test_hints_can_be_resolved() -> None:
    assert get_type_hints(InferenceClient.text_classification)
