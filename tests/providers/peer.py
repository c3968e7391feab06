"""Both clients in front of the same loopback server, and what each of them sent.

No host is patched: a transport takes every request to the loopback server, where the path begins
with the host that was meant (`/router.huggingface.co/together/v1/...`).
"""

import email.parser
import email.policy
import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import httpx2
import huggingface_hub
import pytest

from hfwidgets import InferenceClient
from tests.plugins.loopback import Answer, Loopback, Seen

MATTER = (
    "accept",
    "authorization",
    "content-type",
    "prefer",
    "accept-language",
    "x-source-channel",
    "x-hf-bill-to",
)
"""The headers in which two requests must agree."""


@dataclass
class Sent:
    """A request as it is compared."""

    method: str
    target: str
    headers: dict[str, str]
    body: Any
    provider: str = ""
    task: str = ""
    order: list[str] = field(default_factory=list, compare=False)


class Away:
    """Sends requests to the loopback server instead."""

    def __init__(self, loopback: Loopback) -> None:
        self.port = int(loopback.url.rpartition(":")[2])

    def rewritten(self, url: Any) -> Any:
        target = url.raw_path.decode()
        return url.copy_with(
            scheme="http",
            host="127.0.0.1",
            port=self.port,
            raw_path=f"/{url.host}{target}".encode(),
        )


class Ours(httpx.HTTPTransport):
    def __init__(self, loopback: Loopback) -> None:
        super().__init__(verify=False)  # no TLS here, and certificates take 20 ms to load
        self.away = Away(loopback)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.url = self.away.rewritten(request.url)
        return super().handle_request(request)


class Theirs(httpx2.HTTPTransport):
    def __init__(self, loopback: Loopback) -> None:
        super().__init__(verify=False)  # no TLS here, and certificates take 20 ms to load
        self.away = Away(loopback)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.url = self.away.rewritten(request.url)
        return super().handle_request(request)


class Pair:
    """The two clients and the server between them."""

    def __init__(self, loopback: Loopback) -> None:
        self.loopback = loopback
        self.http = httpx.Client(transport=Ours(loopback))
        huggingface_hub.set_client_factory(
            lambda: httpx2.Client(transport=Theirs(loopback), trust_env=False)
        )

    def serve(self, model: str, entry: Mapping[str, Any], pipeline: str) -> None:
        """Let the Hub know a model."""
        path = f"/huggingface.co/api/models/{model}"
        about = {
            "id": model,
            "modelId": model,
            "tags": ["conversational"],
            "pipeline_tag": pipeline,
            "inferenceProviderMapping": entry,
        }
        self.loopback.route("GET", path, Answer(json=about))

    def ours(self, settings: Mapping[str, Any], method: str, *args: Any, **kwargs: Any) -> Sent:
        client = InferenceClient(**settings, http_client=self.http, max_retries=0)
        return self._sent(getattr(client, method), *args, **kwargs)

    def theirs(self, settings: Mapping[str, Any], method: str, *args: Any, **kwargs: Any) -> Sent:
        client = huggingface_hub.InferenceClient(**settings)
        return self._sent(getattr(client, method), *args, **kwargs)

    def _sent(self, method: Any, *args: Any, **kwargs: Any) -> Sent:
        """The first request that is not a look-up; every one of them is refused."""
        self.loopback.requests.clear()
        with (
            warnings.catch_warnings(action="ignore"),
            pytest.raises(Exception),  # noqa: B017, PT011 - each client's own
        ):
            method(*args, **kwargs)
        posts = [seen for seen in self.loopback.requests if seen.method == "POST"]
        assert posts, f"nothing was posted; seen: {self.loopback.requests}"
        return sent(posts[0])


def sent(seen: Seen) -> Sent:
    headers = {name: seen.headers[name] for name in MATTER if name in seen.headers}
    kind = headers.get("content-type", "")
    body: Any = seen.body
    order: list[str] = []
    if kind.startswith("multipart/"):
        headers["content-type"] = "multipart/form-data"
        body = parts(kind, seen.body)
    elif kind == "application/json":
        body = json.loads(seen.body)
        order = list(body)
    return Sent(seen.method, seen.target, headers, body, order=order)


def parts(kind: str, body: bytes) -> list[tuple[str, str, Any]]:
    """A form's parts: name, type and content."""
    head = f"Content-Type: {kind}\r\n\r\n".encode()
    form = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    found = []
    for part in form.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        kind = part.get_content_type() if name == "file" else ""
        found.append((name, kind, part.get_payload(decode=True)))
    return found


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    server = Loopback()
    yield Pair(server)
    server.close()
    huggingface_hub.set_client_factory(httpx2.Client)
