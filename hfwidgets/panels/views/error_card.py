"""What a panel says when something went wrong: a short title, the reason, what to do."""

import re
from typing import Any

from hfwidgets import errors

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
    (errors.InferenceTimeoutError, "It took too long"),
    (errors.StreamBrokenError, "The connection broke"),
    (errors.ConnectError, "No connection"),
    (errors.EngineError, "The embedded engine did not start"),
    (errors.BadRequestError, "The request was refused"),
    (errors.TextGenerationError, "The server stopped"),
    (errors.InputError, "This input cannot be sent"),
    (errors.ConfigurationError, "These settings do not go together"),
    (errors.HfHubHTTPError, "The service failed"),
    (errors.HfWidgetsError, "It did not work"),
)
MAX_BRIEF_LENGTH = 280
"""Characters of a text that is shown whole."""

_SENTENCE_BREAK = re.compile(r"(?<=[.!?])\s+(?=[A-Z'\"(])")
_ADVICE = re.compile(
    r"(Accept|Ask|Check|Choose|For|Give|Install|Leave|Log|Lower|Name|Pass|Raise|Run|Set|Shorten|"
    r"Sign|Start|Stop|Try|Unset|Use|Wait|Write)\b"
)
_INSTALL_COMMAND = re.compile(r"hfwidgets engine install (light|full)\b")
_TOKEN_ERRORS = (errors.MissingTokenError, errors.AuthenticationError)


def error_card(error: BaseException) -> dict[str, Any]:
    """The error as the page shows it; never holds a token."""
    title = next((title for kind, title in _TITLES if isinstance(error, kind)), "")
    text = str(error) if title else f"{type(error).__name__}: {errors.redact(str(error))}"
    missing = _INSTALL_COMMAND.search(text)
    brief = _shorten_message(text)
    return {
        "title": title or "Something unexpected happened",
        "text": brief,
        "details": text if brief != text else "",
        "wants": "key" if isinstance(error, _TOKEN_ERRORS) else "weights" if missing else "",
        "set": missing[1] if missing else "",
    }


def _shorten_message(text: str) -> str:
    """Of a long text the reason, its first sentence, and the sentences that say what to do."""
    if len(text) <= MAX_BRIEF_LENGTH:
        return text
    first, *rest = _SENTENCE_BREAK.split(text)
    reason = first if len(first) <= MAX_BRIEF_LENGTH else f"{first[:MAX_BRIEF_LENGTH]}…"
    return " ".join([reason, *(words for words in rest if _ADVICE.match(words))])
