"""The inputs of a task, from a cell's body, `-i` and `--labels`.

A task with one text input takes the body as it is. One with several takes headed parts:

    question: Who wrote it?
    context:
      Ada wrote the first program.
      It was never run.
"""

import csv
import io
import json
import re
import textwrap
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from IPython.core.error import UsageError

from hfwidgets.errors import near
from hfwidgets.magics.row_values import Cells
from hfwidgets.magics.variables import BRACES, Namespace, fill, refuse_secret, resolve, root
from hfwidgets.results import Text
from hfwidgets.tasks import BaseTask
from hfwidgets.tasks.controls import Control, Json, Labels, Lines, Media, Table, Words

ALIASES = {
    "source": "sentence",
    "source_sentence": "sentence",
    "sentences": "other_sentences",
    "question": "query",
    "labels": "candidate_labels",
}
_HEAD = re.compile(r"([^\W\d][\w-]*):(?:[ \t]+(.*)|[ \t]*)$")
_NAMED = re.compile(r"([^\W\d]\w*)=(.*)", re.DOTALL)
_BASE = re.compile(r"(?:\$|\{\{\s*)([^\W\d]\w*)")
_VARIABLE = re.compile(r"\$([^\W\d]\w*(?:\.\w+|\[[^\]\n]*\])*)")


def field(task: BaseTask, name: str) -> str | None:
    """The task's own name of an input that was named so, or None."""
    name = name.lower().replace("-", "_")
    known = task.inputs
    if name in known:
        return name
    return ALIASES[name] if ALIASES.get(name) in known else None


def parts(task: BaseTask, body: str) -> dict[str, str] | None:
    """The headed parts of a body by the task's input names; None when it begins with none."""
    found: dict[str, list[str]] = {}
    name = None
    for line in body.splitlines():
        head = _HEAD.fullmatch(line)
        if head and (own := field(task, head[1])):
            if own in found:
                raise UsageError(f"The part {head[1]!r} is there twice.")
            name, line = own, head[2] or ""
            found[name] = ["" if line.strip() == "|" else line]
        elif name is not None:
            found[name].append(line)
        elif line.strip():
            return None
    return {key: _joined(lines) for key, lines in found.items()} or None


def _joined(lines: list[str]) -> str:
    first, rest = lines[:1], textwrap.dedent("\n".join(lines[1:]))
    return "\n".join([*(line for line in first if line.strip()), rest]).strip("\n").rstrip()


class Inputs:
    """Gathers a task's inputs by name.

    Attributes:
        values: what has been given so far.
    """

    def __init__(self, task: BaseTask, names: Namespace, *, fill_vars: bool = True) -> None:
        self.task, self.names, self.fill_vars = task, names, fill_vars
        self.values: dict[str, Any] = {}

    def add_sources(self, sources: Iterable[str]) -> None:
        """Take the values of `-i`."""
        for source in sources:
            name, text = self._target(source)
            control = self.task.controls[name]
            value = variable(text, self.names, partial(_source, control, text))
            self._put(name, value, text)

    def _target(self, source: str) -> tuple[str, str]:
        named = _NAMED.fullmatch(source)
        if named and (own := field(self.task, named[1])):
            return own, named[2]
        if named and not Path(source).exists() and "://" not in named[1]:
            raise UsageError(
                f"{self.task.name} has no input {named[1]!r}.{near(named[1], self.task.inputs)} "
                f"Its inputs: {', '.join(self.task.inputs)}."
            )
        return self._free(Media, Table), source

    def _free(self, *kinds: type[Control]) -> str:
        for name in self.missing():
            if isinstance(self.task.controls[name], kinds):
                return name
        if len(needed := self.missing(required=True)) == 1:
            return needed[0]
        raise UsageError(
            f"{self.task.name} takes no further input of that kind; name the one that is meant: "
            f"-i NAME=SOURCE. Its inputs: {', '.join(self.task.inputs)}."
        )

    def add_labels(self, labels: Any) -> None:
        """Take the value of `--labels`."""
        for name in self.task.inputs:
            if isinstance(self.task.controls[name], Labels):
                self._put(name, _labels(labels))
                return
        raise UsageError(f"{self.task.name} takes no labels.")

    def add_body(self, body: str) -> None:
        """Take the text of the cell or of the line."""
        if not body.strip():
            return
        headed = parts(self.task, body) if len(self.task.inputs) > 1 else None
        for name, text in (headed or {self._main(): body}).items():
            self._put(name, self._read(name, text, whole=headed is None), text)

    def _main(self) -> str:
        """The input that an unheaded body is for."""
        controls = self.task.controls
        needed = [n for n in self.missing(required=True) if not isinstance(controls[n], Labels)]
        if len(needed) > 1:
            heads = " ".join(f"'{name}: ...'" for name in self.task.inputs)
            raise UsageError(
                f"{self.task.name} has several inputs; give each under its name: {heads}."
            )
        rest = needed or [n for n in self.missing() if isinstance(controls[n], Lines)]
        if not rest:
            raise UsageError(f"{self.task.name} has all its inputs and takes no further text.")
        return rest[0]

    def _read(self, name: str, text: str, *, whole: bool) -> Any:
        """A part's value: in a body that is one plain text, `$name` is text like any other."""
        control = self.task.controls[name]
        if not self.fill_vars:
            return _literal(control, text)
        filled = partial(self._filled, control, text)
        if whole and isinstance(control, Lines):
            return filled()
        return variable(text, self.names, filled)

    def _filled(self, control: Control, text: str) -> Any:
        if not isinstance(control, Lines) and (only := BRACES.fullmatch(text.strip())):
            return resolve(only[1], self.names)
        if not isinstance(control, Media):
            text = fill(text, self.names, self._attach)
        return _literal(control, text)

    def _attach(self, value: Any) -> str:
        self._put(self._free(Media), value)
        return ""

    def _put(self, name: str, value: Any, text: str = "") -> None:
        if name in self.values:
            raise UsageError(f"The input {name!r} is given twice.")
        if isinstance(self.task.controls[name], Media):
            refuse_model_text(value, text, self.names)
        self.values[name] = value

    def missing(self, *, required: bool = False) -> list[str]:
        """The inputs that are not given yet, in the task's order."""
        rest = (name for name in self.task.inputs if name not in self.values)
        return [name for name in rest if not required or self._required(name)]

    def _required(self, name: str) -> bool:
        return name in self.task.required or isinstance(self.task.controls[name], Labels)

    def complete(self) -> dict[str, Any]:
        """All inputs; UsageError names the one that is missing and how to give it."""
        for name in self.missing(required=True):
            how = _how(name, self.task.controls[name])
            raise UsageError(f"{self.task.name} needs {name!r}: {how}.")
        return self.values


def variable(text: str, names: Namespace, otherwise: Callable[[], Any]) -> Any:
    """The object that a text names when all of it is `$name`, else what `otherwise` returns."""
    found = _VARIABLE.fullmatch(text.strip())
    return resolve(found[1], names) if found else otherwise()


def refuse_model_text(value: Any, text: str, names: Namespace) -> None:
    """Raise UsageError for a model's answer, or a text in one, where a path or URL is expected.

    Args:
        text: what named the value: `$name...` or `{{ name... }}`.
    """
    found = _BASE.match(text.strip())
    base = names.get(found[1]) if found else None
    own = isinstance(base, Cells)  # a row of the user's own table
    answered = isinstance(value, str) and root(base) == "hfwidgets" and not own
    if isinstance(value, Text) or answered:
        raise UsageError(
            "A model's answer is not taken as a path or URL to read. If it is meant, copy the "
            "text into a variable of your own."
        )


def read_file(text: str) -> str:
    """The text of `@FILE`, or the text itself when it does not begin with @.

    Raises:
        UsageError: there is no such file, or what it holds looks like a token.
    """
    if not text.startswith("@"):
        return text
    try:
        content = Path(text[1:]).expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not a text file"
        raise UsageError(f"{text}: {why}.") from None
    refuse_secret(content, text)
    return content


def _source(control: Control, text: str) -> Any:
    """The value of `-i` that is no variable: a path or URL, a table's file, @FILE, or the text."""
    if isinstance(control, Table) and Path(text).suffix.lower() in (".csv", ".json"):
        content = read_file(f"@{text}")
        return _columns(content) if text.lower().endswith(".csv") else _json(content)
    return _literal(control, text if isinstance(control, Media) else read_file(text))


def _columns(content: str) -> dict[str, list[str]]:
    head, *rows = csv.reader(io.StringIO(content, newline=""))
    return {name: [row[at] for row in rows if row] for at, name in enumerate(head)}


def _literal(control: Control, text: str) -> Any:
    match control:
        case Labels():
            return _words(text, ",")
        case Words():
            return _words(text, None)
        case Table() | Json():
            return _json(text)
    return text


def _labels(given: Any) -> list[str]:
    if isinstance(given, str):
        return _words(given, ",")
    if not isinstance(given, Iterable):
        raise UsageError(f"--labels takes a,b,c or a $list, not a {type(given).__name__}.")
    return [str(label) for label in given]


def _words(text: str, separator: str | None) -> list[str]:
    """A list from JSON, from lines (a leading "- " is dropped) or from words between commas."""
    if text.lstrip().startswith("["):
        return [str(item) for item in _json(text)]
    lines = [re.sub(r"^\s*-\s+", "", line).strip() for line in text.splitlines()]
    pieces = [line.split(separator) if separator else [line] for line in lines]
    return [piece.strip() for line in pieces for piece in line if piece.strip()]


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise UsageError(
            f"Expected JSON or $variable: {error}. It begins: {text[:60]!r}."
        ) from None


def _how(name: str, control: Control) -> str:
    match control:
        case Labels():
            return "give --labels a,b,c"
        case Media():
            return f"give -i ${control.kind}, -i PATH or -i URL"
        case Table():
            return f"give -i $dataframe, or JSON under '{name}:'"
    return f"write it under '{name}:', or give -i {name}=..."
