"""Run `hfwidgets serve`, send requests in the Hub's wire format, and check the answers."""

import base64
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from hfwidgets import engine_process


@contextmanager
def serve_models(*options: str) -> Iterator[httpx.Client]:
    """Run `hfwidgets serve OPTIONS` on a free port; yield a client for it."""
    command = [*engine_process.python_command(), "serve", "--port", "0", "--api-key", "k", *options]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=engine_process.subprocess_environment()
    )
    assert process.stdout is not None
    try:
        url = process.stdout.readline().split()[4]
        headers = {"Authorization": "Bearer k"}
        with httpx.Client(base_url=url, headers=headers, timeout=120) as client:
            yield client
    finally:
        process.terminate()
        process.wait(30)


def send_request(
    http: httpx.Client, model: str, inputs: object, parameters: dict[str, Any]
) -> httpx.Response:
    """Send inputs to a model, with files in base64."""
    body = {"inputs": encode_files(inputs), "parameters": parameters}
    response: httpx.Response = http.post(f"/models/{model}", json=body)
    return response


def encode_files(value: Any) -> Any:
    """Convert inputs to JSON values."""
    if isinstance(value, dict):
        return {name: encode_files(item) for name, item in value.items()}
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def ask_model(http: httpx.Client, model: str, inputs: object, **parameters: Any) -> Any:
    """Return the model's answer: JSON, or a file's bytes."""
    response = send_request(http, model, inputs, parameters)
    assert response.status_code == 200, response.text
    assert response.headers["x-inference-model"] == model
    is_json = response.headers["content-type"] == "application/json"
    return response.json() if is_json else response.content


def expect_refusal(
    http: httpx.Client, model: str, inputs: object, status: int = 400, **parameters: Any
) -> str:
    """Return the error text of a request that the engine refuses."""
    response = send_request(http, model, inputs, parameters)
    assert response.status_code == status, response.text
    return str(response.json()["error"])
