"""A result as JSON for people: what is large is named, not written out."""

import base64
import io
import json
from collections.abc import Callable
from typing import Any

from hfwidgets.panels.views import previews
from hfwidgets.results import table
from hfwidgets.results.vision import Overlaid, Video

LONGEST = 2000
"""Characters of one text, and numbers of one array, that are written out."""

File = previews.File


def text(result: Any) -> str:
    """The result as indented JSON."""
    return json.dumps(_short(result), ensure_ascii=False, indent=2, default=_named)


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _short(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_short(item) for item in value]
    if isinstance(value, bytes):
        head = base64.b64encode(value[:30]).decode()
        return f"{head}… ({len(value):,} bytes as base64)"
    if isinstance(value, str) and len(value) > LONGEST:
        return f"{value[:LONGEST]}… ({len(value):,} characters)"
    return value


def _named(value: Any) -> Any:
    if hasattr(value, "getbbox"):
        return f"<picture, {value.width} × {value.height}, {value.mode}>"
    if hasattr(value, "tolist"):
        numbers = value.reshape(-1)[:8].tolist() if value.size > LONGEST else value.tolist()
        return numbers if value.size <= LONGEST else [*numbers, f"… ({value.size:,} numbers)"]
    return repr(value)


def saves(result: Any) -> list[tuple[str, str, Callable[[], File]]]:
    """File name, label and maker of the files that a result can be saved as."""
    if isinstance(result, Overlaid):
        drawn = ("result.png", "PNG", lambda: previews.original(result.picture))
        return [drawn, *_lists(result)]
    if isinstance(result, list):
        return _lists(result)
    if isinstance(result, dict):
        return [_json(result)]
    if isinstance(result, str):
        return [("result.txt", "TXT", lambda: (result.encode(), "text/plain"))]
    if hasattr(result, "__array__") and hasattr(result, "ndim"):
        return [("result.npy", "NPY", lambda: _npy(result))]
    if isinstance(result, Video) and (mime := result.mime):
        ending = mime.partition("/")[2]
        return [(f"video.{ending}", ending.upper(), lambda: (bytes(result), mime))]
    return []


def _lists(result: list[Any]) -> list[tuple[str, str, Callable[[], File]]]:
    rows = table.rows(result)
    as_csv = ("result.csv", "CSV", lambda: (table._csv(rows).encode(), "text/csv"))
    return [as_csv, _json(result)]


def _json(result: Any) -> tuple[str, str, Callable[[], File]]:
    def make() -> File:
        dumped = json.dumps(result, ensure_ascii=False, indent=2, default=table._written)
        return dumped.encode(), "application/json"

    return "result.json", "JSON", make


def _npy(array: Any) -> File:
    import numpy as np

    out = io.BytesIO()
    np.save(out, np.asarray(array))
    return out.getvalue(), "application/octet-stream"
