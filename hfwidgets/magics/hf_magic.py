"""%hf: account, names, conversations, usage. Each word is a function of `session`."""

import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
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
    """One word of %hf.

    Attributes:
        usage: what follows it.
        help: what it does, in one line.
        run: the function that does it.
        least, most: how many words may follow.
        configured: whether the function takes the settings of %infer first.
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
        return _print_message(f"{name} is forgotten.")
    if first in ("export", "clear") or name:
        raise UsageError("%hf chats [NAME] | chats export NAME FILE | chats clear NAME")
    return notebook.chats(first)


def _manage_runs(verb: str | None = None, which: str = "") -> Any:
    if verb is None:
        return notebook.runs()
    if verb != "stop" or not (which == "all" or which.isdecimal()):
        raise UsageError("%hf runs [stop ID | stop all]")
    stopped = notebook.stop(which)
    return _print_message(f"Stopped: {', '.join(str(run.id) for run in stopped) or 'none ran'}.")


def _manage_auth(verb: str = "", *rest: str) -> Any:
    actions: dict[str, Callable[[], None]] = {
        "login": _sign_in,
        "logout": _sign_out,
        "whoami": _print_account,
    }
    if verb not in (*actions, "switch"):
        raise UsageError(f"%hf auth {AUTH_USAGE}.{did_you_mean(verb, [*actions, 'switch'])}")
    if rest and verb == "login":
        notebook.login(rest[0])
    if len(rest) > (verb == "switch"):
        raise UsageError(f"%hf auth {verb} takes no argument.")
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
        f"The token is kept in {path.name}, readable by you alone. %hf auth whoami checks it."
    )


def _print_account() -> None:
    _print_message(notebook.whoami())


def _sign_out() -> None:
    gone = notebook.logout()
    background_loop.forget_clients()
    left = notebook.token_source()
    _print_message("The token file is removed." if gone else "There was no token file.")
    if left:
        _print_message(f"A token is still found: {left}.")


def _get_code(number: str = "1") -> Any:
    if not number.isdecimal():
        raise UsageError("%hf code [N]: N calls ago, 1 is the latest.")
    return notebook.code(int(number))


def _list_models(*given: str) -> Any:
    verb, *rest = given or ("ls",)
    if verb == "info":
        if len(rest) != 1:
            raise UsageError("%hf models info ID")
        return notebook.model(rest[0])
    words = list(given) if verb.startswith("-") else rest
    if verb != "ls" and not verb.startswith("-"):
        raise UsageError(f"%hf models {MODELS_USAGE}.{did_you_mean(verb, ('ls', 'info'))}")
    return notebook.models(
        **_parse_flags(words, {"--task": True, "--provider": True, "--search": True})
    )


def _parse_flags(given: list[str], known: dict[str, bool]) -> dict[str, Any]:
    """Flags by their names; `known` says which take a value."""
    found: dict[str, Any] = {}
    left = list(given)
    while left:
        name, equals, value = left.pop(0).partition("=")
        name = {"-t": "--task", "-p": "--provider", "-m": "--model"}.get(name, name)
        if name not in known:
            raise UsageError(
                f"{name} is no option here.{did_you_mean(name, known)} {', '.join(known)}."
            )
        if known[name] and not equals:
            if not left:
                raise UsageError(f"{name} needs a value.")
            value = left.pop(0)
        found[name.lstrip("-")] = value if known[name] else True
    return found


def _manage_recordings(verb: str | None = None, path: str | None = None) -> Any:
    made = notebook.recordings(verb, path)
    if verb == "path":
        return _print_message(str(made))
    if verb == "clear":
        return _print_message(
            "1 recording is deleted." if made == 1 else f"{made} recordings are deleted."
        )
    return made if verb is None else _print_message(f"Recordings: {describe_recordings()}")


def describe_recordings() -> str:
    """How recordings stand, in a few words."""
    used = recordings.current
    if used is None:
        return "off."
    sent = {
        "auto": "answers are kept, and taken from there next time",
        "record": "all is asked anew, and the answers are kept",
        "replay": "nothing is sent",
    }[used.mode]
    return f"{used.mode}, in {used.path.name}/: {sent}. Prompts and answers are there in clear."


def _run_doctor(*given: str) -> Any:
    if given[:1] == ("--scan",):
        return notebook.scan(*given[1:2])
    _parse_flags(list(given), {"--network": False, "--scan": False})
    if len(given) > 1:
        raise UsageError("%hf doctor [--network | --scan [FOLDER]]")
    return notebook.doctor(network=bool(given))


def _print_message(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _explain_error(settings: InferMagics, *given: str) -> Any:
    """Ask about the last error; with --fix, the mended cell is put below."""
    flags = _parse_flags(list(given), {"--fix": False, "--model": True, "--provider": True})
    fix = flags.pop("fix", False)
    options = Options({"task": CHAT, "no_vars": True, "no_history": True, **flags})
    trouble = notebook.find_last_error()
    options.prompt = trouble.build_prompt(fix)
    answer = settings.ask_and_show(options)
    if fix:
        notebook.insert_cell_below(notebook.first_code_block(str(answer), trouble.source))


def _configure(settings: InferMagics, *items: str) -> Any:
    known = settings.trait_names(config=True)
    for item in items:
        key = item.partition("=")[0]
        if key not in known:
            raise UsageError(
                f"There is no setting {key!r}.{did_you_mean(key, known)} There are: "
                f"{', '.join(sorted(known))}. A value follows without blanks: KEY=VALUE."
            )
    for item in items:
        key, equals, text = item.partition("=")
        if equals:
            _set_setting(settings, key, text)
    chosen = {item.partition("=")[0] for item in items} or known
    return notebook.Listing({"setting": k, "value": getattr(settings, k)} for k in sorted(chosen))


def _set_setting(settings: InferMagics, key: str, text: str) -> None:
    """Set one setting to JSON, to None, or to the text."""
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
    """The words without their quotes; the JSON of `config KEY={...}` is one word as it stands."""
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
    "unalias": Subcommand("NAME", "forget a short name", notebook.unalias, 1, 1),
    "config": Subcommand(
        "[KEY[=VALUE] ...]", "what holds where a line says nothing", _configure, 0, 99, True
    ),
    "chats": Subcommand(
        "[NAME] | export NAME FILE | clear NAME", "named conversations", _manage_chats, max_args=3
    ),
    "runs": Subcommand("[stop ID | stop all]", "calls in the background", _manage_runs, max_args=2),
    "usage": Subcommand("", "calls, tokens and time in this session, by model", notebook.usage),
    "code": Subcommand(
        "[N]", "the last call, or the Nth last, as Python and curl", _get_code, max_args=1
    ),
    "models": Subcommand(
        MODELS_USAGE, "what is served, by whom, at which price", _list_models, max_args=99
    ),
    "recordings": Subcommand(
        "[on | record | replay | clear] [FOLDER] | off | path",
        "answers that are kept",
        _manage_recordings,
        max_args=2,
    ),
    "explain": Subcommand(
        "[--fix] [-m MODEL] [-p PROVIDER]", "ask about the last error", _explain_error, 0, 9, True
    ),
    "auth": Subcommand(AUTH_USAGE, "this machine's Hub token", _manage_auth, 1, 99),
    "doctor": Subcommand(
        "[--network | --scan [FOLDER]]",
        "what runs here; tokens left in notebooks",
        _run_doctor,
        max_args=2,
    ),
}


def format_hf_help() -> str:
    """All words of %hf, as plain text."""
    rows = [(f"%hf {name} {word.usage}".rstrip(), word.help) for name, word in SUBCOMMANDS.items()]
    rows.append(("%hf help", "this text"))
    width = max(len(left) for left, _ in rows)
    lines = "\n".join(f"  {left:<{width}}  {right}" for left, right in rows)
    return f"%hf WORD ...\n\n{lines}\n"


@magics_class
class HfMagics(Magics):
    """Account, names, conversations and usage."""

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
                f"%hf knows no {name!r}.{did_you_mean(name, SUBCOMMANDS)} All words: %hf help."
            )
        word = SUBCOMMANDS[name]
        if not word.min_args <= len(rest) <= word.max_args:
            raise UsageError(f"%hf {name} {word.usage}".strip())
        for given in rest if name != "auth" else ():  # which has words of its own for that
            refuse_token(given, f"A word behind %hf {name}")
        return partial(word.run, self.settings)(*rest) if word.needs_settings else word.run(*rest)
