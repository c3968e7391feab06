"""Tab behind %infer, %%infer and %hf: options, tasks, models, providers, parameters, variables.

Everything comes from memory; nothing is looked up elsewhere, and a fault here shows no error.
"""

import dataclasses
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import IPython.core.completer as ipython

from hfwidgets import notebook
from hfwidgets.magics.attachments import KINDS
from hfwidgets.magics.build_call import CHAT, chosen_task
from hfwidgets.magics.completion_hf import Offers, after, paths, task_names
from hfwidgets.magics.infer_magic import InferMagics
from hfwidgets.magics.options import BY_NAME, FORMATS, Flag, Options, starts_flag
from hfwidgets.magics.parameters import choices, settable
from hfwidgets.magics.tokenizer import read_word
from hfwidgets.magics.variables import is_media, root
from hfwidgets.notebook import provider_names
from hfwidgets.tasks import BaseTask, find
from hfwidgets.tasks.controls import Choice, Control, Labels, Media, Table, Words

_LINE = re.compile(
    r"\s*(?:[^'\"#%=]*=\s*)?(?P<mark>%%?)(?P<name>infer|hf)[ \t]+(?P<rest>.*)", re.DOTALL
)
_TARGET = re.compile(r"\s*[^\W\d]\w*\s*=?\s*<<\s")


def install(shell: Any, settings: InferMagics) -> None:
    """Add the matcher to a shell's completer; older completers get a hook instead."""
    completer = getattr(shell, "Completer", None)
    if completer is None:
        return
    if hasattr(ipython, "context_matcher"):
        completer.custom_matchers.append(matcher(settings))
        return
    for name in ("%infer", "%%infer", "%hf"):
        shell.set_hook("complete_command", _hook(settings), str_key=name)


def remove(shell: Any) -> None:
    """Take the matcher away again."""
    completer = getattr(shell, "Completer", None)
    found = getattr(completer, "custom_matchers", [])
    found[:] = [each for each in found if getattr(each, "matcher_identifier", "") != IDENTIFIER]


IDENTIFIER = "hfwidgets.magics"


def matcher(settings: InferMagics) -> Any:
    """The matcher for one shell."""

    def found_in(context: Any) -> Any:
        first = context.cursor_line == 0
        fragment, found = matches(context.text_until_cursor, settings, first=first)
        made = [ipython.SimpleCompletion(text=item, type="magic") for item in found]
        return {"completions": made, "matched_fragment": fragment, "suppress": bool(found)}

    match: Any = found_in  # the decorator adds what makes it a matcher
    return ipython.context_matcher(identifier=IDENTIFIER, priority=200)(match)


def _hook(settings: InferMagics) -> Callable[[Any, Any], list[str]]:
    def complete(shell: Any, event: Any) -> list[str]:
        return matches(event.text_until_cursor, settings)[1]

    return complete


def matches(before: str, settings: InferMagics, *, first: bool = True) -> tuple[str, list[str]]:
    """The fragment that is being written, and what it could become.

    Args:
        before: the line up to the cursor.
        first: whether it is the cell's first line, the only one where %%infer can stand.
    """
    try:
        fragment, found = _matches(before, settings, first)
    except Exception:  # Tab must never break: whatever it is, there is just nothing to offer
        return "", []
    if not before.endswith(fragment):  # a quoted word cannot be replaced piece by piece
        return "", []
    return fragment, found


def _matches(before: str, settings: InferMagics, first: bool) -> tuple[str, list[str]]:
    line = _LINE.fullmatch(before)
    if not line or (line["mark"] == "%%" and not (first and before.startswith("%%"))):
        return "", []
    rest = line["rest"]
    if line["name"] == "hf":
        return _fitting(*after(rest, settings))
    return _fitting(*Position(rest, line["mark"] == "%%", settings).offers())


def _fitting(fragment: str, offers: Iterable[str]) -> tuple[str, list[str]]:
    return fragment, [offer for offer in offers if offer.startswith(fragment)]


class Position:
    """Where the cursor stands in the options, and what was given before it.

    Attributes:
        word: the word that is being written; of `--flag=value` the value alone.
        flag: the option whose value it is.
        given: the values before it by option; `model` also from its place in %%infer.
        in_prompt: whether it belongs to the prompt of %infer.
    """

    def __init__(self, rest: str, cell: bool, settings: InferMagics) -> None:
        self.settings, self.cell = settings, cell
        self.given: dict[str, str] = {}
        self.flag: Flag | None = None
        self.word = ""
        self.in_prompt = False
        target = _TARGET.match(rest) if cell else None
        self._read(rest, target.end() if target else 0)

    def _read(self, rest: str, at: int) -> None:
        while (word := read_word(rest, at)) is not None:
            if self.flag is None and not self.cell and not starts_flag(rest, word.start):
                self.in_prompt = word.end < len(rest)
            if word.end == len(rest) or self.in_prompt:
                self._last(word.text)
                return
            self._pass(word.text)
            at = word.end

    def _pass(self, text: str) -> None:
        """Note a word that is complete."""
        name, equals, value = text.partition("=")
        if self.flag is not None:
            self.given[self.flag.key], self.flag = text, None
        elif name not in BY_NAME:
            self.given.setdefault("model", text)
        elif equals:
            self.given[BY_NAME[name].key] = value
        elif BY_NAME[name].value is not None:
            self.flag = BY_NAME[name]

    def _last(self, text: str) -> None:
        """Note the word that is being written."""
        name, equals, value = text.partition("=")
        if self.flag is None and equals and name in BY_NAME:
            self.flag, text = BY_NAME[name], value
        self.word = text

    def offers(self) -> tuple[str, Iterable[str]]:
        """The fragment that would be replaced, and what fits here."""
        if self.in_prompt:
            return "", []
        if self.flag is not None:
            return _VALUES.get(self.flag.key, _numbers)(self)
        places_model = self.cell and "model" not in self.given
        models = _models(self)[1] if places_model and not self.word.startswith("-") else []
        return self.word, [*models, *BY_NAME]

    @property
    def task(self) -> BaseTask:
        """The task that the options name, else the model's own."""
        settings = self.settings
        return chosen_task(Options(dict(self.given)), settings.session, settings.defaults())

    def variables(self, fits: Callable[[Any], bool]) -> list[str]:
        """The user's variables that fit, each with its $."""
        shell = self.settings.shell
        return [
            f"${name}"
            for name, value in list(shell.user_ns.items())
            if not name.startswith("_") and name not in shell.user_ns_hidden and fits(value)
        ]


def _models(at: Position) -> Offers:
    """Aliases, the models used last, and those that were listed; behind a colon the providers.

    Listed models of another task come only where no task is named.
    """
    memory = at.settings.session
    known = dict.fromkeys([*memory.aliases, *reversed(memory.models), *_listed(at)])
    model, colon, _ = at.word.rpartition(":")
    served = [f"{model}:{name}" for name in _providers(at)[1]] if colon else []
    return at.word, [*known, *served, *_text(at)]


def _listed(at: Position) -> list[str]:
    """The models of the task that were ever listed on this machine, the latest first."""
    named = at.given.get("task") or at.settings.task
    wanted = find(named).name if named else None
    listed = notebook.known(at.settings.session)
    return [name for name, task in reversed(listed.items()) if wanted in (None, task)]


def _compared(at: Position) -> Offers:
    """The models before the last comma stay; behind it any but those."""
    before, _, last = at.word.rpartition(",")
    word, at.word = at.word, last
    found = [name for name in _models(at)[1] if name not in before.split(",")]
    at.word = word
    lists = at.variables(lambda v: isinstance(v, list | tuple)) if word.startswith("$") else []
    return last, [*found, *lists]


def _rows(at: Position) -> Offers:
    """Tables and lists; behind a colon the table's columns."""
    name, colon, column = at.word.partition(":")
    if not colon:
        return at.word, at.variables(_has_rows)
    table = at.settings.shell.user_ns.get(name.removeprefix("$"))
    return column, map(str, getattr(table, "columns", ()))


def _has_rows(value: Any) -> bool:
    return (hasattr(value, "columns") and hasattr(value, "iloc")) or (
        (isinstance(value, list | tuple) or hasattr(value, "iloc")) and not isinstance(value, type)
    )


def _providers(at: Position) -> Offers:
    return at.word, provider_names(at.task.name)


def _text(at: Position) -> list[str]:
    return at.variables(lambda value: isinstance(value, str)) if at.word.startswith("$") else []


def _numbers(at: Position) -> Offers:
    number = (int, float)
    return at.word, at.variables(lambda v: isinstance(v, number) and not isinstance(v, bool))


def _parameters(at: Position) -> Offers:
    """Names with their equals sign; behind it the words that the parameter takes."""
    known = settable(at.task)
    name, equals, value = at.word.partition("=")
    if not equals:
        return at.word, [f"{name}=" for name in known]
    name = name.replace("-", "_")
    control = at.task.controls.get(name)
    words = control.options if isinstance(control, Choice) else choices(known[name])
    return value, [*words, *(at.variables(lambda _: True) if value.startswith("$") else [])]


def _inputs(at: Position) -> Offers:
    """Names of the task's inputs, and the variables of a type that fits one of them."""
    name, equals, value = at.word.partition("=")
    controls = {n: at.task.controls[n] for n in at.task.inputs if n in at.task.controls}
    if at.task.name == CHAT:
        controls = {str(kind): Media() for kind in KINDS}
    if equals and name in controls:
        return value, [*at.variables(lambda v: _fits(controls[name], v)), *_files(value)]
    found = at.variables(lambda v: any(_fits(kind, v) for kind in controls.values()))
    return at.word, [*found, *(f"{n}=" for n in controls), *_files(at.word)]


def _files(word: str) -> list[str]:
    """The files that a word may name, behind the @ that asks for a file's text too."""
    if word.startswith("@"):
        return [f"@{path}" for path in paths(word[1:])]
    return [] if word.startswith("$") else paths(word)


def _fits(control: Control, value: Any) -> bool:
    """Whether a variable may be the value of an input."""
    if isinstance(control, Media):
        return is_media(value) or root(value) == "numpy" or isinstance(value, bytes | Path)
    if isinstance(control, Table):
        return hasattr(value, "columns") or _is_dict(value)
    if isinstance(control, Labels | Words):
        return isinstance(value, list | tuple)
    return isinstance(value, str)


def _is_dict(value: Any) -> bool:
    """Whether a variable is a dict of the user's own, not an answer."""
    return isinstance(value, dict) and root(value) != "hfwidgets"


def _shapes(value: Any) -> bool:
    """Whether a variable may be a --schema."""
    model = hasattr(value, "model_json_schema") or dataclasses.is_dataclass(value)
    table = hasattr(value, "columns") and hasattr(value, "dtypes")
    return _is_dict(value) or table or (isinstance(value, type) and model)


_VALUES: dict[str, Callable[[Position], Offers]] = {
    "model": _models,
    "task": lambda at: (at.word, task_names(at.word)),
    "provider": _providers,
    "system": lambda at: (
        at.word,
        [*_text(at), *(_files(at.word) if at.word.startswith("@") else ())],
    ),
    "input": _inputs,
    "labels": lambda at: (at.word, at.variables(lambda v: isinstance(v, list | tuple))),
    "param": _parameters,
    "params": lambda at: (at.word, at.variables(_is_dict)),
    "format": lambda at: (at.word, FORMATS),
    "out": lambda at: (at.word, []),
    "chat": lambda at: (at.word, at.settings.session.chats),
    "each": _rows,
    "compare": _compared,
    "resume": lambda at: (at.word, paths(at.word)),
    "schema": lambda at: (at.word, at.variables(_shapes)),
}
