"""File objects of the caller's in every state: open, closed, half read, asynchronous, written."""

import inspect
import io
from pathlib import Path

from hfwidgets import errors
from hfwidgets.media._media import ByteSource, FileObjectSource, MemorySource

INPUT_LIMIT = 256 << 20
"""The largest file that is fetched from a URL or read from a pipe to be sent on, in bytes."""


def open_reader(file: object) -> ByteSource:
    """Return the bytes of a file object: read in place when it can seek and is at its start.

    Raises:
        InputTypeError: it is open as text, asynchronous, or its read() returns other things.
        InputError: it is closed, open for writing only, too large, or reading fails.
    """
    if isinstance(file, io.TextIOBase):
        raise text_file_error()
    if inspect.iscoroutinefunction(getattr(file, "read", None)):
        raise _async_file_error()
    # `is True`: an object that only resembles a file may have a method of this name.
    if getattr(file, "closed", False) is True:
        raise errors.InputError("The file is closed: open it again, or pass its path.")
    try:
        if callable(readable := getattr(file, "readable", None)) and not readable():
            raise errors.InputError("The file is open for writing only: open it with mode 'rb'.")
        return _open_in_place(file) or MemorySource(_read_all(file))
    except errors.HfWidgetsError:
        raise
    except Exception as error:  # a read() of someone else's may raise anything
        raise unreadable_error("The file", error) from error


def unreadable_error(label: str, error: Exception) -> errors.InputError:
    """Build the error for bytes whose reading failed."""
    why = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return errors.InputError(f"{label} cannot be read ({why}).")


def text_file_error() -> errors.InputTypeError:
    """Build the error for a file that yields text in place of bytes."""
    return errors.InputTypeError("The file is open as text: open it with mode 'rb'.")


def _async_file_error() -> errors.InputTypeError:
    return errors.InputTypeError(
        "The file's read() is asynchronous: pass its content, as in `await file.read()`."
    )


def _open_in_place(file: object) -> ByteSource | None:
    """Return a source that reads the file where it is, None where it must be read at once."""
    try:
        if not (file.seekable() and file.tell() == 0):  # type: ignore[attr-defined]
            return None
    except (AttributeError, OSError):
        return None
    try:
        return FileObjectSource(file)  # type: ignore[arg-type]
    except (OSError, ValueError):  # compressed files cannot seek to their end
        file.seek(0)  # type: ignore[attr-defined]
        return None


def _read_all(file: object) -> bytes:
    try:
        # One byte more than allowed, to tell a file of exactly the limit from a larger one.
        data: object = file.read(INPUT_LIMIT + 1)  # type: ignore[attr-defined]
    except TypeError:  # a read() that takes no size
        data = file.read()  # type: ignore[attr-defined]
    if isinstance(data, str):
        raise text_file_error()
    # A plain read() that wraps an asynchronous one is noticed only by what it returns.
    if inspect.isawaitable(data):
        if inspect.iscoroutine(data):
            data.close()  # else Python warns that it was never awaited
        raise _async_file_error()
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise errors.InputTypeError(f"The file's read() returned {type(data).__name__}, not bytes.")
    if len(data) > INPUT_LIMIT:
        raise errors.InputError(
            f"The file is larger than {INPUT_LIMIT:,} bytes: save it and pass its path."
        )
    return bytes(data)


def reader_name(file: object) -> str | None:
    """Return the name of a file object without its folder, None when it has none."""
    name = getattr(file, "name", None)
    return Path(name).name if isinstance(name, str) else None
