"""What a session remembers: names, conversations, calls in the background, what was used."""

import functools
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from typing import Any

from hfwidgets.calls.settings import is_url
from hfwidgets.results import Meta

MAX_CALLS = 100


@dataclass
class Usage:
    """What calls of one model took.

    `seconds` is wall time; tokens are 0 where nobody counted; `dollars` is by the catalogue's
    prices, None where they are not known (`%hf models` fetches them).
    """

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    dollars: float | None = None

    def add(self, meta: Meta) -> None:
        """Add one call."""
        self.calls += 1
        self.seconds += meta.seconds
        self.prompt_tokens += getattr(meta.usage, "prompt_tokens", None) or 0
        self.completion_tokens += getattr(meta.usage, "completion_tokens", None) or 0
        if meta.cost is not None:
            self.dollars = (self.dollars or 0.0) + meta.cost


@dataclass(frozen=True)
class CallRecord:
    """A call that was made: enough to write it down as code. It holds no token."""

    task: str
    arguments: Mapping[str, Any]
    settings: Mapping[str, Any]


class BackgroundRun:
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
        self._get_partial = partial
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
            return self._get_partial()

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
        tasks: the last task that each model was used for; chat stays chat.
        listed: the tasks of the models that were ever listed here, None before they are read.
        prices: US dollars for a million tokens, in and out, by model and provider.
        awaited: the latest call in the background of each named conversation.
    """

    aliases: dict[str, str] = field(default_factory=dict)
    models: dict[str, None] = field(default_factory=dict)
    chats: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    runs: dict[int, BackgroundRun] = field(default_factory=dict)
    calls: deque[CallRecord] = field(default_factory=lambda: deque(maxlen=MAX_CALLS))
    usage_by_model: dict[tuple[str, str], Usage] = field(default_factory=dict)
    tasks: dict[str, str] = field(default_factory=dict)
    listed_tasks: dict[str, str | None] | None = None
    prices: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)
    chat_runs: dict[str, BackgroundRun] = field(default_factory=dict)

    def add_run(
        self, label: str, future: "Future[Any]", partial: Callable[[], Any]
    ) -> BackgroundRun:
        """Keep a background call under the next number."""
        run = BackgroundRun(max(self.runs, default=0) + 1, label, future, partial)
        self.runs[run.id] = run
        return run

    def count_usage(self, meta: Meta | None, begun: datetime | None = None) -> None:
        """Count what a call took, where its result says so; one recorded before took nothing.

        Args:
            begun: when the call was made, to the second.
        """
        if meta is not None:
            self.fill_price(meta)
            if meta.recorded and (begun is None or meta.recorded < begun):
                return
            key = (meta.provider, meta.model or "default")
            self.usage_by_model.setdefault(key, Usage()).add(meta)

    def fill_price(self, meta: Meta) -> None:
        """Write the listed price on where a result came from, if it has none."""
        if meta.price is None:
            meta.price = self.prices.get(meta.model or "", {}).get(meta.provider)

    def remember_task(self, model: str | None, task: str) -> None:
        """Remember what a model was used for; URLs and models that chat are left as they are."""
        if model and not is_url(model) and self.tasks.get(model) != "chat-completion":
            self.tasks[model] = task

    def remember_model(self, model: str | None) -> None:
        """Remember a model as the one used last."""
        if model:
            self.models.pop(model, None)
            self.models[model] = None


@functools.cache
def current_session() -> Session:
    """The session of this process."""
    return Session()
