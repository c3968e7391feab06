"""Calls by both clients to a played service."""

import asyncio
from typing import Any

import pytest

from hfwidgets import AsyncInferenceClient, InferenceClient
from hfwidgets.core import flow
from hfwidgets.providers import _jobs
from tests.plugins.loopback import Loopback

MODEL = "org/model"
TOKEN = "hf_0123456789"


class Asker:
    """Calls a method of one of the clients; every service is the loopback server."""

    def __init__(self, kind: str, loopback: Loopback) -> None:
        self.kind = kind
        self.loopback = loopback
        self.waits: list[str] = []

    def settings(self, provider: str | None, **settings: Any) -> dict[str, Any]:
        url = self.loopback.url
        hosts = {"hub": f"{url}/hub", "router": f"{url}/router"}
        if provider not in (None, "auto", "hf-inference"):
            hosts[str(provider)] = f"{url}/direct"
        made = {"model": MODEL, "provider": provider, "token": TOKEN, "hosts": hosts, **settings}
        if provider is not None and "mapping" not in made:
            made["mapping"] = {MODEL: {provider: "its/name"}}
        return made

    def __call__(
        self, provider: str | None, method: str, /, *args: Any, client: Any = None, **kwargs: Any
    ) -> Any:
        """The result; a stream comes as (items, stream)."""
        settings = self.settings(provider, **(client or {}))
        token = flow.wait_listener.set(lambda reason, seconds: self.waits.append(reason))
        try:
            if self.kind == "async":
                return asyncio.run(self._awaited(settings, method, *args, **kwargs))
            with InferenceClient(**settings) as sync:
                result = getattr(sync, method)(*args, **kwargs)
                return (list(result), result) if kwargs.get("stream") else result
        finally:
            flow.wait_listener.reset(token)

    async def _awaited(
        self, settings: dict[str, Any], method: str, /, *args: Any, **kwargs: Any
    ) -> Any:
        async with AsyncInferenceClient(**settings) as client:
            result = await getattr(client, method)(*args, **kwargs)
            if kwargs.get("stream"):
                return [item async for item in result], result
            return result


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest, loopback: Loopback) -> Asker:
    return Asker(request.param, loopback)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Polling fifty times as fast; how often and why stays the same."""
    monkeypatch.setattr(_jobs, "Sleep", lambda s, why: flow.Sleep(s / 50, why))
