"""When a request is sent again, and after which pause: the one back-off of the package.

Models that load and endpoints that start name their own pauses, in `call` and `endpoint_state`.
"""

import math
import re
import time
from collections.abc import Mapping

RETRY_STATUSES = frozenset({408, 429, 502, 503, 529})
"""Statuses that may pass. Not 504: it follows a long generation, which would be paid for twice."""

MAX_RETRY_WAIT = 60.0
"""The longest pause in seconds that is waited for; a longer one is reported to the user."""

MAX_BACKOFF = 8.0


def backoff_seconds(tries: int, first: float = 1.0) -> float:
    """Return a pause of `first` seconds, doubled with each try, at most 8 seconds.

    It varies by a fifth, so that many clients do not come back at once.
    """
    import random  # its import costs 3 ms, and most calls need no pause

    return min(MAX_BACKOFF, first * 2.0**tries) * random.uniform(0.8, 1.2)  # noqa: S311


def may_retry(status: int, headers: Mapping[str, str]) -> bool:
    """True if a reply may be better next time: by x-should-retry, else by its status."""
    advised = headers.get("x-should-retry", "").strip().lower()
    return advised == "true" if advised in ("true", "false") else status in RETRY_STATUSES


def parse_retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the pause in seconds that a server asks for, None without one that can be used.

    Read are retry-after-ms, Retry-After as seconds or as a date, and RateLimit's reset. A pause of
    no time, or one that lies in the past, counts as none: the back-off decides then.
    """
    found = (
        _parse_number(headers.get("retry-after-ms", ""), 0.001),
        _parse_number(headers.get("retry-after", ""), 1.0),
        _parse_date(headers.get("retry-after", "")),
        _parse_reset(headers.get("ratelimit", "")),
    )
    return next((pause for pause in found if pause is not None and pause > 0), None)


def _parse_number(text: str, unit: float) -> float | None:
    """Return a finite number of seconds; the longest, where proxies have joined several headers."""
    try:
        pauses = [float(part) * unit for part in text.split(",")]
    except ValueError:
        return None
    return max(pauses) if all(map(math.isfinite, pauses)) else None


def _parse_date(text: str) -> float | None:
    """Return the seconds until an HTTP date."""
    if not re.search(r"[A-Za-z]", text):
        return None
    import datetime
    import email.utils

    try:
        date = email.utils.parsedate_to_datetime(text)
        # HTTP dates are in GMT; without a zone Python would take them for local time.
        moment = date if date.tzinfo else date.replace(tzinfo=datetime.UTC)
        return moment.timestamp() - time.time()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None  # not a date, or one beyond the calendar


def _parse_reset(text: str) -> float | None:
    """Return the seconds until a rate limit is reset, rounded up to be on the safe side."""
    reset = re.search(r"\bt=(\d{1,9})\b", text)
    return float(reset[1]) + 1 if reset else None
