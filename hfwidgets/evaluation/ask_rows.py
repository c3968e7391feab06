"""Ask several models the same rows, a few of each in turn, within a budget."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from hfwidgets.batch import Progress, Ticker, is_stop_requested, open_display
from hfwidgets.evaluation.answers import Answerer
from hfwidgets.evaluation.budget import FIRST_ROWS, Budget
from hfwidgets.evaluation.rows import EvaluationRow

CHUNK = 32
"""Rows asked of one model before the next has its turn: a slow hour of a service then slows all."""

INTERRUPTED = "Interrupted; retry() asks for the rest."

ProgressChoice: TypeAlias = "bool | Callable[[Progress], object]"


def ask_all(
    answerers: Sequence[Answerer],
    rows: Sequence[EvaluationRow],
    budget: Budget,
    progress: ProgressChoice,
) -> str | None:
    """Ask all rows; return why the run stopped before the end, None where it did not."""
    state = Progress(len(rows) * len(answerers))
    ticker = Ticker(state, open_display(state, progress))
    ending = "stopped"
    count, step = 0, FIRST_ROWS if budget.is_limited else _free_step(answerers, len(rows))
    try:
        while count < len(rows):
            count = min(count + step, len(rows))
            for answerer in answerers:
                if is_stop_requested():
                    return INTERRUPTED
                answerer.ask(rows, count)
                _count_progress(state, answerers)
                ticker.tick()
                if answerer.is_interrupted:
                    return INTERRUPTED
            if budget.is_limited and count < len(rows):
                if (reason := _find_uncounted(answerers, budget)) is not None:
                    return reason
                step = budget.plan_rows(answerers, count)
                if step < min(FIRST_ROWS, len(rows) - count):
                    return budget.describe_end(answerers, count)
        ending = "finished"
    except KeyboardInterrupt:  # between the calls, which keep what has arrived by themselves
        return INTERRUPTED
    finally:
        ticker.end(ending)
    return None


def _free_step(answerers: Sequence[Answerer], total: int) -> int:
    # `map` reads a file of answers from its first row at each call, so a folder is asked at once.
    return total if any(one.has_file for one in answerers) else CHUNK


def _find_uncounted(answerers: Sequence[Answerer], budget: Budget) -> str | None:
    """Return that a model counts no tokens although they are limited; None if all do."""
    if budget.tokens is None:
        return None
    for answerer in answerers:
        if answerer.client is None:
            continue
        fresh = [one for one in answerer.answers.values() if one.seconds is not None]
        if fresh and all(one.tokens is None for one in fresh):
            return f"{answerer.candidate.name} reports no tokens, so token_budget cannot hold it."
    return None


def _count_progress(state: Progress, answerers: Sequence[Answerer]) -> None:
    answers = [answer for one in answerers for answer in one.answers.values()]
    state.failed = sum(answer.state == "failed" for answer in answers)
    state.done = len(answers) - state.failed
    state.tokens = sum(answer.tokens or 0 for answer in answers)
