"""Collects the inputs of a task from a cell's body, `-i` and `--labels`.

A task with one text input takes the body verbatim. One with several takes headed parts:

    question: Who wrote it?
    context:
      Ada wrote the first program.
      It was never run.
"""

import json
import re
import textwrap
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from IPython.core.error import UsageError

from hfwidgets.errors import did_you_mean
from hfwidgets.errors.excerpt import name_type
from hfwidgets.magics.row_values import RowValues
from hfwidgets.magics.variables import (
    BRACES,
    Namespace,
    fill_variables,
    refuse_secret,
    resolve_path,
    root_package,
)
from hfwidgets.results import Text
from hfwidgets.tasks import BaseTask
from hfwidgets.tasks.controls import (
    Control,
    Json,
    LabelList,
    MediaInput,
    StringList,
    TableInput,
    TextBox,
)
from hfwidgets.tasks.table_text import parse_rows

# The Hub's specs and its wire format name some inputs differently: table question answering has
# `question` in one and `query` in the other.
INPUT_ALIASES = {
    "source": "sentence",
    "source_sentence": "sentence",
    "sentences": "other_sentences",
    "question": "query",
    "labels": "candidate_labels",
}
# A head is a name with a colon, followed by a blank or the line's end: "http://..." is not one.
_PART_HEAD = re.compile(r"([^\W\d][\w-]*):(?:[ \t]+(.*)|[ \t]*)$")
_NAMED_SOURCE = re.compile(r"([^\W\d]\w*)=(.*)", re.DOTALL)
_BASE_NAME = re.compile(r"(?:\$|\{\{\s*)([^\W\d]\w*)")
_VARIABLE = re.compile(r"\$([^\W\d]\w*(?:\.\w+|\[[^\]\n]*\])*)")


def resolve_input_name(task: BaseTask, name: str) -> str | None:
    """Return the task's own name of an input, also from an alias; None without such an input."""
    name = name.lower().replace("-", "_")
    known = task.inputs
    if name in known:
        return name
    return INPUT_ALIASES[name] if INPUT_ALIASES.get(name) in known else None


def split_parts(task: BaseTask, body: str) -> dict[str, str] | None:
    """Return the headed parts of a body by input name; None if it does not begin with one."""
    found: dict[str, list[str]] = {}
    name = None
    for line in body.splitlines():
        head = _PART_HEAD.fullmatch(line)
        if head and (own := resolve_input_name(task, head[1])):
            if own in found:
                raise UsageError(f"The part {head[1]!r} appears twice.")
            # YAML's block mark after a head is accepted, since people write it.
            name, line = own, head[2] or ""
            found[name] = ["" if line.strip() == "|" else line]
        elif name is not None:
            found[name].append(line)
        elif line.strip():
            return None  # text before the first head: the body is one plain text
    return {key: _join_lines(lines) for key, lines in found.items()} or None


def _join_lines(lines: list[str]) -> str:
    # The text after a head is not indented, so it must not take part in finding the common
    # indentation.
    first, rest = lines[:1], textwrap.dedent("\n".join(lines[1:]))
    return "\n".join([*(line for line in first if line.strip()), rest]).strip("\n").rstrip()


class InputCollector:
    """Collects a task's inputs by name.

    Args:
        task: The task.
        names: The variables that inputs may name.
        fill_vars: False leaves `{{ }}` in the text alone.

    Attributes:
        values: The inputs so far.
    """

    def __init__(self, task: BaseTask, names: Namespace, *, fill_vars: bool = True) -> None:
        self.task, self.names, self.fill_vars = task, names, fill_vars
        self.values: dict[str, Any] = {}

    def add_sources(self, sources: Iterable[str]) -> None:
        """Add the values of `-i`."""
        for source in sources:
            name, text = self._split_source(source)
            control = self.task.controls[name]
            value = resolve_variable(text, self.names, partial(_parse_source, control, text))
            self._set_value(name, value, text)

    def _split_source(self, source: str) -> tuple[str, str]:
        named = _NAMED_SOURCE.fullmatch(source)
        if named and (own := resolve_input_name(self.task, named[1])):
            return own, named[2]
        # A path or URL with an equals sign in it (a/b=c.png, ?q=1) is not a wrong name.
        if named and not Path(source).exists() and "://" not in named[1]:
            raise UsageError(
                f"{self.task.name} has no input {named[1]!r}"
                f".{did_you_mean(named[1], self.task.inputs)} "
                f"Its inputs: {', '.join(self.task.inputs)}."
            )
        return self._find_free_input(MediaInput, TableInput), source

    def _find_free_input(self, *kinds: type[Control]) -> str:
        for name in self.list_missing():
            if isinstance(self.task.controls[name], kinds):
                return name
        if len(needed := self.list_missing(required=True)) == 1:
            return needed[0]
        raise UsageError(
            f"{self.task.name} has no free input of that kind; name the input: "
            f"-i NAME=SOURCE. Its inputs: {', '.join(self.task.inputs)}."
        )

    def add_labels(self, labels: object) -> None:
        """Add the value of `--labels`."""
        for name in self.task.inputs:
            if isinstance(self.task.controls[name], LabelList):
                self._set_value(name, _parse_labels(labels))
                return
        raise UsageError(f"{self.task.name} does not accept labels.")

    def add_body(self, body: str) -> None:
        """Add the text of the cell or of the line."""
        if not body.strip():
            return
        headed = split_parts(self.task, body) if len(self.task.inputs) > 1 else None
        # Heads are found before variables are filled in, so a value with a line like `context:`
        # cannot open a part.
        for name, text in (headed or {self._find_main_input(): body}).items():
            self._set_value(name, self._parse_part(name, text, whole=headed is None), text)

    def _find_main_input(self) -> str:
        """Return the input that a body without heads is for."""
        controls = self.task.controls
        needed = [
            n for n in self.list_missing(required=True) if not isinstance(controls[n], LabelList)
        ]
        if len(needed) > 1:
            heads = " ".join(f"'{name}: ...'" for name in self.task.inputs)
            raise UsageError(
                f"{self.task.name} has several inputs; write each under its name: {heads}."
            )
        rest = needed or [n for n in self.list_missing() if isinstance(controls[n], TextBox)]
        if not rest:
            raise UsageError(f"{self.task.name} has all its inputs; no text is left to add.")
        return rest[0]

    def _parse_part(self, name: str, text: str, *, whole: bool) -> Any:
        """Return a part's value; in a body that is one plain text, `$name` is literal text."""
        control = self.task.controls[name]
        if not self.fill_vars:
            return _parse_literal(control, text)
        filled = partial(self._fill_part, control, text)
        if whole and isinstance(control, TextBox):
            return filled()
        return resolve_variable(text, self.names, filled)

    def _fill_part(self, control: Control, text: str) -> Any:
        # A table or a list that is all of a part stays the object itself, not its text.
        if not isinstance(control, TextBox) and (only := BRACES.fullmatch(text.strip())):
            return resolve_path(only[1], self.names)
        # A path is not assembled from values: refuse_model_text looks only at the beginning of the
        # text, so an answer further inside would pass.
        if not isinstance(control, MediaInput):
            text = fill_variables(text, self.names, self._attach_media)
        return _parse_literal(control, text)

    def _attach_media(self, value: object) -> str:
        self._set_value(self._find_free_input(MediaInput), value)
        return ""

    def _set_value(self, name: str, value: object, text: str = "") -> None:
        if name in self.values:
            raise UsageError(f"The input {name!r} is passed twice.")
        # Checked here, where every way to pass a value meets.
        if isinstance(self.task.controls[name], MediaInput):
            refuse_model_text(value, text, self.names)
        self.values[name] = value

    def list_missing(self, *, required: bool = False) -> list[str]:
        """Return the inputs that are still missing, in the task's order."""
        rest = (name for name in self.task.inputs if name not in self.values)
        return [name for name in rest if not required or self._is_required(name)]

    def _is_required(self, name: str) -> bool:
        return name in self.task.required_parameters or isinstance(
            self.task.controls[name], LabelList
        )

    def require_all(self) -> dict[str, Any]:
        """Return all inputs; UsageError names a missing one and how to pass it."""
        for name in self.list_missing(required=True):
            how = _describe_usage(name, self.task.controls[name])
            raise UsageError(f"{self.task.name} needs {name!r}: {how}.")
        return self.values


def resolve_variable(text: str, names: Namespace, otherwise: Callable[[], Any]) -> Any:
    """Return the object of a text that is `$name` as a whole, else what `otherwise` returns."""
    found = _VARIABLE.fullmatch(text.strip())
    return resolve_path(found[1], names) if found else otherwise()


def refuse_model_text(value: object, text: str, names: Namespace) -> None:
    """Raise UsageError for a model's answer, or a text in one, in place of a path or URL.

    Otherwise a model could make the notebook read a file and send its content.

    Args:
        value: The value.
        text: The expression that named it: `$name...` or `{{ name... }}`.
        names: The variables that it may name.
    """
    found = _BASE_NAME.match(text.strip())
    base = names.get(found[1]) if found else None
    is_row = isinstance(base, RowValues)  # a row of the user's own table
    # An answer's attribute is a plain str, so the variable from which it was reached counts too.
    is_answer = isinstance(value, str) and root_package(base) == "hfwidgets" and not is_row
    if isinstance(value, Text) or is_answer:
        raise UsageError(
            "A model's answer is not read as a path or URL. If you trust it, copy the text into "
            "a variable: path = str(answer)."
        )


def expand_file_argument(text: str) -> str:
    """Return the content of `@FILE`, or the text itself without an @.

    Raises:
        UsageError: the file cannot be read, or its content looks like a token.
    """
    if not text.startswith("@"):
        return text
    try:
        content = Path(text[1:]).expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        # Not the error's own text: it names the expanded path, with the user's home folder in it.
        why = getattr(error, "strerror", None) or "not a text file"
        raise UsageError(f"{text}: {why}.") from None
    refuse_secret(content, text)
    return content


def _parse_source(control: Control, text: str) -> Any:
    """Return the value of `-i` that is not a variable: path, URL, table file, @FILE or text."""
    if isinstance(control, TableInput) and Path(text).suffix.lower() in (".csv", ".json"):
        content = expand_file_argument(f"@{text}")
        return (
            _parse_csv_columns(content) if text.lower().endswith(".csv") else _parse_json(content)
        )
    return _parse_literal(
        control, text if isinstance(control, MediaInput) else expand_file_argument(text)
    )


def _parse_csv_columns(content: str) -> dict[str, list[str]]:
    head, *rows = parse_rows(content) or [[]]
    if not head:
        raise UsageError("The CSV file is empty: its first line should name the columns.")
    for number, row in enumerate(rows, 1):
        if len(row) != len(head):
            raise UsageError(
                f"Row {number} of the CSV file has {len(row)} cells; its first line names "
                f"{len(head)} columns."
            )
    return {name: [row[at] for row in rows] for at, name in enumerate(head)}


def _parse_literal(control: Control, text: str) -> Any:
    match control:
        case LabelList():
            return _split_list(text, ",")
        case StringList():
            return _split_list(text, None)
        case TableInput() | Json():
            return _parse_json(text)
    return text


def _parse_labels(value: object) -> list[str]:
    if isinstance(value, str):
        return _split_list(value, ",")
    if not isinstance(value, Iterable):
        raise UsageError(f"--labels accepts a,b,c or a $list, not {name_type(value)}.")
    return [str(label) for label in value]


def _split_list(text: str, separator: str | None) -> list[str]:
    """Parse a list from JSON, from lines (without a leading "- ") or from comma-separated text."""
    if text.lstrip().startswith("["):
        return [str(item) for item in _parse_json(text)]
    lines = [re.sub(r"^\s*-\s+", "", line).strip() for line in text.splitlines()]
    # Sentences contain commas, so a list of them is split into lines only.
    pieces = [line.split(separator) if separator else [line] for line in lines]
    return [piece.strip() for line in pieces for piece in line if piece.strip()]


def _parse_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise UsageError(
            f"Expected JSON or $variable: {error}. It begins: {text[:60]!r}."
        ) from None


def _describe_usage(name: str, control: Control) -> str:
    match control:
        case LabelList():
            return "pass --labels a,b,c"
        case MediaInput():
            return f"pass -i ${control.kind}, -i PATH or -i URL"
        case TableInput():
            return f"pass -i $dataframe, or write JSON under '{name}:'"
    return f"write it under '{name}:', or pass -i {name}=..."
