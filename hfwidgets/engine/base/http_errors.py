"""How the engine says no: one exception that knows its HTTP status and its words."""

from hfwidgets.errors import HfWidgetsError


class RefusedError(HfWidgetsError):
    """A request that gets an error answer of this status; `kind` is the wire's error_type.

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
    """The client closed its connection; nobody waits for the answer."""


def bad_request(message: str, parameter: str | None = None) -> RefusedError:
    """A refusal of what the caller sent: status 400."""
    return RefusedError(400, message, kind="validation", parameter=parameter)
