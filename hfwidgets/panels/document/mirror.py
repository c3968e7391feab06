"""A plain document that the page mirrors from numbered patches.

Text is only ever sent once, as what was added and where. Patches gather here until the flusher
sends them; a page that misses a number asks for a snapshot.
"""

import copy
import threading
from collections.abc import Callable
from typing import Any

DocumentPath = tuple[str | int, ...]
Operation = list[Any]


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
        self._on_change = changed
        self._lock = threading.RLock()
        self._operations: list[Operation] = []
        self._pending_text: tuple[DocumentPath, list[str]] | None = None
        self.seq = 0

    def set(self, *path: str | int, value: Any) -> None:
        """Put a value; a list takes one more at the index of its length."""
        with self._lock:
            self._merge_appends()
            *way, last = path
            if not _assign_value(self._find_node(way), last, value):
                return
            if self._operations and self._operations[-1][:2] == ["=", list(path)]:
                self._operations.pop()
            self._operations.append(["=", list(path), copy.deepcopy(value)])
        self._on_change(self)

    def append(self, *path: str | int, text: str) -> None:
        """Add to a text; pieces are joined when the patch is taken."""
        with self._lock:
            if self._pending_text is None or self._pending_text[0] != path:
                self._merge_appends()
                self._pending_text = (path, [])
            self._pending_text[1].append(text)
        self._on_change(self)

    def truncate(self, *path: str | int, length: int) -> None:
        """Shorten a list."""
        with self._lock:
            self._merge_appends()
            del self._find_node(path)[length:]
            self._operations.append(["cut", list(path), length])
        self._on_change(self)

    def get(self, *path: str | int) -> Any:
        """A copy of a value."""
        with self._lock:
            self._merge_appends()
            return copy.deepcopy(self._find_node(path))

    def flush(self) -> bool:
        """Send what has changed, as one patch; False when nothing had."""
        with self._lock:  # held while sending, so that patches leave in the order of their numbers
            self._merge_appends()
            if not self._operations:
                return False
            self.seq += 1
            ops, self._operations = self._operations, []
            self._send({"k": "ops", "seq": self.seq, "ops": ops})
            return True

    def resync(self, seq: int) -> None:
        """Answer a page that has all up to `seq`: an acknowledgement or the whole document."""
        with self._lock:
            self.flush()
            if seq == self.seq:
                self._send({"k": "ops", "seq": seq, "ops": []})
            else:
                self._send({"k": "doc", "seq": self.seq, "doc": copy.deepcopy(self._doc)})

    def _merge_appends(self) -> None:
        """Turn the pieces of a growing text into one operation."""
        if self._pending_text is None:
            return
        path, pieces = self._pending_text
        self._pending_text = None
        *way, last = path
        parent, text = self._find_node(way), "".join(pieces)
        self._operations.append(["+", list(path), utf16_length(parent[last]), text])
        parent[last] += text

    def _find_node(self, path: Any) -> Any:
        node: Any = self._doc
        for key in path:
            node = node[key]
        return node


def _assign_value(parent: Any, key: Any, value: Any) -> bool:
    """Put a value where it belongs; False when it is there already."""
    if isinstance(parent, list) and key == len(parent):
        parent.append(value)
        return True
    old = parent[key] if isinstance(parent, list) else parent.get(key, _ABSENT)
    parent[key] = value
    return not (type(old) is type(value) and old == value)


_ABSENT = object()


def utf16_length(text: str) -> int:
    """The length that JavaScript gives a text: UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
