"""The most bytes of each kind of body, counted after decoding: a small gzip may hold gigabytes.

JSON and other texts    256 MB, HFWIDGETS_MAX_JSON_MB
streams                 64 MB, HFWIDGETS_MAX_STREAM_MB
error bodies            the first megabyte is read
files                   as the task says, 512 MB (`media.OUTPUT_LIMIT`)
"""

from hfwidgets import errors
from hfwidgets.core import environment

MEGABYTE = 1 << 20
ERROR_LIMIT = MEGABYTE
"""How much of an error's body is read, in bytes: more explains nothing."""

JSON_VARIABLE = "HFWIDGETS_MAX_JSON_MB"
STREAM_VARIABLE = "HFWIDGETS_MAX_STREAM_MB"

DEFAULTS = {JSON_VARIABLE: 256, STREAM_VARIABLE: 64}


def read_limit(variable: str) -> int:
    """Return the limit in bytes that a variable sets, or its default."""
    value = environment.read_variable(variable)
    if not value:
        return DEFAULTS[variable] * MEGABYTE
    try:
        limit = int(float(value) * MEGABYTE)
    except (ValueError, OverflowError):
        limit = 0
    if limit <= 0:
        raise environment.variable_error(variable, value, "It must be a number of megabytes.")
    return limit


def too_large_error(host: str, limit: int, variable: str | None = None) -> errors.OutputError:
    """Build the error for a body over its limit.

    Args:
        host: the server's.
        limit: the limit in bytes.
        variable: the variable that raises it; None for a file, whose limit is fixed.
    """
    kind = {JSON_VARIABLE: "answer", STREAM_VARIABLE: "stream"}.get(variable or "", "file")
    size = f"{limit / MEGABYTE:,.0f} MB" if limit >= MEGABYTE else f"{limit:,} bytes"
    advice = f"To accept more, set {variable} to a number of megabytes." if variable else ""
    return errors.OutputError(f"The {kind} of {host} is larger than {size}.", advice=advice)
