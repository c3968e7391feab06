"""The client under load: large inputs, many calls at once, a loop that must not stall, memory.

Memory is read in fresh processes, as the peak above what the process had before the call.
"""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

from hfwidgets import AsyncInferenceClient
from tests.benchmarks.measure import Figure, server

MEGABYTE = 1e6

PEAK = """
import sys
from tests.benchmarks.measure import peak
{setup}
call(small)
before = peak()
call(large)
print(peak() - before)
"""

OURS = """
from hfwidgets import InferenceClient
small, large, url = sys.argv[1:]
client = InferenceClient(base_url=url, token="none")
def call(path): client.image_classification(path, top_k=5)
"""

HUB = OURS.replace("from hfwidgets", "from huggingface_hub")


def noise(path: Path, side: int) -> Path:
    """A PNG that does not compress: side * side * 3 bytes, about."""
    import numpy as np
    from PIL import Image

    pixels = np.random.default_rng(7).integers(0, 256, (side, side, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def peaks(url: str) -> Iterator[Figure]:
    """The extra peak memory of a 10 MB image sent as base64 in JSON."""
    with TemporaryDirectory() as folder:
        small, large = noise(Path(folder, "s.png"), 8), noise(Path(folder, "l.png"), 1850)
        found = {}
        for name, setup in {"ours": OURS, "hub": HUB}.items():
            command = [sys.executable, "-c", PEAK.format(setup=setup), small, large, f"{url}/json"]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found[name] = int(done.stdout) / MEGABYTE
        yield Figure(
            f"extra peak memory, {large.stat().st_size / MEGABYTE:.1f} MB image as JSON",
            found["ours"],
            5,
            unit="MB",
            note=f"huggingface_hub {found['hub']:.0f} MB",
        )


def crowd(url: str) -> Iterator[Figure]:
    """200 calls at once against a server that takes 50 ms for each."""

    async def run() -> float:
        async with AsyncInferenceClient(base_url=f"{url}/slow", token="none") as client:
            await client.text_classification("warm")
            started = time.perf_counter()
            await asyncio.gather(*(client.text_classification("x") for _ in range(200)))
            return time.perf_counter() - started

    best = min(asyncio.run(run()) for _ in range(3))
    floor = min(asyncio.run(_raw(url)) for _ in range(3))
    note = f"{best * 1000:.0f} ms; bare asyncio sockets {floor * 1000:.0f} ms on this machine"
    yield Figure("200 concurrent calls, wall / 50 ms", best / 0.05, 1.15, note=note)


async def _raw(url: str) -> float:
    """The same 200 requests over bare asyncio connections: what the machine itself allows."""
    port = int(url.rpartition(":")[2])

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /slow HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}")
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(200)))
    return time.perf_counter() - started


class _Queue(BaseHTTPRequestHandler):
    """fal's queue: a job that takes 3 seconds, then a picture."""

    protocol_version = "HTTP/1.1"
    started = 0.0
    picture = b""

    def log_message(self, *_: object) -> None:
        """Say nothing on the terminal."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        type(self).started = time.monotonic()
        base = f"http://{self.headers['host']}/fal-ai/x/requests/1"
        self._json({"request_id": "1", "response_url": base, "status_url": f"{base}/status"})

    def do_GET(self) -> None:
        if "status" in self.path:
            done = time.monotonic() - self.started > 3
            self._json({"status": "COMPLETED" if done else "IN_PROGRESS"})
        elif self.path == "/picture":
            self._send(self.picture, "image/png")
        else:
            self._json({"images": [{"url": f"http://{self.headers['host']}/picture"}]})

    def _json(self, value: object) -> None:
        self._send(json.dumps(value).encode(), "application/json")

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def stall() -> Iterator[Figure]:
    """The longest time that a 3 s queue job with a picture holds the event loop up."""
    with TemporaryDirectory() as folder:
        _Queue.picture = noise(Path(folder, "p.png"), 1024).read_bytes()
    http = ThreadingHTTPServer(("127.0.0.1", 0), _Queue)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{http.server_address[1]}"

    async def run(work: bool) -> float:
        client = AsyncInferenceClient(
            provider="fal-ai",
            api_key="none",
            hosts={"fal-ai": url},
            mapping={"me/x": {"fal-ai": "fal-ai/x"}},
        )
        job = (
            client.image_to_image(_Queue.picture, prompt="x", model="me/x")
            if work
            else asyncio.sleep(3)
        )
        task = asyncio.ensure_future(job)
        worst, last = 0.0, time.perf_counter()
        while not task.done():
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            worst, last = max(worst, now - last), now
        await task
        await client.close()
        return worst * 1000

    idle, busy = asyncio.run(run(False)), asyncio.run(run(True))
    http.shutdown()
    note = f"an idle loop of the same length: {idle:.1f} ms"
    yield Figure("longest stall of the loop in a 3 s queue job", busy, 10, unit="ms", note=note)


GROWTH = """
import gc, sys
import psutil
from hfwidgets import InferenceClient
client = InferenceClient(base_url=sys.argv[1], token="none")
me = psutil.Process()
for i in range(220):
    image = client.text_to_image("x")
    image.load()
    del image
    if i == 19:
        gc.collect(); before = me.memory_info().rss
gc.collect()
print(me.memory_info().rss - before)
"""


def growth() -> Iterator[Figure]:
    """What 200 pictures leave behind in memory."""
    with TemporaryDirectory() as folder:
        _Queue.picture = noise(Path(folder, "p.png"), 1024).read_bytes()

    class Picture(_Queue):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self._send(self.picture, "image/png")

    http = ThreadingHTTPServer(("127.0.0.1", 0), Picture)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{http.server_address[1]}"
    command = [sys.executable, "-c", GROWTH, url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    http.shutdown()
    size = len(_Queue.picture) / MEGABYTE
    left = int(done.stdout) / MEGABYTE
    yield Figure(
        "memory after 200 pictures / one picture", left / size, 3, note=f"{size:.1f} MB each"
    )


def figures() -> Iterator[Figure]:
    """All figures of the client under load."""
    with server() as url:
        yield from peaks(url)
        yield from crowd(url)
    yield from stall()
    yield from growth()
