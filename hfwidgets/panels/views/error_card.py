"""Show in a panel what went wrong: a short title, the reason, what to do."""

import re
from typing import Any

from hfwidgets import errors

# The first match counts, so subclasses come before their bases.
_TITLES: tuple[tuple[type[BaseException], str], ...] = (
    (errors.MissingTokenError, "A token is needed"),
    (errors.AuthenticationError, "The token was not accepted"),
    (errors.PaymentRequiredError, "No credits left"),
    (errors.PermissionDeniedError, "Not allowed"),
    (errors.NotFoundError, "Not found"),
    (errors.RateLimitError, "Too many requests"),
    (errors.ModelLoadingError, "The model is still loading"),
    (errors.NotServedError, "This task is not served"),
    (errors.TaskNotServedError, "This task is not served"),
    (errors.InferenceTimeoutError, "Request timed out"),
    (errors.StreamBrokenError, "The connection broke"),
    (errors.ConnectError, "No connection"),
    (errors.EngineError, "The embedded engine did not start"),
    (errors.BadRequestError, "The request was refused"),
    (errors.TextGenerationError, "The server stopped"),
    (errors.InputError, "This input cannot be sent"),
    (errors.ConfigurationError, "Conflicting settings"),
    (errors.HfHubHTTPError, "The service failed"),
    (errors.HfWidgetsError, "Request failed"),
)
MAX_REASON_LENGTH = 280
"""Characters of a reason that are shown; the rest folds under Details."""

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def error_card(error: BaseException) -> dict[str, Any]:
    """Return an error as the page shows it; it never holds a token.

    Returns:
        `title`; `text`, the reason and the advice; `details`, the whole text where the reason was
        too long to be shown at once; `wants`, the step that a button offers (`key`, `weights` or
        empty); `set`, the set of weights that it installs.
    """
    if not isinstance(error, errors.HfWidgetsError):
        text = f"{type(error).__name__}: {errors.redact(str(error))}"
        return _build_card("Something unexpected happened", text, "", text, None)
    title = next(title for kind, title in _TITLES if isinstance(error, kind))
    return _build_card(title, error.reason, error.advice, str(error), error.action)


def _build_card(
    title: str, reason: str, advice: str, whole: str, action: errors.Action | None
) -> dict[str, Any]:
    # The advice is shown whole, however long the reason is: it is what helps.
    name = action.name if action else ""
    is_long = len(reason) > MAX_REASON_LENGTH
    return {
        "title": title,
        "text": " ".join(filter(None, (_shorten_reason(reason), advice))) if is_long else whole,
        "details": whole if is_long else "",
        "wants": {"sign_in": "key", "install_set": "weights"}.get(name, ""),
        "set": action.arguments["set"] if action and name == "install_set" else "",
    }


def _shorten_reason(reason: str) -> str:
    """Return the first sentence, cut where even that is too long."""
    first = _SENTENCE_END.split(reason, maxsplit=1)[0]
    return first if len(first) <= MAX_REASON_LENGTH else f"{first[:MAX_REASON_LENGTH]}…"
