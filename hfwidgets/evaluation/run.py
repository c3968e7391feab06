"""`hf.evaluate`: ask several models the same rows, within a budget, and score what comes back."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

from hfwidgets import errors
from hfwidgets.batch import Progress, Ticker, open_display
from hfwidgets.client import InferenceClient
from hfwidgets.evaluation.answers import Answerer
from hfwidgets.evaluation.candidates import Candidate, CandidateLike, to_candidates
from hfwidgets.evaluation.evaluation import Evaluation
from hfwidgets.evaluation.metrics import Metric
from hfwidgets.evaluation.predictions import CLASSES
from hfwidgets.evaluation.rows import LABEL, LabelColumn, Sample, read_sample
from hfwidgets.evaluation.text_metrics import Normalizer, normalizer
from hfwidgets.evaluation.values import Table
from hfwidgets.tasks import find

CHUNK = 32
"""Rows asked of one model before the next has its turn: a slow hour of a service then slows all."""

BUDGET_CHUNK = 8
"""The same where a budget may end the run."""

NEEDED = ("numpy", "scipy")


def evaluate(
    task: str,
    data: Table,
    models: "CandidateLike | Sequence[CandidateLike]",
    *,
    label: LabelColumn = LABEL,
    column: "str | Mapping[str, str] | None" = None,
    metrics: "str | Metric | Callable[[Any, Any], float] | Sequence[Any] | None" = None,
    labels: Mapping[str, Any] | None = None,
    normalize: "str | Normalizer | None" = None,
    group: str | None = None,
    sample: int | None = None,
    seed: int = 0,
    resume: str | PathLike[str] | None = None,
    budget: float | None = None,
    concurrency: int | None = None,
    executor: Any = None,
    client: InferenceClient | None = None,
    progress: bool | Callable[[Progress], object] = True,
    **parameters: Any,
) -> Evaluation:
    """Ask several models the same rows and report which differences are real.

        found = hf.evaluate("text-classification", df, ["org/one", "org/two", "local"],
                            label="sentiment", sample=200, resume="answers")
        found                      # verdict, table, pairs, disagreements
        found.plot(), found.disagreements(), found.to_pandas()

    Args:
        task: the task's name.
        data: a DataFrame, a data set, a dict of columns or a list of dicts.
        models: ids, `MODEL:PROVIDER`, URLs, "local", functions, or `Candidate(...)` for parameters
            or a task of its own.
        label: the column of the right answer, or a function of the row; a row without one is not
            asked. Without labels, agreement, cost and latency are measured.
        column: the column of the task's input, or a dict of parameter to column.
        metrics: names or functions of prediction and label, the first decides; left out, the
            task's own.
        labels: from a model's word to the data's label, or model to such a dict; None drops a word.
        normalize: how texts are compared: "none", "basic", "en", or a function.
        group: a column whose rows belong together, such as a document: they are resampled together.
        sample: the number of rows, by the labels' shares, the same for all models; a larger sample
            holds the smaller one.
        seed: another one takes other rows.
        resume: a folder of answers: the same call later asks for the rest only. Scores are never
            kept there.
        budget: US dollars for this call; it ends between rows, so that all models have the same.
        concurrency: the most calls at once; left out, as many as the server bears.
        executor: whose workers make the calls, as for `map`.
        client: who asks; left out, one with this machine's token.
        progress: whether to show it, or a function that takes a `Progress`, as for `map`.
        parameters: the task's parameters, for all rows and models.

    Raises:
        ConfigurationError: a column that is not there, an unknown metric or model, labels that no
            model gives, or a budget where a model's price is not known.
    """
    _require_extra()
    found = find(task)
    normalizer_of = _check_normalizer(normalize)
    entrants = to_candidates(models)
    rows = read_sample(found, data, label=label, column=column, group=group, size=sample, seed=seed)
    folder = Path(resume).expanduser() if resume is not None else None
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    options = {"concurrency": concurrency, "executor": executor}
    answerers = [Answerer(one, found.name, parameters, client, folder, options) for one in entrants]
    if budget is not None:
        _check_budget(budget, answerers)
    # `map` reads a file of answers from its first row at each call, so a folder is asked at once.
    chunk = CHUNK if folder is None else len(rows.rows)
    step = chunk if budget is None else BUDGET_CHUNK
    stopped = _ask_all(answerers, rows, step, budget, progress)
    return Evaluation(
        found.name,
        rows,
        answerers,
        metrics=metrics,
        labels=labels,
        normalize=normalizer_of,
        seed=seed,
        stopped=stopped,
        id2label=_model_labels(answerers, found.name),
    )


async def aevaluate(task: str, data: Table, models: Any, **arguments: Any) -> Evaluation:
    """Return what `evaluate` does, awaited; the loop stays free."""
    return await asyncio.to_thread(partial(evaluate, task, data, models, **arguments))


def _require_extra() -> None:
    import importlib.util

    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise errors.ConfigurationError(
            f"Evaluations need {', '.join(missing)}: pip install 'hfwidgets[eval]'."
        )


def _check_normalizer(choice: "str | Normalizer | None") -> "str | Normalizer | None":
    if isinstance(choice, str) and choice not in ("none", "basic", "en"):
        raise errors.ConfigurationError(
            f"normalize is {choice!r}; it is 'none', 'basic', 'en' or a function of a text."
        )
    return normalizer(choice) if callable(choice) else choice


def _ask_all(
    answerers: Sequence[Answerer],
    sample: Sample,
    step: int,
    budget: float | None,
    progress: bool | Callable[[Progress], object],
) -> str | None:
    """Ask all rows, `step` of each model in turn; return why it stopped before the end."""
    rows = sample.rows
    state = Progress(len(rows) * len(answerers))
    ticker = Ticker(state, open_display(state, progress))
    ending = "stopped"
    try:
        for count in [*range(step, len(rows), step), len(rows)]:
            for answerer in answerers:
                answerer.ask(rows, count)
                _count_progress(state, answerers)
                ticker.tick()
            spent = sum(_spent(answerer) for answerer in answerers)
            if budget is None or count == len(rows):
                continue
            # The next rows are expected to cost what those so far did: the budget is not exceeded.
            if spent + spent / count * min(step, len(rows) - count) > budget:
                return f"${spent:.4f} of the budget of ${budget:g} is spent after {count} rows."
        ending = "finished"
    finally:
        ticker.end(ending)
    return None


def _count_progress(state: Progress, answerers: Sequence[Answerer]) -> None:
    answers = [answer for one in answerers for answer in one.answers.values()]
    state.failed = sum(answer.state == "failed" for answer in answers)
    state.done = len(answers) - state.failed
    state.tokens = sum(answer.tokens or 0 for answer in answers)


def _spent(answerer: Answerer) -> float:
    # Recorded and resumed answers have no time, and were paid for by an earlier run.
    fresh = (a for a in answerer.answers.values() if a.seconds is not None)
    return sum(answer.dollars or 0.0 for answer in fresh)


def _check_budget(budget: float, answerers: Sequence[Answerer]) -> None:
    """Fetch the prices; refuse a model without one, since its cost would not be counted."""
    if not budget > 0:
        raise errors.ConfigurationError(f"budget is {budget!r}; it is US dollars, above 0.")
    for answerer in answerers:
        if answerer.client is None or answerer.candidate.is_local:
            continue
        model = str(answerer.candidate.model or answerer.client.model or "").partition(":")[0]
        priced = {
            row.id
            for row in answerer.client.models(answerer.task)
            if row.input_price is not None and row.output_price is not None
        }
        if model not in priced:
            raise errors.ConfigurationError(
                f"{answerer.candidate.name} has no known price, so a budget cannot hold it. Leave "
                "budget= out, or leave the model out."
            )


def _model_labels(answerers: Sequence[Answerer], task: str) -> dict[str, Mapping[str, str]]:
    """The models' names for LABEL_0, LABEL_1, ... where a model answered with such words."""
    from hfwidgets.evaluation.model_labels import fetch_id2label

    found: dict[str, Mapping[str, str]] = {}
    if task not in CLASSES:
        return found
    for answerer in answerers:
        words = {
            str(getattr(row, "label", ""))
            for answer in answerer.answers.values()
            if isinstance(answer.result, list)
            for row in answer.result
        }
        if answerer.client is not None and any(w.upper().startswith("LABEL_") for w in words):
            found[answerer.candidate.name] = fetch_id2label(answerer)
    return found


__all__ = ["Candidate", "aevaluate", "evaluate"]
