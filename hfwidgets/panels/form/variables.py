"""The notebook's variables that could be a panel's input."""

import contextlib
import keyword
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from hfwidgets import errors
from hfwidgets.core.counts import format_count
from hfwidgets.panels.document.protocol import Variable
from hfwidgets.panels.form.inputs import fits_control
from hfwidgets.tasks import controls
from hfwidgets.tasks.tables import as_row, is_table, open_table

MAX_VARIABLES = 100
AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".mp3", ".m4a", ".opus", ".webm"})
IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tiff"})

MAX_PATH_LENGTH = 1000
"""Longer texts are not taken for paths."""


@runtime_checkable
class PanelLike(Protocol):
    """A panel: a task, its last result and its state."""

    task: str
    status: Any

    @property
    def result(self) -> Any: ...


def namespace() -> Mapping[str, Any]:
    """Return the variables of the running notebook; empty outside IPython."""
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    return shell.user_ns if shell is not None else {}


def read_variable(name: str) -> Any:
    """Return the value of a variable of the running notebook.

    Raises:
        InputError: it no longer exists.
    """
    known = namespace()
    if name not in known:
        raise errors.InputError(f"The variable {name!r} no longer exists. Choose another one.")
    return known[name]


def assign_variable(name: str, value: object) -> None:
    """Assign a value to a variable of the running notebook.

    Raises:
        InputError: the name is not a valid variable name, or no notebook is running.
    """
    from IPython.core.getipython import get_ipython

    if not name.isidentifier() or keyword.iskeyword(name):
        raise errors.InputError(
            f"{name!r} is not a variable name. Use letters, digits and _, such as 'result'."
        )
    shell = get_ipython()
    if shell is None:
        raise errors.InputError("Variables can only be set in a notebook or in IPython.")
    shell.user_ns[name] = value


def find_variables(control: controls.Control, names: Mapping[str, Any]) -> list[Variable]:
    """Return the variables that fit a control, each with a description; the latest first."""
    found = []
    for name, value in list(names.items()):  # a cell may add variables meanwhile
        # Classes have the attributes of their instances, and would pass for images or tables.
        if name.startswith("_") or isinstance(value, type):
            continue
        about = _describe_variable(control, value)
        if about:
            found.append(Variable(name=name, about=about))
    return found[::-1][:MAX_VARIABLES]


def _describe_variable(control: controls.Control, value: object) -> str:
    """Return a description of a variable that fits a control; "" if it does not."""
    if isinstance(value, PanelLike):
        fits = value.result is not None and fits_control(value.result, control)
        return f"result of {value.task}" if fits else ""
    if isinstance(control, controls.MediaInput):
        return _describe_audio(value) if control.kind == "audio" else _describe_image(value)
    if isinstance(control, controls.TableInput):
        return _describe_table(value)
    if isinstance(control, controls.TextBox) and isinstance(value, str):
        return format_count(len(value), "character")
    return ""


def _describe_image(value: Any) -> str:
    size, mode = getattr(value, "size", None), getattr(value, "mode", None)
    if mode is not None and isinstance(size, tuple) and len(size) == 2:
        return f"image, {size[0]} × {size[1]}"
    # A last axis of 1 is a column of numbers rather than an image.
    if _is_array(value) and value.ndim in (2, 3) and value.size and value.shape[-1] != 1:
        return f"array, {' × '.join(map(str, value.shape))}"
    return _describe_file(value, IMAGE_SUFFIXES)


def _describe_audio(value: Any) -> str:
    if type(value).__name__ == "Audio" and isinstance(value, bytes):
        return f"audio, {len(value):,} bytes"
    is_pair = isinstance(value, tuple) and len(value) == 2
    if is_pair and any(_is_array(part) for part in value):
        return "(array, sampling rate)"
    if isinstance(value, Mapping) and "array" in value and "sampling_rate" in value:
        return "array and sampling rate"
    return _describe_file(value, AUDIO_SUFFIXES)


def _describe_table(value: Any) -> str:
    if not is_table(value):
        return ""
    if isinstance(value, Mapping):
        cells = next(iter(value.values()))
        return f"table, {len(cells):,} × {len(value)}" if hasattr(cells, "__len__") else ""
    if isinstance(value, (list, tuple)):
        return f"table, {len(value):,} × {len(as_row(value[0]) or ())}"
    with contextlib.suppress(errors.HfWidgetsError):  # a lazy table
        frame = open_table(value)
        return f"DataFrame, {len(frame):,} × {len(frame.names)}" if frame else ""
    return ""


def _is_array(value: object) -> bool:
    return hasattr(value, "__array__") and hasattr(value, "ndim") and hasattr(value, "shape")


def _describe_file(value: object, suffixes: frozenset[str]) -> str:
    if not isinstance(value, str | Path) or len(str(value)) >= MAX_PATH_LENGTH:
        return ""
    path = Path(value)
    try:
        return f"file {path.name}" if path.suffix.lower() in suffixes and path.is_file() else ""
    except OSError:  # a name that the file system does not allow
        return ""
