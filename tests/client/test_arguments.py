"""Mistakes in a client's arguments are reported at once, with what is possible."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

import hfwidgets as hf
from hfwidgets import AsyncInferenceClient, InferenceClient, errors
from tests.core.test_streams import HELLO
from tests.plugins.loopback import Loopback, chat_answer

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"timeout": "3"}, "timeout is a number of seconds above 0"),
    ({"timeout": 0}, "timeout is a number of seconds above 0"),
    ({"timeout": -1}, "timeout is a number of seconds above 0"),
    ({"timeout": float("nan")}, "timeout is a number of seconds above 0"),
    ({"timeout": httpx.Timeout(5)}, "timeout is a number of seconds above 0"),
    ({"max_retries": -1}, "max_retries must be a whole number"),
    ({"max_retries": None}, "max_retries must be a whole number"),
    ({"model": 5}, "model must be a model's id"),
    ({"model": Path("folder")}, "hfwidgets serve --model"),
    ({"base_url": "localhost:8000/v1"}, "must start with http:// or https://"),
    ({"provider": 5}, "provider must be a name"),
    ({"provider": "togther"}, "Did you mean 'together'"),
    ({"headers": [("a", "b")]}, "headers is a dict"),
    ({"headers": {"a": 1}}, "The header 'a' cannot be sent"),
    ({"cookies": "a=b"}, "cookies is a dict"),
    ({"bill_to": 5}, "bill_to is the name of an organization"),
    ({"hosts": {"hubb": "http://localhost:1"}}, "Did you mean 'hub'"),
    ({"hosts": {"hub": "localhost:1"}}, "hosts\\['hub'\\] must be an address"),
    ({"hosts": {"hub": "http://[::1"}}, "Not a URL that can be called"),
    ({"http_client": 5}, "http_client must be an httpx"),
    ({"model": "m", "base_url": "http://x"}, "Pass either model or base_url"),
    ({"hosts": ["http://x"]}, "hosts is a dict"),
    ({"mapping": ["m"]}, "mapping is a dict"),
    ({"token": "a", "api_key": "a"}, "token and api_key are the same"),
    ({"base_url": "http://x", "provider": "together"}, "Pass either a URL or provider"),
]


@pytest.mark.parametrize("kind", [InferenceClient, AsyncInferenceClient])
@pytest.mark.parametrize(("given", "said"), WRONG, ids=lambda value: str(value)[:40])
def test_a_wrong_argument_is_said_at_once(kind: Any, given: dict[str, Any], said: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=said):
        kind(**given)


def test_a_client_takes_no_http_client_of_the_other_kind() -> None:
    with pytest.raises(errors.ConfigurationError, match=r"httpx\.Client; it is AsyncClient"):
        InferenceClient(http_client=httpx.AsyncClient())  # type: ignore[arg-type]
    with pytest.raises(errors.ConfigurationError, match=r"httpx\.AsyncClient; it is Client"):
        AsyncInferenceClient(http_client=httpx.Client())  # type: ignore[arg-type]


@pytest.mark.parametrize("model", ["localhost:8000/v1", "ftp://host/"])
def test_an_address_without_its_scheme_is_said_so(model: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="a URL begins with http://"):
        InferenceClient(token="hf_" + "x" * 8).chat_completion(HELLO, model=model)


def test_an_address_is_taken_with_blanks_and_in_capitals(loopback: Loopback) -> None:
    for url in (
        f" {loopback.url}/v1\n",
        loopback.url.replace("http", "HTTP"),
        httpx.URL(loopback.url),
    ):
        loopback.answer(chat_answer("Hi"))
        given: Any = url
        assert InferenceClient(base_url=given).chat_completion(HELLO).text == "Hi"


def test_forever_may_be_said_as_infinity(loopback: Loopback) -> None:
    loopback.answer(chat_answer("Hi"))
    client = InferenceClient(base_url=loopback.url, timeout=float("inf"))
    assert client.chat_completion(HELLO).text == "Hi"


def test_model_and_timeout_can_be_set_later(loopback: Loopback) -> None:
    loopback.answer(chat_answer("Hi"))
    client = InferenceClient()
    client.model, client.timeout = loopback.url, 5
    assert client.chat_completion(HELLO).text == "Hi"
    with pytest.raises(errors.ConfigurationError):
        client.timeout = -1
    with pytest.raises(errors.ConfigurationError):
        client.model = 5  # type: ignore[assignment]


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError


def nest(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


ODD = {
    "nested": nest(3000),
    "nested dict": {"a": nest(3000)},
    "unprintable": Unprintable(),
    "many digits": -(10**5000),
    "an array": np.zeros(3),
}
CLIENT_ARGUMENTS = ("model", "provider", "timeout", "headers", "cookies", "bill_to", "base_url")
MORE_CLIENT_ARGUMENTS = ("max_retries", "hosts", "mapping", "recordings", "http_client")
CALL_ARGUMENTS = ("model", "timeout", "extra_headers", "extra_query", "extra_body")
MAP_ARGUMENTS = ("client", "resume", "concurrency", "batch_size", "limit", "on_error")


@pytest.mark.parametrize("odd", ODD)
def test_an_argument_that_cannot_be_shown_is_a_clear_error(odd: str, loopback: Loopback) -> None:
    value: Any = ODD[odd]
    client: Any = InferenceClient(base_url=loopback.url)
    calls: dict[str, Callable[[], object]] = {
        "task of map": lambda: hf.map(value, ["x"], client=client),
        "task of explain": lambda: client.explain(value, text="x"),
        "mode": lambda: hf.Recorder(mode=value),
        "path": lambda: hf.Recorder(path=value),
    }
    for name in (*CLIENT_ARGUMENTS, *MORE_CLIENT_ARGUMENTS):
        calls[f"{name} of a client"] = partial(InferenceClient, **{name: value})
    for name in CALL_ARGUMENTS:
        calls[f"{name} of a call"] = partial(client.chat_completion, HELLO, **{name: value})
    for name in MAP_ARGUMENTS:
        arguments = {"client": client, name: value}
        calls[f"{name} of map"] = partial(hf.map, "text-classification", ["x"], **arguments)
    raw = {}
    for name, call in calls.items():
        try:
            call()
        except errors.HfWidgetsError:
            continue
        except Exception as error:
            raw[name] = repr(error)[:200]
        else:
            raw[name] = "accepted"
    assert raw == {}
    assert loopback.requests == []


@pytest.mark.parametrize("value", [["my-own-key-1234"], {"is": "my-own-key-1234"}])
def test_a_key_of_another_form_is_not_shown(value: Any) -> None:
    client = InferenceClient(base_url="http://localhost:1")
    with pytest.raises(errors.ConfigurationError, match=r"extra_query\['api_key'\]") as caught:
        client.chat.completions.create(
            messages=[{"role": "user", "content": "hello"}], extra_query={"api_key": value}
        )
    assert "my-own" not in str(caught.value)
