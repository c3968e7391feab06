"""Play the whole internet: every host is a path of the loopback server, `/{host}{path}`.

def test_it(internet):
    internet.post("router.huggingface.co/v1/chat/completions", chat_answer("Hi"))
    InferenceClient(token="hf_x").chat_completion(...)
    assert internet.asked[0] == "POST router.huggingface.co/v1/chat/completions"
"""

from typing import Any

import httpx
import pytest

from hfwidgets.calls import transports
from hfwidgets.calls.async_transport import AsyncDirectTransport
from hfwidgets.calls.sync_transport import DirectTransport
from hfwidgets.core import public_hosts
from tests.plugins.loopback import Loopback, Made, Seen


class Internet:
    """The played hosts.

    Attributes:
        silent: hosts that never answer: a call of theirs ends by its own timeout, at once.
        patience: what each call of a silent host would have waited, in seconds.
    """

    def __init__(self, loopback: Loopback) -> None:
        self.loopback = loopback
        self.silent: set[str] = set()
        self.patience: list[float | None] = []

    def get(self, url: str, answer: Made) -> None:
        """Play an address, `host/path` without its scheme."""
        self.loopback.route("GET", f"/{url}", answer)

    def post(self, url: str, answer: Made) -> None:
        """Play an address, `host/path` without its scheme."""
        self.loopback.route("POST", f"/{url}", answer)

    @property
    def seen(self) -> list[Seen]:
        return self.loopback.requests

    @property
    def asked(self) -> list[str]:
        """Method, host and path of each request."""
        return [f"{seen.method} {seen.path[1:]}" for seen in self.seen]

    def moved(self, request: httpx.Request) -> httpx.Request:
        """Return the request with the loopback server's address."""
        if request.url.host in self.silent:
            self.patience.append(request.extensions["timeout"]["read"])
            raise httpx.ReadTimeout("silent", request=request)
        path = request.url.raw_path.decode()
        url = httpx.URL(f"{self.loopback.url}/{request.url.host}{path}")
        return httpx.Request(
            request.method,
            url,
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions,
        )


class Played(httpx.BaseTransport):
    """A transport into a played internet."""

    def __init__(self, internet: Internet) -> None:
        self._internet = internet
        self._transport = DirectTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._transport.handle_request(self._internet.moved(request))

    def close(self) -> None:
        self._transport.close()


class AsyncPlayed(httpx.AsyncBaseTransport):
    """The async counterpart of `Played`."""

    def __init__(self, internet: Internet) -> None:
        self._internet = internet
        self._transport = AsyncDirectTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._transport.handle_async_request(self._internet.moved(request))

    async def aclose(self) -> None:
        await self._transport.aclose()


def _resolve(host: str, port: int) -> list[Any]:
    """Return an address of the public internet for every name, and addresses unchanged."""
    try:
        return [public_hosts.unwrap(host)]
    except ValueError:
        return [public_hosts.unwrap("1.1.1.1")]


@pytest.fixture
def internet(loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> Internet:
    """Let both clients reach the loopback server only, whatever they call."""
    played = Internet(loopback)
    monkeypatch.setattr(transports, "find_proxy", lambda *_: None)
    monkeypatch.setattr(public_hosts, "resolve_host", _resolve)
    monkeypatch.setattr(transports, "make_direct_transport", lambda: Played(played))
    monkeypatch.setattr(transports, "make_async_direct_transport", lambda: AsyncPlayed(played))
    return played
