"""What a working session remembers, and the words of `%hf` as plain functions.

    from hfwidgets import session
    session.alias("small", "HuggingFaceTB/SmolLM3-3B:hf-inference")
    session.usage()

Everything here lives in memory and ends with the process, but for the file that `login` writes.
"""

import functools
import getpass
import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from hfwidgets import auth, providers
from hfwidgets.errors import ConfigurationError, near
from hfwidgets.results import Meta
from hfwidgets.tasks import TASKS, find

MOST_CALLS = 100


class Listing(list[dict[str, Any]]):
    """Rows of the same columns; shown as a table, usable as a list of dicts."""

    def __init__(self, rows: Iterable[dict[str, Any]], empty: str = "Nothing yet.") -> None:
        super().__init__(rows)
        self.empty = empty

    def __str__(self) -> str:
        if not self:
            return self.empty
        rows = [list(self[0]), *([_cell(value) for value in row.values()] for row in self)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        if not self:
            return {"text/plain": self.empty, "text/html": f"<p>{escape(self.empty)}</p>"}
        head = "".join(f'<th style="{_LEFT}">{escape(name)}</th>' for name in self[0])
        rows = "".join(f"<tr>{''.join(map(_html_cell, row.values()))}</tr>" for row in self)
        return {"text/plain": str(self), "text/html": f"<table><tr>{head}</tr>{rows}</table>"}


_LEFT = "text-align:left;vertical-align:top"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,.2f}" if isinstance(value, float) else str(value)


def _html_cell(value: Any) -> str:
    return f'<td style="{_LEFT}">{escape(_cell(value))}</td>'


@dataclass
class Used:
    """What calls of one model took. `seconds` is wall time; tokens are 0 where nobody counted."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0

    def add(self, meta: Meta) -> None:
        """Add one call."""
        self.calls += 1
        self.seconds += meta.seconds
        self.prompt_tokens += getattr(meta.usage, "prompt_tokens", None) or 0
        self.completion_tokens += getattr(meta.usage, "completion_tokens", None) or 0


@dataclass(frozen=True)
class Made:
    """A call that was made: enough to write it down as code. It holds no token."""

    task: str
    arguments: Mapping[str, Any]
    settings: Mapping[str, Any]


class Run:
    """A call in the background.

    Attributes:
        id: its number in this session.
        label: task and model.
    """

    def __init__(
        self,
        number: int,
        label: str,
        future: "Future[Any]",
        partial: Callable[[], Any],
        cancel: Callable[[], Any] | None = None,
    ) -> None:
        self.id, self.label, self.future = number, label, future
        self._partial = partial
        self._cancel = cancel or future.cancel

    def done(self) -> bool:
        """Whether it has ended, in whatever way."""
        return self.future.done()

    def result(self, timeout: float | None = None) -> Any:
        """The result, waited for at most `timeout` seconds.

        A run that was stopped returns what had arrived by then. A failed one raises its error, and
        one that is not done in time `TimeoutError`.
        """
        try:
            return self.future.result(timeout)
        except CancelledError:
            return self._partial()

    def stop(self) -> None:
        """End it now; what has arrived stays in `result()`."""
        self._cancel()

    @property
    def state(self) -> str:
        """running, done, stopped or failed."""
        if not self.future.done():
            return "running"
        if self.future.cancelled():
            return "stopped"
        return "failed" if self.future.exception() else "done"

    def __repr__(self) -> str:
        return f"<Run {self.id}: {self.label}, {self.state}>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        hint = f"%hf runs stop {self.id} ends it." if self.state == "running" else ""
        return {"text/plain": repr(self), "text/html": f"<p>{escape(repr(self))} {hint}</p>"}


@dataclass
class Session:
    """The memory of one process.

    Attributes:
        aliases: short names for MODEL or MODEL:PROVIDER.
        models: models used or named, the latest last.
        chats: the messages of the named conversations.
        runs: calls in the background by number.
        calls: the latest calls, at most 100.
        used: what each (provider, model) took.
    """

    aliases: dict[str, str] = field(default_factory=dict)
    models: dict[str, None] = field(default_factory=dict)
    chats: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    runs: dict[int, Run] = field(default_factory=dict)
    calls: deque[Made] = field(default_factory=lambda: deque(maxlen=MOST_CALLS))
    used: dict[tuple[str, str], Used] = field(default_factory=dict)

    def add_run(self, label: str, future: "Future[Any]", partial: Callable[[], Any]) -> Run:
        """Keep a background call under the next number."""
        run = Run(max(self.runs, default=0) + 1, label, future, partial)
        self.runs[run.id] = run
        return run

    def count(self, meta: Meta | None) -> None:
        """Count what a call took, where its result says so."""
        if meta is not None:
            key = (meta.provider, meta.model or "default")
            self.used.setdefault(key, Used()).add(meta)

    def saw_model(self, model: str | None) -> None:
        """Remember a model as the one used last."""
        if model:
            self.models.pop(model, None)
            self.models[model] = None


@functools.cache
def current() -> Session:
    """The session of this process."""
    return Session()


def tasks() -> Listing:
    """All tasks: name, label and what they do."""
    return Listing({"task": t.name, "label": t.label, "does": t.doc} for t in TASKS.values())


def alias(name: str | None = None, target: str | None = None) -> Listing:
    """Give MODEL or MODEL:PROVIDER a short name; without a target, list the names."""
    known = current().aliases
    if name and target:
        if not name.isprintable() or set(name) & set(" :/'\"$"):
            raise ConfigurationError(f"An alias is one word without / : $ or quotes, not {name!r}.")
        known[name] = target
    shown = known if name is None else {name: _known_alias(name)}
    return Listing(({"alias": a, "model": m} for a, m in shown.items()), "No aliases.")


def _known_alias(name: str) -> str:
    known = current().aliases
    if name not in known:
        raise ConfigurationError(f"There is no alias {name!r}.{near(name, known)}")
    return known[name]


def unalias(name: str) -> None:
    """Forget a short name."""
    _known_alias(name)
    del current().aliases[name]


def chats(name: str | None = None) -> Listing:
    """The named conversations, or the messages of one."""
    if name is not None:
        messages = _chat(name)
        return Listing(({"role": m["role"], "content": _said(m)} for m in messages), "No messages.")
    known = current().chats.items()
    return Listing(({"chat": n, "messages": len(m)} for n, m in known), "No conversations.")


def export_chat(name: str, path: str | Path) -> Path:
    """Write a conversation's messages to a JSON file; media are named, not written."""
    target = Path(path).expanduser()
    text = json.dumps(_chat(name), ensure_ascii=False, indent=1, default=_named)
    target.write_text(text, "utf-8")
    return target


def clear_chat(name: str) -> None:
    """Forget a conversation."""
    _chat(name)
    del current().chats[name]


def _chat(name: str) -> list[dict[str, Any]]:
    known = current().chats
    if name not in known:
        raise ConfigurationError(
            f"There is no conversation {name!r}.{near(name, known)} %%infer -c {name} starts one."
        )
    return known[name]


def _named(value: Any) -> str:
    return f"<{type(value).__name__}>"


def _said(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    return " ".join(part.get("text") or f"[{part.get('type')}]" for part in content or ())


def runs() -> Listing:
    """The calls in the background."""
    rows = ({"run": r.id, "call": r.label, "state": r.state} for r in current().runs.values())
    return Listing(rows, "No calls in the background.")


def stop(which: int | str = "all") -> list[Run]:
    """Stop one background call by its number, or all that still run."""
    known = current().runs
    if which == "all":
        chosen = [run for run in known.values() if not run.done()]
    elif int(which) in known:
        chosen = [known[int(which)]]
    else:
        raise ConfigurationError(f"There is no run {which}. There are: {list(known) or 'none'}.")
    for run in chosen:
        run.stop()
    return chosen


def usage() -> Listing:
    """Calls, tokens and time in this session, by provider and model."""
    rows = ({"provider": p, "model": m, **vars(used)} for (p, m), used in current().used.items())
    return Listing(rows, "No calls in this session.")


def login(token: str | None = None) -> Path:
    """Ask for a Hub token without showing it, and keep it in the token file.

    Raises:
        ConfigurationError: a token was given as an argument, or nothing was typed.
    """
    if token is not None:
        raise ConfigurationError(
            "A token is never an argument: it stays in the history and in the notebook. Revoke "
            "it at huggingface.co/settings/tokens, make another, and give it when login asks."
        )
    typed = getpass.getpass("Token (it is not shown): ").strip()
    if not typed:
        raise ConfigurationError("No token was typed; nothing was changed.")
    return auth.save(typed)


def logout() -> bool:
    """Remove the token file; False when there was none. Variables of the environment stay."""
    return auth.forget()


def token_source() -> str | None:
    """Where the token that calls use comes from, never the token; None when there is none."""
    token = auth.found()
    return token.source if token else None
