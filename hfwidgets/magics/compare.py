"""`--compare a,b,c`: the same input to several models, side by side."""

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
from hfwidgets.magics import render, run
from hfwidgets.magics.build_call import MagicCall
from hfwidgets.magics.media_files import Bundle
from hfwidgets.magics.outputs import TerminalOutput
from hfwidgets.notebook import Session, background_loop, split_model
from hfwidgets.results.comparison import Comparison, ComparisonRow, side_by_side_html
from hfwidgets.results.show import escape_html, paragraph_html


@dataclass
class ComparedCall:
    """One model's call and what has come of it so far."""

    name: str
    call: MagicCall
    progress: run.CallProgress = field(default_factory=run.CallProgress)
    result: Any = None
    error: Exception | None = None
    seconds: float | None = None

    async def ask(self, turn: asyncio.Lock) -> None:
        """Make the call when it is its turn; an error is kept."""
        async with turn:
            started = time.perf_counter()
            try:
                self.result = await run.perform_call(self.call, self.progress)
            except Exception as error:  # whatever it is, the other models' answers are worth seeing
                self.error = error
            self.seconds = time.perf_counter() - started

    @property
    def target(self) -> str:
        """What is asked, with short names written out."""
        model, provider = split_model(self.name)
        if provider:
            return f"{model}:{provider}" if model else provider
        return model or self.name

    @property
    def display_name(self) -> str:
        """Its name as it may be shown and kept."""
        return redact_model(self.name)

    @property
    def state(self) -> str:
        """What it is doing, for people."""
        if self.seconds is not None:
            return "failed" if self.error else "done"
        return self.progress.note or "…"

    def to_row(self) -> ComparisonRow:
        """What there is to compare."""
        result = self.result if self.result is not None else self.progress.partial_result()
        meta = getattr(result, "meta", None)
        found: dict[str, Any] = {"provider": meta.provider if meta else None}
        found |= {"seconds": meta.seconds if meta else self.seconds}
        found |= {"first_token_seconds": meta.first_token_seconds if meta else None}
        found |= {"dollars": meta.cost if meta else None}
        found |= _token_rate(meta)
        text = render.extract_text(result)
        answer = text if text is not None or result is None else repr(result)
        error = str(self.error) if self.error else None
        return ComparisonRow(
            model=self.display_name,
            answer=answer,
            **found,
            error=error,
            result=self._build_row_result(result),
        )

    def _build_row_result(self, result: Any) -> Any:
        """The result, or with `--schema` its object."""
        if result is None or self.call.shape is None or self.seconds is None:
            return result
        try:
            return run.build_answer(self.call, result)
        except HfWidgetsError as error:
            self.error = error
            return result


def _token_rate(meta: Any) -> dict[str, Any]:
    """The answer's tokens, and how many came a second once the first had come."""
    tokens = getattr(getattr(meta, "usage", None), "completion_tokens", None)
    if not tokens:
        return {"tokens": None, "tokens_per_second": None}
    writing = meta.seconds - (meta.first_token_seconds or 0.0)
    return {"tokens": tokens, "tokens_per_second": tokens / writing if writing > 0 else None}


def parse_model_names(given: Any) -> list[str]:
    """The models that `--compare` names, by words between commas or by a list."""
    items = given.split(",") if isinstance(given, str) else given
    if isinstance(items, Mapping) or not isinstance(items, Iterable):
        raise UsageError(f"--compare takes a,b,c or a $list, not a {type(given).__name__}.")
    found = list(dict.fromkeys(str(item).strip() for item in items if str(item).strip()))
    if len(found) < 2:
        raise UsageError("--compare takes at least two models: --compare a,b or a:groq,a:together.")
    return found


def compare_models(
    entrants: list[ComparedCall],
    session: Session,
    show: run.AnswerDisplay,
    keep: Callable[[Any], None],
) -> Comparison:
    """Ask all models and show what comes, side by side.

    Models of one machine of the user's own are asked one after the other, so that they do not slow
    each other down; all others at the same time.

    Raises:
        KeyboardInterrupt: the user stopped it; what had arrived is shown and kept.
        HfWidgetsError: every model failed; the error of the first.
    """
    ended = threading.Event()
    for entrant in entrants:
        run.remember_call(entrant.call, session)
    future = background_loop.submit(_ask_all(entrants, ended))
    try:
        run.poll_future(future, lambda: _show_progress(entrants, show))
    except KeyboardInterrupt:
        future.cancel()
        ended.wait(run.CLOSE_TIMEOUT)
        made = _collect_results(entrants, session)
        keep(made)
        show_comparison(made, show, stopped=True)
        raise
    made = _collect_results(entrants, session)
    if all(entrant.error for entrant in entrants):
        show_comparison(made, show)
        raise entrants[0].error or AssertionError
    return made


async def _ask_all(entrants: list[ComparedCall], ended: threading.Event) -> None:
    turns: dict[Any, asyncio.Lock] = {}
    try:
        async with asyncio.TaskGroup() as group:
            for entrant in entrants:
                turn = turns.setdefault(_concurrency_key(entrant), asyncio.Lock())
                group.create_task(entrant.ask(turn))
    finally:
        ended.set()


def _concurrency_key(entrant: ComparedCall) -> Any:
    """What models that slow each other down share."""
    provider = entrant.call.settings.get("provider")
    return provider if providers.is_embedded(provider) else entrant.name


def _collect_results(entrants: list[ComparedCall], session: Session) -> Comparison:
    for entrant in entrants:
        if entrant.result is not None:
            run.store_result(entrant.call, session, entrant.result)
    return Comparison(entrant.to_row() for entrant in entrants)


def _show_progress(entrants: list[ComparedCall], show: run.AnswerDisplay) -> None:
    """Show what has come so far, if it is time; a terminal is told the state alone."""
    note = ", ".join(f"{entrant.display_name}: {entrant.state}" for entrant in entrants)
    if isinstance(show.output, TerminalOutput):
        if show.output.is_due("", note):
            show.output.update("", {"text/plain": note})
        return
    texts = [entrant.progress.text for entrant in entrants]
    if show.output.is_due("\n".join(texts), note):
        show.output.update("".join(texts), _render_progress(entrants, texts, note))


def _render_progress(entrants: list[ComparedCall], texts: list[str], note: str) -> Bundle:
    rows = [ComparisonRow(model=entrant.display_name) for entrant in entrants]
    html = f"{side_by_side_html(rows, list(map(paragraph_html, texts)))}<p>{escape_html(note)}</p>"
    return {"text/plain": note, "text/html": html}


def show_comparison(made: Comparison, show: run.AnswerDisplay, *, stopped: bool = False) -> None:
    """Show the comparison that stays."""
    bundle = made._repr_mimebundle_()
    if stopped:
        bundle = {**bundle, "text/plain": f"{bundle['text/plain']}\nstopped"}
    known = {"compared": [row.model for row in made], "stopped": stopped or None}
    show.output.finish(bundle, {"hfwidgets": {k: v for k, v in known.items() if v}})
