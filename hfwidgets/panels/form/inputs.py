"""A panel's inputs: what was given from Python, from the page or from another panel."""

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

from hfwidgets import errors
from hfwidgets.core.missing import is_missing
from hfwidgets.panels.views import previews
from hfwidgets.results.audio import Audio
from hfwidgets.tasks import BaseTask, controls
from hfwidgets.tasks.examples import Example

InputView = dict[str, Any]


class PanelInputs(MutableMapping[str, Any]):
    """The inputs by name; a value is whatever the task takes: text, a list, a table, a picture,
    a sound, a path, a URL. None and "" stand for nothing.

    Args:
        task: whose inputs they are.
        names: their names.
        changed: called with a name whenever its value changed.
    """

    def __init__(self, task: BaseTask, names: list[str], changed: Callable[[str], None]) -> None:
        self._task = task
        self._names = names
        self._on_change = changed
        self._values: dict[str, Any] = {}
        self._versions: dict[str, int] = {}
        self._labels: dict[str, str] = {}

    def __getitem__(self, name: str) -> Any:
        return self._values.get(self._check_name(name))

    def __setitem__(self, name: str, value: Any) -> None:
        self.set_input(name, value)

    def __delitem__(self, name: str) -> None:
        self.set_input(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"Inputs({', '.join(f'{name}={_summarize_value(self[name])}' for name in self)})"

    def set_input(self, name: str, value: Any, label: str = "") -> None:
        """Give an input; `label` says where it came from, for people."""
        self._check_name(name)
        value = to_input(value, self.control_for(name))
        self._values[name] = value
        self._versions[name] = self._versions.get(name, 0) + 1
        self._labels[name] = label
        self._on_change(name)

    def control_for(self, name: str) -> controls.Control:
        """How an input is asked for."""
        return self._task.controls[name]

    def collect_values(self) -> dict[str, Any]:
        """The inputs that are there.

        Raises:
            InputError: one that the task needs is missing; says which.
        """
        found = {name: self[name] for name in self._names if not is_empty(self[name])}
        for name in self._task.required_parameters:
            if name in self._names and name not in found:
                raise errors.InputError(
                    f"{_input_title(name)} is missing: {_fill_advice(self.control_for(name))}"
                )
        for name in self._names:
            control = self.control_for(name)
            if isinstance(control, controls.LabelList) and len(found.get(name, ())) < control.least:
                raise errors.InputError(
                    f"{_input_title(name)} needs at least {control.least}: type one and press "
                    "Enter."
                )
        return found

    def find_input_for(self, value: Any) -> str | None:
        """The first input that a value fits by its kind, for `use`; None when there is none."""
        return next(
            (name for name in self._names if fits_control(value, self.control_for(name))), None
        )

    def describe(self, name: str) -> InputView | None:
        """An input as the page shows it; media are named and fetched when they are looked at."""
        return describe_input(
            self[name], self.control_for(name), self.file_id(name), self._labels.get(name, "")
        )

    def label_of(self, name: str) -> str:
        """Where an input came from, for people."""
        return self._labels.get(name, "")

    def file_id(self, name: str) -> str:
        """The name of an input's present medium."""
        return f"in.{name}.{self._versions.get(name, 0)}"

    def _check_name(self, name: str) -> str:
        if name not in self._names:
            raise errors.UnknownParameterError(
                f"{self._task.name} has no input {name!r}.{errors.did_you_mean(name, self._names)} "
                f"It has: {', '.join(self._names)}."
            )
        return name


def describe_input(
    value: Any, control: controls.Control, file: str, label: str = ""
) -> InputView | None:
    """A value as plain data for the page; `file` names it when it is a picture or a sound."""
    if is_empty(value):
        return None
    if isinstance(value, Example):
        return {"kind": "media", "id": file, "about": value.alt, "fetch": True}
    if isinstance(control, controls.MediaInput):
        return _describe_media(value, file, label)
    if isinstance(control, controls.TableInput):
        return {"kind": "plain", "value": to_text_columns(value)}
    if isinstance(control, controls.Messages):
        return {"kind": "plain", "value": value[-1]["content"]}
    return {"kind": "plain", "value": value}


def _describe_media(value: Any, file: str, label: str) -> InputView:
    fetch = not (isinstance(value, str) and value.startswith(("http://", "https://")))
    return {"kind": "media", "id": file, "about": label or _summarize_value(value), "fetch": fetch}


def to_input(value: Any, control: controls.Control) -> Any:
    """A value as a task takes it: results of other panels become what they stand for."""
    if isinstance(control, controls.Messages) and isinstance(value, str):
        return [{"role": "user", "content": value}] if value else None
    if isinstance(control, controls.MediaInput) and control.kind == "image":
        return getattr(value, "crop", None) if isinstance(value, Mapping) else value
    if isinstance(control, controls.MediaInput):
        return _audio_of(value)
    if isinstance(control, controls.TextBox) and value is not None:
        return str(value)
    return value


def _audio_of(value: Any) -> Any:
    """The sound of a result that has one: an element with a blob, a list of such, a chunk."""
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, Mapping) and "array" not in value:
        return value.get("blob") or getattr(value, "audio", value)
    return value


def fits_control(value: Any, control: controls.Control) -> bool:
    """Whether a result is of the kind that an input takes."""
    if isinstance(control, controls.MediaInput):
        value = to_input(value, control)
        sound = isinstance(value, Audio)
        return sound if control.kind == "audio" else hasattr(value, "getbbox")
    if isinstance(control, controls.TableInput):
        return hasattr(value, "columns") or isinstance(value, dict)
    text = isinstance(value, str) or isinstance(getattr(value, "text", None), str)
    return isinstance(control, controls.TextBox | controls.Messages) and text


def to_text_columns(table: Any) -> dict[str, list[str]]:
    """A table as texts, column by column, as it is edited."""
    found = table.to_dict("list") if hasattr(table, "to_dict") else dict(table)
    return {
        str(name): ["" if is_missing(cell) else str(cell) for cell in cells]
        for name, cells in found.items()
    }


def preview_file(value: Any, control: controls.Control) -> previews.PageFile | None:
    """What the page shows of a medium; None when there is nothing to show."""
    if isinstance(value, Example):
        value = value.make()
    if is_empty(value) or not isinstance(control, controls.MediaInput):
        return None
    return previews.preview_input(value, control.kind)


def is_empty(value: Any) -> bool:
    """Whether a value stands for no input."""
    if value is None:
        return True
    return isinstance(value, str | list | dict | bytes) and not value


def _summarize_value(value: Any) -> str:
    if value is None:
        return "nothing"
    size = getattr(value, "size", None)
    if hasattr(value, "mode") and isinstance(size, tuple):
        return f"picture, {size[0]} × {size[1]}"
    if isinstance(value, Audio):
        return f"sound, {len(value):,} bytes"
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    text = str(value) if isinstance(value, str) else type(value).__name__
    return text if len(text) <= 80 else f"{text[:77]}…"


def _input_title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _fill_advice(control: controls.Control) -> str:
    if isinstance(control, controls.MediaInput):
        verb = "record one" if control.kind == "audio" else "paste one"
        return f"choose a file, drop one here or {verb}."
    return "fill it in." if not isinstance(control, controls.TableInput) else "fill in the table."
