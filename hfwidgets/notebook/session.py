"""The state of a session: short names, conversations, background calls, usage."""

import functools
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hfwidgets.calls.settings import is_url
from hfwidgets.results import Meta
from hfwidgets.results.show import escape_html

MAX_CALLS = 100


@dataclass
class Usage:
    """The usage of one model.

    `seconds` is wall time. Tokens are 0 where the server did not count them. `dollars` comes from
    the listed prices and is None where they are unknown (`%hf models` fetches them).
    """

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    dollars: float | None = None

    def add(self, meta: Meta) -> None:
        """Add a call."""
        self.calls += 1
        self.seconds += meta.seconds
        self.prompt_tokens += getattr(meta.usage, "prompt_tokens", None) or 0
        self.completion_tokens += getattr(meta.usage, "completion_tokens", None) or 0
        if meta.cost is not None:
            self.dollars = (self.dollars or 0.0) + meta.cost


@dataclass(frozen=True)
class CallRecord:
    """A call that was made, with what its code needs; it holds no token."""

    task: str
    arguments: Mapping[str, Any]
    settings: Mapping[str, Any]


class BackgroundRun:
    """A call in the background.

    Attributes:
        id: the number in this session.
        label: the task and the model.
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
        """True if it has ended: done, stopped or failed."""
        return self.future.done()

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the result; a stopped call returns what had arrived.

        Args:
            timeout: seconds to wait; None waits until it is done.

        Raises:
            TimeoutError: it is not done in time.
            HfWidgetsError: the call failed.
        """
        try:
            return self.future.result(timeout)
        except CancelledError:
            return self._get_partial()

    def stop(self) -> None:
        """Stop it now; `result()` returns what has arrived."""
        self._cancel()

    @property
    def state(self) -> str:
        """One of running, done, stopped and failed."""
        if not self.future.done():
            return "running"
        if self.future.cancelled():
            return "stopped"
        # After the check above: `exception()` of a canceled future raises.
        return "failed" if self.future.exception() else "done"

    def __repr__(self) -> str:
        return f"<Run {self.id}: {self.label}, {self.state}>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        hint = f"%hf runs stop {self.id} stops it." if self.state == "running" else ""
        return {"text/plain": repr(self), "text/html": f"<p>{escape_html(repr(self))} {hint}</p>"}


@dataclass
class Session:
    """The state of one process.

    Attributes:
        aliases: short names for MODEL or MODEL:PROVIDER.
        models: models used or named, the latest last.
        chats: the messages of the named conversations.
        runs: calls in the background by number.
        calls: the latest calls, at most 100.
        usage_by_model: usage by (provider, model).
        tasks: the last task that each model was used for; chat stays chat.
        listed_tasks: the tasks of all models that were listed on this machine; None before they are
            read from disk.
        prices: US dollars per million tokens, in and out, by model and provider.
        chat_runs: the latest background call of each named conversation.
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
        """Add a background call under the next number."""
        run = BackgroundRun(max(self.runs, default=0) + 1, label, future, partial)
        self.runs[run.id] = run
        return run

    def count_usage(self, meta: Meta | None, begun: datetime | None = None) -> None:
        """Add a call to the usage; a recorded answer counts nothing.

        Args:
            meta: the result's origin; None counts nothing.
            begun: when the call was made, to the second. An answer that was recorded since then
                was sent, and counts.
        """
        if meta is not None:
            self.fill_price(meta)
            if meta.recorded and (begun is None or meta.recorded < begun):
                return
            key = (meta.provider, meta.model or "default")
            self.usage_by_model.setdefault(key, Usage()).add(meta)

    def fill_price(self, meta: Meta) -> None:
        """Set the listed price of a result that has none."""
        if meta.price is None:
            meta.price = self.prices.get(meta.model or "", {}).get(meta.provider)

    def remember_task(self, model: str | None, task: str) -> None:
        """Remember what a model was used for; a model that chats stays a chat model."""
        if model and not is_url(model) and self.tasks.get(model) != "chat-completion":
            self.tasks[model] = task

    def remember_model(self, model: str | None) -> None:
        """Remember a model as the last one used."""
        if model:
            self.models.pop(model, None)  # so that it becomes the latest
            self.models[model] = None


@functools.cache
def current_session() -> Session:
    """Return the session of this process."""
    return Session()
