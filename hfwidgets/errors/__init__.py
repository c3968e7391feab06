"""Everything that can go wrong, as one tree.

    HfWidgetsError
    ├── ConfigurationError (ValueError)         arguments that do not go together
    │   ├── UnknownTaskError
    │   ├── UnknownProviderError
    │   ├── UnknownParameterError (TypeError)
    │   ├── TaskNotServedError                  the provider does not do this task (with this model)
    │   ├── MissingTokenError
    │   ├── RetiredHostError                    an address that was switched off for good
    │   └── OfflineModeIsEnabled (ConnectionError)  HF_HUB_OFFLINE is set
    ├── InputError (ValueError)                 an input that cannot be sent
    │   ├── InputTypeError (TypeError)
    │   └── MissingFileError (FileNotFoundError)
    ├── EngineError (RuntimeError)              the embedded engine did not start
    ├── NotRecordedError (LookupError)          nothing may be sent, and nothing is recorded
    ├── OutputError (ValueError)                an answer that is not what the task promises
    ├── ProviderJobError (RuntimeError)         a job that the provider accepted and then failed
    ├── InferenceTimeoutError (TimeoutError)
    ├── ConnectError (ConnectionError)
    │   └── StreamBrokenError                   the connection ended inside a stream
    ├── TextGenerationError                     a text-generation server's own error types
    │   ├── ValidationError
    │   ├── GenerationError
    │   ├── OverloadedError
    │   ├── IncompleteGenerationError
    │   └── UnknownError
    ├── InferenceEndpointError                  an Inference Endpoint that cannot be used now
    │   ├── InferenceEndpointTimeoutError (TimeoutError)
    │   └── EndpointPausedError (HfHubHTTPError)
    └── HfHubHTTPError (OSError)                the server said no: status 400 and above
        ├── BadRequestError (ValueError)        400, 413, 422
        ├── AuthenticationError                 401
        ├── PaymentRequiredError                402
        ├── PermissionDeniedError               403
        │   ├── DisabledRepoError
        │   └── GatedRepoError (RepositoryNotFoundError)
        ├── NotFoundError                       404
        │   ├── RepositoryNotFoundError
        │   ├── RevisionNotFoundError
        │   └── EntryNotFoundError
        ├── RateLimitError                      429
        ├── ModelLoadingError                   503 while a model loads
        ├── NotServedError                      501
        └── ServerError                         other 5xx

The names are those of the field where it has one. A message is one readable text: what was wrong,
what is possible, what to do next. It never holds a token.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

# Patterns as texts: most programs never need them compiled.
_TOKEN_PATTERN = r"\b(hf_|r8_|sk-|gsk_|xai-|key_|fal_)[A-Za-z0-9_\-:.]{6,}|(?i:\bBearer\s+)\S+"  # noqa: S105

_USER_INFO = r"(https?://)[^\s/@]+@"
_HTML_PATTERN = r"(?i)<(!doctype|html|head|body|title)\b|^\s*<(?:!--|(?:center|h[1-6]|p|div|pre)\b)"
_SECRET_PARAMETERS = "api[-_]?key|access[-_]?token|auth|key|sig|signature|secret|token"  # noqa: S105
_SECRET_QUERY = rf"(?i)([?&](?:{_SECRET_PARAMETERS})=)[^&#\s'\"]+"

MAX_MESSAGE_CHARS = 2000
"""How much of a server's message is kept, in characters."""


def redact(text: str) -> str:
    """The text with everything that looks like a token replaced by its prefix and dots."""
    if "@" in text:
        text = re.sub(_USER_INFO, r"\1…@", text)
    if "=" in text:
        text = re.sub(_SECRET_QUERY, r"\1…", text)
    return re.sub(_TOKEN_PATTERN, lambda found: f"{found[1] or 'Bearer '}…", text)


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.55) -> str:
    """A sentence that suggests the nearest known names, or an empty string."""
    import difflib

    found = difflib.get_close_matches(word, list(known), n=3, cutoff=cutoff)
    return f" Did you mean {' or '.join(map(repr, found))}?" if found else ""


class HfWidgetsError(Exception):
    """The root of all errors that hfwidgets raises on purpose."""

    def __init__(self, message: str = "") -> None:
        super().__init__(redact(message))
        self.message = redact(message)
        self.meta: Any = None

    def __str__(self) -> str:
        return self.message

    def append_to_message(self, more: str) -> None:
        """Add a hint to the message."""
        self.message = f"{self.message} {redact(more)}"


class ConfigurationError(HfWidgetsError, ValueError):
    """Arguments that do not go together."""


class UnknownTaskError(ConfigurationError):
    """No task has this name."""


class UnknownProviderError(ConfigurationError):
    """No provider has this name."""


class UnknownParameterError(ConfigurationError, TypeError):
    """The task has no parameter of this name."""


class TaskNotServedError(ConfigurationError):
    """The provider does not serve this task, or not with this model."""


class MissingTokenError(ConfigurationError):
    """The provider needs a key and none was found."""


class RetiredHostError(ConfigurationError):
    """The address was switched off for good."""


class OfflineModeIsEnabled(ConfigurationError, ConnectionError):  # noqa: N818 - the field's name
    """HF_HUB_OFFLINE forbids calls to the Hub."""


class InputError(HfWidgetsError, ValueError):
    """An input that cannot be sent."""


class InputTypeError(InputError, TypeError):
    """An input of a type that no task takes."""


class MissingFileError(InputError, FileNotFoundError):
    """A path with no file behind it."""


class EngineError(HfWidgetsError, RuntimeError):
    """The embedded engine is not installed or did not start."""


class NotRecordedError(HfWidgetsError, LookupError):
    """Recordings are replayed, and there is none of this."""


class OutputError(HfWidgetsError, ValueError):
    """An answer that is not what the task promises."""


class ProviderJobError(HfWidgetsError, RuntimeError):
    """A job that the provider accepted and then failed."""


class InferenceTimeoutError(HfWidgetsError, TimeoutError):
    """The call's time budget ran out."""


class ConnectError(HfWidgetsError, ConnectionError):
    """No connection, or one that broke."""


class StreamBrokenError(ConnectError):
    """The connection ended inside a stream; the stream object keeps what had come."""


class TextGenerationError(HfWidgetsError):
    """An error that a text-generation server names; attributes as HfHubHTTPError's."""

    response: Any = None
    server_message: str | None = None
    request_id: str | None = None


class ValidationError(TextGenerationError):
    """The server refused the parameters."""


class GenerationError(TextGenerationError):
    """The server failed while it generated."""


class OverloadedError(TextGenerationError):
    """The server has too many requests."""


class IncompleteGenerationError(TextGenerationError):
    """The server stopped before the end."""


class UnknownError(TextGenerationError):
    """The server named no type that is known."""


class HfHubHTTPError(HfWidgetsError, OSError):
    """The server answered with a status of 400 or above.

    Attributes:
        response: the answer: `.status_code`, `.headers`, `.text`, `.json()`.
        server_message: what the server said, None when it said nothing readable.
        request_id: the server's name for this request, to quote to its support.
    """

    def __init__(
        self,
        message: str,
        response: Any = None,
        *,
        server_message: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.response = response
        self.server_message = server_message
        self.request_id = request_id

    @property
    def status_code(self) -> int | None:
        """The HTTP status."""
        return getattr(self.response, "status_code", None)


class BadRequestError(HfHubHTTPError, ValueError):
    """400, 413 or 422: the server refused the request's content."""


class AuthenticationError(HfHubHTTPError):
    """401: no token, or one that is not accepted."""


class PaymentRequiredError(HfHubHTTPError):
    """402: the account has no credits left."""


class PermissionDeniedError(HfHubHTTPError):
    """403: the token may not do this."""


class DisabledRepoError(PermissionDeniedError):
    """403: the Hub has switched the model off."""


class NotFoundError(HfHubHTTPError):
    """404: nothing there."""


class RepositoryNotFoundError(NotFoundError):
    """The Hub has no such model, or the token may not see it."""


class GatedRepoError(PermissionDeniedError, RepositoryNotFoundError):
    """403: the model asks its users to accept its terms first."""


class RevisionNotFoundError(NotFoundError):
    """The model has no such revision."""


class EntryNotFoundError(NotFoundError):
    """The model has no such file."""


class RateLimitError(HfHubHTTPError):
    """429: too many requests. `retry_after` is in seconds, None when the server did not say."""

    retry_after: float | None = None


class ModelLoadingError(HfHubHTTPError):
    """503: the model is still loading. `estimated_time` is in seconds."""

    estimated_time: float | None = None


class NotServedError(HfHubHTTPError):
    """501: the server does not do this task."""


class ServerError(HfHubHTTPError):
    """5xx: the server failed."""


class InferenceEndpointError(HfWidgetsError):
    """An Inference Endpoint that is not in a state to be used."""


class InferenceEndpointTimeoutError(InferenceEndpointError, TimeoutError):
    """The Inference Endpoint was not ready in time."""


class EndpointPausedError(InferenceEndpointError, HfHubHTTPError):
    """The Inference Endpoint is paused: it answers again once somebody resumes it."""


_ERRORS_BY_TYPE: dict[str, type[TextGenerationError]] = {
    "validation": ValidationError,
    "generation": GenerationError,
    "overloaded": OverloadedError,
    "incomplete_generation": IncompleteGenerationError,
}


def find_server_message(reply: Any) -> str | None:
    """What the server says went wrong, in its words; None when it is HTML or nothing."""
    said = [reply.headers.get("x-error-message")]
    try:
        said += _error_texts(reply.json())
    except ValueError:
        text = reply.text.strip()
        said.append(text)
    unique = dict.fromkeys(
        str(text).strip() for text in said if text and not re.search(_HTML_PATTERN, text)
    )
    return redact("; ".join(unique))[:MAX_MESSAGE_CHARS] or None


def _error_texts(body: Any) -> list[Any]:
    """The texts of the error bodies that servers send; see the shapes in the tests."""
    if isinstance(body, str):
        return [body]
    if isinstance(body, list):
        return [text for item in body for text in _error_texts(item)]
    if not isinstance(body, Mapping):
        return []
    if "msg" in body:
        where = ".".join(str(part) for part in body.get("loc", ()))
        return [f"{where}: {body['msg']}" if where else body["msg"]]
    keys = ("error", "error_description", "errors", "message", "detail")
    return [text for key in keys if body.get(key) for text in _error_texts(body[key])]


def find_request_id(headers: Mapping[str, str]) -> str | None:
    """The server's name for the request."""
    names = ("x-request-id", "x-amzn-trace-id", "x-amz-cf-id")
    return next((headers[name] for name in names if headers.get(name)), None)


def error_from_event(body: Mapping[str, Any]) -> HfWidgetsError:
    """The exception for an error that arrives inside a stream."""
    texts = (str(text) for text in _error_texts(body))
    said = "; ".join(text for text in texts if not re.search(_HTML_PATTERN, text))[
        :MAX_MESSAGE_CHARS
    ]
    said = said or "no reason given"
    kind = _ERRORS_BY_TYPE.get(str(body.get("error_type")), UnknownError)
    return kind(f"The server broke off with an error: {said}")


def find_generation_error(reply: Any) -> type[TextGenerationError] | None:
    """The text-generation server's own type for a reply, None when it names none that is known."""
    try:
        body = reply.json()
    except ValueError:
        return None
    return _ERRORS_BY_TYPE.get(str(body.get("error_type"))) if isinstance(body, dict) else None


def attach_response(error: HfWidgetsError, reply: Any, said: str | None, name: str | None) -> None:
    """Write on an HTTP error what it came from."""
    if isinstance(error, (HfHubHTTPError, TextGenerationError)):
        error.response, error.server_message, error.request_id = reply, said, name
