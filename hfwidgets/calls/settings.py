"""What a client was made with, and what it has learned since."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from hfwidgets import errors
from hfwidgets.core import auth
from hfwidgets.core.flow import Blocking, Flow, Infer
from hfwidgets.providers import Address, Hosts

if TYPE_CHECKING:
    from hfwidgets.calls.model_info import HubModelInfo, Offer


class Interceptor(Protocol):
    """What stands between tasks and providers: recordings, canned answers."""

    @property
    def blocks_requests(self) -> bool:
        """Whether nothing may be sent."""
        ...

    def intercept(self, call: Any, ask: Infer) -> Flow[Any]:
        """The raw answer to a task's wish; `call.asked(ask)` is the provider's."""
        ...

    def blocked_error(self, method: str, url: str) -> Exception:
        """The error for any other request, while nothing may be sent."""
        ...


TOKEN_RETRY_SECONDS = 2.0
"""How long no file is read again for a token that was not there, in seconds: short enough for who
logs in and asks again, long enough for many calls at once.
"""

interceptors: list[Interceptor] = []
"""Those that hold for the whole process; the last one counts."""


@dataclass(slots=True)
class Settings:
    """The arguments of a client and its memory; secrets stay out of the repr.

    Attributes:
        mapping: offers given by hand, by model; see `hfwidgets.calls.model_info.offers_by_hand`.
        recordings: what answers in place of the providers; None leaves it to `answerers`.
        machine: the token found on this machine, once it was looked for and found.
        tokenless_until: when a token that was not found is looked for again (`monotonic`).
        addresses: where providers are reached, with credentials.
        memory: what was learned about an address, by its base.
        models: what the Hub said about models, by model and token, with the time it expires.
        recommended: the Hub's recommended models by task.
        prices: US dollars for a million tokens, in and out, by model and provider.
    """

    model: str | None = None
    provider: str | None = None
    token: auth.Token | None = field(default=None, repr=False)
    timeout: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)
    bill_to: str | None = None
    max_retries: int = 3
    hosts: Hosts = field(default_factory=Hosts)
    mapping: "Mapping[str, tuple[Offer, ...]]" = field(default_factory=dict)
    recordings: Interceptor | None = None
    machine_token: auth.Token | None = field(default=None, repr=False)
    next_token_lookup: float = field(default=0.0, repr=False)
    addresses: dict[str, Address] = field(default_factory=dict, repr=False)
    memory: dict[str, Any] = field(default_factory=dict, repr=False)
    known_models: "dict[tuple[str, str], tuple[float, HubModelInfo]]" = field(
        default_factory=dict, repr=False
    )
    recommended_models: dict[str, list[str]] | None = None
    prices: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict, repr=False)

    def find_token(self) -> Flow[auth.Token | None]:
        """The token of the client: the one it was given, else the machine's; None without any."""
        known = self.token or self.machine_token
        if known is None and (
            monotonic() >= self.next_token_lookup or auth.has_environment_token()
        ):
            known = self.machine_token = yield Blocking(auth.find_machine_token)
            self.next_token_lookup = monotonic() + TOKEN_RETRY_SECONDS
        return known


def is_url(text: str | None) -> bool:
    """Whether a model is the address of an endpoint."""
    return text is not None and text[:8].lower().startswith(("http://", "https://"))


def redact_model(text: str) -> str:
    """A model as it may be shown and kept: an address without the keys in it."""
    return errors.redact(text) if is_url(text) else text


@functools.lru_cache(maxsize=64)
def check_url(url: str) -> str:
    """The URL; ConfigurationError when it names no host, or a port that is none."""
    try:
        parts = urlsplit(url)
        if parts.hostname and parts.port != 0 and not set(parts.netloc) & set(" \t\r\n"):
            return url
    except ValueError:
        pass  # said below
    raise errors.ConfigurationError(
        f"Not a URL that can be called: {errors.redact(url)!r}. It should look like "
        "https://host/path, or http://localhost:8000/v1."
    )
