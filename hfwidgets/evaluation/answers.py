"""One model's answers: what came, what it was read as, and which rows failed how.

A row that a model refuses, whose answer cannot be read, or that the server rejects as too long is
**wrong**: leaving it out would let a failing model score higher. A row that the network, a rate
limit or a broken server lost is **failed**: it says nothing about the model, stands apart, and
shows as bounds.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Literal, TypeAlias, TypeVar

from hfwidgets import errors
from hfwidgets.batch import POLL_INTERVAL, BatchResult, BatchRow, is_stop_requested
from hfwidgets.client import InferenceClient
from hfwidgets.core.meta import Meta
from hfwidgets.errors.secrets import redact
from hfwidgets.evaluation.candidates import Candidate
from hfwidgets.evaluation.rows import EvaluationRow
from hfwidgets.evaluation.values import TaskResult

T = TypeVar("T")

State: TypeAlias = Literal["scored", "refused", "unparsed", "rejected", "failed"]

WRONG: tuple[State, ...] = ("refused", "unparsed", "rejected")
"""States that count as a wrong answer."""

_TRANSIENT = frozenset({401, 402, 403, 404, 408, 429})
"""Client errors that the row did not cause."""

FUNCTION_THREADS = 8


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What one model made of one row.

    Attributes:
        state: `scored`, a kind of wrong, or `failed`.
        result: the task's result; None without one.
        error: why there is none.
        seconds: the call's time; None for an answer that was recorded or resumed.
        tokens: prompt and completion tokens; None without a count.
        dollars: the call's cost; None where no price is known.
    """

    state: State
    result: TaskResult = None
    error: str = ""
    seconds: float | None = None
    tokens: int | None = None
    dollars: float | None = None


class Answerer:
    """Asks one candidate for rows.

    Args:
        candidate: the entrant.
        task: the evaluation's task.
        parameters: the task's parameters that all entrants share.
        client: the client of the evaluation.
        folder: where answers are kept; None keeps none.
        options: `concurrency`, `batch_size` and `executor` for `map`.

    Attributes:
        answers: by row index.
        is_interrupted: True if the user ended the last run before its end.
    """

    def __init__(
        self,
        candidate: Candidate,
        task: str,
        parameters: Mapping[str, Any],
        client: InferenceClient | None,
        folder: Path | None,
        options: Mapping[str, Any],
    ) -> None:
        self.candidate = candidate
        self.task = candidate.task or task
        # Another task may not have the parameters of the evaluation's.
        own_task = candidate.task in (None, task)
        self._parameters = {**(parameters if own_task else {}), **candidate.parameters}
        self._options = dict(options)
        self._file = folder / f"{_file_name(candidate.name)}.jsonl" if folder else None
        self.client: InferenceClient | None = None
        if candidate.function is None:
            self.client, named = candidate.open_client(client)
            self._parameters |= named
        self.answers: dict[int, ModelAnswer] = {}
        self.is_interrupted = False

    @property
    def has_file(self) -> bool:
        """True if answers are kept in a file."""
        return self._file is not None

    def ask(self, rows: Sequence[EvaluationRow], count: int) -> None:
        """Answer the first `count` rows; those that are answered already are not asked again."""
        if self.candidate.function is not None:
            self._call_function(rows[:count])
            return
        self._ask_model([row for row in rows[:count] if self._is_asked(row)])

    def _is_asked(self, row: EvaluationRow) -> bool:
        """True if `map` must see a row: it is new, or keeps its place in the file of answers."""
        answer = self.answers.get(row.index)
        # `map` would call a row without a stored answer again.
        return answer is None or (self.has_file and answer.state in ("scored", "refused"))

    def _ask_model(self, rows: Sequence[EvaluationRow]) -> None:
        try:
            found = self._map([self._arguments(row) for row in rows])
        except errors.HfWidgetsError as error:
            # No row came through: the model's own line says so, and the others go on.
            answer = ModelAnswer("failed", error=str(error))
            self.answers = {row.index: answer for row in rows} | self.answers
            return
        for place, answer in found.items():
            # An answer of this run is read from its file again by the next step, without its time.
            self.answers.setdefault(rows[place].index, answer)

    def retry(self, rows: Sequence[EvaluationRow]) -> None:
        """Ask for the rows that failed, or were not reached."""
        states = {index: answer.state for index, answer in self.answers.items()}
        for row in rows:
            if states.get(row.index) == "failed":
                del self.answers[row.index]
        if any(row.index not in self.answers for row in rows):
            self.ask(rows, len(rows))

    def _map(self, asked: list[dict[str, Any]]) -> dict[int, ModelAnswer]:
        """Return the answers by the place of their row; an interrupt leaves rows out."""
        assert self.client is not None
        done: BatchResult = self.client.map(
            self.task,
            asked,
            resume=self._file,
            progress=False,
            **self._options,
            **self._parameters,
        )
        self.is_interrupted = done.stopped == "interrupted"
        for row in done:
            self._fill_price(getattr(row.result, "meta", None))
        return {
            row.index: _to_answer(row, self.candidate.is_local)
            for row in done
            if row.state != "pending" or not self.is_interrupted
        }

    def _fill_price(self, meta: Meta | None) -> None:
        """Set the listed price of an answer of an earlier run, whose file holds none."""
        if meta is not None and meta.price is None and self.client is not None:
            model = str(self.candidate.model or self.client.model or "").partition(":")[0]
            meta.price = self.client._settings.prices.get(model, {}).get(meta.provider)

    def _arguments(self, row: EvaluationRow) -> dict[str, Any]:
        """The row's arguments, for the candidate's own task where that is another."""
        from hfwidgets.tasks import find

        if self.candidate.task is None:
            return row.arguments
        first = find(self.task).inputs[0]
        text = next(iter(row.arguments.values()))
        if first == "messages":
            text = [{"role": "user", "content": text}]
        return {first: text}

    def _call_function(self, rows: Sequence[EvaluationRow]) -> None:
        function = self.candidate.function
        assert function is not None
        waiting = [row for row in rows if row.index not in self.answers]
        self.is_interrupted = False
        with ThreadPoolExecutor(FUNCTION_THREADS) as pool:
            calls: dict[int, Future[ModelAnswer]] = {}
            try:
                for row in waiting:
                    calls[row.index] = pool.submit(_call, function, row)
                while wait(calls.values(), POLL_INTERVAL).not_done and not is_stop_requested():
                    pass
                self.is_interrupted = is_stop_requested()
            except KeyboardInterrupt:
                self.is_interrupted = True
            # What has arrived is kept, as `map` does; a function that runs cannot be ended.
            pool.shutdown(cancel_futures=self.is_interrupted)
        done = {index: call for index, call in calls.items() if not call.cancelled()}
        self.answers |= {index: call.result() for index, call in done.items()}


def _call(function: Callable[[Any], Any], row: EvaluationRow) -> ModelAnswer:
    values = list(row.arguments.values())
    started = perf_counter()
    try:
        found = function(values[0] if len(values) == 1 else row.arguments)
        if inspect.isawaitable(found):
            found = asyncio.run(_await(found))
    except Exception as error:  # whatever the user's function raises belongs to its row
        return ModelAnswer("failed", error=redact(f"{type(error).__name__}: {error}"))
    return ModelAnswer("scored", found, seconds=perf_counter() - started, dollars=0.0)


async def _await(found: Awaitable[T]) -> T:
    return await found


def _to_answer(row: BatchRow, is_free: bool) -> ModelAnswer:
    """A row of `map` as an answer."""
    if row.error is not None:
        return ModelAnswer(_error_state(row.error), error=str(row.error))
    if row.result is None:
        return ModelAnswer("failed", error="The run ended before this row.")
    meta = getattr(row.result, "meta", None)
    usage = getattr(meta, "usage", None)
    dollars = 0.0 if is_free else getattr(meta, "cost", None)
    state: State = "refused" if _is_refusal(row.result) else "scored"
    return ModelAnswer(
        state,
        row.result,
        seconds=meta.seconds if meta is not None and meta.recorded is None else None,
        tokens=getattr(usage, "total_tokens", None),
        dollars=dollars,
    )


def _is_refusal(result: TaskResult) -> bool:
    """True if a chat's answer is its server's refusal."""
    choices = getattr(result, "choices", None)
    if not choices:
        return False
    message = getattr(choices[0], "message", None)
    return bool(getattr(message, "refusal", None)) or choices[0].finish_reason == "content_filter"


def _error_state(error: Exception) -> State:
    if isinstance(error, errors.OutputError):
        return "unparsed"
    if isinstance(error, errors.InputError):
        return "rejected"
    status = getattr(error, "status_code", None)
    if status is not None and 400 <= status < 500 and status not in _TRANSIENT:
        return "rejected"
    return "failed"


def _file_name(name: str) -> str:
    """A model's name as a file's: its own letters, and a hash that tells near names apart."""
    import hashlib

    plain = "".join(c if c.isalnum() or c in "-." else "_" for c in name)[:60]
    return f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
