"""Tolerant reading of answers, whose shapes differ by server, and of arguments.

An answer that cannot be what the task promises, such as one without a required field, is refused
with an error that shows its start.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from hfwidgets import errors
from hfwidgets.core.missing import is_missing
from hfwidgets.errors.excerpt import make_excerpt, name_type, show_value
from hfwidgets.errors.server_message import describe_error_event, describes_error
from hfwidgets.errors.user_warnings import warn
from hfwidgets.results.record import Elements, Record, find_field_faults
from hfwidgets.tasks.tables import to_python

R = TypeVar("R", bound=Record)
T = TypeVar("T")


def to_records(kind: type[R], raw: object) -> Elements[R]:
    """Return a list of records from a list, a nested list of one row, or a single object.

    Raises:
        OutputError: The answer is something else, an error, or lacks required fields.
    """
    # Pipelines that accept several texts wrap the labels of a single one in another list.
    while isinstance(raw, list) and len(raw) == 1 and isinstance(raw[0], list):
        raw = raw[0]
    rows = [raw] if isinstance(raw, Mapping) else raw
    if not isinstance(rows, list):
        raise unexpected_shape_error(raw, "a list of objects")
    return Elements(_make_record(kind, row, raw) for row in rows)


def to_record_groups(kind: type[R], raw: object) -> Elements[R]:
    """Return a list of records; of several lists, a list of such lists, contrary to its type.

    Raises:
        OutputError: The answer is something else, an error, or lacks required fields.
    """
    if isinstance(raw, list) and len(raw) > 1 and isinstance(raw[0], list):
        found: Elements[Any] = Elements(to_records(kind, row) for row in raw)
        return found
    return to_records(kind, raw)


def to_record(kind: type[R], raw: object) -> R:
    """Return a single record; of a list, the first.

    Raises:
        OutputError: The answer is something else, an error, or lacks required fields.
    """
    row = raw
    while isinstance(row, list) and row:
        row = row[0]
    return _make_record(kind, row, raw)


def to_numbers(raw: object) -> list[float]:
    """Return a list of finite numbers.

    Raises:
        OutputError: The answer is something else.
    """
    if isinstance(raw, Mapping):
        check_no_error(raw)
    if not isinstance(raw, list):
        raise unexpected_shape_error(raw, "a list of numbers")
    try:
        # True is an int to Python. It is left out here, and the shorter list is noticed below.
        found = [float(value) for value in raw if not isinstance(value, bool)]
    except (TypeError, ValueError, OverflowError) as error:
        raise unexpected_shape_error(raw, "a list of numbers") from error
    if len(found) < len(raw) or not all(map(math.isfinite, found)):
        raise unexpected_shape_error(raw, "a list of finite numbers")
    return found


def _make_record(kind: type[R], row: object, raw: object) -> R:
    if not isinstance(row, Mapping):
        raise unexpected_shape_error(raw, "objects")
    # First, since an error also lacks the required fields, and its own words say more.
    check_no_error(row, kind)
    faults = find_field_faults(kind, row)
    if faults:
        raise unexpected_shape_error(raw, f"an object with {' and '.join(faults)}")
    return kind(row)


def check_no_error(raw: Mapping[str, Any], kind: type[Record] | None = None) -> None:
    """Raise the error that an answer of status 200 reports.

    Args:
        raw: The answer, or one object of it.
        kind: What it should be; an `error` that this declares is one of its fields.

    Raises:
        OutputError: It reports an error.
    """
    declared = getattr(kind, "__annotations__", {})
    if "error" not in declared and raw.get("error"):
        raise _reported_error(raw)
    if raw.get("object") == "error" or (kind is not None and _is_only_error(raw, kind)):
        raise _reported_error(raw)


def _is_only_error(raw: Mapping[str, Any], kind: type[Record]) -> bool:
    """True if an object that lacks what it should have describes an error instead."""
    return bool(find_field_faults(kind, raw)) and describes_error(raw)


def _reported_error(raw: Mapping[str, Any]) -> errors.OutputError:
    words = describe_error_event(raw) or make_excerpt(raw)
    return errors.OutputError(f"The server answered with an error: {words}")


def unexpected_shape_error(raw: object, expected: str) -> errors.OutputError:
    """Build the error for an answer of another shape."""
    return errors.OutputError(
        f"The server should have answered with {expected}; it sent {make_excerpt(raw)!r}.",
        advice="Check that the model serves this task.",
    )


def merge_alias(name: str, value: T, old: str, old_value: T) -> T:
    """Return the value passed under a name or its deprecated one.

    Raises:
        ConfigurationError: Both were passed.
    """
    if old_value is None:
        return value
    if value is not None:
        raise errors.ConfigurationError(f"{old} is the older name of {name}: pass one of them.")
    warn(f"{old} is the older name of {name}.", DeprecationWarning)
    return old_value


def as_str_list(name: str, values: object, least: int = 1) -> list[str]:
    """Return texts as a list, from a list, a column of a table, an array or an iterator.

    Raises:
        InputError: One text, too few, or one that is missing or not a text.
    """
    is_many = isinstance(values, Iterable) and not isinstance(values, (str, bytes))
    found = list(values) if is_many else None  # type: ignore[call-overload]
    if found is None or len(found) < least:
        what = repr(values)[:60] if found is None else f"a list of {len(found)}"
        raise errors.InputError(
            f"{name} must be a list of at least {least}, such as ['one', 'two']; it is {what}."
        )
    return [_as_text(f"{name}[{at}]", item) for at, item in enumerate(found)]


def _as_text(name: str, value: object) -> str:
    """Return a text, or a number as one."""
    if is_missing(value):
        raise errors.InputError(f"{name} is a missing value.")
    value = to_python(value)
    # The str() of a container is its repr, brackets and quotes included: never what was meant.
    if hasattr(value, "__len__") and not isinstance(value, str):
        raise errors.InputError(f"{name} is {name_type(value)}; it must be a text.")
    return str(value)


def as_list(value: str | list[str] | None) -> list[str] | None:
    """Return a single text as a list of one."""
    return [value] if isinstance(value, str) else value


def as_options(name: str, values: object) -> dict[str, Any]:
    """Return additional parameters as a dict of their own.

    Raises:
        InputError: They are not a dict with names as its keys.
    """
    if values is None:
        return {}
    if not isinstance(values, Mapping) or not all(isinstance(key, str) for key in values):
        raise errors.InputError(
            f"{name} must be a dict of parameter names and values; it is {show_value(values)}."
        )
    return dict(values)


def warn_deprecated(task: str, name: str, values: dict[str, Any] | None) -> dict[str, Any]:
    """Return parameters that were passed as one dict, the older way, with a warning."""
    if values is None:
        return {}
    warn(f"{name} of {task} is deprecated: pass its entries as keywords.", DeprecationWarning)
    return as_options(name, values)
