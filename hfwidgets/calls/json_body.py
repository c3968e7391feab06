"""A request's JSON body, with media in it as base64."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from hfwidgets import errors, media
from hfwidgets.core.surrogates import repair_text
from hfwidgets.errors.excerpt import make_excerpt, name_type

MAX_DEPTH = 100
"""The depth at which the search for a value that JSON cannot express gives up."""


def encode_json(value: Any) -> bytes | media.Body:
    """Return JSON in pieces, for a value with media in it; `Send.dump_json` writes all others.

    Raises:
        InputError: the value holds something that JSON cannot express.
    """
    try:
        return media.json_body(value)
    except (TypeError, ValueError, RecursionError) as error:
        found = find_odd_value(value)
        what = str(error) if found is None else f"{found[0]} is {_describe(found[1])}"
        raise errors.InputError(
            f"The request cannot be written as JSON: {what}.",
            advice="Inputs and parameters are texts, finite numbers, booleans, None, lists and "
            "dicts.",
        ) from error


def find_odd_value(value: Any, path: str = "", depth: int = 0) -> tuple[str, Any] | None:
    """Return the place of the first value that JSON cannot express, and the value.

    Places are written as `parameters.stop[0]`.
    """
    # numpy's and torch's numbers look like floats to a user, but not to `json`.
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        value = value.tolist()
    # A container that holds itself ends here too.
    if depth > MAX_DEPTH or not _is_expressible(value):
        return path.lstrip(".") or "the request", value
    for name, item in _iter_items(value):
        if found := find_odd_value(item, f"{path}{name}", depth + 1):
            return found
    return None


def _is_expressible(value: object) -> bool:
    """True if JSON can express a value, apart from what it contains."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, str):
        return repair_text(value) == value
    if isinstance(value, Mapping):
        return all(isinstance(name, (str, int, float, type(None))) for name in value)
    return value is None or isinstance(value, (int, list, tuple, media.Media, media.InlineDataUrl))


def _iter_items(value: object) -> Iterator[tuple[str, Any]]:
    """Yield what a container holds, each with its step of the path."""
    if isinstance(value, Mapping):
        yield from ((f".{name}", item) for name, item in value.items())
    elif isinstance(value, (list, tuple)):
        yield from ((f"[{at}]", item) for at, item in enumerate(value))


def _describe(value: object) -> str:
    if isinstance(value, float):
        return f"{value!r}, which is not a finite number"
    if isinstance(value, str):
        return f"a text with half a character in it ({value!r:.60})"
    if isinstance(value, (list, tuple)):
        return f"nested more than {MAX_DEPTH} levels deep"
    if isinstance(value, Mapping):
        return "a dict with other keys than texts, or nested too deeply"
    return f"{name_type(value)} ({make_excerpt(value):.60})"
