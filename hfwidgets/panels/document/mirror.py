"""A plain document that the page mirrors from numbered patches.

A growing text is sent once, as the pieces that were added and where. Patches gather here until the
flusher sends them; a page that misses a number asks for the whole document.
"""

import copy
import threading
from collections.abc import Callable, Sequence
from typing import Any

from hfwidgets.panels.document.nodes import DocumentPath, Message, Node, Operation, to_json
from hfwidgets.panels.document.protocol import Json


class Mirror:
    """A JSON document and what has changed in it since the last patch; safe from any thread.

    Args:
        doc: the initial document; the mirror keeps a copy.
        send: called with each message, `{"k": "ops", "seq": n, "ops": [...]}`, in order.
        on_change: called after every change; schedules a flush.
    """

    def __init__(
        self,
        doc: Node,
        send: Callable[[Message], None],
        on_change: Callable[["Mirror"], None],
    ) -> None:
        self._doc: Any = to_json(doc)
        self._send = send
        self._on_change = on_change
        # Reentrant: sending may call back into the mirror, as a test's page does.
        self._lock = threading.RLock()
        self._operations: list[Operation] = []
        self._pending_text: tuple[DocumentPath, list[str]] | None = None
        self.seq = 0

    def set(self, *path: str | int, value: Node) -> None:
        """Set a value; the index one past a list's end appends to it."""
        node = to_json(value)
        with self._lock:
            self._merge_appends()
            *parents, last = path
            if not _assign_value(self._find_node(parents), last, node):
                return
            # A value that is set twice within a patch is sent once. Only the operation before may
            # be dropped: an older one may be what a later append was measured against.
            if self._operations and self._operations[-1][:2] == ["=", list(path)]:
                self._operations.pop()
            # A copy: later operations change `node` in the document before this one is sent.
            self._operations.append(["=", list(path), copy.deepcopy(node)])
        # Outside the lock: it is never held together with the flusher's, so they cannot deadlock.
        self._on_change(self)

    def append(self, *path: str | int, text: str) -> None:
        """Append to a text; the pieces are joined when the patch is sent."""
        with self._lock:
            # Tokens come one by one to the same text, so they are only collected here: adding each
            # to the document would copy the whole text each time.
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
        """Return a copy of a value."""
        with self._lock:
            self._merge_appends()
            return copy.deepcopy(self._find_node(path))

    def get_fields(self, *path: str | int, name: str) -> list[Any]:
        """Return one plain field of each object in a list, without copying the list."""
        with self._lock:
            return [node[name] for node in self._find_node(path)]

    def flush(self) -> bool:
        """Send what has changed as one patch; False if nothing has."""
        with self._lock:  # held while sending, so that patches leave in the order of their numbers
            self._merge_appends()
            if not self._operations:
                return False
            self.seq += 1
            operations, self._operations = self._operations, []
            self._send({"k": "ops", "seq": self.seq, "ops": operations})
            return True

    def resync(self, seq: int) -> None:
        """Answer a page that has all patches up to `seq`: acknowledge, or send the document."""
        with self._lock:
            # First, since the document has the pending changes already: sent after it, they would
            # be applied a second time.
            self.flush()
            if seq == self.seq:
                self._send({"k": "ops", "seq": seq, "ops": []})
            else:
                self._send({"k": "doc", "seq": self.seq, "doc": copy.deepcopy(self._doc)})

    def _merge_appends(self) -> None:
        """Turn the collected pieces of a text into one operation."""
        if self._pending_text is None:
            return
        path, pieces = self._pending_text
        self._pending_text = None
        *parents, last = path
        parent, text = self._find_node(parents), "".join(pieces)
        # The offset lets the page notice that it lacks a piece.
        self._operations.append(["+", list(path), utf16_length(parent[last]), text])
        parent[last] += text

    def _find_node(self, path: Sequence[str | int]) -> Any:
        node: Any = self._doc
        for key in path:
            node = node[key]
        return node


def _assign_value(parent: Any, key: Any, value: Json) -> bool:
    """Set a value; False if it is the same as before."""
    if isinstance(parent, list) and key == len(parent):
        parent.append(value)
        return True
    old = parent[key] if isinstance(parent, list) else parent.get(key, _ABSENT)
    parent[key] = value
    # 1 == True in Python, but not on the page.
    return not (type(old) is type(value) and old == value)


_ABSENT = object()


def utf16_length(text: str) -> int:
    """Return the length that JavaScript gives a text, in UTF-16 code units."""
    # An escape in JSON may leave a lone surrogate in a text, which strict encoding refuses.
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
