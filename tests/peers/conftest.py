"""The engine's address for other people's clients; skipped unless `python -m tests.peers` runs."""

import os
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass(frozen=True)
class Address:
    """Where the engine listens, and its key."""

    url: str
    key: str

    @property
    def openai_url(self) -> str:
        """Return the base address of OpenAI's routes."""
        return f"{self.url}/v1"


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Address:
    """Return the running engine's address."""
    url = os.environ.get("HFWIDGETS_PEERS_URL")
    if url is None:
        pytest.skip("run with: python -m tests.peers")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    return Address(url, os.environ["HFWIDGETS_PEERS_KEY"])


WEATHER_TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


@pytest.fixture
def weather_tool() -> dict[str, Any]:
    """Return a tool in OpenAI's form."""
    return WEATHER_TOOL
