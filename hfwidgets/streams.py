"""Streams as objects: iterable, closable, context managers, with the result so far at any moment.

They read bytes from an iterator that a driver hands them and know nothing of HTTP. A stream lives
without its client, is read to its end after `[DONE]` so that the connection can be used again, and
closes the connection when it is closed, garbage collected or left early.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator
from time import perf_counter
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from hfwidgets.flow import Parts
from hfwidgets.results._meta import Meta

T = TypeVar("T")
R = TypeVar("R")


class _Base(Generic[T, R]):
    """What both kinds share: the result so far and where it came from."""

    def __init__(self, parts: Parts[T], meta: Meta, started: float) -> None:
        self._decoder = parts.decoder
        self._collect = parts.collect
        self._started = started
        self.meta = meta

    @property
    def result(self) -> R:
        """What the unstreamed call would have returned, made of what has arrived so far."""
        result = self._collect.result
        usage = getattr(result, "usage", None)
        self.meta.usage = self.meta.usage if usage is None else usage
        result.meta = self.meta
        found: R = result
        return found

    @property
    def text(self) -> str:
        """The text so far."""
        return self._collect.text

    @property
    def usage(self) -> Any:
        """The token counts, once the server has sent them; else None."""
        return getattr(self.result, "usage", None)

    def _seen(self, item: T) -> None:
        if self.meta.first_token_seconds is None:
            self.meta.first_token_seconds = perf_counter() - self._started
        self._collect.add(item)

    def _ended(self) -> None:
        self.meta.seconds = perf_counter() - self._started


class Stream(_Base[T, R]):
    """A streamed answer: `for item in stream`, `with stream:`, `stream.close()`."""

    def __init__(
        self,
        parts: Parts[T],
        chunks: Iterator[bytes],
        close: Callable[[], None],
        meta: Meta,
        started: float,
    ) -> None:
        super().__init__(parts, meta, started)
        self._chunks = chunks
        self._close = close
        self._items = self._read()

    def _read(self) -> Generator[T]:
        seen, add, feed = self._seen, self._collect.add, self._decoder.feed
        try:
            for data in self._chunks:
                for item in feed(data):
                    seen(item)
                    seen = add
                    yield item
            for item in self._decoder.finish():
                seen(item)
                yield item
        finally:
            self._ended()
            self._close()

    def __iter__(self) -> Iterator[T]:
        return self._items

    def __next__(self) -> T:
        return next(self._items)

    def close(self) -> None:
        """Stop: the connection is closed, what has arrived stays in `result`."""
        self._items.close()
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self._close()

    def __repr__(self) -> str:
        return f"<Stream, {len(self.text):,} characters so far>"


class AsyncStream(_Base[T, R]):
    """A streamed answer: `async for item in stream`, `async with stream:`, `await
    stream.aclose()`.
    """

    def __init__(
        self,
        parts: Parts[T],
        chunks: AsyncIterator[bytes],
        close: Callable[[], Awaitable[None]],
        meta: Meta,
        started: float,
    ) -> None:
        super().__init__(parts, meta, started)
        self._chunks = chunks
        self._close = close
        self._items = self._read()

    async def _read(self) -> AsyncGenerator[T]:
        seen, add, feed = self._seen, self._collect.add, self._decoder.feed
        try:
            async for data in self._chunks:
                for item in feed(data):
                    seen(item)
                    seen = add
                    yield item
            for item in self._decoder.finish():
                seen(item)
                yield item
        finally:
            self._ended()
            await self._close()

    def __aiter__(self) -> AsyncIterator[T]:
        return self._items

    async def __anext__(self) -> T:
        return await anext(self._items)

    async def aclose(self) -> None:
        """Stop: the connection is closed, what has arrived stays in `result`."""
        await self._items.aclose()
        await self._close()

    close = aclose

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<AsyncStream, {len(self.text):,} characters so far>"
