"""Give up blocking work whose time is over: it goes on in a thread of its own that nothing awaits.

Python can interrupt neither a look-up of a name nor the code of a user's iterator.
"""

import contextvars
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import TypeVar

import httpx

T = TypeVar("T")


class TimeIsOverError(Exception):
    """The work was given up."""


def start_in_thread(call: Callable[[], T]) -> "Future[T]":
    """Start work in a thread that does not keep the interpreter from ending."""
    found: Future[T] = Future()
    context = contextvars.copy_context()
    threading.Thread(target=lambda: context.run(_settle, found, call), daemon=True).start()
    return found


def _settle(found: "Future[T]", call: Callable[[], T]) -> None:
    try:
        found.set_result(call())
    except BaseException as error:  # raised where the result is waited for
        found.set_exception(error)


def call_in_time(call: Callable[[], T], left: float | None) -> T:
    """Return the result of blocking work.

    Args:
        call: The work.
        left: The seconds that it may take, None without a limit.

    Raises:
        TimeIsOverError: It has not ended by then.
    """
    if left is None:
        return call()
    found = start_in_thread(call)
    try:
        return found.result(left)
    except TimeoutError as error:
        if found.done():  # the work itself raised it
            raise
        raise TimeIsOverError from error


def iterate_in_time(pieces: Iterable[bytes], seconds: float | None) -> Iterator[bytes]:
    """Iterate over a body that a user's code makes, all of it within so many seconds from now.

    Raises:
        WriteTimeout: A piece does not come in time.
    """
    source = iter(pieces)
    if seconds is None:
        return source

    def wait_for_pieces(end: float) -> Iterator[bytes]:
        try:
            # A default marks the end, since a future cannot hold StopIteration.
            while (
                piece := call_in_time(lambda: next(source, None), end - time.monotonic())
            ) is not None:
                yield piece
        except TimeIsOverError as error:
            raise httpx.WriteTimeout("the time is over") from error

    return wait_for_pieces(time.monotonic() + seconds)
