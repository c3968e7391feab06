"""Serve fixed answers from a separate process, so that its cost doesn't count as the client's.

Run it with the file descriptor of a listening socket: `python server.py FD`. The path selects the
answer: /json, /chat, /stream (10,000 chunks; ?n=), /slow (50 ms); every other path answers /json.
`GET /connections` returns the number of connections so far.
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
    if path == "/slow":
        time.sleep(0.05)
    return ANSWERS.get(path, ANSWERS["/chat" if target.endswith("completions") else "/json"])


def read_request(sock: socket.socket, rest: bytes) -> tuple[str, bytes] | None:
    """Read a request; return its target and the bytes after its body, or None at the end."""
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


def serve_connection(sock: socket.socket) -> None:
    """Answer the requests of one connection."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    rest = b""
    try:
        while (request := read_request(sock, rest)) is not None:
            target, rest = request
            sock.sendall(answer_request(target))
    except OSError:
        return  # the client closed the connection


def main() -> None:
    global connections
    listener = socket.socket(fileno=int(sys.argv[1]))
    while True:
        sock, _ = listener.accept()
        connections += 1
        threading.Thread(target=serve_connection, args=(sock,), daemon=True).start()


if __name__ == "__main__":
    main()
