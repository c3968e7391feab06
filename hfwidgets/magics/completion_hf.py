"""Completes %hf, its commands and their arguments; paths and tasks for both magics."""

import re
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

from hfwidgets import notebook
from hfwidgets.magics import hf_magic
from hfwidgets.magics.infer_magic import InferMagics
from hfwidgets.magics.options import FORMATS
from hfwidgets.notebook import list_providers
from hfwidgets.tasks import TASKS, find

Suggestions = tuple[str, Iterable[str]]

MAX_FILES = 500
"""The number of a folder's entries that are read."""


def complete_subcommand(rest: str, settings: InferMagics) -> Suggestions:
    """Return the fragment to replace after %hf, and the suggestions for it."""
    # Unlike the tokenizer, this leaves an empty last word after a blank, where a new one begins.
    *before, fragment = re.split(r"[ \t]+", rest.lstrip())
    if not before:
        return fragment, [*hf_magic.SUBCOMMANDS, "help"]
    flag, equals, value = fragment.partition("=")
    if equals and flag in _FLAG_COMPLETERS:
        return value, _FLAG_COMPLETERS[flag](value, settings)
    if before[-1] in _FLAG_COMPLETERS:
        return fragment, _FLAG_COMPLETERS[before[-1]](fragment, settings)
    if before[0] in _SUBCOMMAND_FLAGS and fragment.startswith("-"):
        return fragment, _SUBCOMMAND_FLAGS[before[0]]
    if before[0] == "config":
        return _complete_config(fragment, settings)
    if len(before) == 2 and before[0] == "panel":
        return fragment, _models_for_task(before[1], settings)
    found = _WORD_COMPLETERS.get(tuple(before)) or _WORD_COMPLETERS.get((*before[:-1], "*"))
    return fragment, found(fragment, settings) if found else []


def complete_paths(fragment: str) -> list[str]:
    """Return the files and folders that continue a path; hidden ones only after a dot."""
    head = fragment[: fragment.rfind("/") + 1]
    folder, start = Path(head or ".").expanduser(), fragment[len(head) :]
    try:
        found = list(islice(folder.iterdir(), MAX_FILES))
    except OSError:
        return []
    shown = (p for p in found if p.name[0] != "." or start.startswith("."))
    names = (f"{head}{p.name}{'/' if p.is_dir() else ''}" for p in shown)
    return sorted(name for name in names if not re.search(r"[\s'\"\\$]", name))


def complete_task_names(fragment: str) -> list[str]:
    """Return the tasks, and their other names once a name is begun."""
    others = (name for task in TASKS.values() for name in task.known_as) if fragment else ()
    return [*TASKS, *others]


def _complete_config(fragment: str, settings: InferMagics) -> Suggestions:
    """Complete settings with their equals sign; after it, their values."""
    name, equals, value = fragment.partition("=")
    if not equals:
        return fragment, [f"{known}=" for known in settings.trait_names(config=True)]
    found = _SETTING_COMPLETERS.get(name)
    return value, [*found(value, settings), "none"] if found else []


def _complete_models(fragment: str, settings: InferMagics) -> list[str]:
    memory = settings.session
    return [*memory.aliases, *reversed(memory.models), *notebook.known_models(memory)]


def _models_for_task(task: str, settings: InferMagics) -> list[str]:
    known, wanted = notebook.known_models(settings.session), find(task).name
    return [name for name, own in known.items() if own == wanted]


def _complete_chats(fragment: str, settings: InferMagics) -> list[str]:
    return list(settings.session.chats)


def _complete_runs(fragment: str, settings: InferMagics) -> list[str]:
    runs = settings.session.runs.items()
    return ["all", *(str(number) for number, run in runs if not run.done())]


def _complete_aliases(fragment: str, settings: InferMagics) -> list[str]:
    return list(settings.session.aliases)


SuggestionSource = Callable[[str, InferMagics], Iterable[str]]


def _complete_files(fragment: str, settings: InferMagics) -> list[str]:
    return complete_paths(fragment)


def _complete_tasks(fragment: str, settings: InferMagics) -> list[str]:
    return complete_task_names(fragment)


def _complete_providers(fragment: str, settings: InferMagics) -> list[str]:
    return list_providers()


def _complete_fixed(*words: str) -> SuggestionSource:
    return lambda fragment, settings: words


_SETTING_COMPLETERS: dict[str, SuggestionSource] = {
    "task": _complete_tasks,
    "provider": _complete_providers,
    "model": _complete_models,
    "format": _complete_fixed(*FORMATS),
    "chat": _complete_chats,
}

_FLAG_COMPLETERS: dict[str, SuggestionSource] = {
    **dict.fromkeys(("-t", "--task"), _complete_tasks),
    **dict.fromkeys(("-p", "--provider"), _complete_providers),
    **dict.fromkeys(("-m", "--model"), _complete_models),
    "--scan": _complete_files,
}

_SUBCOMMAND_FLAGS = {
    "models": ["--task", "--provider", "--search"],
    "explain": ["--fix", "--model", "--provider"],
    "doctor": ["--network", "--scan"],
}

_WORD_COMPLETERS: dict[tuple[str, ...], SuggestionSource] = {
    ("providers",): _complete_tasks,
    ("panel",): _complete_tasks,
    ("models",): _complete_fixed("ls", "info"),
    ("models", "info"): _complete_models,
    ("recordings",): _complete_fixed("on", "record", "replay", "off", "clear", "path"),
    **{("recordings", verb): _complete_files for verb in ("on", "record", "replay", "clear")},
    ("alias",): _complete_aliases,
    ("alias", "*"): _complete_models,
    ("unalias",): _complete_aliases,
    ("chats",): lambda fragment, settings: [*settings.session.chats, "export", "clear"],
    ("chats", "export"): _complete_chats,
    ("chats", "export", "*"): _complete_files,
    ("chats", "clear"): _complete_chats,
    ("runs",): _complete_fixed("stop"),
    ("runs", "stop"): _complete_runs,
    ("auth",): _complete_fixed("login", "logout", "whoami", "switch"),
    ("auth", "switch"): lambda fragment, settings: notebook.token_names(),
}
"""The completions after some words; `*` stands for any word."""
