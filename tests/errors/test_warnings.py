"""Warnings point at the line of the user's own code that brought them about."""

import asyncio
import inspect
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from hfwidgets import AsyncInferenceClient, InferenceClient
from tests.plugins.loopback import Answer, Loopback

GENERATED = Answer(json=[{"generated_text": "x"}])


def _asked(client: InferenceClient) -> int:
    client.text_generation("x", decoder_input_details=True)
    return inspect.currentframe().f_lineno - 1  # type: ignore[union-attr]


def _streamed(client: InferenceClient) -> int:
    client.text_generation("x", stop_sequences=["y"])
    return inspect.currentframe().f_lineno - 1  # type: ignore[union-attr]


def _billed(client: InferenceClient) -> int:
    with InferenceClient(client.model, bill_to="org") as other:
        other.text_generation("x")
        return inspect.currentframe().f_lineno - 1  # type: ignore[union-attr]


@pytest.mark.parametrize("ask", [_asked, _streamed, _billed])
def test_a_warning_names_the_users_line(
    loopback: Loopback, ask: Callable[[InferenceClient], int]
) -> None:
    loopback.answer(GENERATED)
    with InferenceClient(loopback.url) as client, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        line = ask(client)
    found = [(w.filename, w.lineno) for w in caught if not issubclass(w.category, ResourceWarning)]
    assert found == [(__file__, line)]


def test_a_warning_names_the_line_that_awaits(loopback: Loopback) -> None:
    loopback.answer(GENERATED)

    async def ask() -> Any:
        async with AsyncInferenceClient(loopback.url) as client:
            await client.text_generation("x", decoder_input_details=True)

    with pytest.warns(UserWarning, match="decoder_input_details") as caught:
        asyncio.run(ask())
    assert caught[0].filename == __file__
