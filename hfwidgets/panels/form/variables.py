"""The notebook's own variables that could be a panel's input."""

import keyword
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hfwidgets import errors
from hfwidgets.panels.base_panel import Panel
from hfwidgets.panels.form.inputs import fits_control
from hfwidgets.tasks import controls

MAX_VARIABLES = 100
AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".mp3", ".m4a", ".opus", ".webm"})
IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tiff"})


def namespace() -> Mapping[str, Any]:
    """The names of the running notebook; empty where there is none."""
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    return shell.user_ns if shell is not None else {}


def assign_variable(name: str, value: Any) -> None:
    """Give a value a name in the running notebook.

    Raises:
        InputError: it is no name for a variable, or no notebook runs.
    """
    from IPython.core.getipython import get_ipython

    if not name.isidentifier() or keyword.iskeyword(name):
        raise errors.InputError(f"{name!r} is no name for a variable: try one such as 'result'.")
    shell = get_ipython()
    if shell is None:
        raise errors.InputError("There is no notebook here to hold the variable.")
    shell.user_ns[name] = value


def find_variables(control: controls.Control, names: Mapping[str, Any]) -> list[dict[str, str]]:
    """The variables that fit a control, each with a word about it; the latest first."""
    found = []
    for name, value in list(names.items()):
        if name.startswith("_") or isinstance(value, type):
            continue
        about = _describe_variable(control, value)
        if about:
            found.append({"name": name, "about": about})
    return found[::-1][:MAX_VARIABLES]


def _describe_variable(control: controls.Control, value: Any) -> str:
    if isinstance(value, Panel):
        fit = value.result is not None and fits_control(value.result, control)
        return f"result of {value.task}" if fit else ""
    if isinstance(control, controls.MediaInput):
        return _describe_audio(value) if control.kind == "audio" else _describe_image(value)
    if isinstance(control, controls.TableInput):
        return _describe_table(value)
    if isinstance(control, controls.TextBox) and isinstance(value, str):
        return f"{len(value):,} characters"
    return ""


def _describe_image(value: Any) -> str:
    size, mode = getattr(value, "size", None), getattr(value, "mode", None)
    if mode is not None and isinstance(size, tuple) and len(size) == 2:
        return f"picture, {size[0]} × {size[1]}"
    if _is_array(value) and value.ndim in (2, 3) and value.size and value.shape[-1] != 1:
        return f"array, {' × '.join(map(str, value.shape))}"
    return _describe_file(value, IMAGE_SUFFIXES)


def _describe_audio(value: Any) -> str:
    if type(value).__name__ == "Audio" and isinstance(value, bytes):
        return f"sound, {len(value):,} bytes"
    pair = isinstance(value, tuple) and len(value) == 2
    if pair and any(_is_array(part) for part in value):
        return "(array, sampling rate)"
    if isinstance(value, Mapping) and "array" in value and "sampling_rate" in value:
        return "array and sampling rate"
    return _describe_file(value, AUDIO_SUFFIXES)


def _describe_table(value: Any) -> str:
    if hasattr(value, "columns") and hasattr(value, "to_dict"):
        return f"DataFrame, {len(value):,} × {len(value.columns)}"
    columns = isinstance(value, Mapping) and bool(value)
    if columns and all(isinstance(cells, list) for cells in value.values()):
        return f"table, {len(next(iter(value.values()))):,} × {len(value)}"
    return ""


def _is_array(value: Any) -> bool:
    return hasattr(value, "__array__") and hasattr(value, "ndim") and hasattr(value, "shape")


def _describe_file(value: Any, endings: frozenset[str]) -> str:
    if isinstance(value, str | Path) and len(str(value)) < 1000:
        path = Path(value)
        try:
            return f"file {path.name}" if path.suffix.lower() in endings and path.is_file() else ""
        except OSError:
            return ""
    return ""
