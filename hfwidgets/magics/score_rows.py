"""`--each $df:col --compare a,b --score label`: evaluates several models on the same rows."""

import asyncio
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from hfwidgets.calls.settings import redact_model
from hfwidgets.core.counts import format_count
from hfwidgets.core.missing import is_missing
from hfwidgets.magics.build_call import MagicCall
from hfwidgets.magics.each_row import RowCalls
from hfwidgets.magics.options import SCORE_OPTIONS, Options
from hfwidgets.magics.row_values import RowValues, read_cell
from hfwidgets.magics.run import remember_call
from hfwidgets.notebook import (
    BackgroundRun,
    Session,
    background_loop,
    session_client,
    split_model,
)
from hfwidgets.tasks.tables import to_python

if TYPE_CHECKING:
    from hfwidgets.evaluation import Evaluation

LABEL = "(label)"
"""The key of the right answer in a row, which no parameter can have."""

DEFAULT_METRIC = "exact_match"
"""The metric of tasks that have none of their own."""


STOP_TIMEOUT = 30.0
"""How long a stopped evaluation may take to end its calls and score the rest, in seconds."""

_PASSED_OPTIONS = ("budget", "resume", "concurrency", "batch_size")


class ScoredCalls:
    """The arguments of an evaluation, from the rows and options of one line.

    Args:
        rows: The rows' calls, built for the first model.
        calls: A call per model, by its name as the line has it.
        options: The line's options.

    Raises:
        UsageError: the rows have no such column, or none of them yields a call.
    """

    def __init__(self, rows: RowCalls, calls: dict[str, MagicCall], options: Options) -> None:
        self._rows, self._calls, self._options = rows, calls, options
        self._skipped = 0
        self._data = self._read_rows(options["score"])
        self.task = rows.first_call.task

    def _read_rows(self, score: str | None) -> list[dict[str, Any]]:
        found = []
        for item, call in self._rows.iter_calls(self._options["limit"]):
            if isinstance(call, Exception):
                self._skipped += 1
                continue
            label = {} if score is None else {LABEL: _read_label(item, score)}
            found.append({**self._rows.own_arguments(call), **label})
        return found

    @property
    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of `evaluate`."""
        options = self._options
        columns = {name: name for row in self._data for name in row if name != LABEL}
        label: dict[str, Any] = {} if options["score"] is None else {"label": _get_label}
        chosen = {name: options[name] for name in _PASSED_OPTIONS if name in options}
        judge = {"judge": self._build_judge()} if "judge" in options else {}
        return {
            "data": self._data,
            "models": self._build_candidates(),
            "column": columns,
            "metrics": self._choose_metrics(),
            **label,
            **judge,
            **chosen,
        }

    def _choose_metrics(self) -> Any:
        from hfwidgets.evaluation.predictions import has_metrics

        if self._options["score"] is None:
            return None
        # Chat, which most lines use, has no metric of its own.
        default = None if has_metrics(self.task.name) else [DEFAULT_METRIC]
        return self._options["metric"] or default

    def _build_candidates(self) -> list[Any]:
        from hfwidgets.evaluation import Candidate

        # Parameters go to the candidates: `evaluate` has arguments of the same names, as `seed`.
        shared = self._rows.shared_parameters
        return [
            Candidate(
                call.model,
                name=redact_model(name),
                client=session_client(**call.settings),
                **shared,
            )
            for name, call in self._calls.items()
        ]

    def _build_judge(self) -> Any:
        from hfwidgets.evaluation import Judge

        name = self._options["judge"]
        model, provider = split_model(name)
        settings = {**self._rows.first_call.settings, "provider": provider}
        known = {key: value for key, value in settings.items() if value is not None}
        return Judge(model, name=f"judge {redact_model(name)}", client=session_client(**known))

    def remember(self, session: Session) -> None:
        """Make the first row's call the session's last one, for `%hf code`."""
        remember_call(self._rows.first_call, session)

    def finish(self, evaluation: "Evaluation", session: Session) -> "Evaluation":
        """Count the usage of this run's calls, and note the rows that yield none."""
        if self._skipped:
            evaluation.notes.append(
                f"Not asked: {format_count(self._skipped, 'row')} with an empty input."
            )
        for row in evaluation:
            for answer in row.answers.values():
                begun = self._rows.first_call.started_at
                session.count_usage(getattr(answer.result, "meta", None), begun)
        return evaluation


def _get_label(row: Any) -> Any:
    return row[LABEL]


def _read_label(item: object, column: str) -> Any:
    if not isinstance(item, RowValues):
        raise UsageError("--score names a column, and the rows of --each have none.")
    cell = read_cell(item, column)
    return None if is_missing(cell) else to_python(cell)


def find_scored_options(options: Options) -> Options:
    """Return a line's options without those of the evaluation, for the call of one row."""
    return options.copy_without("compare", *SCORE_OPTIONS)


def evaluate_rows(scored: ScoredCalls, options: Options, session: Session) -> "Evaluation":
    """Ask all models all rows; an interrupt keeps what has arrived."""
    from hfwidgets.evaluation import evaluate

    scored.remember(session)
    found = evaluate(scored.task.name, progress=not options["quiet"], **scored.arguments)
    return scored.finish(found, session)


def evaluate_in_background(scored: ScoredCalls, session: Session) -> BackgroundRun:
    """Start the evaluation and return its handle."""
    from hfwidgets.evaluation import aevaluate

    scored.remember(session)
    stopped: Future[Evaluation | None] = Future()

    async def run() -> "Evaluation":
        try:
            found = await aevaluate(scored.task.name, progress=False, **scored.arguments)
        except asyncio.CancelledError as error:
            partial: Evaluation | None = getattr(error, "evaluation", None)
            stopped.set_result(partial and scored.finish(partial, session))
            raise
        return scored.finish(found, session)

    return session.add_run(
        f"evaluation, {scored.task.name}",
        background_loop.submit(run()),
        # A stopped run still has to score what has arrived.
        lambda: stopped.result(STOP_TIMEOUT),
    )
