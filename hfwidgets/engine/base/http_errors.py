"""The exceptions that become the engine's error replies."""

from hfwidgets.errors import HfWidgetsError


class RefusedError(HfWidgetsError):
    """A refused request: the HTTP status, the wire's error_type as `kind`, the parameter at fault.

    `weights_set` names the set of weights whose installation would help.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str | None = None,
        parameter: str | None = None,
        retry_after: float | None = None,
        weights_set: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.parameter = parameter
        self.retry_after = retry_after
        self.weights_set = weights_set


class ClientGoneError(HfWidgetsError):
    """The client closed its connection, so the answer has no reader."""


def bad_request(message: str, parameter: str | None = None) -> RefusedError:
    """Build the 400 for an invalid request."""
    return RefusedError(400, message, kind="validation", parameter=parameter)
