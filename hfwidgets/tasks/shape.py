"""Tolerant readings of what servers answer: the shapes differ, the results do not."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from hfwidgets import errors
from hfwidgets.core.missing import is_missing
from hfwidgets.errors.user_warnings import warn
from hfwidgets.results.record import Elements, Record, to_elements

R = TypeVar("R", bound=Record)


def to_records(kind: type[R], raw: Any) -> Elements[R]:
    """A list of records from a list, a nested list of one row, or a single object."""
    while isinstance(raw, list) and len(raw) == 1 and isinstance(raw[0], list):
        raw = raw[0]
    rows = [raw] if isinstance(raw, Mapping) else raw
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise unexpected_shape_error(raw, "a list of objects")
    if len(rows) == 1 and "error" in rows[0]:
        raise errors.OutputError(f"The server answered with an error: {rows[0]['error']}")
    return to_elements(kind, rows)


def to_record_groups(kind: type[R], raw: Any) -> Elements[R]:
    """A list of records; several lists become one of such lists, though the type says the first."""
    if isinstance(raw, list) and len(raw) > 1 and isinstance(raw[0], list):
        found: Elements[Any] = Elements(to_records(kind, row) for row in raw)
        return found
    return to_records(kind, raw)


def to_record(kind: type[R], raw: Any) -> R:
    """A single record; the first one of a list."""
    while isinstance(raw, list) and raw:
        raw = raw[0]
    if not isinstance(raw, Mapping):
        raise unexpected_shape_error(raw, "an object")
    if "error" in raw and len(raw) == 1:
        raise errors.OutputError(f"The server answered with an error: {raw['error']}")
    return kind(raw)


def merge_alias(name: str, value: Any, old: str, old_value: Any) -> Any:
    """The value under its name or its older one; both at once are refused."""
    if old_value is None:
        return value
    if value is not None:
        raise errors.ConfigurationError(f"{old} is the older name of {name}: pass one of them.")
    warn(f"{old} is the older name of {name}.", DeprecationWarning)
    return old_value


def unexpected_shape_error(raw: Any, expected: str) -> errors.OutputError:
    """The error for an answer of another shape."""
    return errors.OutputError(
        f"The server should have answered with {expected}; it sent {str(raw)[:200]!r}. "
        "Check that the model serves this task."
    )


def table_texts(table: Any) -> dict[str, list[str]]:
    """A table as the wire wants it: column names to lists of texts. Takes a DataFrame too."""
    if hasattr(table, "to_dict") and hasattr(table, "columns"):
        table = table.to_dict("list")
    if not isinstance(table, Mapping) or not all(
        isinstance(cells, (list, tuple)) for cells in table.values()
    ):
        raise errors.InputError(
            "A table is a dict of columns, each a list of cells, or a DataFrame: "
            '{"Name": ["Ada", "Bob"], "Age": ["36", "41"]}.'
        )
    lengths = {str(name): len(cells) for name, cells in table.items()}
    if len(set(lengths.values())) > 1:
        raise errors.InputError(
            f"All columns of a table must have the same length; here: {lengths}."
        )
    return {str(name): [_cell_text(cell) for cell in cells] for name, cells in table.items()}


def _cell_text(cell: Any) -> str:
    return "" if is_missing(cell) else str(cell)


def as_str_list(name: str, given: Any, least: int = 1) -> list[str]:
    """Several texts as a list: a list, a column of pandas, an array or an iterator of them.

    Raises:
        InputError: one text, too few, or one that is missing.
    """
    found = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else None
    if found is None or len(found) < least:
        what = repr(given)[:60] if found is None else f"a list of {len(found)}"
        raise errors.InputError(
            f"{name} must be a list of at least {least}, such as ['one', 'two']; it is {what}."
        )
    if any(map(is_missing, found)):
        raise errors.InputError(f"{name} has missing values in it.")
    return [str(item) for item in found]


def as_list(given: Any) -> Any:
    """A list where one text was given."""
    return [given] if isinstance(given, str) else given


def warn_deprecated(task: str, name: str, values: dict[str, Any] | None) -> dict[str, Any]:
    """Parameters that were given all at once, as older code gives them, with a warning."""
    if values is None:
        return {}
    warn(
        f"{name} of {task} is outdated: pass its entries as keywords.",
        DeprecationWarning,
    )
    return values
