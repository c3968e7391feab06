"""The magic %hf: account, aliases, conversations, usage, by the functions of `notebook`."""

import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand
from traitlets import TraitError

from hfwidgets import notebook
from hfwidgets.errors import did_you_mean
from hfwidgets.magics.build_call import CHAT
from hfwidgets.magics.infer_magic import InferMagics, short_errors
from hfwidgets.magics.options import Options
from hfwidgets.magics.tokenizer import iter_words
from hfwidgets.magics.variables import refuse_token
from hfwidgets.notebook import background_loop
from hfwidgets.recorder import recordings


@dataclass(frozen=True)
class Subcommand:
    """One subcommand of %hf.

    Attributes:
        usage: Its arguments.
        help: What it does, in one line.
        run: The function that does it.
        min_args, max_args: How many arguments it accepts.
        needs_settings: True if the function's first argument is the settings of %infer.
    """

    usage: str
    help: str
    run: Callable[..., Any]
    min_args: int = 0
    max_args: int = 0
    needs_settings: bool = False


def _open_panel(settings: InferMagics, task: str, model: str | None = None) -> Any:
    from hfwidgets import panels

    made = panels.panel(task, model=model)
    return made if settings.can_show_panels() else None


def _manage_chats(first: str | None = None, name: str = "", path: str = "") -> Any:
    if first == "export" and name and path:
        return _print_message(f"Written: {notebook.export_chat(name, path)}")
    if first == "clear" and name:
        notebook.clear_chat(name)
        return _print_message(f"The conversation {name} is deleted.")
    if first in ("export", "clear") or name:
        raise UsageError("%hf chats [NAME] | chats export NAME FILE | chats clear NAME")
    return notebook.chats(first)


def _manage_runs(verb: str | None = None, which: str = "") -> Any:
    if verb is None:
        return notebook.runs()
    if verb != "stop" or not (which == "all" or which.isdecimal()):
        raise UsageError("%hf runs [stop ID | stop all]")
    stopped = notebook.stop(which)
    return _print_message(f"Stopped: {', '.join(str(run.id) for run in stopped) or 'no run'}.")


def _manage_auth(verb: str = "", *rest: str) -> Any:
    actions: dict[str, Callable[[], None]] = {
        "login": _sign_in,
        "logout": _sign_out,
        "whoami": _print_account,
    }
    if verb not in (*actions, "switch"):
        raise UsageError(f"%hf auth {AUTH_USAGE}.{did_you_mean(verb, [*actions, 'switch'])}")
    # A token as an argument stays in the notebook and in IPython's history: `login` refuses it
    # and explains why.
    if rest and verb == "login":
        notebook.login(rest[0])
    if len(rest) > (verb == "switch"):
        raise UsageError(f"%hf auth {verb} accepts no arguments.")
    return _switch_token(*rest) if verb == "switch" else actions[verb]()


def _switch_token(name: str | None = None) -> Any:
    listed = notebook.switch(name)
    if name is not None:
        background_loop.forget_clients()
    return listed


def _sign_in() -> None:
    path = notebook.login()
    background_loop.forget_clients()
    _print_message(
        f"The token is stored in {path.name}, which only you can read. %hf auth whoami checks it."
    )


def _print_account() -> None:
    _print_message(notebook.whoami())


def _sign_out() -> None:
    is_removed = notebook.logout()
    background_loop.forget_clients()
    # An environment variable, for example, outlives the file: without a message the user would
    # believe to be signed out.
    source = notebook.token_source()
    _print_message("Removed the token file." if is_removed else "No token file to remove.")
    if source:
        _print_message(f"Another token is still in use: {source}.")


def _get_code(number: str = "1") -> Any:
    if not number.isdecimal():
        raise UsageError("%hf code [N]: the Nth last call; 1 is the last one.")
    return notebook.code(int(number))


def _list_models(*arguments: str) -> Any:
    verb, *rest = arguments or ("ls",)
    if verb == "info":
        if len(rest) != 1:
            raise UsageError("%hf models info ID")
        return notebook.model(rest[0])
    words = list(arguments) if verb.startswith("-") else rest
    if verb != "ls" and not verb.startswith("-"):
        raise UsageError(f"%hf models {MODELS_USAGE}.{did_you_mean(verb, ('ls', 'info'))}")
    return notebook.models(
        **_parse_flags(words, {"--task": True, "--provider": True, "--search": True})
    )


def _parse_flags(words: list[str], known: dict[str, bool]) -> dict[str, Any]:
    """Return flags by name; `known` maps each to whether it has a value."""
    found: dict[str, Any] = {}
    left = list(words)
    while left:
        name, equals, value = left.pop(0).partition("=")
        name = {"-t": "--task", "-p": "--provider", "-m": "--model"}.get(name, name)
        if name not in known:
            raise UsageError(
                f"Unknown option {name!r}.{did_you_mean(name, known)} Options: {', '.join(known)}."
            )
        if known[name] and not equals:
            if not left:
                raise UsageError(f"{name} needs a value.")
            value = left.pop(0)
        found[name.lstrip("-")] = value if known[name] else True
    return found


def _manage_recordings(verb: str | None = None, path: str | None = None) -> Any:
    result = notebook.recordings(verb, path)
    if verb == "path":
        return _print_message(str(result))
    if verb == "clear":
        return _print_message(
            "Deleted 1 recording." if result == 1 else f"Deleted {result} recordings."
        )
    return result if verb is None else _print_message(f"Recordings: {describe_recordings()}")


def describe_recordings() -> str:
    """Return the state of recordings in a few words."""
    used = recordings.current
    if used is None:
        return "off."
    behavior = {
        "auto": "answers are recorded, and replayed the next time",
        "record": "every call is sent, and its answer recorded",
        "replay": "answers are replayed, and nothing is sent",
    }[used.mode]
    return f"{used.mode}, in {used.path.name}/: {behavior}. Prompts and answers are in clear text."


def _run_doctor(*arguments: str) -> Any:
    if arguments[:1] == ("--scan",):
        return notebook.scan(*arguments[1:2])
    _parse_flags(list(arguments), {"--network": False, "--scan": False})
    if len(arguments) > 1:
        raise UsageError("%hf doctor [--network | --scan [FOLDER]]")
    return notebook.doctor(network=bool(arguments))


def _print_message(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _explain_error(settings: InferMagics, *arguments: str) -> Any:
    """Explain the last error by a model; with --fix, insert the fixed cell below."""
    flags = _parse_flags(list(arguments), {"--fix": False, "--model": True, "--provider": True})
    fix = flags.pop("fix", False)
    # Braces in the error or the code are the user's own, not variables to fill in.
    options = Options({"task": CHAT, "no_vars": True, "no_history": True, **flags})
    last_error = notebook.find_last_error()
    options.prompt = last_error.build_prompt(fix)
    answer = settings.ask_and_show(options)
    if fix:
        notebook.insert_cell_below(notebook.first_code_block(str(answer), last_error.source))


def _configure(settings: InferMagics, *items: str) -> Any:
    known = settings.trait_names(config=True)
    for item in items:
        key = item.partition("=")[0]
        if key not in known:
            raise UsageError(
                f"Unknown setting {key!r}.{did_you_mean(key, known)} Settings: "
                f"{', '.join(sorted(known))}. Write the value without blanks: KEY=VALUE."
            )
    # All names were checked first, so that an error changes nothing.
    for item in items:
        key, equals, text = item.partition("=")
        if equals:
            _set_setting(settings, key, text)
    chosen = {item.partition("=")[0] for item in items} or known
    return notebook.Listing({"setting": k, "value": getattr(settings, k)} for k in sorted(chosen))


def _set_setting(settings: InferMagics, key: str, text: str) -> None:
    """Set a setting to the text's JSON value, to None, or to the text."""
    try:
        value = None if text.lower() in ("", "none") else json.loads(text)
    except ValueError:
        value = text
    try:
        setattr(settings, key, value)
    except TraitError as error:
        raise UsageError(str(error)) from None


_CONFIG_JSON = re.compile(r"\s*(config)\s+(\w+=[{\[].*)", re.DOTALL)


def _split_line(line: str) -> list[str]:
    """Return the words without quotes; the JSON of `config KEY={...}` is one verbatim word."""
    data = _CONFIG_JSON.fullmatch(line)
    return [data[1], data[2].rstrip()] if data else [word.text for word in iter_words(line)]


AUTH_USAGE = "login | logout | whoami | switch [NAME]"
MODELS_USAGE = "[ls] [--task T] [--provider P] [--search S] | info ID"

SUBCOMMANDS = {
    "tasks": Subcommand("", "all tasks", notebook.tasks),
    "providers": Subcommand(
        "[TASK]", "providers, or those of a task", notebook.providers, max_args=1
    ),
    "panel": Subcommand("TASK [MODEL]", "open a panel", _open_panel, 1, 2, True),
    "alias": Subcommand(
        "[NAME [TARGET]]", "short names for MODEL[:PROVIDER]", notebook.alias, max_args=2
    ),
    "unalias": Subcommand("NAME", "remove a short name", notebook.unalias, 1, 1),
    "config": Subcommand("[KEY[=VALUE] ...]", "defaults of %infer", _configure, 0, 99, True),
    "chats": Subcommand(
        "[NAME] | export NAME FILE | clear NAME", "named conversations", _manage_chats, max_args=3
    ),
    "runs": Subcommand("[stop ID | stop all]", "calls in the background", _manage_runs, max_args=2),
    "usage": Subcommand("", "calls, tokens and time in this session, by model", notebook.usage),
    "code": Subcommand(
        "[N]", "the last call, or the Nth last, as Python and curl", _get_code, max_args=1
    ),
    "models": Subcommand(
        MODELS_USAGE, "served models with providers and prices", _list_models, max_args=99
    ),
    "recordings": Subcommand(
        "[on | record | replay | clear] [FOLDER] | off | path",
        "recorded answers",
        _manage_recordings,
        max_args=2,
    ),
    "explain": Subcommand(
        "[--fix] [-m MODEL] [-p PROVIDER]",
        "explain the last error, or fix the cell",
        _explain_error,
        0,
        9,
        True,
    ),
    "auth": Subcommand(AUTH_USAGE, "this machine's Hub token", _manage_auth, 1, 99),
    "doctor": Subcommand(
        "[--network | --scan [FOLDER]]",
        "check this environment; find tokens in notebooks",
        _run_doctor,
        max_args=2,
    ),
}


def format_hf_help() -> str:
    """Return all subcommands of %hf as plain text."""
    rows = [(f"%hf {name} {each.usage}".rstrip(), each.help) for name, each in SUBCOMMANDS.items()]
    rows.append(("%hf help", "this text"))
    width = max(len(left) for left, _ in rows)
    lines = "\n".join(f"  {left:<{width}}  {right}" for left, right in rows)
    return f"%hf COMMAND ...\n\n{lines}\n"


@magics_class
class HfMagics(Magics):
    """The magic %hf."""

    def __init__(self, shell: Any, settings: InferMagics, **kwargs: Any) -> None:
        super().__init__(shell, **kwargs)
        self.settings = settings

    @no_var_expand
    @line_magic
    def hf(self, line: str) -> Any:
        name, *rest = _split_line(line) or ["help"]
        with short_errors():
            if name in ("help", "-h", "--help"):
                return _print_message(format_hf_help())
            return self._run_subcommand(name, rest)

    hf.__doc__ = format_hf_help()

    def _run_subcommand(self, name: str, rest: list[str]) -> Any:
        if name not in SUBCOMMANDS:
            raise UsageError(
                f"Unknown command {name!r}.{did_you_mean(name, SUBCOMMANDS)} "
                "All commands: %hf help."
            )
        command = SUBCOMMANDS[name]
        if not command.min_args <= len(rest) <= command.max_args:
            raise UsageError(f"%hf {name} {command.usage}".strip())
        for argument in rest if name != "auth" else ():  # whose own message explains it better
            refuse_token(argument, f"An argument of %hf {name}")
        first = (self.settings,) if command.needs_settings else ()
        return command.run(*first, *rest)
