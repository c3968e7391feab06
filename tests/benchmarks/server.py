"""A server with baked answers, in a process of its own, so that its cost is not the client's.

Run with a port's file descriptor: `python server.py FD`. Paths choose the answer: /json, /chat,
/stream (10,000 chunks; ?n=), /slow (50 ms), /image, /job and its polls; everything else is /json.
`GET /connections` answers how many connections there have been.
"""

import json
import socket
import sys
import threading
import time
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


def head(length: int | None, kind: str = "application/json") -> bytes:
    size = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    return f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n{size}\r\n\r\n".encode()


def plain(body: bytes, kind: str = "application/json") -> bytes:
    return head(len(body), kind) + body


def http_chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


ANSWERS = {"/json": plain(json.dumps(LABELS).encode()), "/chat": plain(json.dumps(CHAT).encode())}


def stream(query: dict[str, list[str]]) -> bytes:
    """A whole stream, one HTTP chunk an event, packed into few writes."""
    count = int(query.get("n", ["10000"])[0])
    end = http_chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"
    return head(None, "text/event-stream") + http_chunk(EVENT) * count + end


def answer(target: str) -> bytes:
    parts = urlsplit(target)
    path = parts.path.removesuffix("/v1/chat/completions") or "/chat"
    if path == "/connections":
        return plain(str(connections).encode())
    if path.startswith("/stream"):
        return stream(parse_qs(parts.query))
    if path == "/slow":
        time.sleep(0.05)
    return ANSWERS.get(path, ANSWERS["/chat" if target.endswith("completions") else "/json"])


def read(sock: socket.socket, rest: bytes) -> tuple[str, bytes] | None:
    """The target of the next request, its body skipped; None at the end."""
    while b"\r\n\r\n" not in rest:
        data = sock.recv(1 << 16)
        if not data:
            return None
        rest += data
    top, _, rest = rest.partition(b"\r\n\r\n")
    lines = top.split(b"\r\n")
    sizes = [line.split(b":")[1] for line in lines if line.lower().startswith(b"content-length:")]
    missing = int(sizes[0]) - len(rest) if sizes else 0
    if missing < 0:
        return lines[0].split()[1].decode(), rest[int(sizes[0]) :]
    while missing > 0:
        missing -= len(sock.recv(min(missing, 1 << 20)))
    return lines[0].split()[1].decode(), b""


def serve(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    rest = b""
    try:
        while (found := read(sock, rest)) is not None:
            target, rest = found
            sock.sendall(answer(target))
    except OSError:
        return  # the client left


def main() -> None:
    global connections
    listener = socket.socket(fileno=int(sys.argv[1]))
    while True:
        sock, _ = listener.accept()
        connections += 1
        threading.Thread(target=serve, args=(sock,), daemon=True).start()


if __name__ == "__main__":
    main()
