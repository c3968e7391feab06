"""Objects that notebooks are full of, taken for the file, image or samples inside them.

The libraries are never imported: an object of one that is not loaded cannot be met.
"""

import array
import base64
import binascii
import io
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from hfwidgets import errors

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MAX_STEPS = 4
"""How many wrappers around each other are opened: an upload in a widget's value in a tuple."""


def unwrap(source: object) -> object:
    """Return the bytes, path, URL, image or samples that an object stands for, else the object.

    Opens data sets' {"bytes", "path"}, values of ipywidgets (FileUpload, Image, Audio, Video),
    IPython.display's Image, Audio and Video, matplotlib figures, responses of requests and httpx,
    and arrays of bytes.

    Raises:
        InputError: it holds several files, or nothing yet.
    """
    for _ in range(_MAX_STEPS):
        found = _unwrap_once(source)
        if found is source:
            break
        source = found
    return source


def _unwrap_once(source: object) -> object:
    if isinstance(source, array.array):
        return source.tobytes() if source.typecode in "bB" else source
    if isinstance(source, Mapping):
        return _unwrap_mapping(source)
    if isinstance(source, (tuple, list)) and source and all(map(_is_upload, source)):
        return _take_single(list(source))
    package = type(source).__module__.partition(".")[0]
    if package == "ipywidgets":
        return _unwrap_widget(source)
    if package == "IPython":
        return _unwrap_display(source)
    if package in ("requests", "httpx", "niquests") and hasattr(source, "status_code"):
        return _unwrap_response(source)
    figures = sys.modules.get("matplotlib.figure")
    # By class and not by module, since subclasses of figures live in other packages.
    if figures is not None and isinstance(source, figures.Figure):
        out, figure = io.BytesIO(), cast("Figure", source)
        figure.savefig(out, format="png")
        return out.getvalue()
    return source


def holds_file(value: object) -> bool:
    """True for a dict that stands for one file: an upload, a data set's file or audio samples."""
    return isinstance(value, Mapping) and (
        "array" in value or _is_upload(value) or _is_dataset_file(value)
    )


def _is_dataset_file(value: Mapping[object, object]) -> bool:
    return bool(value) and set(value) <= {"bytes", "path"}


def _is_upload(item: object) -> bool:
    """True for an uploaded file as FileUpload's value holds it."""
    # A chat message has a content as well, but neither a name nor a size of a file.
    return isinstance(item, Mapping) and "content" in item and ("name" in item or "size" in item)


def _take_single(items: list[object]) -> object:
    if len(items) > 1:
        raise errors.InputError(f"The upload holds {len(items)} files: pass one of them.")
    return items[0]


def _unwrap_mapping(source: Mapping[object, object]) -> object:
    if "array" in source:
        return source
    if _is_upload(source):
        return source["content"]
    if _is_dataset_file(source):
        # The bytes win: a data set's path may lead to a file on the machine that built it.
        found = source.get("bytes") if source.get("bytes") is not None else source.get("path")
        if found is None:
            raise errors.InputError('The dict has neither "bytes" nor a "path".')
        return found
    # FileUpload of ipywidgets 7: a dict of names to {"metadata": .., "content": ..}.
    values = list(source.values())
    if values and all(isinstance(v, Mapping) and {"metadata", "content"} <= set(v) for v in values):
        found = _take_single(values)
        return found["content"] if isinstance(found, Mapping) else found
    return source


def _unwrap_widget(widget: object) -> object:
    value: object = getattr(widget, "value", widget)
    if isinstance(value, (bytes, memoryview, tuple, list, Mapping)):
        if not len(value):
            raise errors.InputError(f"{type(widget).__name__} is empty: nothing was uploaded yet.")
        return value
    return widget


def _unwrap_display(shown: object) -> object:
    data = getattr(shown, "data", None)
    if isinstance(data, str) and data:
        try:
            return base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            return data  # a path or a URL
    for found in (data, getattr(shown, "filename", None), getattr(shown, "url", None)):
        if found:
            return found
    return shown


def _unwrap_response(response: object) -> object:
    status: int = response.status_code  # type: ignore[attr-defined]
    if status >= 400:
        raise errors.InputError(f"The response is an error (HTTP {status}), not a file.")
    try:
        return response.content  # type: ignore[attr-defined]
    except Exception as error:  # a streamed one that was not read, or that broke
        raise errors.InputError(
            f"The response has no content yet ({type(error).__name__}): read it first."
        ) from error
