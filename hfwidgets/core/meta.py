"""The origin of a result: who answered, in what time, at which cost."""

import functools
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hfwidgets.errors.secrets import redact_headers
from hfwidgets.errors.server_message import find_request_id

if TYPE_CHECKING:
    import datetime

_TIMING_HEADERS = {
    "compute": "x-compute-time",
    "queue": "x-queue-time",
    "inference": "x-inference-time",
    "validation": "x-validation-time",
    "total": "x-total-time",
}
# text-generation-inference counts the compute time in seconds and all others in milliseconds.
_MILLISECOND_TIMES = {"queue", "inference", "validation", "total"}


@dataclass(eq=False, repr=False)
class Meta:
    """Who answered, how long it took and what it cost.

    Attributes:
        task: the task's name on the Hub.
        provider: who served: by the router's `x-inference-provider`, else the one that was called.
        model: the model by the server's header, else by the call.
        seconds: wall time of the whole call, waits included.
        status_code: the HTTP status of the last answer.
        price: US dollars per million tokens, in and out; None if no catalog was fetched.
        first_token_seconds: from the call to the first piece of a stream, None for plain calls.
        recorded: when the answer was recorded; times are then those of the recording.
    """

    task: str
    provider_name: str
    model_name: str | None
    seconds: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)
    status_code: int | None = None
    first_token_seconds: float | None = None
    recorded: "datetime.datetime | None" = None
    usage: Any = None
    price: tuple[float, float] | None = None

    def mask_headers(self, secrets: Collection[str]) -> None:
        """Mask what looks like a secret in the headers that a server sent."""
        self.headers = redact_headers(self.headers, secrets)

    def set_origin(self, provider: str, model: str | None) -> None:
        """Set who answered, for an answer without headers."""
        self.provider_name, self.model_name = provider, model

    @property
    def provider(self) -> str:
        return self.headers.get("x-inference-provider") or self.provider_name

    @property
    def model(self) -> str | None:
        return self.headers.get("x-inference-model") or self.model_name

    @property
    def request_id(self) -> str | None:
        """The server's id of the request."""
        return find_request_id(self.headers)

    @functools.cached_property
    def timings(self) -> dict[str, float]:
        """The server's own times in seconds, by name: compute, queue, inference, validation,
        total.
        """
        found = {}
        for name, header in _TIMING_HEADERS.items():
            try:
                value = float(self.headers[header])
            except (KeyError, ValueError):
                continue
            found[name] = value / 1000 if name in _MILLISECOND_TIMES else value
        return found

    @property
    def compute_type(self) -> str | None:
        """The server's hardware (`cpu`, `cache`, `2-a10-g`), None if unknown."""
        return self.headers.get("x-compute-type")

    @property
    def cost(self) -> float | None:
        """The call's cost by the catalog's price, in US dollars; None if unknown."""
        tokens_in = getattr(self.usage, "prompt_tokens", None)
        tokens_out = getattr(self.usage, "completion_tokens", None)
        if self.price is None or tokens_in is None or tokens_out is None:
            return None
        return float(tokens_in * self.price[0] + tokens_out * self.price[1]) / 1e6

    def summary(self) -> str:
        """Return one line for people: model, provider, time, tokens and day of recording."""
        return self._join_facts(f"{self.seconds:.2f} s")

    def origin(self) -> str:
        """Return the summary without the time: the same text for the same answer.

        It is what saved notebooks hold, so that two identical runs do not differ.
        """
        return self._join_facts()

    def _join_facts(self, *times: str) -> str:
        tokens = getattr(self.usage, "total_tokens", None)
        parts = [self.model, self.provider, *times]
        parts.append(f"{tokens} tokens" if tokens else None)
        parts.append(f"recorded on {self.recorded:%Y-%m-%d}" if self.recorded else None)
        return " · ".join(filter(None, parts))

    def __repr__(self) -> str:
        return f"<Meta {self.task}: {self.summary()}>"
