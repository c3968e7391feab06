"""What may follow %hf and its words when Tab is pressed; files and tasks for both magics."""

import re
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

from hfwidgets import notebook
from hfwidgets.magics import hf_magic
from hfwidgets.magics.infer_magic import InferMagics
from hfwidgets.magics.options import FORMATS
from hfwidgets.notebook import provider_names
from hfwidgets.tasks import TASKS, find

Offers = tuple[str, Iterable[str]]

MOST_FILES = 500
"""How many entries of a folder are looked at."""


def after(rest: str, settings: InferMagics) -> Offers:
    """The fragment behind %hf that is being written, and what fits there."""
    *before, fragment = re.split(r"[ \t]+", rest.lstrip())
    if not before:
        return fragment, [*hf_magic.WORDS, "help"]
    flag, equals, value = fragment.partition("=")
    if equals and flag in _AFTER_FLAG:
        return value, _AFTER_FLAG[flag](value, settings)
    if before[-1] in _AFTER_FLAG:
        return fragment, _AFTER_FLAG[before[-1]](fragment, settings)
    if before[0] in _FLAGS and fragment.startswith("-"):
        return fragment, _FLAGS[before[0]]
    if before[0] == "config":
        return _config(fragment, settings)
    if len(before) == 2 and before[0] == "panel":
        return fragment, _models_of(before[1], settings)
    found = _FOLLOWING.get(tuple(before)) or _FOLLOWING.get((*before[:-1], "*"))
    return fragment, found(fragment, settings) if found else []


def paths(fragment: str) -> list[str]:
    """The files and folders that a path may go on with; hidden ones only behind a dot."""
    head = fragment[: fragment.rfind("/") + 1]
    folder, begun = Path(head or ".").expanduser(), fragment[len(head) :]
    try:
        found = list(islice(folder.iterdir(), MOST_FILES))
    except OSError:
        return []
    shown = (p for p in found if p.name[0] != "." or begun.startswith("."))
    names = (f"{head}{p.name}{'/' if p.is_dir() else ''}" for p in shown)
    return sorted(name for name in names if not re.search(r"[\s'\"\\$]", name))


def task_names(fragment: str) -> list[str]:
    """The tasks; those by which they are also known once one has begun to be written."""
    others = (name for task in TASKS.values() for name in task.known_as) if fragment else ()
    return [*TASKS, *others]


def _config(fragment: str, settings: InferMagics) -> Offers:
    """Settings with their equals sign; behind it their values."""
    name, equals, value = fragment.partition("=")
    if not equals:
        return fragment, [f"{known}=" for known in settings.trait_names(config=True)]
    found = _SETTINGS.get(name)
    return value, [*found(value, settings), "none"] if found else []


def _models(fragment: str, settings: InferMagics) -> list[str]:
    memory = settings.session
    return [*memory.aliases, *reversed(memory.models), *notebook.known(memory)]


def _models_of(task: str, settings: InferMagics) -> list[str]:
    known, wanted = notebook.known(settings.session), find(task).name
    return [name for name, own in known.items() if own == wanted]


def _chats(fragment: str, settings: InferMagics) -> list[str]:
    return list(settings.session.chats)


def _runs(fragment: str, settings: InferMagics) -> list[str]:
    going = settings.session.runs.items()
    return ["all", *(str(number) for number, run in going if not run.done())]


def _aliases(fragment: str, settings: InferMagics) -> list[str]:
    return list(settings.session.aliases)


Offer = Callable[[str, InferMagics], Iterable[str]]


def _files(fragment: str, settings: InferMagics) -> list[str]:
    return paths(fragment)


def _tasks(fragment: str, settings: InferMagics) -> list[str]:
    return task_names(fragment)


def _served(fragment: str, settings: InferMagics) -> list[str]:
    return provider_names()


def _words(*words: str) -> Offer:
    return lambda fragment, settings: words


_SETTINGS: dict[str, Offer] = {
    "task": _tasks,
    "provider": _served,
    "model": _models,
    "format": _words(*FORMATS),
    "chat": _chats,
}

_AFTER_FLAG: dict[str, Offer] = {
    **dict.fromkeys(("-t", "--task"), _tasks),
    **dict.fromkeys(("-p", "--provider"), _served),
    **dict.fromkeys(("-m", "--model"), _models),
    "--scan": _files,
}

_FLAGS = {
    "models": ["--task", "--provider", "--search"],
    "explain": ["--fix", "--model", "--provider"],
    "doctor": ["--network", "--scan"],
}

_FOLLOWING: dict[tuple[str, ...], Offer] = {
    ("providers",): _tasks,
    ("panel",): _tasks,
    ("models",): _words("ls", "info"),
    ("models", "info"): _models,
    ("recordings",): _words("on", "record", "replay", "off", "clear", "path"),
    **{("recordings", verb): _files for verb in ("on", "record", "replay", "clear")},
    ("alias",): _aliases,
    ("alias", "*"): _models,
    ("unalias",): _aliases,
    ("chats",): lambda fragment, settings: [*settings.session.chats, "export", "clear"],
    ("chats", "export"): _chats,
    ("chats", "export", "*"): _files,
    ("chats", "clear"): _chats,
    ("runs",): _words("stop"),
    ("runs", "stop"): _runs,
    ("auth",): _words("login", "logout", "whoami", "switch"),
    ("auth", "switch"): lambda fragment, settings: notebook.token_names(),
}
"""What follows which words; `*` stands for any."""
