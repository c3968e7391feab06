"""Requests as a driver sends them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from hfwidgets.errors.secrets import mask_repr


@mask_repr
@dataclass(slots=True)
class PreparedRequest:
    """A request with its absolute URL, all headers and its encoded body.

    Attributes:
        stream: return the open reply instead of reading its body.
        limit: the most bytes that the reply's body may have.
        max_wait: seconds after which this request alone times out.
    """

    method: str
    url: str
    headers: dict[str, str] = field(repr=False)
    content: bytes | Iterable[bytes] | None = None
    stream: bool = False
    limit: int | None = None
    max_wait: float | None = None


@dataclass(slots=True)
class PreparedCancel:
    """The request that a driver sends if the call ends early; None once the job has ended."""

    request: PreparedRequest | None
