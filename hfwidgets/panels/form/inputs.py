"""A panel's inputs, set from Python, from the page or from another panel."""

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence, Sized
from typing import Any

from hfwidgets import errors
from hfwidgets.core.counts import format_count
from hfwidgets.panels.document.protocol import InputView
from hfwidgets.panels.views import previews
from hfwidgets.results.audio import Audio
from hfwidgets.tasks import BaseTask, controls
from hfwidgets.tasks.examples import Example
from hfwidgets.tasks.tables import is_table, to_text_columns

MAX_SUMMARY_LENGTH = 80


class PanelInputs(MutableMapping[str, Any]):
    """The inputs by name. A value is whatever the task accepts: text, a list, a table, an image,
    audio, a path, a URL. None and "" stand for no input.

    Args:
        task: the declaration.
        names: the names of its inputs.
        on_change: called with a name after its value has changed.
    """

    def __init__(self, task: BaseTask, names: list[str], on_change: Callable[[str], None]) -> None:
        self._task = task
        self._names = names
        self._on_change = on_change
        self._values: dict[str, Any] = {}
        self._versions: dict[str, int] = {}
        self._labels: dict[str, str] = {}

    def __getitem__(self, name: str) -> Any:
        return self._values.get(self._check_name(name))

    def __setitem__(self, name: str, value: object) -> None:
        self.set_input(name, value)

    def __delitem__(self, name: str) -> None:
        self.set_input(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"Inputs({', '.join(f'{name}={_summarize_value(self[name])}' for name in self)})"

    def set_input(self, name: str, value: object, label: str = "") -> None:
        """Set an input; `label` tells people where it comes from."""
        self._check_name(name)
        value = to_input(value, self.control_for(name))
        self._values[name] = value
        # The version is part of the media's id, so a page never shows a stale image from its cache.
        self._versions[name] = self._versions.get(name, 0) + 1
        self._labels[name] = label
        self._on_change(name)

    def name_values(self, values: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
        """Return inputs by name, of those that were passed in order and those by name.

        Raises:
            InputError: there are more than the task has, or one was passed twice.
        """
        if len(values) > len(self._names):
            raise errors.InputError(
                f"{self._task.name} has {format_count(len(self._names), 'input')} "
                f"({', '.join(self._names)}); {len(values)} values were passed."
            )
        found = dict(zip(self._names, values, strict=False))
        if twice := [name for name in found if name in named]:
            raise errors.InputError(f"The input {twice[0]!r} was passed twice.")
        return {**found, **named}

    def control_for(self, name: str) -> controls.Control:
        """Return the control of an input."""
        return self._task.controls[name]

    def collect_values(self) -> dict[str, Any]:
        """Return the inputs that are set.

        Raises:
            InputError: an input that the task requires is missing.
        """
        found = {name: self[name] for name in self._names if not is_empty(self[name])}
        for name in self._task.required_parameters:
            if name in self._names and name not in found:
                raise errors.InputError(
                    f"{_input_title(name)} is missing: {_fill_advice(self.control_for(name))}"
                )
        for name in self._names:
            control = self.control_for(name)
            labels = found.get(name, ())
            count = len(labels) if isinstance(labels, Sized) else 0
            if isinstance(control, controls.LabelList) and count < control.least:
                raise errors.InputError(
                    f"{_input_title(name)} needs at least {control.least}: type one and press "
                    "Enter."
                )
        return found

    def find_input_for(self, value: object) -> str | None:
        """Return the first input that accepts a value of this kind; None if none does."""
        return next(
            (name for name in self._names if fits_control(value, self.control_for(name))), None
        )

    def describe(self, name: str) -> InputView | None:
        """Describe an input for the page; None if it is not set."""
        return describe_input(
            self[name], self.control_for(name), self.file_id(name), self._labels.get(name, "")
        )

    def describe_all(self) -> dict[str, InputView | None]:
        """Describe all inputs for the page, by name."""
        return {name: self.describe(name) for name in self._names}

    def label_of(self, name: str) -> str:
        """Return where an input comes from, for people."""
        return self._labels.get(name, "")

    def file_id(self, name: str) -> str:
        """Return the id of an input's current media, which changes with the value."""
        return f"in.{name}.{self._versions.get(name, 0)}"

    def _check_name(self, name: str) -> str:
        if name not in self._names:
            raise errors.UnknownParameterError(
                f"Unknown input {name!r} of {self._task.name}."
                f"{errors.did_you_mean(name, self._names)} "
                f"Its inputs are: {', '.join(self._names)}."
            )
        return name


def describe_input(
    value: Any, control: controls.Control, file: str, label: str = ""
) -> InputView | None:
    """Describe a value for the page; `file` is the id by which the page fetches media."""
    if is_empty(value):
        return None
    if isinstance(value, Example):
        return InputView(kind="media", id=file, about=value.alt, fetch=True)
    if isinstance(control, controls.MediaInput):
        return _describe_media(value, file, label)
    if isinstance(control, controls.TableInput):
        return InputView(kind="plain", value=to_text_columns(value))
    if isinstance(control, controls.Messages):
        return InputView(kind="plain", value=value[-1]["content"])
    return InputView(kind="plain", value=value)


def _describe_media(value: object, file: str, label: str) -> InputView:
    is_url = isinstance(value, str) and value.startswith(("http://", "https://"))
    about = label or _summarize_value(value)
    return InputView(kind="media", id=file, about=about, fetch=not is_url)


def to_input(value: object, control: controls.Control) -> Any:
    """Return a value as a task accepts it: results of other panels become their media or text."""
    if isinstance(control, controls.Messages) and isinstance(value, str):
        return [{"role": "user", "content": value}] if value else None
    if isinstance(control, controls.MediaInput) and control.kind == "image":
        # A record's `crop` is the part of the image that it covers; Pillow's is a method.
        return getattr(value, "crop", None) if isinstance(value, Mapping) else value
    if isinstance(control, controls.MediaInput):
        return _audio_of(value)
    if isinstance(control, controls.TextBox) and not isinstance(value, str):
        # What has no text stays, and the call refuses it.
        text = getattr(value, "text", None)
        return text if isinstance(text, str) else value
    return value


def _audio_of(value: object) -> Any:
    """Return the audio of a result that has some: of an element with a blob, a list, a chunk."""
    if isinstance(value, list) and value:
        value = value[0]
    # A dict with an array is audio already: samples with their rate.
    if isinstance(value, Mapping) and "array" not in value:
        return value.get("blob") or getattr(value, "audio", value)
    return value


def fits_control(value: object, control: controls.Control) -> bool:
    """True if a result is of the kind that an input accepts."""
    if isinstance(control, controls.MediaInput):
        value = to_input(value, control)
        if control.kind == "audio":
            return isinstance(value, Audio)
        return hasattr(value, "getbbox")
    if isinstance(control, controls.TableInput):
        return is_table(value)
    has_text = isinstance(value, str) or isinstance(getattr(value, "text", None), str)
    return has_text and isinstance(control, controls.TextBox | controls.Messages)


def preview_file(value: object, control: controls.Control) -> previews.PageFile | None:
    """Return the file that the page shows of an input; None if there is nothing to show."""
    if isinstance(value, Example):
        value = value.make()
    if is_empty(value) or not isinstance(control, controls.MediaInput):
        return None
    return previews.preview_input(value, control.kind)


def is_empty(value: object) -> bool:
    """True if a value stands for no input."""
    if value is None:
        return True
    # Only these types: an array or a DataFrame raises when its truth is taken.
    return isinstance(value, str | list | dict | bytes) and not value


def _summarize_value(value: object) -> str:
    if value is None:
        return "nothing"
    size = getattr(value, "size", None)
    if hasattr(value, "mode") and isinstance(size, tuple):
        return f"image, {size[0]} × {size[1]}"
    if isinstance(value, Audio):
        return f"audio, {len(value):,} bytes"
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    text = str(value) if isinstance(value, str) else type(value).__name__
    if len(text) <= MAX_SUMMARY_LENGTH:
        return text
    return f"{text[: MAX_SUMMARY_LENGTH - 3]}…"


def _input_title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _fill_advice(control: controls.Control) -> str:
    if isinstance(control, controls.MediaInput):
        verb = "record one" if control.kind == "audio" else "paste one"
        return f"choose a file, drop one here or {verb}."
    return "fill in the table." if isinstance(control, controls.TableInput) else "fill it in."
