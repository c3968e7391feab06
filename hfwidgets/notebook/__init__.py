"""The state of a working session, and the commands of `%hf` as plain functions.

    from hfwidgets import session
    session.alias("small", "HuggingFaceTB/SmolLM3-3B:hf-inference")
    session.usage()

The state is in memory and ends with the process, except for the token file that `login` writes, the
recordings, and the names of listed models, which completion reads.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hfwidgets.errors import ConfigurationError, did_you_mean
from hfwidgets.notebook import background_loop
from hfwidgets.notebook import last_call as _code
from hfwidgets.notebook.accounts import login, logout, switch, token_names, token_source, whoami
from hfwidgets.notebook.background_loop import list_providers
from hfwidgets.notebook.doctor import doctor
from hfwidgets.notebook.explain_error import (
    LastError,
    explain,
    find_last_error,
    first_code_block,
    insert_cell_below,
)
from hfwidgets.notebook.last_call import Code
from hfwidgets.notebook.listing import Listing
from hfwidgets.notebook.model_alias import split_model
from hfwidgets.notebook.models import (
    known_models,
    model,
    model_task,
    models,
    remember_models,
    session_client,
)
from hfwidgets.notebook.recordings import get_recorder, recordings, without_recordings
from hfwidgets.notebook.session import BackgroundRun, CallRecord, Session, Usage, current_session
from hfwidgets.notebook.token_scan import TokenFindings, scan
from hfwidgets.tasks import TASKS, find

__all__ = [
    "BackgroundRun",
    "CallRecord",
    "Code",
    "LastError",
    "Listing",
    "Session",
    "TokenFindings",
    "Usage",
    "alias",
    "chats",
    "clear_chat",
    "code",
    "current_session",
    "doctor",
    "explain",
    "export_chat",
    "find_last_error",
    "first_code_block",
    "get_recorder",
    "insert_cell_below",
    "known_models",
    "list_providers",
    "login",
    "logout",
    "model",
    "model_task",
    "models",
    "providers",
    "recordings",
    "remember_models",
    "runs",
    "scan",
    "session_client",
    "split_model",
    "stop",
    "switch",
    "tasks",
    "token_names",
    "token_source",
    "unalias",
    "usage",
    "whoami",
    "without_recordings",
]


def tasks() -> Listing:
    """List all tasks with their names, labels and descriptions."""
    return Listing({"task": t.name, "label": t.label, "does": t.doc} for t in TASKS.values())


def providers(task: str | None = None) -> Listing:
    """List all providers with the tasks they serve, or those that serve one task."""
    wanted = find(task).name if task else None
    rows = (
        {"provider": name, "tasks": wanted or ", ".join(background_loop.list_provider_tasks(name))}
        for name in list_providers(wanted)
    )
    return Listing(rows, f"No provider serves {wanted}.")


def alias(name: str | None = None, target: str | None = None) -> Listing:
    """Give MODEL or MODEL:PROVIDER a short name; without a target, list the short names.

    Raises:
        ConfigurationError: the name is not a valid alias, or unknown.
    """
    known = current_session().aliases
    if name and target:
        # A colon would split off a provider, and IPython expands `$` in the lines of magics.
        if not name.isprintable() or set(name) & set(" :/'\"$"):
            raise ConfigurationError(f"An alias is one word without / : $ or quotes, not {name!r}.")
        known[name] = target
    shown = known if name is None else {name: _find_alias(name)}
    return Listing(({"alias": a, "model": m} for a, m in shown.items()), "No aliases.")


def _find_alias(name: str) -> str:
    known = current_session().aliases
    if name not in known:
        raise ConfigurationError(f"Unknown alias {name!r}.{did_you_mean(name, known)}")
    return known[name]


def unalias(name: str) -> None:
    """Remove a short name.

    Raises:
        ConfigurationError: the name is unknown.
    """
    _find_alias(name)
    del current_session().aliases[name]


def chats(name: str | None = None) -> Listing:
    """List the named conversations, or the messages of one."""
    if name is not None:
        messages = _find_chat(name)
        return Listing(
            ({"role": m["role"], "content": _message_text(m)} for m in messages), "No messages."
        )
    known = current_session().chats.items()
    return Listing(({"chat": n, "messages": len(m)} for n, m in known), "No conversations.")


def export_chat(name: str, path: str | Path) -> Path:
    """Write a conversation's messages to a JSON file. Media are replaced by their type.

    Raises:
        ConfigurationError: the conversation is unknown, or the file cannot be written.
    """
    target = Path(path).expanduser()
    text = json.dumps(_find_chat(name), ensure_ascii=False, indent=1, default=_type_label)
    try:
        target.write_text(text, "utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}.") from error
    return target


def clear_chat(name: str) -> None:
    """Remove a conversation."""
    _find_chat(name)
    del current_session().chats[name]


def _find_chat(name: str) -> list[dict[str, Any]]:
    known = current_session().chats
    if name not in known:
        raise ConfigurationError(
            f"Unknown conversation {name!r}.{did_you_mean(name, known)} %%infer -c {name} "
            "starts one."
        )
    return known[name]


def _type_label(value: Any) -> str:
    return f"<{type(value).__name__}>"


def _message_text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    return " ".join(part.get("text") or f"[{part.get('type')}]" for part in content or ())


def runs() -> Listing:
    """List the calls in the background."""
    rows = (
        {"run": r.id, "call": r.label, "state": r.state} for r in current_session().runs.values()
    )
    return Listing(rows, "No calls in the background.")


def stop(which: int | str = "all") -> list[BackgroundRun]:
    """Stop one background call by its number, or all that are still running.

    Raises:
        ConfigurationError: the number is unknown.
    """
    known = current_session().runs
    if which == "all":
        chosen = [run for run in known.values() if not run.done()]
    elif int(which) in known:
        chosen = [known[int(which)]]
    else:
        runs = ", ".join(map(str, known)) or "none"
        raise ConfigurationError(f"Unknown run {which}. The runs are: {runs}.")
    for run in chosen:
        run.stop()
    return chosen


def usage() -> Listing:
    """List the calls, tokens, seconds and dollars of this session, by provider and model."""
    rows = (
        {"provider": p, "model": m, **vars(used)}
        for (p, m), used in current_session().usage_by_model.items()
    )
    return Listing(rows, "No calls in this session.")


def code(number: int = 1) -> Code:
    """Return a past call as Python and as curl, without tokens.

    Args:
        number: 1 is the last call, 2 the one before.

    Raises:
        ConfigurationError: the call is no longer kept.
    """
    calls = current_session().calls
    if not calls:
        raise ConfigurationError("No call has been made yet.")
    if not 1 <= number <= len(calls):
        raise ConfigurationError(
            f"Unknown call {number}: the last {len(calls)} are kept, and 1 is the latest."
        )
    return _code.build_code(calls[-number])
