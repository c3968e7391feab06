"""Compressed bodies come out whole, in pieces of bounded size, however they were cut."""

import gzip
import zlib
from collections.abc import Iterable, Iterator

import httpx
import pytest

from hfwidgets.calls.content_encoding import PIECE_SIZE, decode_body

LARGE = bytes(3 * PIECE_SIZE + 5)


class Pieces(httpx.SyncByteStream):
    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)


def decode(encoding: str, body: bytes, size: int) -> list[bytes]:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    headers = {"content-encoding": encoding}
    return list(decode_body(httpx.Response(200, headers=headers, stream=Pieces(pieces))))


def deflate_bare(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


@pytest.mark.parametrize("size", [1, 2, 20, 1 << 20])
@pytest.mark.parametrize("data", [b"", b"a", b"waves " * 50, LARGE, bytes(PIECE_SIZE)])
def test_a_body_is_the_same_in_any_cut(data: bytes, size: int) -> None:
    bodies = [
        ("gzip", gzip.compress(data)),
        ("gzip", gzip.compress(data) + bytes(9)),
        ("gzip", gzip.compress(data[:3]) + gzip.compress(data[3:])),
        ("deflate", zlib.compress(data)),
        ("deflate", deflate_bare(data)),
    ]
    for encoding, body in bodies:
        found = decode(encoding, body, size)
        assert b"".join(found) == data
        assert all(0 < len(piece) <= PIECE_SIZE for piece in found)


@pytest.mark.parametrize("size", [1, 1 << 20])
def test_a_body_that_ends_early_is_noticed_at_every_place(size: int) -> None:
    body = gzip.compress(b"waves")
    for end in range(1, len(body)):
        with pytest.raises(httpx.DecodingError, match="ends early"):
            decode("gzip", body[:end], size)


def test_a_body_without_a_byte_is_empty() -> None:
    assert decode("gzip", b"", 1) == []
