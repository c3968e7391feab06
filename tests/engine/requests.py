"""Requests in the Hub's wire to a running engine, and what must come of them."""

import base64
from collections.abc import Callable
from typing import Any

import httpx

Ask = Callable[..., Any]


def reply(http: httpx.Client, model: str, inputs: Any, parameters: dict[str, Any]) -> Any:
    """The response to a request to a model, its files sent in base64."""
    body = {"inputs": sent(inputs), "parameters": parameters}
    return http.post(f"/models/{model}", json=body)


def sent(value: Any) -> Any:
    """Inputs as JSON holds them."""
    if isinstance(value, dict):
        return {name: sent(one) for name, one in value.items()}
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def answered(http: httpx.Client, model: str, inputs: Any, **parameters: Any) -> Any:
    """The model's answer: JSON, or a file's bytes."""
    found = reply(http, model, inputs, parameters)
    assert found.status_code == 200, found.text
    assert found.headers["x-inference-model"] == model
    return found.json() if found.headers["content-type"] == "application/json" else found.content


def refused(http: httpx.Client, model: str, inputs: Any, status: int = 400, **given: Any) -> str:
    """The text of the refusal."""
    found = reply(http, model, inputs, given)
    assert found.status_code == status, found.text
    return str(found.json()["error"])
