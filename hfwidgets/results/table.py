"""Lists of results as tables: for pandas, for files."""

import base64
import csv
import io
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hfwidgets import errors
from hfwidgets.core.surrogates import repair_text


def flat_rows(items: Iterable[Any]) -> list[dict[str, Any]]:
    """Return one flat dict per item: nested objects become columns such as `box.xmin`."""
    return [_flatten(item) if isinstance(item, Mapping) else {"value": item} for item in items]


def _flatten(item: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in item.items():
        if isinstance(value, Mapping):
            found |= _flatten(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found


def to_frame(items: Iterable[Any]) -> Any:
    """Return the items as a DataFrame of pandas."""
    pandas = import_pandas()
    try:
        return pandas.DataFrame(flat_rows(items))
    except Exception as error:  # pandas raises whatever its parts do
        raise errors.OutputError(f"The results do not fit into a DataFrame: {error}.") from error


def import_pandas() -> Any:
    """Return pandas; ImportError that says what to install without it."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            "to_pandas() needs pandas: pip install pandas. Without it, the result is a list of "
            "dicts, and save('result.csv') writes a table."
        ) from error
    return pandas


def save_items(items: Iterable[Any], path: str | os.PathLike[str]) -> Path:
    """Write the items to a file: .json keeps their structure, .csv flattens them to rows.

    Raises:
        ConfigurationError: The file's name has another ending.
        OutputError: The items hold what the format cannot express.
    """
    target = Path(path)
    ending = target.suffix.lower()
    if ending not in (".json", ".csv"):
        raise errors.ConfigurationError(
            f"A list of results is saved as .json or .csv; {target.name!r} ends in neither."
        )
    try:
        if ending == ".json":
            text = json.dumps(list(items), ensure_ascii=False, indent=2, default=_to_json_value)
        else:
            text = _to_csv(flat_rows(items))
    except (TypeError, ValueError, RecursionError) as error:
        raise errors.OutputError(f"The results cannot be written as {ending}: {error}.") from error
    # csv writes its own line ends, which text mode would double on Windows.
    target.write_text(repair_text(text), encoding="utf-8", newline="")
    return target


def _to_csv(table: list[dict[str, Any]]) -> str:
    names = list(dict.fromkeys(name for row in table for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names)
    writer.writeheader()
    writer.writerows({name: _csv_cell(value) for name, value in row.items()} for row in table)
    return out.getvalue()


def _csv_cell(value: object) -> Any:
    plain = isinstance(value, (str, int, float, type(None)))
    return value if plain else json.dumps(value, ensure_ascii=False, default=_to_json_value)


def _to_json_value(value: Any) -> Any:
    """Return an image or audio as base64, an array as a list."""
    if hasattr(value, "save") and hasattr(value, "getbbox"):
        out = io.BytesIO()
        value.save(out, "PNG")
        value = out.getvalue()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if hasattr(value, "tolist"):
        return value.tolist()
    raise errors.ConfigurationError(f"{type(value).__name__} cannot be written to a file.")
