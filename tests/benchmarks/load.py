"""Measure the client under load: large inputs, concurrent calls, event loop stalls, memory.

Memory is measured in new processes, as the growth of the peak during the call.
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
from tests.benchmarks.measure import Figure, choose_size, run_server

MEGABYTE = 1e6
JOB_SECONDS = choose_size(3, 0.2)
IMAGES = choose_size(200, 2)

PEAK = """
import sys
from tests.benchmarks.measure import peak_memory
{setup}
call(small)
before = peak_memory()
call(large)
print(peak_memory() - before)
"""

OURS = """
from hfwidgets import InferenceClient
small, large, url = sys.argv[1:]
client = InferenceClient(base_url=url, token="none")
def call(path): client.image_classification(path, top_k=5)
"""

HUB = OURS.replace("from hfwidgets", "from huggingface_hub")


def write_noise(path: Path, side: int) -> Path:
    """Write a PNG that doesn't compress, of about side * side * 3 bytes."""
    import numpy as np
    from PIL import Image

    pixels = np.random.default_rng(7).integers(0, 256, (side, side, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def measure_peaks(url: str) -> Iterator[Figure]:
    """Measure the extra peak memory of a 10 MB image sent as base64 in JSON."""
    with TemporaryDirectory() as folder:
        small, large = (
            write_noise(Path(folder, "s.png"), 8),
            write_noise(Path(folder, "l.png"), 1850),
        )
        peaks = {}
        for name, setup in {"ours": OURS, "hub": HUB}.items():
            command = [sys.executable, "-c", PEAK.format(setup=setup), small, large, f"{url}/json"]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            peaks[name] = int(done.stdout) / MEGABYTE
        yield Figure(
            f"extra peak memory, {large.stat().st_size / MEGABYTE:.1f} MB image as JSON",
            peaks["ours"],
            5,
            unit="MB",
            note=f"huggingface_hub {peaks['hub']:.0f} MB",
        )


def measure_concurrency(url: str) -> Iterator[Figure]:
    """Measure 200 concurrent calls to a server that takes 50 ms for each."""

    async def run() -> float:
        async with AsyncInferenceClient(base_url=f"{url}/slow", token="none") as client:
            await client.text_classification("warm")
            started = time.perf_counter()
            await asyncio.gather(*(client.text_classification("x") for _ in range(200)))
            return time.perf_counter() - started

    best = min(asyncio.run(run()) for _ in range(3))
    floor = min(asyncio.run(_time_sockets(url)) for _ in range(3))
    note = f"{best * 1000:.0f} ms; bare asyncio sockets {floor * 1000:.0f} ms on this machine"
    yield Figure("200 concurrent calls, wall / 50 ms", best / 0.05, 2.0, note=note)


async def _time_sockets(url: str) -> float:
    """Return the seconds of the same 200 requests over bare asyncio sockets."""
    port = int(url.rpartition(":")[2])

    async def send_one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /slow HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}")
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(send_one() for _ in range(200)))
    return time.perf_counter() - started


class _QueueHandler(BaseHTTPRequestHandler):
    """Play fal's queue: a job that takes JOB_SECONDS, then an image."""

    protocol_version = "HTTP/1.1"
    started = 0.0
    image = b""

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        type(self).started = time.monotonic()
        base = f"http://{self.headers['host']}/fal-ai/x/requests/1"
        self._json({"request_id": "1", "response_url": base, "status_url": f"{base}/status"})

    def do_GET(self) -> None:
        if "status" in self.path:
            done = time.monotonic() - self.started > JOB_SECONDS
            self._json({"status": "COMPLETED" if done else "IN_PROGRESS"})
        elif self.path == "/image":
            self._send(self.image, "image/png")
        else:
            self._json({"images": [{"url": f"http://{self.headers['host']}/image"}]})

    def _json(self, value: object) -> None:
        self._send(json.dumps(value).encode(), "application/json")

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def measure_stalls() -> Iterator[Figure]:
    """Measure how long a 3 s queue job with an image blocks the event loop at most."""
    with TemporaryDirectory() as folder:
        _QueueHandler.image = write_noise(Path(folder, "p.png"), 1024).read_bytes()
    http = ThreadingHTTPServer(("127.0.0.1", 0), _QueueHandler)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{http.server_address[1]}"

    async def run(is_working: bool) -> float:
        client = AsyncInferenceClient(
            provider="fal-ai",
            api_key="none",
            hosts={"fal-ai": url},
            mapping={"me/x": {"fal-ai": "fal-ai/x"}},
        )
        job = (
            client.image_to_image(_QueueHandler.image, prompt="x", model="me/x")
            if is_working
            else asyncio.sleep(JOB_SECONDS)
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
for i in range(20 + int(sys.argv[2])):
    image = client.text_to_image("x")
    image.load()
    del image
    if i == 19:
        gc.collect(); before = me.memory_info().rss
gc.collect()
print(me.memory_info().rss - before)
"""


def measure_growth() -> Iterator[Figure]:
    """Measure how memory grows over 200 images."""
    with TemporaryDirectory() as folder:
        _QueueHandler.image = write_noise(Path(folder, "p.png"), 1024).read_bytes()

    class ImageHandler(_QueueHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self._send(self.image, "image/png")

    http = ThreadingHTTPServer(("127.0.0.1", 0), ImageHandler)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{http.server_address[1]}"
    command = [sys.executable, "-c", GROWTH, url, str(IMAGES)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    http.shutdown()
    size = len(_QueueHandler.image) / MEGABYTE
    growth = int(done.stdout) / MEGABYTE
    yield Figure(
        "memory after 200 images / one image", growth / size, 3, note=f"{size:.1f} MB each"
    )


def figures() -> Iterator[Figure]:
    """Yield all figures of the client under load."""
    with run_server() as url:
        yield from measure_peaks(url)
        yield from measure_concurrency(url)
    yield from measure_stalls()
    yield from measure_growth()
