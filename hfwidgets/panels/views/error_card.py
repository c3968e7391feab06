"""Show in a panel what went wrong: a short title, the reason, what to do."""

import re
from urllib.parse import urlsplit

from hfwidgets import errors
from hfwidgets.panels.document.protocol import ActionView, ErrorCard

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


_BUTTONS = {
    "run_locally": "Run locally",
    "choose_provider": "Choose a provider",
    "choose_model": "Choose a model",
    "retry": "Try again",
    "sign_in": "Sign in",
}
"""What the button of an action says; those with arguments name them, see `_label_action`."""


def error_card(error: BaseException) -> ErrorCard:
    """Return an error as the page shows it, with its action as a button; it holds no token."""
    if not isinstance(error, errors.HfWidgetsError):
        text = f"{type(error).__name__}: {errors.redact(str(error))}"
        return _build_card("Something unexpected happened", text, "", text, errors.Action("retry"))
    title = next(title for kind, title in _TITLES if isinstance(error, kind))
    return _build_card(title, error.reason, error.advice, str(error), error.action)


def _build_card(
    title: str, reason: str, advice: str, whole: str, action: errors.Action | None
) -> ErrorCard:
    # The advice is shown whole, however long the reason is: it is what helps.
    is_long = len(reason) > MAX_REASON_LENGTH
    return ErrorCard(
        title=title,
        text=" ".join(filter(None, (_shorten_reason(reason), advice))) if is_long else whole,
        details=whole if is_long else "",
        action=_describe_action(action) if action else None,
    )


def _describe_action(action: errors.Action) -> ActionView:
    arguments = dict(action.arguments)
    return ActionView(name=action.name, label=_label_action(action), arguments=arguments)


def _label_action(action: errors.Action) -> str:
    if action.name == "install_set":
        return f"Install the {action.arguments['set']} set"
    if action.name == "open_url":
        return f"Open {urlsplit(action.arguments['url']).hostname}"
    return _BUTTONS[action.name]


def _shorten_reason(reason: str) -> str:
    """Return the first sentence, cut where even that is too long."""
    first = _SENTENCE_END.split(reason, maxsplit=1)[0]
    return first if len(first) <= MAX_REASON_LENGTH else f"{first[:MAX_REASON_LENGTH]}…"
