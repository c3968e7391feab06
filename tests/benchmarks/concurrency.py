"""Measure the wall time of many calls at once for us and four peers, and draw it.

The image is saved next to this file. Calls go to a server that takes 50 ms for each; all clients
are measured in turn in each round, and the best of the rounds counts.
"""

import asyncio
import contextlib
import io
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import huggingface_hub
import openai

from hfwidgets import AsyncInferenceClient
from tests.benchmarks.measure import Figure, choose_size, run_server

COUNTS = choose_size((1, 2, 5, 10, 20, 50, 100, 200, 350, 500), (1, 3))
ROUNDS = choose_size(3, 1)
HEADERS = {"authorization": "Bearer none"}
BODY = {"inputs": "hello", "parameters": {}}
MESSAGES = [{"role": "user", "content": "hello"}]
IMAGE = choose_size(Path(__file__).with_name("concurrency.png"), None)

COLORS = {
    "httpx": "#b45309",
    "huggingface_hub": "#7c3aed",
    "openai": "#6b7280",
    "aiohttp": "#047857",
    "hfwidgets": "#1d4ed8",
}

Call = Callable[[], Awaitable[Any]]


@contextlib.asynccontextmanager
async def open_ours(url: str) -> AsyncIterator[Call]:
    async with AsyncInferenceClient(base_url=f"{url}/slow", token="none") as client:
        yield lambda: client.text_classification("hello")


@contextlib.asynccontextmanager
async def open_httpx(url: str) -> AsyncIterator[Call]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(headers=HEADERS, limits=limits, timeout=60) as client:
        yield lambda: client.post(f"{url}/slow", json=BODY)


@contextlib.asynccontextmanager
async def open_aiohttp(url: str) -> AsyncIterator[Call]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(headers=HEADERS, connector=connector) as session:

        async def send_one() -> Any:
            async with session.post(f"{url}/slow", json=BODY) as answer:
                return await answer.json()

        yield send_one


@contextlib.asynccontextmanager
async def open_hub(url: str) -> AsyncIterator[Call]:
    async with huggingface_hub.AsyncInferenceClient(
        base_url=f"{url}/slow", token="none", timeout=60
    ) as client:
        yield lambda: client.text_classification("hello")


@contextlib.asynccontextmanager
async def open_openai(url: str) -> AsyncIterator[Call]:
    async with openai.AsyncOpenAI(base_url=f"{url}/slow/v1", api_key="none") as client:
        create: Any = client.chat.completions.create
        yield lambda: create(model="m", messages=MESSAGES)


CLIENTS = {
    "httpx": open_httpx,
    "huggingface_hub": open_hub,
    "openai": open_openai,
    "aiohttp": open_aiohttp,
    "hfwidgets": open_ours,
}


async def time_calls(name: str, url: str, count: int) -> float:
    """Return the seconds of so many calls at once, after one that warms the client up."""
    async with CLIENTS[name](url) as call:
        await call()
        started = time.perf_counter()
        await asyncio.gather(*(call() for _ in range(count)))
        return time.perf_counter() - started


def measure_all() -> dict[str, list[float]]:
    """Return the seconds of each client for each of `COUNTS`."""
    best = {name: [float("inf")] * len(COUNTS) for name in CLIENTS}
    for _ in range(ROUNDS):
        for position, count in enumerate(COUNTS):
            for name, times in best.items():
                with run_server() as url:  # a new one each: threads of others would share its time
                    seconds = asyncio.run(time_calls(name, url, count))
                times[position] = min(times[position], seconds)
    return best


def draw(best: Mapping[str, Sequence[float]], target: Path | io.BytesIO) -> None:
    """Draw the wall time against the number of calls, and save it as PNG."""
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas(figsize=(7.5, 4.5), dpi=110, layout="constrained")
    axes = canvas.subplots()
    for name, times in best.items():
        width = 2.6 if name == "hfwidgets" else 1.5
        axes.plot(COUNTS, times, color=COLORS[name], linewidth=width, marker="o", markersize=3)
    # The names stand at the right ends, moved apart where the lines meet.
    lowest = 0.0
    for name, times in sorted(best.items(), key=lambda item: item[1][-1]):
        lowest = max(times[-1], lowest * 1.25)
        axes.annotate(
            name, (COUNTS[-1], lowest), xytext=(8, 0), textcoords="offset points",
            color=COLORS[name], va="center", annotation_clip=False,
        )  # fmt: skip
    axes.axhline(0.05, color="#9ca3af", linewidth=1, linestyle=":")
    axes.set(
        xscale="log", yscale="log", xlabel="calls at once", ylabel="seconds until all are done"
    )
    axes.set_xticks(COUNTS, [str(count) for count in COUNTS])
    axes.minorticks_off()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title("Calls at once to a server that takes 50 ms (dotted) for each", fontsize=11)
    canvas.savefig(target, format="png")


def figures() -> Iterator[Figure]:
    """Draw the image; yield our time of the most calls at once."""
    best = measure_all()
    draw(best, IMAGE or io.BytesIO())
    base = best["aiohttp"][-1]
    note = ", ".join(f"{name} {times[-1] / base:.1f}x" for name, times in best.items())
    yield Figure(
        f"{COUNTS[-1]} concurrent calls, wall / aiohttp",
        best["hfwidgets"][-1] / base,
        2.0,
        note=note,
    )
