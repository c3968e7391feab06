"""Past results: the latest in memory, older ones in files from which they are read again."""

import contextlib
import pickle
import shutil
import tempfile
import weakref
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import RLock
from typing import Any, Generic, TypeVar, overload

from hfwidgets.core.counts import format_count
from hfwidgets.core.memory import release_memory
from hfwidgets.errors import redact
from hfwidgets.errors.user_warnings import warn

T = TypeVar("T")

DEFAULT_MEMORY_LIMIT = 32_000_000
"""Bytes of past results that a panel keeps in memory."""

_MAX_DEPTH = 6
_SMALL_SIZE = 64
"""The size that is assumed for numbers and unknown objects, in bytes."""


def measure_size(value: Any, depth: int = 0) -> int:
    """Return about how many bytes of memory a value takes: texts, bytes, images, arrays."""
    if isinstance(value, (str, bytes, bytearray, memoryview)):
        return len(value) + _SMALL_SIZE
    if hasattr(value, "getbands"):  # a Pillow image, which takes four bytes for a colored pixel
        width, height = value.size
        return int(width * height * (1 if len(value.getbands()) == 1 else 4))
    if isinstance(size := getattr(value, "nbytes", None), int):
        return size
    if depth > _MAX_DEPTH:
        return _SMALL_SIZE
    parts: list[Any] = []
    if isinstance(value, Mapping):
        parts += value.values()
    elif isinstance(value, (list, tuple)):
        parts += value
    parts += getattr(value, "__dict__", {}).values()
    return _SMALL_SIZE + sum(measure_size(part, depth + 1) for part in parts)


class Shelved(Generic[T]):
    """An object in memory or in a file.

    Attributes:
        size: about how many bytes of memory it takes.
        is_in_memory: True until it was moved to a file.
    """

    def __init__(self, value: T) -> None:
        self._value: T | None = value
        self._path: Path | None = None
        self.size = measure_size(value)

    @property
    def is_in_memory(self) -> bool:
        return self._path is None

    def get(self) -> T:
        """Return the object, read again from its file if it has one."""
        path = self._path
        if path is None:
            return self._value  # type: ignore[return-value]
        # The file is this process's own, in a folder that no other user can write to.
        found: T = pickle.loads(path.read_bytes())  # noqa: S301
        return found

    def move_to(self, path: Path) -> None:
        """Move the object to a file.

        Raises:
            OSError: the disk does not accept it.
            Exception: whatever the object raises if it cannot be pickled.
        """
        path.write_bytes(pickle.dumps(self._value))
        self._path, self._value = path, None

    def discard(self) -> None:
        """Delete the file, if there is one."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)


class Shelf(Generic[T]):
    """Objects of which the latest are in memory, the others in files of this user's own.

    The files are deleted with the shelf. The latest object stays in memory, whatever its size.

    Args:
        limit: the bytes that the objects in memory may take.
    """

    def __init__(self, limit: int = DEFAULT_MEMORY_LIMIT) -> None:
        self.limit = limit
        self._held: deque[Shelved[T]] = deque()
        self._held_size = self._file_count = 0
        self._folder: Path | None = None
        self._has_warned = False
        self._lock = RLock()

    def add(self, value: T) -> Shelved[T]:
        """Add an object; `shrink` moves what exceeds the limit."""
        item = Shelved(value)
        with self._lock:
            self._held.append(item)
            self._held_size += item.size
        return item

    def shrink(self) -> None:
        """Write the oldest objects to disk until the others fit; may block."""
        count = self._file_count
        with self._lock:
            while self._held_size > self.limit and len(self._held) > 1:
                self._move(self._held.popleft())
        if self._file_count > count:
            release_memory(collect=False)

    def discard(self, item: Shelved[T]) -> None:
        """Forget an object."""
        with self._lock:
            with contextlib.suppress(ValueError):
                self._held.remove(item)
                self._held_size -= item.size
            item.discard()

    def _move(self, item: Shelved[T]) -> None:
        try:
            item.move_to(self._next_path())
        except OSError as error:
            self._warn_once(error.strerror or type(error).__name__)
        except Exception as error:  # whatever an object of the user's raises when it is pickled
            self._warn_once(f"{type(error).__name__}: {error}")
        # One that stays in memory counts no longer, so that it does not drive out all others.
        self._held_size -= item.size

    def _next_path(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="hfwidgets-results-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._file_count += 1
        return self._folder / str(self._file_count)

    def _warn_once(self, reason: str) -> None:
        if not self._has_warned:
            self._has_warned = True
            warn(f"An older result stays in memory, as it cannot be stored: {redact(reason)}")


class Results(Sequence[Any]):
    """The results of all runs; those beyond the shelf's limit are read from files."""

    def __init__(self) -> None:
        self._items: list[Shelved[Any]] = []
        self.shelf = Shelf[Any]()

    def append(self, result: object) -> None:
        """Add a result."""
        self._items.append(self.shelf.add(result))

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [item.get() for item in self._items[index]]
        return self._items[index].get()

    def __eq__(self, other: object) -> bool:
        return list(self) == other if isinstance(other, list) else self is other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        held = sum(item.is_in_memory for item in self._items)
        return f"<{format_count(len(self), 'result')}, {held} in memory>"
