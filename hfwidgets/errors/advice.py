"""What to do next, for an answer of status 400 or above.

`advice` reads the status and the server's own words; the first rule that fits speaks.
"""

import re
from dataclasses import dataclass

PROVIDER_SETTINGS = "https://huggingface.co/settings/inference-providers"
TOKEN_SETTINGS = "https://huggingface.co/settings/tokens"  # noqa: S105
BILLING_PAGE = "https://huggingface.co/settings/billing"
ENDPOINTS_PAGE = "https://endpoints.huggingface.co"


@dataclass(frozen=True, slots=True)
class ErrorContext:
    """What is known of a refused request.

    `source` says where its token came from, None when none was sent; `wait` is the pause that the
    server asks for, in seconds.
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

    def mentions(self, *words: str) -> bool:
        """Whether the server's words hold one of these, in whatever case."""
        said = self.server_message.lower()
        return any(word in said for word in words)


def find_advice(case: ErrorContext) -> str:
    """One or two sentences on what to do next; empty when there is nothing to say."""
    for rule in (
        _advise_enabling_provider,
        _advise_wrong_task,
        _advise_gated,
        _advise_credits,
        _advise_permissions,
        _advise_long_text,
        _advise_gateway_timeout,
    ):
        if said := rule(case):
            return said
    fault = _SERVER_FAULT if case.status >= 500 else ""
    return _ADVICE_BY_STATUS.get(case.status, fault)


_SERVER_FAULT = "The fault is the server's: try again later, or choose another provider=."
_CHECK_PARAMETERS = (
    "Check that the model serves this task and that the parameters are within its bounds."
)

_ADVICE_BY_STATUS = {
    400: _CHECK_PARAMETERS,
    404: "Check the model's name and that this provider serves it; client.explain(...) shows the "
    "URL that was called.",
    410: "The model is no longer served there: choose another model or provider=.",
    413: "Make the input smaller: shorten the text, or scale the picture down.",
    422: _CHECK_PARAMETERS,
    501: "Choose another provider=, or the URL of an endpoint that does this task.",
}


def advise_token(source: str | None, server: str = "") -> str:
    """What to do about a token that is missing or not accepted, by a server not of the Hub's."""
    if source is None:
        return (
            "No token was sent: pass token=..., set HF_TOKEN, or log in with %hf auth login. A "
            "token that was found on this machine goes to the Hub's own hosts only."
        )
    if server:
        return f"The key came from {source}: check that {server} still accepts it."
    return f"The token came from {source}: check that it is still valid ({TOKEN_SETTINGS})."


def _advise_enabling_provider(case: ErrorContext) -> str:
    if not case.mentions("provider you have enabled", "providers you have enabled"):
        return ""
    return (
        f"Enable a provider that serves the model at {PROVIDER_SETTINGS}, name one with "
        "provider=..., or choose another model."
    )


_WRONG_TASK_PATTERN = re.compile(
    r"not supported for (the )?task|supported tasks?:|task not found", re.I
)


def _advise_wrong_task(case: ErrorContext) -> str:
    return (
        advise_other_task(case.task, case.model)
        if _WRONG_TASK_PATTERN.search(case.server_message)
        else ""
    )


def advise_other_task(task: str, model: str | None) -> str:
    """What to call where a model is not served for a task."""
    shown = f", model={model!r}" if model else ""
    if task == "text-generation":
        return (
            "This model is served for conversations. Call chat_completion("
            f'[{{"role": "user", "content": prompt}}]{shown}) instead of text_generation.'
        )
    if task == "chat-completion":
        return (
            f"This model is not served for conversations: call text_generation(prompt{shown}), "
            "or choose a chat model."
        )
    return "Choose a model that is served for this task, another provider=, or provider='local'."


def _advise_credits(case: ErrorContext) -> str:
    if case.status != 402 and not case.mentions("monthly included credits"):
        return ""
    ours = case.routed or case.provider in ("hf-inference", "auto")
    payer = "pass bill_to= for an organisation that pays, " if ours else ""
    where = BILLING_PAGE if ours else f"{case.provider}'s billing page"
    return f"Add credits ({where}), {payer}choose another provider=, or use provider='local'."


def _advise_gated(case: ErrorContext) -> str:
    if not case.is_gated and not (case.status in (401, 403) and case.mentions("gated")):
        return ""
    page = f"https://huggingface.co/{case.model}" if case.model else "the model's page"
    return f"The model is gated: accept its terms at {page} with the account that owns the token."


def _advise_permissions(case: ErrorContext) -> str:
    if case.status == 401:
        ours = case.routed or _is_hub_service(case.provider)
        return advise_token(case.source, "" if ours else case.provider)
    if case.status == 429:
        return _advise_rate_limit(case)
    if case.status != 403:
        return ""
    if case.routed or case.provider in ("hf-inference", "auto"):
        return (
            "The token lacks a permission: give it 'Make calls to Inference Providers' at "
            f"{TOKEN_SETTINGS}, or make a new one."
        )
    return "The token may not do this: check its permissions and the model's terms of use."


def _is_hub_service(who: str) -> bool:
    ours = ("hf-inference", "auto")
    hosts = ("huggingface.co", ".endpoints.huggingface.cloud", ".hf.space")
    return who in ours or who.endswith(hosts)


def _advise_rate_limit(case: ErrorContext) -> str:
    wait = "a while" if case.retry_after is None else f"{case.retry_after:.0f} s"
    more = "" if case.source else " Calls without a token are limited most: pass token=."
    return f"Wait {wait}, or ask less at once.{more}"


def _advise_long_text(case: ErrorContext) -> str:
    if not case.mentions("must be <=", "context length", "maximum context"):
        return ""
    return "Shorten the input, or ask for fewer new tokens."


def _advise_gateway_timeout(case: ErrorContext) -> str:
    if case.status not in (408, 504):
        return ""
    if case.task in ("chat-completion", "text-generation"):
        return (
            "The answer took longer than a gateway waits: stream it (stream=True), or ask for "
            "fewer tokens."
        )
    return "The answer took longer than a gateway waits: ask for less at once."
