"""HTTP/1.1 in bytes: requests are written, responses are read in whatever pieces they come; no I/O.

It covers what a client of inference servers needs and refuses the rest: no upgrades, no transfer
encoding but `chunked`. What is ambiguous (two lengths, a chunk without its size) is an error, and a
connection with bytes left over is never used again, so that no answer is read as another's.
"""

import functools
import re
from collections.abc import Callable, Iterable, Iterator

import httpx

HEAD_LIMIT = 1 << 17
"""The most bytes of a status line with its headers."""

LINE_LIMIT = 1 << 14
"""The most bytes of a chunk's size with its extensions, and of the trailers after the last one."""

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

_HEAD_END = re.compile(rb"\n\r?\n")

_STATUS_LINE = re.compile(rb"HTTP/1\.([0-9]) +([1-5][0-9]{2})(?: +(.*))?")

_HEADER = re.compile(rb"^(%s):([^\r\n\0]*)\r?\n" % _TOKEN.pattern, re.MULTILINE)

_FOLD = re.compile(rb"\r?\n[ \t]+")

_CHUNK_SIZE = rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\n]*)?\r?\n"
_FIRST_CHUNK = re.compile(_CHUNK_SIZE)
_NEXT_CHUNK = re.compile(rb"\r?\n" + _CHUNK_SIZE)
_TRAILERS = re.compile(rb"(?:[^\r\n]+\r?\n)*\r?\n")


def write_head(request: httpx.Request) -> bytes:
    """Return a request's first line and headers.

    Raises:
        LocalProtocolError: a header's name or value would break the request.
    """
    lines = [b"%s %s HTTP/1.1" % (request.method.encode("ascii"), request.url.raw_path)]
    for name, value in request.headers.raw:
        if not _is_token(name):
            raise httpx.LocalProtocolError(f"Illegal header name {name!r}", request=request)
        lines.append(b"%s: %s" % (name, value))
    head = b"\r\n".join(lines)
    # A line break in a value, or in the path, would be read as another header or request.
    if b"\0" in head or not (head.count(b"\r") == head.count(b"\n") == len(lines) - 1):
        raise httpx.LocalProtocolError("Illegal header value", request=request)
    return head + b"\r\n\r\n"


@functools.lru_cache(maxsize=256)
def _is_token(name: bytes) -> bool:
    return _TOKEN.fullmatch(name) is not None


def write_chunks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Iterate over a body as chunks, for a request without a length."""
    for piece in pieces:
        if piece:  # an empty chunk would end the body
            yield write_chunk(piece)
    yield LAST_CHUNK


def write_chunk(piece: bytes) -> bytes:
    """Return one chunk of a body."""
    return b"%x\r\n%s\r\n" % (len(piece), piece)


LAST_CHUNK = b"0\r\n\r\n"


class ResponseReader:
    """Reads the response to one request.

    Attributes:
        status: the status; 0 before the head has come.
        reason: the server's words for the status.
        headers: names and values as they were sent.
        is_done: the response has come to its end.
        keeps_alive: the connection can be used for another request after the end.
    """

    __slots__ = (
        "_buffer",
        "_decode",
        "_has_no_body",
        "_left",
        "_line",
        "headers",
        "is_done",
        "keeps_alive",
        "reason",
        "status",
    )

    def __init__(self, method: str) -> None:
        self.status = 0
        self.reason = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.is_done = False
        self.keeps_alive = False
        self._has_no_body = method == "HEAD"
        self._buffer = bytearray()
        self._decode: Callable[[bytes], bytes] = self._decode_head
        self._left = 0
        self._line = _FIRST_CHUNK

    def feed(self, data: bytes) -> bytes:
        """Return the part of the body that these bytes hold; empty while the head is incomplete.

        Raises:
            RemoteProtocolError: they are not HTTP/1.1.
        """
        return self._decode(data)

    def feed_end(self) -> None:
        """Note that the server has closed the connection.

        Raises:
            RemoteProtocolError: the response is incomplete.
        """
        if self.is_done:
            return
        if not self.status:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        if self._decode != self._decode_rest:
            raise httpx.RemoteProtocolError("peer closed connection inside the response's body")
        self.is_done = True

    def _decode_head(self, data: bytes) -> bytes:
        buffer = self._buffer
        searched = max(0, len(buffer) - 2)
        buffer += data
        while (found := _HEAD_END.search(buffer, searched)) is not None:
            head = bytes(buffer[: found.start() + 1])  # with the line end of the last header
            del buffer[: found.end()]
            if self._parse_head(head):
                rest, self._buffer = bytes(buffer), bytearray()
                return self._decode(rest)
            searched = 0  # an interim answer: the real one follows
        if len(buffer) > HEAD_LIMIT:
            raise httpx.RemoteProtocolError("the response's headers are too long")
        return b""

    def _parse_head(self, head: bytes) -> bool:
        """Read the status and the headers; False for an interim answer."""
        if b"\n " in head or b"\n\t" in head:
            head = _FOLD.sub(b" ", head)
        first, _, lines = head.partition(b"\n")
        status_line = _STATUS_LINE.fullmatch(first.removesuffix(b"\r"))
        if status_line is None:
            raise httpx.RemoteProtocolError(f"illegal status line: {first[:80]!r}")
        minor, status, reason = status_line.groups()
        if status == b"101":
            raise httpx.RemoteProtocolError("the server changes to another protocol")
        if status[0] == 0x31:  # 1xx
            return False
        self.status, self.reason = int(status), reason or b""
        found = _HEADER.findall(lines)
        if len(found) != lines.count(b"\n"):
            raise httpx.RemoteProtocolError(f"illegal header lines: {lines[:80]!r}")
        self.headers = [(name, value.strip(b" \t")) for name, value in found]
        self._choose_framing(is_persistent=minor != b"0")
        return True

    def _choose_framing(self, is_persistent: bool) -> None:
        """Find out how the body ends: RFC 9112, section 6.3."""
        fields: dict[bytes, bytes] = {}
        for name, value in self.headers:
            key = name.lower()
            fields[key] = fields[key] + b"," + value if key in fields else value
        encoding, length = fields.get(b"transfer-encoding"), fields.get(b"content-length")
        self.keeps_alive = is_persistent and b"close" not in fields.get(b"connection", b"").lower()
        if self._has_no_body or self.status in (204, 304):
            length = b"0"
        elif encoding is not None:
            if encoding.lower() != b"chunked":
                raise httpx.RemoteProtocolError(f"unknown Transfer-Encoding: {encoding[:80]!r}")
            # With a length too, someone on the way may have taken that one for the end.
            self.keeps_alive = self.keeps_alive and length is None
            self._decode = self._decode_chunks
            return
        if length is None:
            self.keeps_alive = False
            self._decode = self._decode_rest
            return
        self._left = _parse_length(length)
        self._decode = self._decode_length

    def _decode_rest(self, data: bytes) -> bytes:
        """Decode a body that ends with its connection."""
        return data

    def _decode_length(self, data: bytes) -> bytes:
        """Decode a body whose length was announced."""
        left = self._left - len(data)
        if left > 0:
            self._left = left
            return data
        self.is_done, self._left = True, 0
        if left == 0:
            return data
        self.keeps_alive = False  # nothing was asked for that could follow
        return data[:left]

    def _decode_chunks(self, data: bytes) -> bytes:
        """Decode a body in chunks; many of them may come at once."""
        if self._buffer:
            data = bytes(self._buffer) + data
            self._buffer.clear()
        parts: list[bytes] = []
        position, size, left = 0, len(data), self._left
        while position < size:
            if not left:
                found = self._line.match(data, position)
                if found is None:
                    self._keep_line(data, position)
                    break
                self._line = _NEXT_CHUNK
                position = found.end()
                left = int(found[1], 16)
                if not left:
                    self._decode = self._decode_trailers
                    self._decode_trailers(data[position:])
                    break
            part = data[position : position + left]
            parts.append(part)
            position += len(part)
            left -= len(part)
        self._left = left
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _keep_line(self, data: bytes, position: int) -> None:
        """Keep the start of a line that is incomplete."""
        # A line that has come to its end would have matched; the first two bytes may be the
        # line end of the chunk before.
        if data.find(b"\n", position + 2) >= 0 or len(data) - position > LINE_LIMIT:
            line = data[position : position + 80]
            raise httpx.RemoteProtocolError(f"illegal chunk header: {line!r}")
        self._buffer += data[position:]

    def _decode_trailers(self, data: bytes) -> bytes:
        """Read past the headers that may follow the last chunk."""
        self._buffer += data
        found = _TRAILERS.match(self._buffer)
        if found is not None:
            self.is_done = True
            self.keeps_alive = self.keeps_alive and found.end() == len(self._buffer)
        elif len(self._buffer) > LINE_LIMIT:
            raise httpx.RemoteProtocolError("the response's trailers are too long")
        return b""


def _parse_length(text: bytes) -> int:
    """Return the length of a body; sent several times, it must be the same."""
    found = set(text.replace(b" ", b"").split(b",")) if b"," in text else {text}
    length = found.pop()
    if found or not length.isdigit() or len(length) > 18:
        raise httpx.RemoteProtocolError(f"bad Content-Length: {text[:80]!r}")
    return int(length)
