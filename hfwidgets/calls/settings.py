"""The settings of a client, what it has learned, and what may answer in place of providers."""

import functools
from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Literal, Protocol, TypeAlias
from urllib.parse import urlsplit

from hfwidgets import errors
from hfwidgets.calls.offers import HubModelInfo, Offer
from hfwidgets.calls.route import KnownRoute
from hfwidgets.core import auth
from hfwidgets.core.flow import Blocking, Flow, Infer
from hfwidgets.core.meta import Meta
from hfwidgets.core.streams import OpenConnection
from hfwidgets.errors.secrets import mask_repr
from hfwidgets.providers import Address, Hosts


class RecordedOrigin(Protocol):
    """Who gave a recorded answer, and when."""

    def apply_to_meta(self, meta: Meta) -> None:
        """Write it on a result's meta."""


class StreamRecorder(Protocol):
    """Records the bytes of a stream while they are read."""

    def record(self, chunks: Iterator[bytes], meta: Meta) -> Iterator[bytes]:
        """Pass the bytes on; once they have ended, store them."""
        ...

    def arecord(
        self, chunks: AsyncGenerator[bytes, None], meta: Meta
    ) -> AsyncGenerator[bytes, None]:
        """Pass the bytes on, awaiting them; once they have ended, store them."""
        ...


class ReplayedStream(OpenConnection, Protocol):
    """A recorded stream: its bytes, in place of an open connection."""

    def __iter__(self) -> Iterator[bytes]: ...
    def aiter(self) -> AsyncGenerator[bytes, None]: ...
    async def aclose(self) -> None: ...


class InterceptedCall(Protocol):
    """The part of a call that an interceptor reads and sets."""

    settings: "Settings"
    start_time: float
    provenance: RecordedOrigin | None
    stream_recorder: StreamRecorder | None
    replayed_stream: ReplayedStream | None

    def meta(self) -> Meta:
        """Return where the result came from."""
        ...

    def collect_secrets(self) -> tuple[str, ...]:
        """Return the secrets that no file repeats."""
        ...

    def ask_provider(self, ask: Infer) -> Flow[Any]:
        """Return the raw answer of the provider that serves the task."""
        ...


class Interceptor(Protocol):
    """Answers in place of providers: recordings, canned answers."""

    @property
    def blocks_requests(self) -> bool:
        """True if nothing may be sent."""
        ...

    def intercept(self, call: InterceptedCall, ask: Infer) -> Flow[Any]:
        """Return the raw answer for a task; `call.ask_provider(ask)` returns the provider's."""
        ...

    def blocked_error(self, method: str, url: str) -> Exception:
        """Build the error for any other request, while nothing may be sent."""
        ...


TOKEN_RETRY_SECONDS = 2.0
"""How long a search without a token is not repeated, in seconds: short enough for a user who logs
in and calls again, long enough for many calls at once.
"""

interceptors: list[Interceptor] = []
"""Those for the whole process; the last one counts."""


AuthRule: TypeAlias = Literal["any", "required", "none"]
"""Which token a call carries: the client's or the machine's, the latter always, or none."""


@mask_repr
@dataclass(slots=True)
class Settings:
    """The arguments of a client and what it has learned; secrets stay out of the repr.

    Attributes:
        auth_rule: which token calls carry.
        query: parameters that are added to the addresses of calls.
        mapping: offers that were passed, by model; see `hfwidgets.calls.offers.manual_mapping`.
        recordings: answers in place of the providers; None leaves it to `interceptors`.
        machine_token: the token of this machine, once it was found.
        next_token_lookup: when to search for it again, on the monotonic clock.
        addresses: where providers are reached, with credentials.
        routes: who serves a task with a model, for a minute after it was worked out.
        memory: what was learned about an address, by its base.
        known_models: the Hub's entries by model and token, with the time they expire.
        recommended_models: the Hub's recommended models by task.
        prices: US dollars per million tokens, in and out, by model and provider.
    """

    model: str | None = None
    provider: str | None = None
    token: auth.Token | None = field(default=None, repr=False)
    timeout: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    auth_rule: AuthRule = "any"
    bill_to: str | None = None
    max_retries: int = 3
    hosts: Hosts = field(default_factory=Hosts)
    mapping: Mapping[str, tuple[Offer, ...]] = field(default_factory=dict)
    recordings: Interceptor | None = None
    machine_token: auth.Token | None = field(default=None, repr=False)
    next_token_lookup: float = field(default=0.0, repr=False)
    addresses: dict[str, Address] = field(default_factory=dict, repr=False)
    routes: dict[tuple[str | None, ...], KnownRoute] = field(default_factory=dict, repr=False)
    memory: dict[str, Any] = field(default_factory=dict, repr=False)
    known_models: dict[tuple[str, str], tuple[float, HubModelInfo]] = field(
        default_factory=dict, repr=False
    )
    recommended_models: dict[str, list[str]] | None = None
    prices: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict, repr=False)

    def knows_token(self) -> bool:
        """True if the token of calls is decided: found, or forbidden."""
        return bool(self.token or self.machine_token) or self.auth_rule == "none"

    def find_token(self) -> Flow[auth.Token | None]:
        """Return the client's token, else the machine's; None without any.

        Raises:
            MissingTokenError: `token=True` asks for the machine's token, and it has none.
        """
        known = self.token or self.machine_token
        if self.auth_rule == "none":
            return None
        # The environment is cheap to read, so a token that appears there counts at once.
        if known is None and (
            monotonic() >= self.next_token_lookup or auth.has_environment_token()
        ):
            known = self.machine_token = yield Blocking(auth.find_machine_token)
            self.next_token_lookup = monotonic() + TOKEN_RETRY_SECONDS
        if known is None and self.auth_rule == "required":
            raise errors.MissingTokenError(
                "token=True asks for the token of this machine, and none was found.",
                advice="Set HF_TOKEN, or log in.",
            )
        return known


def is_url(text: str | None) -> bool:
    """True if a model is the address of an endpoint."""
    return text is not None and text[:8].lower().startswith(("http://", "https://"))


def redact_model(text: str) -> str:
    """Return a model as it may be shown and stored: an address without its keys."""
    return errors.redact(text) if is_url(text) else text


@functools.lru_cache(maxsize=64)
def check_url(url: str) -> str:
    """Return a URL; raise ConfigurationError if its host or port is invalid."""
    try:
        parts = urlsplit(url)
        if parts.hostname and parts.port != 0 and not set(parts.netloc) & set(" \t\r\n"):
            return url
    except ValueError:
        pass  # reported below
    raise errors.ConfigurationError(
        f"Not a URL that can be called: {errors.redact(url)!r}. It should look like "
        "https://host/path, or http://localhost:8000/v1."
    )
