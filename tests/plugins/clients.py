"""Both clients as one fixture, and a stream that waits."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hfwidgets import AsyncInferenceClient, InferenceClient
from hfwidgets.calls import transports
from hfwidgets.calls.proxied_transport import ProxiedTransport
from tests.plugins.loopback import Answer, Loopback, Seen

EVENT_STREAM = {"content-type": "text/event-stream"}


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest, loopback: Loopback) -> Callable[..., Any]:
    """Call a method of a client of the played server: `call("text_to_image", ...)`."""

    def blocking(method: str, *args: Any, **kwargs: Any) -> Any:
        with InferenceClient(base_url=loopback.url) as client:
            return getattr(client, method)(*args, **kwargs)

    async def awaited(method: str, *args: Any, **kwargs: Any) -> Any:
        async with AsyncInferenceClient(base_url=loopback.url) as client:
            return await getattr(client, method)(*args, **kwargs)

    if request.param == "sync":
        return blocking
    return lambda *args, **kwargs: asyncio.run(awaited(*args, **kwargs))


@pytest.fixture(params=["direct", "httpx"])
def each_transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use our own connections, then httpx's, which serve proxies and loops of other libraries."""
    if request.param == "httpx":

        def make() -> ProxiedTransport:
            return ProxiedTransport(None, is_tls=False)

        monkeypatch.setattr(transports, "make_direct_transport", make)
        monkeypatch.setattr(transports, "make_async_direct_transport", lambda: None)


def piece(text: str, **more: Any) -> bytes:
    """One event of a chat stream."""
    choice = {"index": 0, "delta": {"content": text}}
    return b"data: " + json.dumps({"choices": [choice], **more}).encode() + b"\n\n"


class Held:
    """Sends one event of a stream and then waits, like a model that thinks."""

    def __init__(self) -> None:
        self.stop = threading.Event()

    def __call__(self, _: Seen) -> Answer:
        return Answer(headers=EVENT_STREAM, chunks=self._chunks())

    def _chunks(self) -> Iterator[bytes]:
        yield piece("Hel")
        for _ in range(1500):  # half a minute: a test that fails ends too
            if self.stop.wait(0.02):
                return
            yield b": alive\n\n"  # a comment: the server notices by it that its reader has gone


@pytest.fixture
def held(loopback: Loopback) -> Iterator[Held]:
    """Make the played server's next answer wait."""
    made = Held()
    loopback.answer(made)
    yield made
    made.stop.set()
