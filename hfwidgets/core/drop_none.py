"""Leave out what was not given: None means "not set" in parameters and in records."""

from typing import Any


def drop_none(value: Any) -> Any:
    """Return plain data without the keys whose value is None, at every depth of dicts and lists.

    A None in a list stays: it holds a place there.
    """
    if isinstance(value, dict):
        return {name: drop_none(item) for name, item in value.items() if item is not None}
    return [drop_none(item) for item in value] if isinstance(value, list) else value
