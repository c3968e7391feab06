"""Decompress bodies piece by piece: a few kilobytes may hold gigabytes.

httpx decodes whatever arrives at once, which can be a thousand times as large, and more for
encodings inside encodings. So only what requests ask for is decoded here, and once.
"""

import zlib
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import cast

import httpx

PIECE_SIZE = 1 << 18
"""The most bytes that are decompressed at once: limits of size and time are checked in between."""

_GZIP = 16 + zlib.MAX_WBITS
_WINDOWS = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": zlib.MAX_WBITS}


def decode_body(response: httpx.Response) -> Iterator[bytes]:
    """Iterate over a body that has an encoding, in pieces of at most `PIECE_SIZE`.

    Raises:
        DecodingError: It is not of its encoding, ends early, or the encoding was not asked for.
    """
    with _forgive_errors(response):
        inflater = _choose_inflater(response)
        for data in cast(httpx.SyncByteStream, response.stream):
            yield from inflater.feed(data)
        inflater.finish()


async def adecode_body(response: httpx.Response) -> AsyncIterator[bytes]:
    """Iterate over a body that has an encoding; see `decode_body`."""
    import anyio.lowlevel

    source = aiter(cast(httpx.AsyncByteStream, response.stream))
    async with AsyncExitStack() as stack:
        if (close := getattr(source, "aclose", None)) is not None:
            stack.push_async_callback(close)
        stack.enter_context(_forgive_errors(response))
        inflater = _choose_inflater(response)
        async for data in source:
            for piece in inflater.feed(data):
                yield piece
                await anyio.lowlevel.checkpoint()  # without one, no timeout would be noticed
        inflater.finish()


@contextmanager
def _forgive_errors(response: httpx.Response) -> Iterator[None]:
    """Pass over a body that cannot be decoded, where the status says more."""
    try:
        yield
    except httpx.DecodingError:
        if response.status_code < 400:
            raise


def _choose_inflater(response: httpx.Response) -> "_Inflater | _Identity":
    encoding = response.headers["content-encoding"]
    names = [name for name in encoding.replace(" ", "").lower().split(",") if name != "identity"]
    if not any(names):
        return _Identity()
    if len(names) > 1 or names[0] not in _WINDOWS:
        raise httpx.DecodingError(f"{encoding[:80]!r} is not supported, only gzip or deflate")
    return _Inflater(_WINDOWS[names[0]])


class _Identity:
    """Leaves a body unchanged."""

    def feed(self, data: bytes) -> Iterable[bytes]:
        return (data,)

    def finish(self) -> None:
        pass


class _Inflater:
    """Decompresses one body."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._start = b""
        self._stream: zlib._Decompress | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Iterate over what these bytes hold."""
        stream = self._stream
        if stream is None:
            self._start = data = self._start + data
            if len(data) < 2:  # too short to recognize a header
                return
            stream = self._stream = zlib.decompressobj(self._choose_window(data))
        while True:
            if stream.eof:
                # Another member of gzip may follow; other bytes after the end are padding.
                data = stream.unused_data or data
                if self._window != _GZIP or not data.startswith(b"\x1f"):
                    return
                stream = self._stream = zlib.decompressobj(_GZIP)
            try:
                piece = stream.decompress(data, PIECE_SIZE)
            except zlib.error as error:
                raise httpx.DecodingError(str(error)) from error
            if piece:
                yield piece
            data = stream.unconsumed_tail
            # A full piece may have left more inside the stream, even if all bytes were fed.
            if not (data or stream.eof) and len(piece) < PIECE_SIZE:
                return

    def _choose_window(self, start: bytes) -> int:
        """Return zlib's name of a format: some servers send deflate without its header."""
        has_header = start[0] & 0x0F == 8 and int.from_bytes(start[:2], "big") % 31 == 0
        return self._window if self._window == _GZIP or has_header else -zlib.MAX_WBITS

    def finish(self) -> None:
        """Check that the body has come to its end.

        Raises:
            DecodingError: A part is missing.
        """
        if self._start and not (self._stream and self._stream.eof):
            raise httpx.DecodingError("it ends early")
