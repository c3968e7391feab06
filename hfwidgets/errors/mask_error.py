"""Free an error of a call's secrets: its texts, its causes, and the frames of its traceback."""

import contextlib
from collections.abc import Collection, Iterator
from types import TracebackType

from hfwidgets.errors import HfWidgetsError
from hfwidgets.errors.notebook_traceback import is_user_frame
from hfwidgets.errors.secrets import Secret, redact

_PLAIN_TYPES = (int, float, bool, type(None))


def mask_error(error: HfWidgetsError, secrets: Collection[str]) -> None:
    """Mask a call's secrets in an error, wherever it may be looked at or pickled.

    A server may repeat a secret anywhere: in an error's body, in an answer of a wrong shape, in a
    header. What HTTP libraries raise holds requests with their headers; the frames that the error
    has passed through hold them in their locals.

    Args:
        error: The error, after it has left the call's own code.
        secrets: The secrets of the call.
    """
    # Besides the fields: `server_message`, `request_id`, and what subclasses add.
    for name, value in vars(error).items():
        if isinstance(value, str):
            setattr(error, name, redact(value, secrets))
    error.known_secrets = tuple(map(Secret, secrets))
    error.args = tuple(_mask_value(value, secrets) for value in error.args)
    _clear_frames(error.__traceback__)
    for cause in _iter_causes(error):
        _mask_cause(cause, secrets)


def _mask_value(value: object, secrets: Collection[str]) -> object:
    return redact(value, secrets) if isinstance(value, str) else value


def _iter_causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions behind an error, each once: chains may be long, and may be circles."""
    seen, left = {id(error)}, [error.__cause__, error.__context__]
    while left:
        cause = left.pop()
        if cause is not None and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            left += [cause.__cause__, cause.__context__]


def _mask_cause(cause: BaseException, secrets: Collection[str]) -> None:
    _clear_frames(cause.__traceback__)
    # What is neither a text nor a number may hold a request: its repr would be in the traceback.
    cause.args = tuple(
        _mask_value(value, secrets) if isinstance(value, (str, *_PLAIN_TYPES)) else "…"
        for value in cause.args
    )
    # Requests, responses and documents, as httpx and json attach them to their errors.
    for name, value in list(getattr(cause, "__dict__", {}).items()):
        if isinstance(value, str):
            cause.__dict__[name] = redact(value, secrets)
        elif not isinstance(value, _PLAIN_TYPES) and name != "meta":
            cause.__dict__[name] = None


def _clear_frames(trace: TracebackType | None) -> None:
    """Clear the locals of the frames that have ended; the user's own frames keep theirs."""
    while trace is not None:
        if not is_user_frame(trace.tb_frame):
            with contextlib.suppress(RuntimeError):  # it still runs: it belongs to the caller
                trace.tb_frame.clear()
        trace = trace.tb_next
