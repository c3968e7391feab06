"""A plain document that the page mirrors from numbered patches.

Text is only ever sent once, as what was added and where. Patches gather here until the flusher
sends them; a page that misses a number asks for a snapshot.
"""

import copy
import threading
from collections.abc import Callable
from typing import Any

Path = tuple[str | int, ...]
Op = list[Any]


class Mirror:
    """A JSON document and what has changed in it since the last patch; safe from any thread.

    Args:
        doc: the document at its start; owned by the mirror from then on.
        send: called with each message, `{"k": "ops", "seq": n, "ops": [...]}`, in their order.
        changed: called after every change; wakes the flusher.
    """

    def __init__(
        self,
        doc: dict[str, Any],
        send: Callable[[dict[str, Any]], None],
        changed: Callable[["Mirror"], None],
    ) -> None:
        self._doc = doc
        self._send = send
        self._changed = changed
        self._lock = threading.RLock()
        self._ops: list[Op] = []
        self._growing: tuple[Path, list[str]] | None = None
        self.seq = 0

    def set(self, *path: str | int, value: Any) -> None:
        """Put a value; a list takes one more at the index of its length."""
        with self._lock:
            self._settle()
            *way, last = path
            if not _put(self._reach(way), last, value):
                return
            if self._ops and self._ops[-1][:2] == ["=", list(path)]:
                self._ops.pop()
            self._ops.append(["=", list(path), copy.deepcopy(value)])
        self._changed(self)

    def append(self, *path: str | int, text: str) -> None:
        """Add to a text; pieces are joined when the patch is taken."""
        with self._lock:
            if self._growing is None or self._growing[0] != path:
                self._settle()
                self._growing = (path, [])
            self._growing[1].append(text)
        self._changed(self)

    def cut(self, *path: str | int, length: int) -> None:
        """Shorten a list."""
        with self._lock:
            self._settle()
            del self._reach(path)[length:]
            self._ops.append(["cut", list(path), length])
        self._changed(self)

    def get(self, *path: str | int) -> Any:
        """A copy of a value."""
        with self._lock:
            self._settle()
            return copy.deepcopy(self._reach(path))

    def flush(self) -> bool:
        """Send what has changed, as one patch; False when nothing had."""
        with self._lock:  # held while sending, so that patches leave in the order of their numbers
            self._settle()
            if not self._ops:
                return False
            self.seq += 1
            ops, self._ops = self._ops, []
            self._send({"k": "ops", "seq": self.seq, "ops": ops})
            return True

    def greet(self, seq: int) -> None:
        """Answer a page that has all up to `seq`: an acknowledgement or the whole document."""
        with self._lock:
            self.flush()
            if seq == self.seq:
                self._send({"k": "ops", "seq": seq, "ops": []})
            else:
                self._send({"k": "doc", "seq": self.seq, "doc": copy.deepcopy(self._doc)})

    def _settle(self) -> None:
        """Turn the pieces of a growing text into one operation."""
        if self._growing is None:
            return
        path, pieces = self._growing
        self._growing = None
        *way, last = path
        parent, text = self._reach(way), "".join(pieces)
        self._ops.append(["+", list(path), units(parent[last]), text])
        parent[last] += text

    def _reach(self, path: Any) -> Any:
        node: Any = self._doc
        for key in path:
            node = node[key]
        return node


def _put(parent: Any, key: Any, value: Any) -> bool:
    """Put a value where it belongs; False when it is there already."""
    if isinstance(parent, list) and key == len(parent):
        parent.append(value)
        return True
    old = parent[key] if isinstance(parent, list) else parent.get(key, _ABSENT)
    parent[key] = value
    return not (type(old) is type(value) and old == value)


_ABSENT = object()


def units(text: str) -> int:
    """The length that JavaScript gives a text: UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
