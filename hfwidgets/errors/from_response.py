"""From an answer of status 400 or above to the exception that says what to do next."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from hfwidgets import errors
from hfwidgets.errors import advice
from hfwidgets.errors.advice import ErrorContext

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
"""What the Hub's `X-Error-Code` says."""


class FailedReply(Protocol):
    """What a failure looks at: a reply, however it came."""

    status_code: int
    headers: Mapping[str, str]
    url: str

    def json(self) -> Any: ...
    @property
    def text(self) -> str: ...


def error_from_response(
    reply: FailedReply,
    *,
    provider: str,
    model: str | None = None,
    task: str = "",
    routed: bool = False,
    source: str | None = None,
    wait: float | None = None,
    secrets: Iterable[str] = (),
) -> errors.HfWidgetsError:
    """The exception for a reply.

    Args:
        reply: An answer of status 400 or above.
        provider, model, task: Who was asked, and for what.
        routed: Whether the call went through the Hub's router.
        source: Where the token came from, None when none was sent.
        wait: The pause that the server asks for, in seconds.
        secrets: What is not repeated, should the server repeat it.
    """
    said, name = errors.find_server_message(reply), errors.find_request_id(reply.headers)
    for secret in secrets:
        said = said and said.replace(secret, "…")
    kind = _find_error_class(reply, said or "", task)
    gated = issubclass(kind, errors.GatedRepoError)
    status = reply.status_code
    case = ErrorContext(status, said or "", task, model, provider, routed, source, wait, gated)
    message = _build_message(case, said, name)
    error = kind(message)
    errors.attach_response(error, reply, said, name)
    if isinstance(error, errors.RateLimitError):
        error.retry_after = wait
    if isinstance(error, errors.ModelLoadingError):
        error.estimated_time = parse_loading_seconds(reply)
    return error


def _build_message(case: ErrorContext, said: str | None, name: str | None) -> str:
    who = f"{case.provider}, model {case.model}" if case.model else case.provider
    told = (said or "nothing readable").rstrip(".")
    request = f"(request {name})" if name else ""
    parts = (f"{who} answered {case.status}: {told}.", advice.find_advice(case), request)
    return " ".join(filter(None, parts))


def _find_error_class(reply: FailedReply, said: str, task: str) -> type[errors.HfWidgetsError]:
    named = errors.find_generation_error(reply) if task == "text-generation" else None
    if named is not None:
        return named
    status = reply.status_code
    code = _ERRORS_BY_CODE.get(reply.headers.get("x-error-code", ""))
    if code is not None:
        return code
    if status == 403 and "access to this resource is disabled" in said.lower():
        return errors.DisabledRepoError
    if parse_loading_seconds(reply) is not None:
        return errors.ModelLoadingError
    return _ERRORS_BY_STATUS.get(
        status, errors.ServerError if status >= 500 else errors.HfHubHTTPError
    )


def parse_loading_seconds(reply: FailedReply) -> float | None:
    """The estimated seconds until a model is loaded, None when it is not a matter of loading."""
    if reply.status_code != 503:
        return None
    try:
        body = reply.json()
        return float(body["estimated_time"])
    except (ValueError, TypeError, KeyError):
        return None


def service_name(url: str, provider: str) -> str:
    """The name to show: the provider's, or an endpoint's host."""
    if provider and provider != "endpoint":
        return provider
    return urlsplit(url).netloc.rpartition("@")[2]
