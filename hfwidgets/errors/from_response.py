"""Turn a reply of status 400 or above, or an error event, into the exception for it."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from hfwidgets import errors
from hfwidgets.errors.action import WEIGHT_SETS, Action
from hfwidgets.errors.server_message import (
    ErrorReply,
    describe_error_event,
    find_error_type,
    find_request_id,
    find_server_message,
)

_ERRORS_BY_STATUS: Mapping[int, type[errors.HfHubHTTPError]] = {
    400: errors.BadRequestError,
    401: errors.AuthenticationError,
    402: errors.PaymentRequiredError,
    403: errors.PermissionDeniedError,
    404: errors.NotFoundError,
    413: errors.BadRequestError,
    422: errors.BadRequestError,
    429: errors.RateLimitError,
    501: errors.NotServedError,
}

_ERRORS_BY_CODE: Mapping[str, type[errors.HfHubHTTPError]] = {
    "GatedRepo": errors.GatedRepoError,
    "RepoNotFound": errors.RepositoryNotFoundError,
    "RevisionNotFound": errors.RevisionNotFoundError,
    "EntryNotFound": errors.EntryNotFoundError,
}
"""Classes by the Hub's `X-Error-Code`."""

_ERRORS_BY_TYPE: Mapping[str, type[errors.TextGenerationError]] = {
    "validation": errors.ValidationError,
    "generation": errors.GenerationError,
    "overloaded": errors.OverloadedError,
    "incomplete_generation": errors.IncompleteGenerationError,
}
"""Classes by the `error_type` of text-generation servers."""


def error_from_response(
    reply: ErrorReply,
    *,
    provider: str,
    model: str | None = None,
    task: str = "",
    routed: bool = False,
    source: str | None = None,
    wait: float | None = None,
    secrets: Iterable[str] = (),
) -> errors.HfWidgetsError:
    """Build the exception for a reply.

    Args:
        reply: A reply of status 400 or above.
        provider, model, task: Who was asked, and for what.
        routed: Whether the call went through the Hub's router.
        source: Where the token came from, None if none was sent.
        wait: The pause that the server asks for, in seconds.
        secrets: The call's secrets, which are masked where the server repeats them.
    """
    from hfwidgets.errors import advice  # streams import this module, and most need no advice

    # Masked before anything is derived from it: the advice repeats parts of the message.
    secrets = tuple(secrets)
    message = find_server_message(reply, secrets)
    kind = _find_error_class(reply, message or "", task)
    case = advice.ErrorContext(
        status=reply.status_code,
        server_message=message or "",
        task=task,
        model=model,
        provider=provider,
        routed=routed,
        source=source,
        retry_after=wait,
        is_gated=issubclass(kind, errors.GatedRepoError),
    )
    found = advice.find_advice(case)
    who = f"{provider}, model {model}" if model else provider
    description = (message or "nothing readable").rstrip(".")
    error = kind(
        f"{who} answered {reply.status_code}: {description}.",
        advice=found.text,
        action=_find_missing_set(reply) or found.action,
    )
    attach_response(error, reply, secrets)
    if isinstance(error, errors.RateLimitError):
        error.retry_after = wait
    if isinstance(error, errors.ModelLoadingError):
        error.estimated_time = parse_loading_seconds(reply)
    return error


def error_from_event(body: Mapping[str, Any]) -> errors.TextGenerationError:
    """Build the exception for an error that arrives inside a stream."""
    description = describe_error_event(body) or "no reason given"
    kind = _ERRORS_BY_TYPE.get(str(body.get("error_type")), errors.UnknownError)
    return kind(f"The server broke off with an error: {description}")


def attach_response(
    error: errors.HfWidgetsError, reply: ErrorReply, secrets: Iterable[str] = ()
) -> None:
    """Write on an error of a server the reply that it came from."""
    if isinstance(error, (errors.HfHubHTTPError, errors.TextGenerationError)):
        error.response = reply
        error.server_message = find_server_message(reply, secrets)
        error.request_id = find_request_id(reply.headers, secrets)


def _find_error_class(reply: ErrorReply, message: str, task: str) -> type[errors.HfWidgetsError]:
    if task == "text-generation":
        by_type = _ERRORS_BY_TYPE.get(find_error_type(reply) or "")
        if by_type is not None:
            return by_type
    # The Hub's code is more exact than the status: a missing model is 401 for who has no token.
    status = reply.status_code
    by_code = _ERRORS_BY_CODE.get(reply.headers.get("x-error-code", ""))
    if by_code is not None:
        return by_code
    if status == 403 and "access to this resource is disabled" in message.lower():
        return errors.DisabledRepoError
    if parse_loading_seconds(reply) is not None:
        return errors.ModelLoadingError
    return _ERRORS_BY_STATUS.get(
        status, errors.ServerError if status >= 500 else errors.HfHubHTTPError
    )


def _find_missing_set(reply: ErrorReply) -> Action | None:
    """Return the step that installs the weights which the embedded engine misses."""
    if reply.status_code != 501:
        return None
    try:
        body = reply.json()
    except ValueError:
        return None
    inner = body.get("error") if isinstance(body, Mapping) else None
    fields = inner if isinstance(inner, Mapping) else body
    name = fields.get("weights_set") if isinstance(fields, Mapping) else None
    # Any server may send this: only a known name reaches a button.
    return Action("install_set", {"set": name}) if name in WEIGHT_SETS else None


MAX_ESTIMATE = 1e6
"""Estimates above this many seconds are taken for a mistake of the server."""


def parse_loading_seconds(reply: ErrorReply) -> float | None:
    """Return the estimated seconds until a model is loaded; None if the model is not loading."""
    if reply.status_code != 503:
        return None
    try:
        seconds = float(reply.json()["estimated_time"])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    return seconds if 0 <= seconds <= MAX_ESTIMATE else None  # NaN fails both


def service_name(url: str, provider: str) -> str:
    """Return the name to show: the provider's, or an endpoint's host."""
    if provider and provider != "endpoint":
        return provider
    return urlsplit(url).netloc.rpartition("@")[2]
