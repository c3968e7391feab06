"""Streamed answers: iterable, closable, context managers, with the result so far at any moment.

They read bytes from a driver's iterator and do not use HTTP themselves. A stream works without its
client, is read to its end after `[DONE]` so that the connection can be used again, and
closes the connection when it is closed, dropped or left early.
"""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar

from hfwidgets import errors
from hfwidgets.core.flow import StreamedReply
from hfwidgets.core.meta import Meta

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")
R = TypeVar("R")
C = TypeVar("C", bound=Callable[[], Any])

MaskError = Callable[[errors.HfWidgetsError], None]
"""Frees an error of its call's secrets."""


class _StreamState(Generic[T]):
    """The state that a stream shares with the generator which reads it.

    The generator does not reference the stream, so that a dropped stream is freed at once and
    closes its connection.
    """

    def __init__(
        self, parts: StreamedReply[T], meta: Meta, started: float, mask: MaskError | None
    ) -> None:
        self.decoder = parts.decoder
        self.collector = parts.collector
        self.meta = meta
        self.start_time = started
        self.mask_error = mask
        self.is_complete = False
        self.closed = False

    def add_first(self, item: T) -> None:
        """Add the first item and note its time."""
        if self.meta.recorded is None:  # else both times are those of the recording
            self.meta.first_token_seconds = perf_counter() - self.start_time
        self.collector.add(item)

    def record_end(self) -> None:
        """Note the time of the end."""
        if self.meta.recorded is None:
            self.meta.seconds = perf_counter() - self.start_time

    def attach_meta(self, error: errors.HfWidgetsError) -> None:
        """Add to an error where it came from."""
        if error.meta is None:
            error.meta = self.meta
            name = self.meta.request_id
            known = (self.meta.provider, self.meta.model, f"request {name}" if name else None)
            who = ", ".join(filter(None, known))
            error.add_reason(f"({who}; what had arrived is in the stream's result)")
        if self.mask_error is not None:
            self.mask_error(error)


class _BaseStream(Generic[T, R]):
    """Base of both streams: the result so far and where it came from."""

    _state: _StreamState[T]

    @property
    def meta(self) -> Meta:
        """The origin of the answer, with its times so far."""
        return self._state.meta

    @property
    def result(self) -> R:
        """The result of the same call without streaming, from what has arrived so far."""
        result = self._state.collector.result
        usage = getattr(result, "usage", None)
        self.meta.usage = self.meta.usage if usage is None else usage
        result.meta = self.meta
        found: R = result
        return found

    @property
    def text(self) -> str:
        """The text so far."""
        return self._state.collector.text

    @property
    def usage(self) -> Any:
        """The token counts, once the server has sent them; else None."""
        return getattr(self.result, "usage", None)

    @property
    def closed(self) -> bool:
        """True if the stream has ended or was closed."""
        return self._state.closed

    def __repr__(self) -> str:
        return f"<{type(self).__name__}, {len(self.text):,} characters so far>"

    def __reduce__(self) -> Any:
        raise TypeError("A stream is an open connection; store its result instead.")


class StreamResponse(Generic[C]):
    """The HTTP answer of a stream, under the names that openai's client gives it.

    Attributes:
        status_code, headers: the server's.
        close: closes the stream; a coroutine function for an async stream.
    """

    def __init__(self, meta: Meta, close: C) -> None:
        self.status_code = meta.status_code
        self.headers = meta.headers
        self.close = close


class OpenConnection(Protocol):
    """The connection of an open answer."""

    def release(self) -> None:
        """Return it to its pool: the answer was read to its end."""

    def abort(self) -> None:
        """Close it, even while another thread reads from it."""

    def discard(self) -> None:
        """Close it from a destructor, which must not wait for a lock."""


def _read_items(
    state: _StreamState[T], chunks: Iterator[bytes], line: OpenConnection
) -> Generator[T, None, None]:
    # Only the first item is timed. Rebinding the name spares all others the test.
    seen, add, feed = state.add_first, state.collector.add, state.decoder.feed
    item: T | None
    try:
        for data in chunks:
            for item in feed(data):
                seen(item)
                seen = add
                yield item
        for item in state.decoder.finish():
            seen(item)
            seen = add
            yield item
        state.is_complete = True
    except errors.HfWidgetsError as error:
        data, item = b"", None  # a traceback with locals would show what the server sent
        if not state.closed:  # else another thread closed it while this one waited for bytes
            state.attach_meta(error)
            raise
    finally:
        state.record_end()
        state.closed = True
        # A connection that was not read to its end cannot be used again: the rest of this answer
        # would be read as the start of the next one.
        line.release() if state.is_complete else line.abort()


class Stream(_BaseStream[T, R]):
    """A streamed answer to iterate over: `for item in stream`, `with stream:`, `stream.close()`."""

    def __init__(
        self,
        parts: StreamedReply[T],
        chunks: Iterator[bytes],
        line: OpenConnection,
        meta: Meta,
        started: float,
        mask: MaskError | None = None,
    ) -> None:
        self._state = _StreamState(parts, meta, started, mask)
        self._connection = line
        self._items = _read_items(self._state, chunks, line)

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        return next(self._items)

    @property
    def response(self) -> StreamResponse[Callable[[], None]]:
        """The HTTP answer: `stream.response.close()`, `.headers`, `.status_code`."""
        return StreamResponse(self.meta, self.close)

    def close(self) -> None:
        """Close the connection; what has arrived stays in `result`.

        Another thread that waits for the next item sees the stream end.
        """
        if not self._state.closed:
            # Set first: the reader that this wakes takes its error for the end of the stream.
            self._state.closed = True
            self._connection.abort()
        with contextlib.suppress(ValueError):  # another thread is inside: it sees the end by itself
            self._items.close()

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
        # Destructors run even if `__init__` failed, which leaves no state.
        state = getattr(self, "_state", None)
        if state is not None and not state.closed:
            state.closed = True
            self._connection.discard()


async def _read_items_async(
    state: _StreamState[T],
    chunks: AsyncGenerator[bytes, None],
    close: Callable[[], Awaitable[None]],
) -> AsyncGenerator[T, None]:
    seen, add, feed = state.add_first, state.collector.add, state.decoder.feed
    item: T | None
    try:
        # Left early, the chunks would wait for the loop to close them, and trio warns of that.
        async with contextlib.aclosing(chunks):
            async for data in chunks:
                for item in feed(data):
                    seen(item)
                    seen = add
                    yield item
        for item in state.decoder.finish():
            seen(item)
            seen = add
            yield item
    except errors.HfWidgetsError as error:
        data, item = b"", None  # a traceback with locals would show what the server sent
        if not state.closed:  # else another task closed it while this one waited for bytes
            state.attach_meta(error)
            raise
    finally:
        state.record_end()
        state.closed = True
        # Without `release` and `abort`: on closing, httpx reuses the connection only if the answer
        # was read to its end.
        await close()


class AsyncStream(_BaseStream[T, R]):
    """A streamed answer to await: `async for`, `async with stream:`, `await stream.aclose()`."""

    def __init__(
        self,
        parts: StreamedReply[T],
        chunks: AsyncGenerator[bytes, None],
        close: Callable[[], Awaitable[None]],
        meta: Meta,
        started: float,
        mask: MaskError | None = None,
    ) -> None:
        self._state = _StreamState(parts, meta, started, mask)
        self._close = close
        self._items = _read_items_async(self._state, chunks, close)
        import asyncio

        self._loop: asyncio.AbstractEventLoop | None = None
        with contextlib.suppress(RuntimeError):  # another library's loop: it ends generators itself
            self._loop = asyncio.get_running_loop()

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    def __anext__(self) -> Awaitable[T]:
        return anext(self._items)

    @property
    def response(self) -> StreamResponse[Callable[[], Awaitable[None]]]:
        """The HTTP answer: `await stream.response.close()`, `.headers`, `.status_code`."""
        return StreamResponse(self.meta, self.aclose)

    async def aclose(self) -> None:
        """Close the connection; what has arrived stays in `result`.

        Another task that waits for the next item sees the stream end.
        """
        if not self._state.closed:
            self._state.closed = True
            await self._close()
        with contextlib.suppress(RuntimeError):  # another task is inside: it sees the end by itself
            await self._items.aclose()

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

    def __del__(self) -> None:
        state, loop = getattr(self, "_state", None), getattr(self, "_loop", None)
        if state is None or state.closed or loop is None or loop.is_closed():
            return
        state.closed = True
        # A destructor may run in any thread, and must not await: the loop closes the connection.
        loop.call_soon_threadsafe(_close_later, loop, self._close)


_closing_tasks: set["asyncio.Task[None]"] = set()
"""Streams that were dropped and are being closed: a loop holds its tasks only weakly."""


def _close_later(loop: "asyncio.AbstractEventLoop", close: Callable[[], Awaitable[None]]) -> None:
    # `create_task` accepts only coroutines, and `close` may return any awaitable.
    async def run_close() -> None:
        await close()

    task = loop.create_task(run_close())
    _closing_tasks.add(task)
    task.add_done_callback(_closing_tasks.discard)
