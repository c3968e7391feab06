"""A server with limits in a separate process: it answers labels, fails, refuses and counts.

Run it with a listening socket's file descriptor and a JSON object of `Limits`' fields. `POST /`
answers `[{"label": <the input>, "score": 1}]`, or a list of such answers; `GET /stats` returns the
counts. A list fails as a whole if one of its rows does. `POST /embed` answers vectors.
"""

import asyncio
import contextlib
import dataclasses
import json
import random
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from typing import Any


@dataclasses.dataclass
class Limits:
    """The server's behavior; 0 turns a limit off.

    Attributes:
        seconds: The average duration of an answer.
        spread: By which share of that the durations differ.
        most: The number of concurrent requests; more are refused with 429.
        window, windows: The number of answers per window, and the window's length in seconds.
        pause: The Retry-After of refusals, in seconds.
        fails: Every nth row fails with 503 at its first request.
        bad: Every nth row is always refused with 400.
        refuses: Every nth request is refused with 429.
        burst, bursts: The seconds, out of each period of so many, in which all is refused with 429.
    """

    seconds: float = 0.0
    spread: float = 0.0
    most: int = 0
    window: int = 0
    windows: float = 1.0
    pause: float = 0.0
    fails: int = 0
    bad: int = 0
    refuses: int = 0
    burst: float = 0.0
    bursts: float = 0.0


class Labels:
    """Answers requests and counts them."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.answered: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.inside = self.widest = self.used = self.came = 0
        self.began = self.opened = time.monotonic()

    def refusal(self) -> bool:
        """True if the server refuses a request now."""
        limits, now = self.limits, time.monotonic()
        self.came += 1
        if limits.refuses and self.came % limits.refuses == 0:
            return True
        if limits.windows and now - self.opened >= limits.windows:
            self.opened, self.used = now, 0
        if limits.bursts and (now - self.began) % limits.bursts > limits.bursts - limits.burst:
            return True
        if limits.window and self.used >= limits.window:
            return True
        return bool(limits.most) and self.inside >= limits.most

    def headers(self) -> str:
        """Return the headers of a refusal."""
        limits = self.limits
        if limits.window:
            left = max(0.01, limits.windows - (time.monotonic() - self.opened))
            return f"retry-after: {left:.3f}\r\n"
        return f"retry-after: {limits.pause:g}\r\n" if limits.pause else ""

    async def answer(self, texts: list[str]) -> tuple[int, Any]:
        """Return status and body for one or several rows."""
        limits = self.limits
        numbers = [int(text.rpartition(" ")[2]) for text in texts]
        if self.refusal():
            return 429, {"error": "too many"}
        self.asked.update(texts)
        self.used += 1
        self.inside += 1
        self.widest = max(self.widest, self.inside)
        try:
            if limits.seconds:
                spread = limits.spread * random.uniform(-1, 1)
                await asyncio.sleep(limits.seconds * (1 + spread))
        finally:
            self.inside -= 1
        if limits.bad and any(number % limits.bad == 7 for number in numbers):
            return 400, {"error": f"one of the rows {numbers} is bad"}
        if limits.fails and any(
            number % limits.fails == 3 and self.asked[text] == 1
            for number, text in zip(numbers, texts, strict=True)
        ):
            return 503, {"error": "failed this once"}
        self.answered.update(texts)
        return 200, [[{"label": text, "score": 1}] for text in texts]

    def stats(self) -> dict[str, Any]:
        """Return the counts."""
        twice = {text: count for text, count in self.answered.items() if count > 1}
        return {
            "answered": len(self.answered),
            "twice": twice,
            "statuses": self.statuses,
            "widest": self.widest,
        }

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = 0
                for line in head.lower().split(b"\r\n"):
                    if line.startswith(b"content-length:"):
                        length = int(line.partition(b":")[2])
                body = await reader.readexactly(length)
                writer.write(await self._reply(head, body))
        writer.close()

    async def _reply(self, head: bytes, body: bytes) -> bytes:
        if head.startswith(b"GET"):
            status, found = 200, self.stats()
        else:
            inputs = json.loads(body)["inputs"]
            status, found = await self.answer(inputs if isinstance(inputs, list) else [inputs])
            if status == 200 and head.startswith(b"POST /embed"):
                found = [[1.0, 2.0] for _ in found]
            self.statuses[status] += 1
        data = json.dumps(found).encode()
        more = self.headers() if status == 429 else ""
        start = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{more}"
        return f"{start}content-length: {len(data)}\r\n\r\n".encode() + data


async def main() -> None:
    labels = Labels(Limits(**json.loads(sys.argv[2])))
    listener = socket.socket(fileno=int(sys.argv[1]))
    async with await asyncio.start_server(labels.serve, sock=listener) as server:
        await server.serve_forever()


class Running:
    """A running server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def stats(self) -> dict[str, Any]:
        """Return its counts."""
        with urllib.request.urlopen(f"{self.url}/stats") as answer:
            found: dict[str, Any] = json.loads(answer.read())
        return found


@contextlib.contextmanager
def labels(**limits: float) -> Iterator[Running]:
    """Start a server that listens when this returns."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    command = [sys.executable, __file__, str(listener.fileno()), json.dumps(limits)]
    process = subprocess.Popen(command, pass_fds=[listener.fileno()])
    try:
        yield Running(f"http://127.0.0.1:{listener.getsockname()[1]}")
    finally:
        process.terminate()
        process.wait()
        listener.close()


if __name__ == "__main__":
    asyncio.run(main())
