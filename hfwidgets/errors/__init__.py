"""The errors that hfwidgets raises, as one tree.

    HfWidgetsError
    ├── ConfigurationError (ValueError)         conflicting or unknown arguments
    │   ├── UnknownTaskError
    │   ├── UnknownProviderError
    │   ├── UnknownParameterError (TypeError)
    │   ├── TaskNotServedError                  the provider does not serve this task
    │   ├── MissingTokenError
    │   ├── RetiredHostError                    an address that was switched off
    │   └── OfflineModeIsEnabled (ConnectionError)  HF_HUB_OFFLINE is set
    ├── InputError (ValueError)                 an input that cannot be sent
    │   ├── InputTypeError (TypeError)
    │   └── MissingFileError (FileNotFoundError)
    ├── EngineError (RuntimeError)              the embedded engine did not start
    ├── NotRecordedError (LookupError)          nothing may be sent, and no answer is recorded
    ├── OutputError (ValueError)                an answer that is not of the task's form
    ├── ProviderJobError (RuntimeError)         a job that the provider accepted, and that failed
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
    └── HfHubHTTPError (OSError)                a reply of status 400 and above
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

The names are those of huggingface_hub and text-generation clients where those have one. A message
is one readable text made of fields: what was wrong (`reason`) and what to do next (`advice`), which
`action` repeats for a button. It never holds a token.
"""

from typing import Any

from hfwidgets.errors.action import Action as Action
from hfwidgets.errors.action import ActionName as ActionName
from hfwidgets.errors.notebook_traceback import render_traceback
from hfwidgets.errors.printable import make_printable
from hfwidgets.errors.secrets import Secret
from hfwidgets.errors.secrets import redact as redact
from hfwidgets.errors.suggestions import did_you_mean as did_you_mean


class HfWidgetsError(Exception):
    """The root of all errors that hfwidgets raises on purpose.

    Args:
        reason: What was wrong; secrets of known forms are masked.
        advice: What to do next, in one or two sentences.
        action: The same for a button, if one can do it; None for the class's own.

    Attributes:
        reason, advice, action: As passed; `str(error)` is made of the two texts.
        request_id: The server's name for the request, to quote to its support.
        meta: Who answered and how long it took, for an error of a call.
        known_secrets: The secrets of the call, which no traceback shows.
    """

    # On the class, so that a kind of error has an action wherever it is raised.
    action: Action | None = None
    request_id: str | None = None
    known_secrets: tuple[Secret, ...] = ()
    meta: Any = None

    def __init__(self, reason: str = "", *, advice: str = "", action: Action | None = None) -> None:
        self.reason = _clean(reason)
        self.advice = _clean(advice)
        # One argument alone: pickle calls the class with it, and OSError reads two as an errno.
        super().__init__(self.reason)
        if action is not None:
            self.action = action

    @property
    def message(self) -> str:
        """The whole text: the reason, the advice and the request's id."""
        # Last, since it is for the service's support and not for the reader.
        request = f"(request {self.request_id})" if self.request_id else ""
        return " ".join(filter(None, (self.reason, self.advice, request)))

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # Without the secrets that mask its tracebacks.
        fields = {name: value for name, value in vars(self).items() if name != "known_secrets"}
        return type(self), self.args, fields

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython shows: the user's own frames and the message."""
        return render_traceback(self, self.known_secrets) or [f"{type(self).__name__}: {self}"]

    def add_reason(self, text: str) -> None:
        """Append to what was wrong."""
        self.reason = f"{self.reason} {_clean(text)}".strip()

    def add_advice(self, text: str, action: Action | None = None) -> None:
        """Append to what to do next; the action replaces the one there was."""
        self.advice = f"{self.advice} {_clean(text)}".strip()
        if action is not None:
            self.action = action


def _clean(text: str) -> str:
    # First the escapes, which may stand inside a token.
    return redact(make_printable(text))


class ConfigurationError(HfWidgetsError, ValueError):
    """Arguments are unknown or conflict."""


class UnknownTaskError(ConfigurationError):
    """The task is unknown."""


class UnknownProviderError(ConfigurationError):
    """The provider is unknown."""


class UnknownParameterError(ConfigurationError, TypeError):
    """The task has no such parameter."""


class TaskNotServedError(ConfigurationError):
    """The provider does not serve this task, or not with this model."""


class MissingTokenError(ConfigurationError):
    """The provider needs a key and none was found."""

    action = Action("sign_in")


class RetiredHostError(ConfigurationError):
    """The address was switched off."""


class OfflineModeIsEnabled(ConfigurationError, ConnectionError):  # noqa: N818 - the field's name
    """HF_HUB_OFFLINE forbids calls to the Hub."""


class InputError(HfWidgetsError, ValueError):
    """An input that cannot be sent."""


class InputTypeError(InputError, TypeError):
    """An input of a type that no task accepts."""


class MissingFileError(InputError, FileNotFoundError):
    """A path that leads to no file."""


class EngineError(HfWidgetsError, RuntimeError):
    """The embedded engine is not installed or did not start."""


class NotRecordedError(HfWidgetsError, LookupError):
    """Recordings are replayed, and this request is not recorded."""


class OutputError(HfWidgetsError, ValueError):
    """An answer that is not of the task's form."""


class ProviderJobError(HfWidgetsError, RuntimeError):
    """A job that the provider accepted, and that failed."""


class InferenceTimeoutError(HfWidgetsError, TimeoutError):
    """The call took longer than its timeout."""


class ConnectError(HfWidgetsError, ConnectionError):
    """No connection, or one that broke."""


class StreamBrokenError(ConnectError):
    """The connection ended inside a stream; the stream object keeps what arrived."""


class TextGenerationError(HfWidgetsError):
    """An error that a text-generation server names; attributes as HfHubHTTPError's."""

    response: Any = None
    server_message: str | None = None


class ValidationError(TextGenerationError):
    """The server refused the parameters."""


class GenerationError(TextGenerationError):
    """The server failed while it generated."""


class OverloadedError(TextGenerationError):
    """The server has too many requests."""


class IncompleteGenerationError(TextGenerationError):
    """The server stopped before the end."""


class UnknownError(TextGenerationError):
    """The server named an unknown type of error, or none."""


class HfHubHTTPError(HfWidgetsError, OSError):
    """The server replied with a status of 400 or above.

    Attributes:
        response: The reply: `.status_code`, `.headers`, `.text`, `.json()`.
        server_message: The server's own description, None if it sent nothing readable.
    """

    def __init__(
        self,
        reason: str,
        response: Any = None,
        *,
        server_message: str | None = None,
        request_id: str | None = None,
        advice: str = "",
        action: Action | None = None,
    ) -> None:
        super().__init__(reason, advice=advice, action=action)
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

    action = Action("sign_in")


class PaymentRequiredError(HfHubHTTPError):
    """402: the account has no credits left."""


class PermissionDeniedError(HfHubHTTPError):
    """403: the token may not do this."""


class DisabledRepoError(PermissionDeniedError):
    """403: the Hub has switched the model off."""


class NotFoundError(HfHubHTTPError):
    """404: the address, model or file does not exist."""


class RepositoryNotFoundError(NotFoundError):
    """The Hub has no such model, or the token may not see it."""


class GatedRepoError(PermissionDeniedError, RepositoryNotFoundError):
    """403: the model asks its users to accept its terms first."""


class RevisionNotFoundError(NotFoundError):
    """The model has no such revision."""


class EntryNotFoundError(NotFoundError):
    """The model has no such file."""


class RateLimitError(HfHubHTTPError):
    """429: too many requests. `retry_after` is in seconds, None if the server sent no pause."""

    retry_after: float | None = None


class ModelLoadingError(HfHubHTTPError):
    """503: the model is still loading. `estimated_time` is in seconds."""

    estimated_time: float | None = None


class NotServedError(HfHubHTTPError):
    """501: the server does not serve this task."""


class ServerError(HfHubHTTPError):
    """5xx: the server failed."""


class InferenceEndpointError(HfWidgetsError):
    """An Inference Endpoint that is not in a state to be used."""


class InferenceEndpointTimeoutError(InferenceEndpointError, TimeoutError):
    """The Inference Endpoint was not ready in time."""


class EndpointPausedError(InferenceEndpointError, HfHubHTTPError):
    """The Inference Endpoint is paused: it answers again once it is resumed."""
