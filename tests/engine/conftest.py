"""A foreground engine as `hfwidgets serve` starts it, and the official clients for it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx
import huggingface_hub
import openai
import psutil
import pytest

from hfwidgets import engine_process
from tests.plugins.engine import make_cache
from tests.plugins.waiting import LIMIT

KEY = "a-key-of-the-tests"


@dataclass(frozen=True)
class Server:
    """A running `hfwidgets serve`."""

    url: str
    key: str
    pid: int

    def task(self, name: str, model: str = "default") -> str:
        """Return the URL of a task."""
        return f"{self.url}/models/{model}/pipeline/{name}"

    def child(self) -> psutil.Process:
        """Return the chat model's process."""
        [child] = psutil.Process(self.pid).children()
        return child


@contextmanager
def run_server(cache: Path, errors: IO[str] | None = None) -> Iterator[Server]:
    """Run `hfwidgets serve` on a free port with this cache; its log goes to `errors`."""
    process = subprocess.Popen(
        [*engine_process.python_command(), "serve", "--port", "0", "--api-key", KEY],
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        env={**engine_process.subprocess_environment(), "HFWIDGETS_CACHE": str(cache)},
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("The engine listens on http://127.0.0.1:"), line
    yield Server(line.split()[4], KEY, process.pid)
    process.terminate()
    process.wait(LIMIT)


@pytest.fixture(scope="session")
def server(light_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run one server for all tests."""
    cache = make_cache(tmp_path_factory.mktemp("serve") / "cache", light_weights)
    with run_server(cache) as running:
        yield running


@pytest.fixture(scope="session")
def http(server: Server) -> Iterator[httpx.Client]:
    """Open a plain HTTP client that sends the key."""
    headers = {"Authorization": f"Bearer {server.key}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=120) as client:
        yield client


@pytest.fixture
def hub(server: Server) -> huggingface_hub.InferenceClient:
    """Create the Hub's official client; a task's URL is its `model`."""
    return huggingface_hub.InferenceClient(token=server.key, timeout=120)


@pytest.fixture
def gpt(server: Server) -> Iterator[openai.OpenAI]:
    """Open OpenAI's official client."""
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=server.key, max_retries=0) as client:
        yield client
