"""The engine's guard around a small app, in this process: keys, hosts, sizes, ids and clients."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from hfwidgets.engine.server.clients import ClientProcesses
from hfwidgets.engine.server.guard import MAX_BODY_BYTES, RequestGuard

HOST = "127.0.0.1:8123"
KEY = "a-key"
WITH_KEY = {"Authorization": f"Bearer {KEY}"}


class Guarded:
    """A guarded app that answers with a body's length, and notes who was tracked meanwhile."""

    def __init__(self) -> None:
        self.clients = ClientProcesses()
        self.seen: list[tuple[int, bool]] = []
        app = Starlette(
            routes=[
                Route("/", self.answer, methods=["GET", "POST"]),
                Route("/health", self.answer),
                Route("/stream", self.stream),
            ]
        )
        self.guard = RequestGuard(app, KEY, self.clients)

    async def answer(self, request: Request) -> PlainTextResponse:
        self.seen.append((self.clients.count_living(), self.clients.idle_seconds == 0))
        return PlainTextResponse(str(len(await request.body())))

    async def stream(self, _: Request) -> StreamingResponse:
        async def parts() -> AsyncIterator[str]:
            for part in "abc":
                yield part

        return StreamingResponse(parts())

    def send(
        self, headers: Mapping[str, str], path: str = "/", content: Any = None
    ) -> httpx.Response:
        """Send a request as from another process."""

        async def exchange() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.guard)
            async with httpx.AsyncClient(transport=transport) as client:
                method = "GET" if content is None else "POST"
                url = f"http://{HOST}{path}"
                return await client.request(method, url, headers=headers, content=content)

        return asyncio.run(exchange())


@pytest.fixture
def guarded() -> Guarded:
    return Guarded()


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (f"Bearer {KEY}", 200),
        (f"bearer {KEY}", 200),
        (f"BEARER   {KEY}  ", 200),
        (f"Bearer {KEY}x", 401),
        ("Bearer a-ke", 401),
        ("Bearer", 401),
        ("", 401),
        (KEY, 401),
        (f"Basic {KEY}", 401),
        (f"Bearer{KEY}", 401),
        ("Bearer a-k\u00e9y", 401),
    ],
)
def test_only_the_key_opens(guarded: Guarded, authorization: str, status: int) -> None:
    headers = {"Authorization": authorization.encode("latin-1")}
    assert guarded.send(headers).status_code == status  # type: ignore[arg-type]
    assert len(guarded.seen) == (status == 200)
    assert guarded.send(headers, "/health").status_code == 200  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("host", "is_open"),
    [
        (HOST, True),
        ("localhost", True),
        ("LocalHost:1", True),
        ("[::1]:80", True),
        ("", False),
        ("127.0.0.1:", False),
        ("127.0.0.2", False),
        ("127x0x0x1", False),
        ("127.0.0.1\n", False),
        ("localhost.evil.example", False),
        ("evil.example", False),
    ],
)
def test_a_request_names_this_machine(guarded: Guarded, host: str, is_open: bool) -> None:
    assert guarded.send({**WITH_KEY, "Host": host}).status_code == (200 if is_open else 403)
    assert len(guarded.seen) == is_open


@pytest.mark.parametrize(
    ("origin", "is_open"),
    [
        (f"http://{HOST}", True),
        (f"https://{HOST}", False),
        ("http://127.0.0.1:8124", False),
        ("http://localhost:8123", False),
        ("null", False),
        ("", False),
    ],
)
def test_a_page_is_answered_only_at_the_engine_s_own_address(
    guarded: Guarded, origin: str, is_open: bool
) -> None:
    for path in ("/", "/health"):
        status = guarded.send({**WITH_KEY, "Origin": origin}, path).status_code
        assert status == (200 if is_open else 403)
    assert len(guarded.seen) == 2 * is_open


@pytest.mark.parametrize("is_declared", [True, False])
def test_a_body_is_read_up_to_its_limit_and_no_further(guarded: Guarded, is_declared: bool) -> None:
    async def pieces(size: int) -> AsyncIterator[bytes]:
        yield b"x" * 7
        yield b"x" * (size - 7)

    def post(size: int) -> httpx.Response:
        return guarded.send(WITH_KEY, "/", b"x" * size if is_declared else pieces(size))

    assert MAX_BODY_BYTES == 32_000_000
    assert post(MAX_BODY_BYTES).text == "32000000"
    if is_declared:
        reply = post(MAX_BODY_BYTES + 1)
        assert reply.status_code == 413
        assert "larger than 32 MB" in reply.text
        assert len(guarded.seen) == 1
    else:
        with pytest.raises(Exception, match="larger than 32 MB") as caught:
            post(MAX_BODY_BYTES + 1)
        assert caught.value.status == 413  # type: ignore[attr-defined]


@pytest.mark.parametrize("sent", ["mine-1", "A.b:c_d-9", "x" * 100])
def test_a_plain_id_is_sent_back(guarded: Guarded, sent: str) -> None:
    for headers in (WITH_KEY, {}):
        reply = guarded.send({**headers, "X-Request-Id": sent})
        assert reply.headers["x-request-id"] == sent


@pytest.mark.parametrize("sent", [None, "", "x" * 101, "<script>", "a b", "a/b"])
def test_other_requests_get_an_id_each(guarded: Guarded, sent: str | None) -> None:
    headers = WITH_KEY if sent is None else {**WITH_KEY, "X-Request-Id": sent}
    ids = {guarded.send(headers).headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3
    assert all(re.fullmatch("req_[0-9a-f]{24}", one) for one in ids)


def test_every_reply_says_where_and_how_long_it_was_computed(guarded: Guarded) -> None:
    for reply in (
        guarded.send(WITH_KEY),
        guarded.send({}),
        guarded.send(WITH_KEY, "/nothing"),
        guarded.send(WITH_KEY, "/stream"),
    ):
        assert reply.headers["x-compute-type"] == "cpu"
        assert re.fullmatch(r"\d{1,2}\.\d{4}", reply.headers["x-compute-time"])
    assert guarded.send(WITH_KEY, "/stream").text == "abc"


def test_only_requests_with_the_key_keep_the_engine_from_ending(guarded: Guarded) -> None:
    client = {"X-HfWidgets-Client": str(os.getpid())}
    guarded.send(client, "/health")
    guarded.send(client)
    assert guarded.seen == [(0, False)]
    guarded.send({**client, **WITH_KEY})
    assert guarded.seen[1:] == [(1, True)]
    assert guarded.clients.count_living() == 1
    assert guarded.clients.idle_seconds > 0


@pytest.mark.parametrize("kind", ["lifespan", "websocket"])
def test_what_is_not_a_request_passes(kind: str) -> None:
    passed: list[Any] = []

    async def app(*args: Any) -> None:
        passed.append(args)

    async def receive() -> Any:
        raise AssertionError("nothing is received")

    async def send(_: Any) -> None:
        raise AssertionError("nothing is sent")

    scope = {"type": kind, "path": "/", "headers": []}
    asyncio.run(RequestGuard(app, KEY, ClientProcesses())(scope, receive, send))
    assert passed == [(scope, receive, send)]
