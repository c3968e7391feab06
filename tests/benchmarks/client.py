"""Measure the client: imports, small requests, streams, connections."""

import asyncio
import json
from collections.abc import Iterator
from urllib.parse import parse_qsl

import httpx
import huggingface_hub
import openai

from hfwidgets import AsyncInferenceClient, InferenceClient
from tests.benchmarks.measure import (
    Figure,
    choose_size,
    measure_async_cpu,
    measure_cpu,
    measure_process_cpu,
    run_server,
)

MESSAGES = [{"role": "user", "content": "What is the capital of France?"}]
HEADERS = {"authorization": "Bearer none"}
CHUNKS = choose_size("", "?n=50")
"""The query for the number of chunks of a stream, by default 10,000."""

STREAMS = choose_size(20, 2)


def measure_imports() -> Iterator[Figure]:
    """Measure a new process that imports the client."""
    cpu = measure_process_cpu(
        {
            "httpx": "import httpx",
            "hfwidgets": "from hfwidgets import InferenceClient",
            "hfwidgets, constructed": "from hfwidgets import InferenceClient; InferenceClient()",
            "httpx, constructed": "import httpx; httpx.Client()",
            "huggingface_hub": "from huggingface_hub import InferenceClient",
            "openai": "from openai import OpenAI",
        }
    )
    peers = {n: cpu[n] / cpu["httpx"] for n in ("huggingface_hub", "openai")}
    note = ", ".join(f"{name} {value:.1f}x" for name, value in peers.items())
    yield Figure("import, CPU / import httpx", cpu["hfwidgets"] / cpu["httpx"], 0.6, note=note)
    ratio = cpu["hfwidgets, constructed"] / cpu["httpx, constructed"]
    yield Figure("import and construct, CPU / the same of httpx.Client", ratio)


def measure_requests(url: str) -> Iterator[Figure]:
    """Measure small requests, one after another, on one connection."""
    http = httpx.Client(headers=HEADERS)
    ours = InferenceClient(base_url=f"{url}/json", token="none", timeout=60)
    hub = huggingface_hub.InferenceClient(base_url=f"{url}/json", token="none", timeout=60)
    chat = InferenceClient(base_url=url, token="none", timeout=60)
    hub_chat = huggingface_hub.InferenceClient(base_url=url, token="none", timeout=60)
    peer = openai.OpenAI(base_url=f"{url}/v1", api_key="none")
    body = {"inputs": "hello", "parameters": {}}
    cpu = measure_cpu(
        {
            "httpx": lambda: http.post(f"{url}/json", json=body).json(),
            "ours": lambda: ours.text_classification("hello"),
            "hub": lambda: hub.text_classification("hello"),
            "chat": lambda: chat.chat_completion(MESSAGES, model="m").choices[0].message.content,
            "hub chat": lambda: hub_chat.chat_completion(MESSAGES, model="m"),
            "openai": lambda: peer.chat.completions.create(model="m", messages=MESSAGES),  # type: ignore[arg-type]
        },
        calls=200,
    )
    base = cpu["httpx"]
    note = f"huggingface_hub {cpu['hub'] / base:.2f}x"
    yield Figure("small request, sync, CPU / httpx.Client.post", cpu["ours"] / base, 0.6, note=note)
    note = f"huggingface_hub {cpu['hub chat'] / base:.2f}x, openai {cpu['openai'] / base:.2f}x"
    yield Figure("chat request, sync, CPU / httpx.Client.post", cpu["chat"] / base, 0.65, note=note)
    yield from _measure_async_requests(url, base)


def _measure_async_requests(url: str, base: float) -> Iterator[Figure]:
    async def run() -> dict[str, float]:
        ours = AsyncInferenceClient(base_url=f"{url}/json", token="none", timeout=60)
        hub = huggingface_hub.AsyncInferenceClient(base_url=f"{url}/json", token="none", timeout=60)
        peer = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none")
        async with ours:
            return await measure_async_cpu(
                {
                    "ours": lambda: ours.text_classification("hello"),
                    "hub": lambda: hub.text_classification("hello"),
                    "openai": lambda: peer.chat.completions.create(model="m", messages=MESSAGES),  # type: ignore[arg-type]
                },
                calls=200,
            )

    cpu = asyncio.run(run())
    note = f"huggingface_hub {cpu['hub'] / base:.2f}x, openai {cpu['openai'] / base:.2f}x"
    yield Figure(
        "small request, async, CPU / sync httpx.Client.post", cpu["ours"] / base, 0.8, note=note
    )


def measure_streams(url: str) -> Iterator[Figure]:
    """Measure a streamed chat answer of 10,000 chunks."""
    address = f"{url}/stream/v1/chat/completions{CHUNKS}"
    http = httpx.Client(headers=HEADERS)
    ours = InferenceClient(base_url=address, token="none", timeout=60)
    hub = huggingface_hub.InferenceClient(base_url=address, token="none", timeout=60)
    query = dict(parse_qsl(CHUNKS.removeprefix("?")))
    peer = openai.OpenAI(base_url=f"{url}/stream/v1", api_key="none", default_query=query)

    def read_lines() -> None:
        with http.stream("POST", address, json={"messages": MESSAGES}) as answer:
            for line in answer.iter_lines():
                if line.startswith("data: {"):
                    _ = json.loads(line[6:])["choices"][0]["delta"]["content"]

    def read_chunks(client: object) -> None:
        stream = client.chat_completion(MESSAGES, model="m", stream=True)  # type: ignore[attr-defined]
        for chunk in stream:
            _ = chunk.choices[0].delta.content

    def read_openai_chunks() -> None:
        for chunk in peer.chat.completions.create(model="m", messages=MESSAGES, stream=True):  # type: ignore[arg-type]
            _ = chunk.choices[0].delta.content

    cases = {
        "httpx": read_lines,
        "ours": lambda: read_chunks(ours),
        "hub": lambda: read_chunks(hub),
        "openai": read_openai_chunks,
    }
    cpu = measure_cpu(cases, calls=1, rounds=4)
    peers = {"huggingface_hub": cpu["hub"], "openai": cpu["openai"]}
    note = ", ".join(f"{name} {value / cpu['httpx']:.1f}x" for name, value in peers.items())
    yield Figure(
        "streamed chunk, typed, CPU / httpx lines + json.loads",
        cpu["ours"] / cpu["httpx"],
        0.9,
        note=note,
    )


def measure_connections() -> Iterator[Figure]:
    """Count the TCP connections of 20 full streams."""
    counts: dict[str, int] = {}
    for name in ("ours", "hub", "openai"):
        with run_server() as url:
            address = f"{url}/stream/v1/chat/completions?n=5"
            factories = {
                "ours": lambda address=address: InferenceClient(base_url=address, token="none"),
                "hub": lambda address=address: huggingface_hub.InferenceClient(
                    base_url=address, token="none"
                ),
                "openai": lambda url=url: openai.OpenAI(
                    base_url=f"{url}/stream/v1", api_key="none"
                ),
            }
            client = factories[name]()
            for _ in range(STREAMS):
                for _chunk in client.chat.completions.create(
                    model="m", messages=MESSAGES, stream=True
                ):  # type: ignore[attr-defined]
                    pass
            counts[name] = int(httpx.get(f"{url}/connections").text) - 1
    note = f"huggingface_hub {counts['hub']}, openai {counts['openai']}"
    yield Figure("TCP connections for 20 full streams", counts["ours"], 1, unit="", note=note)


def figures() -> Iterator[Figure]:
    """Yield all figures of the client."""
    yield from measure_imports()
    with run_server() as url:
        yield from measure_requests(url)
        yield from measure_streams(url)
    yield from measure_connections()
