"""The answer to a request of one's own: bytes that also know their status, headers and JSON."""

import json
from collections.abc import Mapping
from typing import Any

from hfwidgets.core.meta import Meta
from hfwidgets.results import show

REPR_BYTES = 80
"""How many bytes a repr shows."""


class RawResponse(bytes):
    """The body of an answer, with what came along.

    Attributes:
        status_code: the HTTP status, below 400.
        headers: the answer's headers.
        meta: who answered, and what it took.
    """

    status_code: int
    headers: Mapping[str, str]
    meta: Meta | None = None

    @classmethod
    def of(cls, body: bytes, status_code: int, headers: Mapping[str, str]) -> "RawResponse":
        """A body with its status and headers."""
        made = cls(body)
        made.status_code = status_code
        made.headers = dict(headers)
        return made

    @property
    def content(self) -> bytes:
        """The body itself."""
        return self

    @property
    def text(self) -> str:
        """The body as text; what is not UTF-8 is replaced."""
        return self.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body's JSON; ValueError when it is none."""
        return json.loads(self)

    def __repr__(self) -> str:
        if len(self) <= REPR_BYTES:
            return bytes.__repr__(self)
        return f"{self[:REPR_BYTES]!r}… ({len(self):,} bytes)"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return show.mime_bundle(repr(self), show.paragraph_html(repr(self)), self.meta)


class RawLinesCollector:
    """Gathers the lines of a streamed answer."""

    def __init__(self, status_code: int, headers: Mapping[str, str]) -> None:
        self._status_code, self._headers = status_code, headers
        self._lines: list[bytes] = []

    def add(self, item: bytes) -> None:
        self._lines.append(item)

    @property
    def text(self) -> str:
        """The lines so far."""
        return b"\n".join(self._lines).decode("utf-8", "replace")

    @property
    def result(self) -> RawResponse:
        """What has arrived, without empty lines."""
        return RawResponse.of(b"\n".join(self._lines), self._status_code, self._headers)
