"""The one reader of environment variables, as people set them.

Blanks, line ends and one pair of quotes around a value are dropped: shells, `.env` files and
PowerShell leave them there. A value that cannot be used raises one ConfigurationError that names
the variable and shows the value.
"""

import functools
import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from hfwidgets import errors
from hfwidgets.core.paths import expand_home

TRUE_VALUES = frozenset({"1", "on", "yes", "true"})
"""What switches a variable on, in lower case."""

QUOTES = ("'", '"')


def read_variable(name: str) -> str:
    """Return the value of a variable; empty if it is not set or blank."""
    value = os.environ.get(name)
    return clean_value(value) if value else ""


def clean_value(value: str) -> str:
    """Return a value without the blanks, line ends and quotes around it."""
    value = value.strip()
    if len(value) >= 2 and value[0] in QUOTES and value[-1] == value[0]:
        value = value[1:-1].strip()
    return value


def is_on(name: str) -> bool:
    """True if a variable is set to 1, on, yes or true."""
    return read_variable(name).lower() in TRUE_VALUES


def read_url(name: str) -> str | None:
    """Return the address that a variable holds, None if it is not set.

    Raises:
        ConfigurationError: it is not the address of a server.
    """
    value = read_variable(name)
    return _check_url(name, value) if value else None


@functools.lru_cache(maxsize=32)
def _check_url(name: str, value: str) -> str:
    try:
        parts = urlsplit(value)
        # `urlsplit` accepts blanks and quotes inside an address, and what is appended to a query or
        # a fragment is not a path.
        is_plain = value.isprintable() and not set(value) & set(" \"'\\?#")
        if parts.scheme in ("http", "https") and parts.port != 0 and is_plain:
            check_host(parts.hostname or "")
            return value
    except ValueError:
        pass  # a port that is not a number, a broken IPv6 address, an impossible name
    raise variable_error(name, value, "It must be a URL such as https://example.org.")


def check_host(name: str) -> None:
    """Raise ValueError for a host's name that no address can have."""
    is_ip = ":" in name
    if not name or not (is_ip or all(0 < len(part) < 64 for part in name.rstrip(".").split("."))):
        raise ValueError(f"{name!r} is not the name of a host.")
    if not is_ip:
        name.encode("idna")  # UnicodeError is a ValueError


def variable_error(name: str, value: str, advice: str) -> errors.ConfigurationError:
    """Build the error for a variable whose value cannot be used."""
    # The mask of errors knows only addresses in which nothing is wrong.
    shown = re.sub(r"(?<=://).*@", "…@", value)
    return errors.ConfigurationError(
        f"The environment variable {name} is {shown!r}.", advice=f"{advice} Correct or unset it."
    )


def read_path(name: str) -> Path | None:
    """Return the path that a variable holds, with `~` and variables in it expanded."""
    value = read_variable(name)
    return expand_path(value) if value else None


def expand_path(path: str) -> Path:
    """Return a path with `~` and the variables in it expanded, where they are known."""
    return expand_home(os.path.expandvars(path))


def default_provider() -> str | None:
    """Return the provider that HFWIDGETS_PROVIDER names for all calls, None without one."""
    return read_variable("HFWIDGETS_PROVIDER") or None


def is_offline() -> bool:
    """True if HF_HUB_OFFLINE forbids calls to the Hub."""
    return "HF_HUB_OFFLINE" in os.environ and is_on("HF_HUB_OFFLINE")
