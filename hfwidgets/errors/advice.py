"""Choose what to do next after a reply of status 400 or above.

`find_advice` reads the status and the server's message; the first rule that fits decides.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

from hfwidgets.errors.action import Action
from hfwidgets.errors.hub_hosts import is_trusted_host

PROVIDER_SETTINGS = "https://huggingface.co/settings/inference-providers"
TOKEN_SETTINGS = "https://huggingface.co/settings/tokens"  # noqa: S105
BILLING_PAGE = "https://huggingface.co/settings/billing"
ENDPOINTS_PAGE = "https://endpoints.huggingface.co"

_HUB_PROVIDERS = ("hf-inference", "auto")


class Advice(NamedTuple):
    """What to do next: one or two sentences, and the same as a step that a button can carry out."""

    text: str
    action: Action | None = None


@dataclass(frozen=True, slots=True)
class ErrorContext:
    """What is known about a refused request.

    Attributes:
        status: The HTTP status.
        server_message: The server's own description, empty if it sent none.
        task, model, provider: Who was asked, and for what; `provider` is the host of a URL.
        routed: Whether the call went through the Hub's router.
        source: Where the token came from, None if none was sent.
        retry_after: The pause that the server asks for, in seconds.
        is_gated: Whether the Hub's error code says that the model is gated.
    """

    status: int
    server_message: str = ""
    task: str = ""
    model: str | None = None
    provider: str = ""
    routed: bool = False
    source: str | None = None
    retry_after: float | None = None
    is_gated: bool = False

    @property
    def is_hub_service(self) -> bool:
        """True if the Hub's tokens and the Hub's bills apply."""
        return self.routed or self.provider in _HUB_PROVIDERS

    def mentions(self, *words: str) -> bool:
        """True if the server's message contains one of these, in any case."""
        message = self.server_message.lower()
        return any(word in message for word in words)


def find_advice(case: ErrorContext) -> Advice:
    """Return what to do next; the text is empty if nothing is known to help."""
    # The order matters: a 403 may be about credits or gating before it is about permissions.
    for rule in (
        _advise_enabling_provider,
        _advise_wrong_task,
        _advise_gated,
        _advise_credits,
        _advise_permissions,
        _advise_rate_limit,
        _advise_long_text,
        _advise_gateway_timeout,
    ):
        if found := rule(case):
            return found
    return _ADVICE_BY_STATUS.get(case.status, _SERVER_FAULT if case.status >= 500 else Advice(""))


_SERVER_FAULT = Advice(
    "The fault is the server's: try again later, or choose another provider=.", Action("retry")
)
_CHECK_PARAMETERS = Advice(
    "Check that the model serves this task and that the parameters are within its bounds."
)

_ADVICE_BY_STATUS = {
    400: _CHECK_PARAMETERS,
    404: Advice(
        "Check the model's name and that this provider serves it; client.explain(...) shows the "
        "URL that was called.",
        Action("choose_model"),
    ),
    410: Advice(
        "The model is no longer served there: choose another model or provider=.",
        Action("choose_model"),
    ),
    413: Advice("Make the input smaller: shorten the text, or scale the image down."),
    422: _CHECK_PARAMETERS,
    501: Advice(
        "Choose another provider=, or the URL of an endpoint that does this task.",
        Action("choose_provider"),
    ),
}


def advise_token(source: str | None, server: str = "") -> str:
    """Return what to do about a token that is missing or not accepted.

    Args:
        source: Where the token came from, None if none was sent.
        server: A service that issues its own keys, empty for the Hub.
    """
    if source is None:
        return (
            "No token was sent: pass token=..., set HF_TOKEN, or log in with %hf auth login. A "
            "token that was found on this machine goes to the Hub's own hosts only."
        )
    if server:
        return f"The key came from {source}: check that {server} still accepts it."
    return f"The token came from {source}: check that it is still valid ({TOKEN_SETTINGS})."


def _advise_enabling_provider(case: ErrorContext) -> Advice | None:
    if not case.mentions("provider you have enabled", "providers you have enabled"):
        return None
    return Advice(
        f"Enable a provider that serves the model at {PROVIDER_SETTINGS}, name one with "
        "provider=..., or choose another model.",
        Action("open_url", {"url": PROVIDER_SETTINGS}),
    )


_WRONG_TASK_PATTERN = re.compile(
    r"not supported for (the )?task|supported tasks?:|task not found", re.I
)


def _advise_wrong_task(case: ErrorContext) -> Advice | None:
    if not _WRONG_TASK_PATTERN.search(case.server_message):
        return None
    return Advice(advise_other_task(case.task, case.model), Action("choose_model"))


def advise_other_task(task: str, model: str | None) -> str:
    """Return what to call where a model is not served for a task."""
    argument = f", model={model!r}" if model else ""
    if task == "text-generation":
        return (
            "This model is served for conversations. Call chat_completion("
            f'[{{"role": "user", "content": prompt}}]{argument}) instead of text_generation.'
        )
    if task == "chat-completion":
        return (
            f"This model is not served for conversations: call text_generation(prompt{argument}), "
            "or choose a chat model."
        )
    return "Choose a model that is served for this task, another provider=, or provider='local'."


def _advise_credits(case: ErrorContext) -> Advice | None:
    if case.status != 402 and not case.mentions("monthly included credits"):
        return None
    page = BILLING_PAGE if case.is_hub_service else f"{case.provider}'s billing page"
    payer = "pass bill_to= for an organization that pays, " if case.is_hub_service else ""
    return Advice(
        f"Add credits ({page}), {payer}choose another provider=, or use provider='local'.",
        Action("open_url", {"url": page}) if case.is_hub_service else Action("run_locally"),
    )


def _advise_gated(case: ErrorContext) -> Advice | None:
    if not case.is_gated and not (case.status in (401, 403) and case.mentions("gated")):
        return None
    page = f"https://huggingface.co/{case.model}" if case.model else ""
    return Advice(
        f"The model is gated: accept its terms at {page or 'its page'} with the account that owns "
        "the token.",
        Action("open_url", {"url": page}) if page else None,
    )


def _advise_permissions(case: ErrorContext) -> Advice | None:
    if case.status == 401:
        is_hub = case.is_hub_service or is_trusted_host(case.provider)
        return Advice(advise_token(case.source, "" if is_hub else case.provider), Action("sign_in"))
    if case.status != 403:
        return None
    if case.is_hub_service:
        return Advice(
            "The token lacks a permission: give it 'Make calls to Inference Providers' at "
            f"{TOKEN_SETTINGS}, or make a new one.",
            Action("open_url", {"url": TOKEN_SETTINGS}),
        )
    return Advice("The token may not do this: check its permissions and the model's terms of use.")


def _advise_rate_limit(case: ErrorContext) -> Advice | None:
    if case.status != 429:
        return None
    pause = "a while" if case.retry_after is None else f"{case.retry_after:.0f} s"
    more = "" if case.source else " Calls without a token are limited most: pass token=."
    arguments = {} if case.retry_after is None else {"seconds": f"{case.retry_after:.0f}"}
    return Advice(
        f"Wait {pause}, or send fewer requests at once.{more}", Action("retry", arguments)
    )


def _advise_long_text(case: ErrorContext) -> Advice | None:
    if not case.mentions("must be <=", "context length", "maximum context"):
        return None
    return Advice("Shorten the input, or ask for fewer new tokens.")


def _advise_gateway_timeout(case: ErrorContext) -> Advice | None:
    if case.status not in (408, 504):
        return None
    cause = "The answer took longer than a gateway waits"
    if case.task in ("chat-completion", "text-generation"):
        return Advice(f"{cause}: stream it (stream=True), or ask for fewer tokens.")
    return Advice(f"{cause}: send a smaller input.", Action("retry"))
