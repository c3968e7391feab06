"""Serve fixed answers from a separate process, so that its cost doesn't count as the client's.

Run it with the file descriptor of a listening socket: `python server.py FD`. The path selects the
answer: /json, /chat, /stream (10,000 chunks; ?n=), /slow (50 ms); every other path answers /json.
`GET /connections` returns the number of connections so far.
"""

import asyncio
import json
import socket
import sys
from typing import cast
from urllib.parse import parse_qs, urlsplit

LABELS = [{"label": "POSITIVE", "score": 0.99}, {"label": "NEGATIVE", "score": 0.01}]
MESSAGE = {"role": "assistant", "content": "Paris."}
CHAT = {
    "id": "c",
    "object": "chat.completion",
    "created": 1719907176,
    "model": "m",
    "system_fingerprint": "f",
    "choices": [{"index": 0, "message": MESSAGE, "finish_reason": "stop", "logprobs": None}],
    "usage": {"prompt_tokens": 17, "completion_tokens": 8, "total_tokens": 25},
}
CHUNK = {
    "id": "chatcmpl-0123456789",
    "object": "chat.completion.chunk",
    "created": 1719907176,
    "model": "meta-llama/Meta-Llama-3-8B-Instruct",
    "system_fingerprint": "2.0.4-sha-f426a33",
    "choices": [
        {
            "index": 0,
            "delta": {"role": "assistant", "content": " token", "tool_calls": None},
            "finish_reason": None,
            "logprobs": None,
        }
    ],
}
EVENT = b"data: " + json.dumps(CHUNK).encode() + b"\n\n"

connections = 0


def make_head(length: int | None, kind: str = "application/json") -> bytes:
    size = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    return f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n{size}\r\n\r\n".encode()


def make_response(body: bytes, kind: str = "application/json") -> bytes:
    return make_head(len(body), kind) + body


def make_chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


ANSWERS = {
    "/json": make_response(json.dumps(LABELS).encode()),
    "/chat": make_response(json.dumps(CHAT).encode()),
}


def make_stream(query: dict[str, list[str]]) -> bytes:
    """Return a whole stream, with one HTTP chunk per event."""
    count = int(query.get("n", ["10000"])[0])
    end = make_chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"
    return make_head(None, "text/event-stream") + make_chunk(EVENT) * count + end


def answer_request(target: str) -> bytes:
    """Return the response to a request's target."""
    parts = urlsplit(target)
    path = parts.path.removesuffix("/v1/chat/completions") or "/chat"
    if path == "/connections":
        return make_response(str(connections).encode())
    if path.startswith("/stream"):
        return make_stream(parse_qs(parts.query))
    return ANSWERS.get(path, ANSWERS["/chat" if target.endswith("completions") else "/json"])


class Connection(asyncio.Protocol):
    """Answer the requests of one connection, in one thread for all: threads would cost more."""

    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        global connections
        connections += 1
        self.transport = cast(asyncio.Transport, transport)
        self.head = b""
        self.missing: int | None = None
        """How many bytes of the body are still to come; None while the head comes."""

    def data_received(self, data: bytes) -> None:
        if self.missing is None:
            top, found, data = (self.head + data).partition(b"\r\n\r\n")
            self.head = top
            if not found:
                return
            self.missing = find_length(top)
        self.missing -= len(data)
        if self.missing <= 0:
            # No client of the benchmarks sends a request before the answer to its last one.
            target = self.head.split(maxsplit=2)[1].decode()
            self.head, self.missing = b"", None
            self.answer(target)

    def answer(self, target: str) -> None:
        seconds = 0.05 if urlsplit(target).path.startswith("/slow") else 0
        if seconds:
            loop = asyncio.get_running_loop()
            loop.call_later(seconds, self.transport.write, answer_request(target))
        else:
            self.transport.write(answer_request(target))


def find_length(head: bytes) -> int:
    """Return how many bytes the body of a request has."""
    lines = head.lower().split(b"\r\n")
    return next((int(x.split(b":")[1]) for x in lines if x.startswith(b"content-length:")), 0)


async def main() -> None:
    listener = socket.socket(fileno=int(sys.argv[1]))
    server = await asyncio.get_running_loop().create_server(Connection, sock=listener, backlog=512)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
