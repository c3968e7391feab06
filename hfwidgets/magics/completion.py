"""Completes %infer, %%infer and %hf: options, tasks, models, providers, parameters, variables.

All suggestions come from memory and local files: a keystroke never waits for a network.
"""

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import IPython.core.completer as ipython

from hfwidgets import notebook
from hfwidgets.magics.attachments import ATTACHMENT_KINDS
from hfwidgets.magics.build_call import CHAT, choose_task
from hfwidgets.magics.completion_hf import (
    Suggestions,
    complete_paths,
    complete_subcommand,
    complete_task_names,
)
from hfwidgets.magics.infer_magic import InferMagics
from hfwidgets.magics.options import FLAGS_BY_NAME, FORMATS, Flag, Options, is_flag_start
from hfwidgets.magics.parameters import list_choices, settable_parameters
from hfwidgets.magics.tokenizer import read_word
from hfwidgets.magics.variables import is_media, root_package
from hfwidgets.notebook import list_providers
from hfwidgets.tasks import BaseTask, find
from hfwidgets.tasks.controls import Choice, Control, LabelList, MediaInput, StringList, TableInput

_MAGIC_LINE = re.compile(
    r"\s*(?:[^'\"#%=]*=\s*)?(?P<mark>%%?)(?P<name>infer|hf)[ \t]+(?P<rest>.*)", re.DOTALL
)
_TARGET = re.compile(r"\s*[^\W\d]\w*\s*=?\s*<<\s")


def install_completer(shell: Any, settings: InferMagics) -> None:
    """Add the matcher to a shell's completer; older completers get a hook instead."""
    completer = getattr(shell, "Completer", None)
    if completer is None:
        return
    # Matchers (IPython 8.6 and later) may replace a fragment with slashes and colons, as in
    # org/model:provider, which the older hook cannot.
    if hasattr(ipython, "context_matcher"):
        completer.custom_matchers.append(build_matcher(settings))
        return
    for name in ("%infer", "%%infer", "%hf"):
        shell.set_hook("complete_command", _build_hook(settings), str_key=name)


def remove_completer(shell: object) -> None:
    """Remove the matcher."""
    completer = getattr(shell, "Completer", None)
    found = getattr(completer, "custom_matchers", [])
    found[:] = [each for each in found if getattr(each, "matcher_identifier", "") != MATCHER_ID]


MATCHER_ID = "hfwidgets.magics"


def build_matcher(settings: InferMagics) -> Any:
    """Build the matcher of one shell."""

    def complete(context: Any) -> dict[str, Any]:
        is_first_line = context.cursor_line == 0
        fragment, found = find_matches(
            context.text_until_cursor, settings, is_first_line=is_first_line
        )
        completions = [ipython.SimpleCompletion(text=item, type="magic") for item in found]
        return {"completions": completions, "matched_fragment": fragment, "suppress": bool(found)}

    match: Any = complete  # the decorator adds the attributes of a matcher
    return ipython.context_matcher(identifier=MATCHER_ID, priority=200)(match)


def _build_hook(settings: InferMagics) -> Callable[[Any, Any], list[str]]:
    def complete(shell: Any, event: Any) -> list[str]:
        return find_matches(event.text_until_cursor, settings)[1]

    return complete


def find_matches(
    before: str, settings: InferMagics, *, is_first_line: bool = True
) -> tuple[str, list[str]]:
    """Return the fragment at the cursor and its completions.

    Args:
        before: The line up to the cursor.
        settings: The magics of the shell.
        is_first_line: True in a cell's first line, the only one that %%infer can begin.
    """
    try:
        fragment, found = _match_line(before, settings, is_first_line)
    except Exception:  # a completer must never raise: without suggestions typing goes on
        return "", []
    if not before.endswith(
        fragment
    ):  # a quoted word differs from its text, so no part of it can be replaced
        return "", []
    return fragment, found


def _match_line(before: str, settings: InferMagics, is_first_line: bool) -> tuple[str, list[str]]:
    line = _MAGIC_LINE.fullmatch(before)
    if not line or (line["mark"] == "%%" and not (is_first_line and before.startswith("%%"))):
        return "", []
    rest = line["rest"]
    if line["name"] == "hf":
        return _filter_by_prefix(*complete_subcommand(rest, settings))
    return _filter_by_prefix(
        *CursorContext(rest, line["mark"] == "%%", settings).find_suggestions()
    )


def _filter_by_prefix(fragment: str, offers: Iterable[str]) -> tuple[str, list[str]]:
    return fragment, [offer for offer in offers if offer.startswith(fragment)]


class CursorContext:
    """The cursor's place among the options, and the values before it.

    Args:
        rest: The line after the magic's name, up to the cursor.
        is_cell: True for %%infer.
        settings: The magics of the shell.

    Attributes:
        word: The word at the cursor; of `--flag=value` the value only.
        flag: The option whose value it is, None for an option's name or a model.
        option_values: The values before it by option; `model` also from its place in %%infer.
        is_in_prompt: True if it belongs to the prompt of %infer.
    """

    def __init__(self, rest: str, is_cell: bool, settings: InferMagics) -> None:
        self.settings, self.is_cell = settings, is_cell
        self.option_values: dict[str, str] = {}
        self.flag: Flag | None = None
        self.word = ""
        self.is_in_prompt = False
        target = _TARGET.match(rest) if is_cell else None
        self._read_words(rest, target.end() if target else 0)

    def _read_words(self, rest: str, at: int) -> None:
        while (word := read_word(rest, at)) is not None:
            # In %infer the options end at the first word that is not one.
            if self.flag is None and not self.is_cell and not is_flag_start(rest, word.start):
                self.is_in_prompt = word.end < len(rest)
            if word.end == len(rest) or self.is_in_prompt:
                # Only a word that touches the cursor is the current one; after a blank the fragment
                # stays empty.
                self._set_current_word(word.text)
                return
            self._record_word(word.text)
            at = word.end

    def _record_word(self, text: str) -> None:
        """Record a word before the cursor."""
        name, equals, value = text.partition("=")
        if self.flag is not None:
            self.option_values[self.flag.key], self.flag = text, None
        elif name not in FLAGS_BY_NAME:
            self.option_values.setdefault("model", text)
        elif equals:
            self.option_values[FLAGS_BY_NAME[name].key] = value
        elif FLAGS_BY_NAME[name].metavar is not None:
            self.flag = FLAGS_BY_NAME[name]

    def _set_current_word(self, text: str) -> None:
        """Record the word at the cursor."""
        name, equals, value = text.partition("=")
        if self.flag is None and equals and name in FLAGS_BY_NAME:
            self.flag, text = FLAGS_BY_NAME[name], value
        self.word = text

    def find_suggestions(self) -> tuple[str, Iterable[str]]:
        """Return the fragment to replace, and the suggestions for it."""
        if self.is_in_prompt:
            return "", []
        if self.flag is not None:
            return _VALUE_COMPLETERS.get(self.flag.key, _complete_numbers)(self)
        # %infer has no bare model: its first word that is not an option begins the prompt.
        places_model = self.is_cell and "model" not in self.option_values
        models = _complete_models(self)[1] if places_model and not self.word.startswith("-") else []
        return self.word, [*models, *FLAGS_BY_NAME]

    @property
    def task(self) -> BaseTask:
        """Return the task that the options name, else the model's own."""
        settings = self.settings
        return choose_task(Options(dict(self.option_values)), settings.session, settings.defaults())

    def list_variables(self, fits: Callable[[Any], bool]) -> list[str]:
        """Return the user's variables that fit, each with its $."""
        shell = self.settings.shell
        return [
            f"${name}"
            for name, value in list(shell.user_ns.items())
            if not name.startswith("_") and name not in shell.user_ns_hidden and fits(value)
        ]


def _complete_models(at: CursorContext) -> Suggestions:
    """Complete aliases, recent models and listed models; after a colon, providers.

    Listed models of other tasks are suggested only where no task is named.
    """
    memory = at.settings.session
    known = dict.fromkeys([*memory.aliases, *reversed(memory.models), *_list_known_models(at)])
    model, colon, _ = at.word.rpartition(":")
    served = [f"{model}:{name}" for name in _complete_providers(at)[1]] if colon else []
    return at.word, [*known, *served, *_text_variables(at)]


def _list_known_models(at: CursorContext) -> list[str]:
    """Return the task's models that were ever listed on this machine, the latest first."""
    named = at.option_values.get("task") or at.settings.task
    wanted = find(named).name if named else None
    listed = notebook.known_models(at.settings.session)
    return [name for name, task in reversed(listed.items()) if wanted in (None, task)]


def _complete_compared(at: CursorContext) -> Suggestions:
    """Complete the model after the last comma, without those before it."""
    before, _, last = at.word.rpartition(",")
    word, at.word = at.word, last
    found = [name for name in _complete_models(at)[1] if name not in before.split(",")]
    at.word = word
    lists = at.list_variables(lambda v: isinstance(v, list | tuple)) if word.startswith("$") else []
    return last, [*found, *lists]


def _complete_rows(at: CursorContext) -> Suggestions:
    """Complete tables and lists; after a colon, the table's columns."""
    _, colon, column = at.word.partition(":")
    if not colon:
        return at.word, at.list_variables(_has_rows)
    return column, _list_columns(at, at.word)


def _list_columns(at: CursorContext, source: str) -> list[str]:
    """Return the columns of the table that `$df` or `$df:column` names."""
    table = at.settings.shell.user_ns.get(source.partition(":")[0].removeprefix("$"))
    # Arrow's `columns` are the columns themselves, its `column_names` the names.
    names = getattr(table, "column_names", None) or getattr(table, "columns", [])
    return list(map(str, names))


def _complete_metrics(at: CursorContext) -> Suggestions:
    """Complete the names of metrics, and after a $ the functions."""
    if at.word.startswith("$"):
        return at.word, at.list_variables(inspect.isfunction)
    from hfwidgets.evaluation.predictions import metric_names

    return at.word, metric_names()


def _has_rows(value: object) -> bool:
    """True for lists, tables and columns; judged by attributes, since Tab must stay fast."""
    attributes = ("iloc", "columns", "iter_rows", "to_pylist")
    is_table = any(hasattr(value, name) for name in attributes) and not isinstance(value, type)
    return isinstance(value, list | tuple) or is_table


def _complete_providers(at: CursorContext) -> Suggestions:
    return at.word, list_providers(at.task.name)


def _text_variables(at: CursorContext) -> list[str]:
    return (
        at.list_variables(lambda value: isinstance(value, str)) if at.word.startswith("$") else []
    )


def _complete_numbers(at: CursorContext) -> Suggestions:
    number = (int, float)
    return at.word, at.list_variables(lambda v: isinstance(v, number) and not isinstance(v, bool))


def _complete_parameters(at: CursorContext) -> Suggestions:
    """Complete names with their equals sign; after it, the values of the parameter."""
    known = settable_parameters(at.task)
    name, equals, value = at.word.partition("=")
    if not equals:
        return at.word, [f"{name}=" for name in known]
    name = name.replace("-", "_")
    control = at.task.controls.get(name)
    words = control.options if isinstance(control, Choice) else list_choices(known[name])
    return value, [*words, *(at.list_variables(lambda _: True) if value.startswith("$") else [])]


def _complete_inputs(at: CursorContext) -> Suggestions:
    """Complete the task's inputs, and the variables whose type fits one of them."""
    name, equals, value = at.word.partition("=")
    controls = {n: at.task.controls[n] for n in at.task.inputs if n in at.task.controls}
    if at.task.name == CHAT:
        controls = {str(kind): MediaInput() for kind in ATTACHMENT_KINDS}
    if equals and name in controls:
        return value, [
            *at.list_variables(lambda v: _is_value_for(controls[name], v)),
            *_complete_files(value),
        ]
    found = at.list_variables(lambda v: any(_is_value_for(kind, v) for kind in controls.values()))
    return at.word, [*found, *(f"{n}=" for n in controls), *_complete_files(at.word)]


def _complete_files(word: str) -> list[str]:
    """Return the files that a word may name, also after the @ of a file's text."""
    if word.startswith("@"):
        return [f"@{path}" for path in complete_paths(word[1:])]
    return [] if word.startswith("$") else complete_paths(word)


def _is_value_for(control: Control, value: object) -> bool:
    """True if a variable may be the value of an input."""
    if isinstance(control, MediaInput):
        return is_media(value) or root_package(value) == "numpy" or isinstance(value, bytes | Path)
    if isinstance(control, TableInput):
        return hasattr(value, "columns") or _is_user_dict(value)
    if isinstance(control, LabelList | StringList):
        return isinstance(value, list | tuple)
    return isinstance(value, str)


def _is_user_dict(value: object) -> bool:
    """True if a variable is the user's own dict, not an answer."""
    return isinstance(value, dict) and root_package(value) != "hfwidgets"


def _is_schema(value: object) -> bool:
    """True if a variable may be a --schema."""
    model = hasattr(value, "model_json_schema") or dataclasses.is_dataclass(value)
    table = hasattr(value, "columns") and hasattr(value, "dtypes")
    return _is_user_dict(value) or table or (isinstance(value, type) and model)


_VALUE_COMPLETERS: dict[str, Callable[[CursorContext], Suggestions]] = {
    "model": _complete_models,
    "task": lambda at: (at.word, complete_task_names(at.word)),
    "provider": _complete_providers,
    "system": lambda at: (
        at.word,
        [*_text_variables(at), *(_complete_files(at.word) if at.word.startswith("@") else ())],
    ),
    "input": _complete_inputs,
    "labels": lambda at: (at.word, at.list_variables(lambda v: isinstance(v, list | tuple))),
    "param": _complete_parameters,
    "params": lambda at: (at.word, at.list_variables(_is_user_dict)),
    "format": lambda at: (at.word, FORMATS),
    "out": lambda at: (at.word, []),
    "chat": lambda at: (at.word, at.settings.session.chats),
    "each": _complete_rows,
    "compare": _complete_compared,
    "score": lambda at: (at.word, _list_columns(at, at.option_values.get("each", ""))),
    "metric": _complete_metrics,
    "judge": _complete_models,
    "resume": lambda at: (at.word, complete_paths(at.word)),
    "schema": lambda at: (at.word, at.list_variables(_is_schema)),
}
