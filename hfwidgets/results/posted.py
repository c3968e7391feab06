"""The answer to a raw request: bytes with a status, headers and JSON."""

import json
from collections.abc import Mapping
from typing import Any

from hfwidgets.core.meta import Meta
from hfwidgets.results import show

REPR_BYTES = 80
"""The number of bytes that a repr shows."""


class RawResponse(bytes):
    """The body of an answer.

    Attributes:
        status_code: The HTTP status, below 400.
        headers: The answer's headers.
        meta: The origin of the answer.
    """

    status_code: int
    headers: Mapping[str, str]
    meta: Meta | None = None

    @classmethod
    def of(cls, body: bytes, status_code: int, headers: Mapping[str, str]) -> "RawResponse":
        """Build an answer from a body, its status and its headers."""
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
        """The body as text; bytes that are not UTF-8 are replaced."""
        return self.decode("utf-8", "replace")

    def json(self) -> Any:
        """Parse the body as JSON; ValueError where it is not."""
        return json.loads(self)

    def __repr__(self) -> str:
        if len(self) <= REPR_BYTES:
            return bytes.__repr__(self)
        return f"{self[:REPR_BYTES]!r}… ({len(self):,} bytes)"

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return show.mime_bundle(repr(self), show.paragraph_html(repr(self)), self.meta)


class RawLinesCollector:
    """Collect the lines of a streamed answer."""

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
        """The lines so far, without empty ones."""
        return RawResponse.of(b"\n".join(self._lines), self._status_code, self._headers)
