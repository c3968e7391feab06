"""Results as files: as JSON for people, which names large values, and in the formats to save."""

import base64
import io
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hfwidgets.panels.views import previews
from hfwidgets.results import table
from hfwidgets.results.vision import Annotations, Video

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

MAX_INLINE_LENGTH = 2000
"""Characters of a text, and numbers of an array, that are written out."""

SaveFormat = tuple[str, str, Callable[[], previews.PageFile]]
"""File name, label and maker of a file."""


def to_json_text(result: object) -> str:
    """Return the result as indented JSON, with large values shortened."""
    return json.dumps(_shorten_json(result), ensure_ascii=False, indent=2, default=_describe_object)


def _shorten_json(value: object) -> Any:
    if isinstance(value, dict):
        return {name: _shorten_json(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_shorten_json(item) for item in value]
    # The head is enough to tell the kind of file; all of it would make the notebook large.
    if isinstance(value, bytes):
        head = base64.b64encode(value[:30]).decode()
        return f"{head}… ({len(value):,} bytes as base64)"
    if isinstance(value, str) and len(value) > MAX_INLINE_LENGTH:
        return f"{value[:MAX_INLINE_LENGTH]}… ({len(value):,} characters)"
    return value


def _describe_object(value: Any) -> Any:
    if hasattr(value, "getbbox"):
        return f"<image, {value.width} × {value.height}, {value.mode}>"
    if not hasattr(value, "tolist"):
        return repr(value)
    if value.size <= MAX_INLINE_LENGTH:
        return value.tolist()
    return [*value.reshape(-1)[:8].tolist(), f"… ({value.size:,} numbers)"]


def save_formats(result: object) -> list[SaveFormat]:
    """Return the formats that a result can be saved in; empty if there are none."""
    # Before lists, of which it is one.
    if isinstance(result, Annotations):
        drawn = ("result.png", "PNG", lambda: previews.encode_png(result.image))
        return [drawn, *_list_save_formats(result)]
    if isinstance(result, list):
        return _list_save_formats(result)
    if isinstance(result, dict):
        return [_json_save_format(result)]
    if isinstance(result, str):
        return [("result.txt", "TXT", lambda: previews.text_file(result))]
    if hasattr(result, "__array__") and hasattr(result, "ndim"):
        array: Any = result
        return [("result.npy", "NPY", lambda: _npy_file(array))]
    if isinstance(result, Video) and (mime := result.mime):
        extension = mime.partition("/")[2]
        return [(f"video.{extension}", extension.upper(), lambda: (bytes(result), mime))]
    return []


def _list_save_formats(result: list[Any]) -> list[SaveFormat]:
    rows = table.flat_rows(result)
    as_csv = ("result.csv", "CSV", lambda: (table._to_csv(rows).encode(), "text/csv"))
    return [as_csv, _json_save_format(result)]


def _json_save_format(result: object) -> SaveFormat:
    def make() -> previews.PageFile:
        text = json.dumps(result, ensure_ascii=False, indent=2, default=table._to_json_value)
        return text.encode(), "application/json"

    return "result.json", "JSON", make


def _npy_file(array: "ArrayLike") -> previews.PageFile:
    import numpy as np

    out = io.BytesIO()
    np.save(out, np.asarray(array))
    return out.getvalue(), "application/octet-stream"
