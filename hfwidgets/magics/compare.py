"""`--compare a,b,c`: sends the same input to several models and shows their answers."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from IPython.core.error import UsageError

from hfwidgets import providers
from hfwidgets.calls.settings import redact_model
from hfwidgets.errors import HfWidgetsError
from hfwidgets.errors.excerpt import name_type
from hfwidgets.magics import run
from hfwidgets.magics.build_call import MagicCall
from hfwidgets.magics.media_files import Bundle
from hfwidgets.magics.options import Options
from hfwidgets.magics.outputs import TerminalOutput
from hfwidgets.notebook import Session, background_loop, split_model
from hfwidgets.results.comparison import (
    Comparison,
    ComparisonRow,
    measure_result,
    side_by_side_html,
)
from hfwidgets.results.show import escape_html, paragraph_html


@dataclass
class ComparedCall:
    """One model's call and its answer so far."""

    name: str
    call: MagicCall
    progress: run.CallProgress = field(default_factory=run.CallProgress)
    result: Any = None
    error: Exception | None = None
    seconds: float | None = None

    async def ask(self, turn: asyncio.Lock) -> None:
        """Make the call at its turn; an error is stored."""
        async with turn:
            # The clock starts after the wait for a turn, which says nothing about the model.
            started = time.perf_counter()
            try:
                self.result = await run.perform_call(self.call, self.progress)
            except Exception as error:  # of any kind: the other models' answers are worth seeing
                self.error = error
            self.seconds = time.perf_counter() - started

    @property
    def target(self) -> str:
        """Return the model and provider, with aliases resolved."""
        model, provider = split_model(self.name)
        if provider:
            return f"{model}:{provider}" if model else provider
        return model or self.name

    @property
    def display_name(self) -> str:
        """Return the model's name without credentials."""
        return redact_model(self.name)

    @property
    def state(self) -> str:
        """Return the call's state in words."""
        if self.seconds is not None:
            return "failed" if self.error else "done"
        return self.progress.note or "…"

    def to_row(self) -> ComparisonRow:
        """Return the comparison's row."""
        result = self.result if self.result is not None else self.progress.partial_result()
        measures = measure_result(result)
        if measures["seconds"] is None:
            measures["seconds"] = self.seconds
        error = str(self.error) if self.error else None
        return ComparisonRow(
            model=self.display_name,
            **measures,
            error=error,
            result=self._build_row_result(result),
        )

    def _build_row_result(self, result: object) -> Any:
        """Return the result, or with `--schema` its object."""
        # Before its end a reply is half a JSON text; it must not count as an error of its shape.
        if result is None or self.call.shape is None or self.seconds is None:
            return result
        try:
            return run.build_answer(self.call, result)
        except HfWidgetsError as error:
            self.error = error
            return result


def name_model(options: Options, name: str) -> Options:
    """Return the options of one model's call: a provider's name alone leaves the model to it."""
    named = {"provider": name} if name in providers.names() else {"model": name}
    return options.copy_without("compare", **named)


def parse_model_names(value: object) -> list[str]:
    """Return the models that `--compare` names: separated by commas, or in a list."""
    items = value.split(",") if isinstance(value, str) else value
    if isinstance(items, Mapping) or not isinstance(items, Iterable):
        raise UsageError(f"--compare accepts a,b,c or a $list, not {name_type(value)}.")
    found = list(dict.fromkeys(str(item).strip() for item in items if str(item).strip()))
    if len(found) < 2:
        raise UsageError("--compare needs at least two models: --compare a,b or a:groq,a:together.")
    return found


def compare_models(
    calls: list[ComparedCall],
    session: Session,
    show: run.AnswerDisplay,
    keep: Callable[[Any], None],
) -> Comparison:
    """Call all models and show their answers side by side as they arrive.

    Models of the embedded engine share one machine, so they run one after the other; all others run
    at the same time.

    Raises:
        KeyboardInterrupt: the user stopped it; what had arrived is shown and stored.
        HfWidgetsError: every model failed; this is the first one's error.
    """
    ended = threading.Event()
    for compared in calls:
        run.remember_call(compared.call, session)
    future = background_loop.submit(_ask_all(calls, ended))
    try:
        run.poll_future(future, lambda: _show_progress(calls, show))
    except KeyboardInterrupt:
        # The future is canceled at once, but its task ends a little later on the loop; without
        # the wait, answers that are still being closed would be missing from the comparison.
        future.cancel()
        ended.wait(run.CLOSE_TIMEOUT)
        comparison = _collect_results(calls, session)
        keep(comparison)
        show_comparison(comparison, show, stopped=True)
        raise
    comparison = _collect_results(calls, session)
    if all(compared.error for compared in calls):
        show_comparison(comparison, show)
        # The alternative only satisfies type checkers: every call has an error here.
        raise calls[0].error or AssertionError
    return comparison


async def _ask_all(calls: list[ComparedCall], ended: threading.Event) -> None:
    # One lock per machine: locked calls run one after the other, the rest concurrently.
    turns: dict[Any, asyncio.Lock] = {}
    try:
        async with asyncio.TaskGroup() as group:
            for compared in calls:
                turn = turns.setdefault(_concurrency_key(compared), asyncio.Lock())
                group.create_task(compared.ask(turn))
    finally:
        ended.set()


def _concurrency_key(compared: ComparedCall) -> Any:
    """Return a key that is equal for models that would slow each other down."""
    provider = compared.call.settings.get("provider")
    return provider if providers.is_embedded(provider) else compared.name


def _collect_results(calls: list[ComparedCall], session: Session) -> Comparison:
    for compared in calls:
        if compared.result is not None:
            run.store_result(compared.call, session, compared.result)
    return Comparison(compared.to_row() for compared in calls)


def _show_progress(calls: list[ComparedCall], show: run.AnswerDisplay) -> None:
    """Show the answers so far if an update is due; a terminal gets the state only."""
    note = ", ".join(f"{compared.display_name}: {compared.state}" for compared in calls)
    if isinstance(show.output, TerminalOutput):
        if show.output.is_due("", note):
            show.output.update("", {"text/plain": note})
        return
    texts = [compared.progress.text for compared in calls]
    if show.output.is_due("\n".join(texts), note):
        show.output.update("".join(texts), _render_progress(calls, texts, note))


def _render_progress(calls: list[ComparedCall], texts: list[str], note: str) -> Bundle:
    rows = [ComparisonRow(model=compared.display_name) for compared in calls]
    html = f"{side_by_side_html(rows, list(map(paragraph_html, texts)))}<p>{escape_html(note)}</p>"
    return {"text/plain": note, "text/html": html}


def show_comparison(
    comparison: Comparison, show: run.AnswerDisplay, *, stopped: bool = False
) -> None:
    """Show the finished comparison."""
    bundle = comparison._repr_mimebundle_()
    if stopped:
        bundle = {**bundle, "text/plain": f"{bundle['text/plain']}\nstopped"}
    known = {"compared": [row.model for row in comparison], "stopped": stopped or None}
    show.output.finish(bundle, {"hfwidgets": {k: v for k, v in known.items() if v}})
