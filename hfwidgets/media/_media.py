"""An image, audio or video on its way to a server, read in pieces."""

import base64
import io
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Protocol

from hfwidgets import errors

CHUNK = 3 << 16
"""The size of the pieces in which media travel, in bytes; a multiple of 3 for base64's sake."""


class ByteSource(Protocol):
    """Bytes that can be read from their start any number of times."""

    size: int

    def open(self) -> AbstractContextManager[IO[bytes]]:
        """Return the bytes as a file that stands at its start."""
        ...


class MemorySource:
    """Bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)

    def open(self) -> AbstractContextManager[IO[bytes]]:
        return io.BytesIO(self.data)


class PathSource:
    """A file on disk, opened for each reading."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = path.stat().st_size

    def open(self) -> AbstractContextManager[IO[bytes]]:
        return self.path.open("rb")


class FileObjectSource:
    """A file object of the caller's that can seek and stands at its start; it stays open.

    Raises:
        OSError, ValueError: it cannot seek to its end.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.size = file.seek(0, io.SEEK_END)
        file.seek(0)

    def open(self) -> AbstractContextManager[IO[bytes]]:
        self._file.seek(0)
        return nullcontext(self._file)

    def __reduce__(self) -> tuple[type[MemorySource], tuple[bytes]]:
        """Pickle and deep-copy the bytes: results refer to their input, and open files cannot."""
        try:
            with self.open() as file:
                return MemorySource, (file.read(),)
        except (OSError, ValueError):  # closed by now
            return MemorySource, (b"",)


class Media:
    """One input or output file.

    Attributes:
        kind: image, audio or video; None when any will do.
        mime: its type, by its first bytes; None for a URL that was not fetched yet.
        name: the file's name without its folder, None when it has none.
        url: the http(s) or data URL that it was loaded from, else None.
        size: its size in bytes; None for a URL that was not fetched yet.
    """

    __slots__ = ("kind", "mime", "name", "source", "url")

    def __init__(
        self,
        source: ByteSource | None,
        kind: str | None = None,
        mime: str | None = None,
        name: str | None = None,
        url: str | None = None,
    ) -> None:
        self.source = source
        self.kind = kind
        self.mime = mime
        self.name = name
        self.url = url

    @property
    def size(self) -> int | None:
        return self.source.size if self.source else None

    def open(self) -> AbstractContextManager[IO[bytes]]:
        """Return the bytes as a binary file, from their start.

        Raises:
            InputError: the URL was never fetched, or the file can no longer be read.
        """
        if self.source is None:
            raise errors.InputError(
                f"{self.url} was passed on as a URL: its bytes were never fetched."
            )
        try:
            return self.source.open()
        except (OSError, ValueError) as error:
            raise self._unreadable_error(error) from error

    def _unreadable_error(self, error: Exception) -> errors.InputError:
        return errors.InputError(f"{self} can no longer be read: {error}")

    def read(self) -> bytes:
        """Return all bytes; they are copied only where they are not in memory yet."""
        return (
            self.source.data if isinstance(self.source, MemorySource) else b"".join(self.chunks())
        )

    def chunks(self, size: int = CHUNK) -> Iterator[bytes]:
        """Yield the bytes in pieces of at most `size`; InputError when the file has changed."""
        left = self.size or 0
        with self.open() as file:
            while left > 0 and (data := self._read_piece(file, min(size, left))):
                left -= len(data)
                yield data
            # A file that grew is noticed too: its head may belong to another version.
            if left or (isinstance(self.source, PathSource) and file.read(1)):
                raise errors.InputError(f"{self} changed while it was sent.")

    def _read_piece(self, file: IO[bytes], size: int) -> bytes:
        try:
            return file.read(size)
        except Exception as error:  # a read() of someone else's may raise anything
            raise self._unreadable_error(error) from error

    def __iter__(self) -> Iterator[bytes]:
        return self.chunks()

    def base64_chunks(self) -> Iterator[bytes]:
        """Yield the bytes as base64 without line breaks, in pieces."""
        rest = b""
        for data in self.chunks():
            # Pieces of base64 join only where each stands for a multiple of three bytes.
            data = rest + data if rest else data
            whole = len(data) - len(data) % 3
            rest = data[whole:]
            yield base64.b64encode(data[:whole] if rest else data)
        if rest:
            yield base64.b64encode(rest)

    @property
    def is_in_memory(self) -> bool:
        """True if reading it never waits."""
        return isinstance(self.source, MemorySource)

    @property
    def content(self) -> "bytes | Media":
        """Return what a request sends: small bytes in memory at once, anything else in pieces."""
        return self.read() if self.is_in_memory and (self.size or 0) <= CHUNK else self

    def data_url(self, default_mime: str = "application/octet-stream") -> str:
        """Return the bytes as a data URL."""
        return f"{self.data_url_prefix(default_mime)}{b''.join(self.base64_chunks()).decode()}"

    def data_url_prefix(self, default_mime: str = "application/octet-stream") -> str:
        """Return the beginning of the data URL, up to its base64 text."""
        return f"data:{self.mime or default_mime};base64,"

    def __repr__(self) -> str:
        size = f"{self.size:,} bytes" if self.source else self.url
        return f"<{' '.join(filter(None, ('Media', self.name, self.mime)))}, {size}>"


class InlineDataUrl:
    """A data URL inside a request's JSON that is made while the request is sent."""

    __slots__ = ("media", "prefix")

    def __init__(self, media: Media, prefix: str) -> None:
        self.media = media
        self.prefix = prefix

    @property
    def is_in_memory(self) -> bool:
        """True if reading it never waits."""
        return self.media.is_in_memory

    def __str__(self) -> str:
        return f"{self.prefix}{b''.join(self.media.base64_chunks()).decode()}"

    def __repr__(self) -> str:
        return f"<InlineDataUrl {self.prefix}… of {self.media}>"
