"""`hf.evaluate`: ask several models the same rows, within a budget, and score what comes back."""

import asyncio
import inspect
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

from hfwidgets import errors
from hfwidgets.batch import stop_signal
from hfwidgets.client import InferenceClient
from hfwidgets.core.paths import to_path
from hfwidgets.errors.excerpt import show_value
from hfwidgets.evaluation.answers import Answerer
from hfwidgets.evaluation.ask_rows import INTERRUPTED, ProgressChoice, ask_all
from hfwidgets.evaluation.budget import Budget, measure_spent
from hfwidgets.evaluation.candidates import Candidate, CandidateLike, to_candidates
from hfwidgets.evaluation.check_forms import check_forms
from hfwidgets.evaluation.evaluation import Evaluation
from hfwidgets.evaluation.judge import JudgeLike, find_judge
from hfwidgets.evaluation.metrics import Metric
from hfwidgets.evaluation.predictions import CLASSES, check_label, choose_metrics
from hfwidgets.evaluation.rows import LABEL, LabelColumn, Sample, read_sample
from hfwidgets.evaluation.text_metrics import Normalizer, normalizer
from hfwidgets.evaluation.values import Table
from hfwidgets.tasks import BaseTask, find

NEEDED = ("numpy", "scipy")

END_TIMEOUT = 60.0
"""How long a canceled evaluation may take to be scored, in seconds: a function that a user passed
cannot be ended.
"""


def evaluate(
    task: str,
    data: Table,
    models: "CandidateLike | Sequence[CandidateLike] | Mapping[str, CandidateLike]",
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
    token_budget: int | None = None,
    judge: "JudgeLike | None" = None,
    concurrency: int | None = None,
    batch_size: int | None = None,
    executor: Any = None,
    client: InferenceClient | None = None,
    progress: ProgressChoice = True,
    **parameters: Any,
) -> Evaluation:
    """Ask several models the same rows and report which differences are real.

        found = hf.evaluate("text-classification", df, ["org/one", "org/two", "local"],
                            label="sentiment", sample=200, resume="answers")
        found                      # verdict, table, pairs, disagreements
        found.plot(), found.disagreements(), found.to_pandas()

    Args:
        task: the task's name.
        data: a DataFrame, a data set, a dict of columns or a list of dicts; without labels, a list
            of inputs too.
        models: ids, `MODEL:PROVIDER`, URLs, "local", functions, or `Candidate(...)` for parameters
            or a task of its own; a dict names them.
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
        token_budget: prompt and completion tokens for this call, in the same way.
        judge: a chat model, or a `Judge`, that compares the answers of each two models; its votes
            stand next to the metrics, and in place of them where there are no labels.
        concurrency: the most calls at once; left out, as many as the server bears.
        batch_size: the most rows of one request, as for `map`; they share its latency.
        executor: whose workers make the calls, as for `map`.
        client: who asks; left out, one with this machine's token.
        progress: whether to show it, or a function that takes a `Progress`, as for `map`.
        parameters: the task's parameters, for all rows and models.

    Raises:
        ConfigurationError: a column that is not there, an unknown metric or model, a right answer
            of another shape, or a budget where a model's price is not known.
    """
    _require_extra()
    found = find(task)
    normalizer_of = _check_normalizer(normalize)
    check_forms(label=label, column=column, metrics=metrics, labels=labels, group=group)
    entrants = to_candidates(models)
    _check_names(found, parameters, labels, [one.name for one in entrants])
    rows = read_sample(found, data, label=label, column=column, group=group, size=sample, seed=seed)
    folder = None if resume is None else _make_folder(to_path("resume", resume))
    options = {"concurrency": concurrency, "batch_size": batch_size, "executor": executor}
    answerers = [Answerer(one, found.name, parameters, client, folder, options) for one in entrants]
    referee = find_judge(judge, entrants) if judge is not None else None
    limit = Budget(budget, token_budget)
    if rows.has_labels:
        _check_labels(found.name, rows, metrics, normalizer(normalizer_of))
    limit.check_prices(answerers)
    stopped = ask_all(answerers, rows.rows, limit, progress)
    score = partial(
        Evaluation,
        found.name,
        rows,
        answerers,
        labels=labels,
        normalize=normalizer_of,
        seed=seed,
        stopped=stopped,
        id2label=_model_labels(answerers, found.name),
    )
    evaluation = _score_or_keep(score, metrics)
    if referee is None or stopped == INTERRUPTED:
        return evaluation
    left = limit.subtract(measure_spent(answerers))
    if left is None:
        evaluation.notes.append(f"The budget left nothing for {referee.name}.")
    else:
        evaluation.judge(
            referee,
            resume=folder,
            budget=left,
            concurrency=concurrency,
            executor=executor,
            client=client,
            progress=progress,
        )
    return evaluation


def _make_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    except OSError as error:
        raise errors.ConfigurationError(
            f"resume={str(folder)!r} cannot be a folder: {error.strerror}. Pass another path; each "
            "model gets a file in it."
        ) from None


def _check_names(
    task: BaseTask,
    parameters: Mapping[str, Any],
    labels: Mapping[str, Any] | None,
    models: Sequence[str],
) -> None:
    """Raise before anything is asked if a parameter, or a model in `labels`, does not exist."""
    known = [*inspect.signature(evaluate).parameters, *task.signature.parameters]
    for name in parameters:
        if name not in task.signature.parameters:
            raise errors.UnknownParameterError(
                f"Neither evaluate() nor {task.name} has an argument {name!r}."
                f"{errors.did_you_mean(name, known)}"
            )
    for name, own in (labels or {}).items():
        if isinstance(own, Mapping) and name not in models:
            raise errors.ConfigurationError(
                f"labels= has a mapping for {name!r}, which is not one of the models."
                f"{errors.did_you_mean(name, models)} Models: {', '.join(models)}."
            )


def _check_labels(task: str, sample: Sample, metrics: Any, normalize: Normalizer) -> None:
    """Raise before anything is paid for if metrics or right answers are of no use."""
    # `Evaluation` chooses the metrics again, for the rows that were asked.
    choose_metrics(task, [row.label for row in sample.rows], metrics, normalize)
    for row in sample.rows:
        check_label(task, row.label)


def _score_or_keep(score: Callable[..., Evaluation], metrics: Any) -> Evaluation:
    """Return the evaluation; an error of a metric keeps the answers, which were paid for."""
    try:
        return score(metrics=metrics)
    except Exception as error:  # a metric of the user's may raise anything
        unscored: Any = error
        unscored.evaluation = score(metrics=[])
        error.add_note("No answer is lost: call rescore(metrics=...) on this error's .evaluation.")
        raise


async def aevaluate(task: str, data: Table, models: Any, **arguments: Any) -> Evaluation:
    """Return what `evaluate` does, awaited; the loop stays free.

    Canceled, it ends its requests at once. What was answered is in the folder of `resume=`, and
    scored in the `evaluation` of the `CancelledError`, whose `retry()` asks for the rest.
    """
    stop = threading.Event()
    token = stop_signal.set(stop)  # the task and its thread get a copy of this context
    work = asyncio.create_task(
        asyncio.to_thread(partial(evaluate, task, data, models, **arguments))
    )
    stop_signal.reset(token)
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError as error:
        stop.set()
        # The files of answers are closed by then, so that the same call may follow.
        await asyncio.wait({work}, timeout=END_TIMEOUT)
        if work.done() and not work.cancelled() and work.exception() is None:
            vars(error)["evaluation"] = work.result()
        raise


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
            f"normalize is {show_value(choice)}; it is 'none', 'basic', 'en' or a function of a "
            "text."
        )
    return normalizer(choice) if callable(choice) else choice


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
