"""The client's figures: imports, small requests, streams, connections."""

import asyncio
import json
from collections.abc import Iterator

import httpx
import huggingface_hub
import openai

from hfwidgets import AsyncInferenceClient, InferenceClient
from tests.benchmarks.measure import Figure, acpu, cpu, process_cpu, server

MESSAGES = [{"role": "user", "content": "What is the capital of France?"}]
HEADERS = {"authorization": "Bearer none"}


def imports() -> Iterator[Figure]:
    """A fresh process that imports the client."""
    spent = process_cpu(
        {
            "httpx": "import httpx",
            "hfwidgets": "from hfwidgets import InferenceClient",
            "hfwidgets, made": "from hfwidgets import InferenceClient; InferenceClient()",
            "httpx, made": "import httpx; httpx.Client()",
            "huggingface_hub": "from huggingface_hub import InferenceClient",
            "openai": "from openai import OpenAI",
        }
    )
    peers = {n: spent[n] / spent["httpx"] for n in ("huggingface_hub", "openai")}
    note = ", ".join(f"{name} {value:.1f}x" for name, value in peers.items())
    yield Figure("import, CPU / import httpx", spent["hfwidgets"] / spent["httpx"], 1.25, note=note)
    made = spent["hfwidgets, made"] / spent["httpx, made"]
    yield Figure("import and construct, CPU / the same of httpx.Client", made)


def requests(url: str) -> Iterator[Figure]:
    """Small requests, one after the other, on one connection."""
    http = httpx.Client(headers=HEADERS)
    ours = InferenceClient(base_url=f"{url}/json", token="none", timeout=60)
    hub = huggingface_hub.InferenceClient(base_url=f"{url}/json", token="none", timeout=60)
    chat = InferenceClient(base_url=url, token="none", timeout=60)
    hub_chat = huggingface_hub.InferenceClient(base_url=url, token="none", timeout=60)
    peer = openai.OpenAI(base_url=f"{url}/v1", api_key="none")
    body = {"inputs": "hello", "parameters": {}}
    spent = cpu(
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
    base = spent["httpx"]
    note = f"huggingface_hub {spent['hub'] / base:.2f}x"
    yield Figure(
        "small request, sync, CPU / httpx.Client.post", spent["ours"] / base, 1.0, note=note
    )
    note = f"huggingface_hub {spent['hub chat'] / base:.2f}x, openai {spent['openai'] / base:.2f}x"
    yield Figure(
        "chat request, sync, CPU / httpx.Client.post", spent["chat"] / base, 1.0, note=note
    )
    yield from _async_requests(url, base)


def _async_requests(url: str, base: float) -> Iterator[Figure]:
    async def run() -> dict[str, float]:
        ours = AsyncInferenceClient(base_url=f"{url}/json", token="none", timeout=60)
        hub = huggingface_hub.AsyncInferenceClient(base_url=f"{url}/json", token="none", timeout=60)
        peer = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none")
        async with ours:
            return await acpu(
                {
                    "ours": lambda: ours.text_classification("hello"),
                    "hub": lambda: hub.text_classification("hello"),
                    "openai": lambda: peer.chat.completions.create(model="m", messages=MESSAGES),  # type: ignore[arg-type]
                },
                calls=200,
            )

    spent = asyncio.run(run())
    note = f"huggingface_hub {spent['hub'] / base:.2f}x, openai {spent['openai'] / base:.2f}x"
    yield Figure(
        "small request, async, CPU / sync httpx.Client.post", spent["ours"] / base, 1.7, note=note
    )


def streams(url: str) -> Iterator[Figure]:
    """A streamed chat answer of 10,000 chunks."""
    where = f"{url}/stream/v1/chat/completions"
    http = httpx.Client(headers=HEADERS)
    ours = InferenceClient(base_url=where, token="none", timeout=60)
    hub = huggingface_hub.InferenceClient(base_url=where, token="none", timeout=60)
    peer = openai.OpenAI(base_url=f"{url}/stream/v1", api_key="none")

    def floor() -> None:
        with http.stream("POST", where, json={"messages": MESSAGES}) as answer:
            for line in answer.iter_lines():
                if line.startswith("data: {"):
                    _ = json.loads(line[6:])["choices"][0]["delta"]["content"]

    def typed(client: object) -> None:
        stream = client.chat_completion(MESSAGES, model="m", stream=True)  # type: ignore[attr-defined]
        for chunk in stream:
            _ = chunk.choices[0].delta.content

    def typed_openai() -> None:
        for chunk in peer.chat.completions.create(model="m", messages=MESSAGES, stream=True):  # type: ignore[arg-type]
            _ = chunk.choices[0].delta.content

    cases = {
        "httpx": floor,
        "ours": lambda: typed(ours),
        "hub": lambda: typed(hub),
        "openai": typed_openai,
    }
    spent = cpu(cases, calls=1, rounds=4)
    peers = {"huggingface_hub": spent["hub"], "openai": spent["openai"]}
    note = ", ".join(f"{name} {value / spent['httpx']:.1f}x" for name, value in peers.items())
    yield Figure(
        "streamed chunk, typed, CPU / httpx lines + json.loads",
        spent["ours"] / spent["httpx"],
        1.3,
        note=note,
    )


def connections() -> Iterator[Figure]:
    """TCP connections that 20 full streams take."""
    counts: dict[str, int] = {}
    for name in ("ours", "hub", "openai"):
        with server() as url:
            where = f"{url}/stream/v1/chat/completions?n=5"
            make = {
                "ours": lambda where=where: InferenceClient(base_url=where, token="none"),
                "hub": lambda where=where: huggingface_hub.InferenceClient(
                    base_url=where, token="none"
                ),
                "openai": lambda url=url: openai.OpenAI(
                    base_url=f"{url}/stream/v1", api_key="none"
                ),
            }
            client = make[name]()
            for _ in range(20):
                for _chunk in client.chat.completions.create(
                    model="m", messages=MESSAGES, stream=True
                ):  # type: ignore[attr-defined]
                    pass
            counts[name] = int(httpx.get(f"{url}/connections").text) - 1
    note = f"huggingface_hub {counts['hub']}, openai {counts['openai']}"
    yield Figure("TCP connections for 20 full streams", counts["ours"], 1, unit="", note=note)


def figures() -> Iterator[Figure]:
    """All of the client's figures."""
    yield from imports()
    with server() as url:
        yield from requests(url)
        yield from streams(url)
    yield from connections()
