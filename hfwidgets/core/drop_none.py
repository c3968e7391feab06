"""Leave out what was not given: None means "not set" in parameters and in records."""

from typing import Any

_SENTINELS = frozenset({"NotGiven", "Omit"})
"""The types of openai's `NOT_GIVEN` and `omit`, by name so that openai is not imported."""


def is_left_out(value: object) -> bool:
    """True for openai's sentinels, which say that a parameter is not passed."""
    kind = type(value)
    return kind.__name__ in _SENTINELS and kind.__module__.partition(".")[0] == "openai"


def drop_none(value: Any) -> Any:
    """Return plain data without the keys whose value is not set, at every depth of dicts and lists.

    The sentinels of openai's client count as None. A None in a list stays: it holds a place there.
    """
    if isinstance(value, dict):
        return {
            name: drop_none(item)
            for name, item in value.items()
            if item is not None and not is_left_out(item)
        }
    if isinstance(value, list):
        return [drop_none(item) for item in value if not is_left_out(item)]
    return value
