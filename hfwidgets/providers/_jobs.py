"""Jobs that are accepted now and completed later: poll their status until it is final."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from hfwidgets import errors
from hfwidgets.core.flow import CancelOnExit, Flow, Send, Sleep
from hfwidgets.providers._answers import parse_json

WAIT_LIMIT = 1800.0
"""The longest wait for a job when the client has no timeout, in seconds."""

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 3.0

PendingReason = Callable[[Any], str | None]
"""Takes a job's status; returns why it is still pending, None once it is final."""


def wait_for_job(
    path: str, state: PendingReason, cancel: Send | None = None, first: float = FIRST_PAUSE
) -> Flow[Any]:
    """Poll a job and return its final status.

    The pauses between polls grow from `first` to 3 seconds. A call that ends early sends `cancel`.

    Raises:
        ProviderJobError: The job is still pending after half an hour.
    """
    yield CancelOnExit(cancel)
    waited, pause = 0.0, first
    while True:
        status = parse_json((yield Send("GET", path, follow=False)))
        reason = state(status)
        if reason is None:
            # An error from here on, as in the download of the result, has no job to cancel.
            yield CancelOnExit(None)
            return status
        # Only the pauses count; a client's timeout includes the requests.
        if waited >= WAIT_LIMIT:
            raise errors.ProviderJobError(
                f"The job is not done after {WAIT_LIMIT:.0f} s: {reason}. A client with timeout= "
                "waits "
                "for as long as that says."
            )
        yield Sleep(pause, reason)
        waited += pause
        pause = min(pause * 1.25, max(LONGEST_PAUSE, first))


def url_path(url: object) -> str:
    """Return the path of a URL in an answer, to be joined to the provider's own address.

    The URL's host is not used: through the router it differs, and credentials must not follow an
    answer.
    """
    if not isinstance(url, str) or not urlsplit(url).path.strip("/"):
        raise errors.OutputError(f"The answer should name the job's URL; it has {url!r}.")
    return urlsplit(url).path
