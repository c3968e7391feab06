"""Many clients at once, some of which leave early: no crash, no stuck slot, bounded memory."""

import random
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil

from hfwidgets.engine.server.guard import MAX_BODY_BYTES
from tests.engine.conftest import Server
from tests.engine.test_disconnects import LONG, connected, state
from tests.plugins.waiting import until

CLIENTS, REQUESTS = 8, 126
"""1,008 requests in total."""
WEIGHTS = (1, 2, 4, 2, 1, 4, 2, 1)
"""How often each kind is drawn: requests to the chat model take the longest."""

GROWTH = 150_000_000
"""Bytes that the engine and its child may gain from the first half to the second."""


def send_random_request(server: Server, client: httpx.Client, draw: random.Random) -> None:
    """Send one request of a random kind, and check its answer."""
    [kind] = draw.choices(range(8), WEIGHTS)
    if kind == 0:
        body = {"messages": [{"role": "user", "content": f"Say {draw.random()}."}], "max_tokens": 4}
        assert client.post("/v1/chat/completions", json=body).json()["choices"]
    elif kind == 1:
        leave_early(server, draw)
    elif kind == 2:
        body = {"inputs": "x " * draw.randrange(1, 60)}
        assert len(client.post(server.task("feature-extraction"), json=body).json()) == 384
    elif kind == 3:
        assert client.post(server.task("fill-mask"), content=b"\x00" * 99).status_code == 400
    elif kind == 4:
        body = {"messages": [{"role": "user", "content": "word " * 4000}]}
        assert client.post("/v1/chat/completions", json=body).status_code == 400
    elif kind == 5:
        body = {"inputs": "Ann went to Rome.", "parameters": {"aggregation_strategy": "none"}}
        tokens = client.post(server.task("token-classification"), json=body).json()
        assert [token["word"] for token in tokens] == ["Ann", "Rome"]
    elif kind == 6:
        assert send_oversized(server).startswith(b"HTTP/1.1 413 ")
    else:
        body = {"prompt": "The capital of France is", "max_tokens": 1}
        assert client.post("/v1/completions", json=body).json()["choices"][0]["text"] == " Paris"


def leave_early(server: Server, draw: random.Random) -> None:
    """Request a long answer and leave, immediately or a moment later."""
    with connected(server, {**LONG, "stream": draw.random() < 0.5}):
        threading.Event().wait(draw.random() / 10)


def send_oversized(server: Server) -> bytes:
    """Return the start of the answer to a request that declares too large a body and sends none."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(
            b"POST /v1/embeddings HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            + f"Authorization: Bearer {server.key}\r\n".encode()
            + f"Content-Length: {MAX_BODY_BYTES + 1}\r\n\r\n".encode()
        )
        return connection.recv(100)


def measure_memory(server: Server) -> int:
    """Return the bytes in use by the engine and its child."""
    engine = psutil.Process(server.pid)
    return sum(process.memory_info().rss for process in [engine, *engine.children()])


def run_clients(server: Server, seed: int) -> None:
    """Run all clients at once, each with its requests."""

    def run_client(number: int) -> None:
        draw = random.Random(seed + number)
        headers = {"Authorization": f"Bearer {server.key}"}
        with httpx.Client(base_url=server.url, headers=headers, timeout=300) as client:
            for _ in range(REQUESTS // 2):
                send_random_request(server, client, draw)

    with ThreadPoolExecutor(CLIENTS) as pool:
        for done in [pool.submit(run_client, number) for number in range(CLIENTS)]:
            done.result()


def test_many_clients_at_once(server: Server, http: httpx.Client) -> None:
    run_clients(server, seed=0)
    child, before = server.child().pid, measure_memory(server)
    run_clients(server, seed=100)
    until(lambda: state(http)["working"] + state(http)["waiting"] == 0, "nothing is stuck")
    assert server.child().pid == child, "the chat model's process never crashed"
    assert measure_memory(server) - before < GROWTH
