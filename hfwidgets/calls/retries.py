"""When a request is sent again, and after which pause: the one back-off of the package."""

import re
import time
from collections.abc import Mapping

RETRY_STATUSES = frozenset({408, 429, 502, 503})
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


def parse_retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the pause in seconds that a server asks for: by Retry-After or RateLimit's reset."""
    requested = headers.get("retry-after", "").strip()
    if requested:
        try:
            return max(0.0, float(requested))
        except ValueError:
            import email.utils

            date = email.utils.parsedate_to_datetime(requested) if "," in requested else None
            return max(0.0, date.timestamp() - time.time()) if date else None
    reset = re.search(r"\bt=(\d+)", headers.get("ratelimit", ""))
    return float(reset[1]) + 1 if reset else None
