"""From a task's result to the value that a metric compares, and the metrics of each task."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeAlias

from hfwidgets.errors import ConfigurationError, OutputError, did_you_mean
from hfwidgets.evaluation import classification, image_metrics, retrieval_metrics, text_metrics
from hfwidgets.evaluation.metrics import MeanMetric, Metric
from hfwidgets.evaluation.span_metrics import SpanF1, to_spans
from hfwidgets.evaluation.text_metrics import Normalizer
from hfwidgets.evaluation.values import SETS, Label, TaskResult, as_set
from hfwidgets.results.record import Record

CLASSES = frozenset(
    {
        *("text-classification", "zero-shot-classification", "image-classification"),
        *("zero-shot-image-classification", "audio-classification", "tabular-classification"),
    }
)
"""Tasks whose answer is one of the data's labels."""

ANSWERS = frozenset(
    {
        *("question-answering", "table-question-answering", "document-question-answering"),
        "visual-question-answering",
    }
)
SUMMARIES = frozenset({"summarization"})
TRANSLATIONS = frozenset({"translation"})
TRANSCRIPTS = frozenset({"automatic-speech-recognition", "image-to-text"})
GENERATED = frozenset({"chat-completion", "text-generation"})
TEXTS = ANSWERS | SUMMARIES | TRANSLATIONS | TRANSCRIPTS | GENERATED
"""Tasks whose answer is a text."""

BOXES = frozenset({"object-detection", "zero-shot-object-detection"})


def _first(result: TaskResult) -> Any:
    if not result:
        raise OutputError("The answer has no entries.")
    return result[0]


def _label(result: TaskResult) -> Any:
    best = max(result, key=lambda row: row.score if row.score is not None else 0.0, default=None)
    if best is None:
        raise OutputError("The answer has no labels.")
    return best.label


def _labels_above(threshold: float) -> Callable[[Any], list[Any]]:
    def chosen(result: TaskResult) -> list[Any]:
        return [row.label for row in result if (row.score or 0) >= threshold]

    return chosen


def read_text(result: TaskResult) -> str:
    """Return the text of a result, whatever it is."""
    text = getattr(result, "text", None)
    return text if isinstance(text, str) else str(result)


_READERS: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(CLASSES - {"tabular-classification"}, _label),
    **dict.fromkeys(TEXTS - ANSWERS, read_text),
    **dict.fromkeys(BOXES | {"token-classification", "image-segmentation"}, list),
    "question-answering": lambda result: (
        (_first(result) if isinstance(result, list) else result).answer
    ),
    "table-question-answering": lambda result: result.answer,
    "document-question-answering": lambda result: _first(result).answer,
    "visual-question-answering": lambda result: _first(result).answer,
    "fill-mask": lambda result: [row.token_str.strip() for row in result],
    "sentence-similarity": lambda result: result[0] if len(result) == 1 else list(result),
}


def read_prediction(task: str, result: TaskResult, several: bool = False) -> Any:
    """Return what a metric compares.

    Args:
        task: the task that was called.
        result: its result.
        several: True where rows have sets of labels.

    Raises:
        OutputError: the result holds no prediction.
    """
    reader = _labels_above(0.5) if several and task in CLASSES else _READERS.get(task)
    return result if reader is None else reader(result)


_TEXT_FIELDS = ("answer", "text", "generated_text", "summary_text", "translation_text", "content")


def read_returned_value(task: str, value: Any, several: bool = False) -> Any:
    """Return what a metric compares of a function's answer.

    A function may return the value alone, the result of a client's method, or plain dicts with the
    same fields, as other libraries do.

    Args:
        task: the evaluation's task.
        value: what the function returned.
        several: True where rows have sets of labels.

    Raises:
        ValueError, TypeError, KeyError, OutputError: it is something else.
    """
    if task in LABEL_READERS:
        LABEL_READERS[task][0](value)
        return value
    rows = [value] if isinstance(value, Mapping) else value
    if isinstance(rows, list) and rows and all(isinstance(row, Mapping) for row in rows):
        if task in TEXTS:
            found = (rows[0].get(name) for name in _TEXT_FIELDS)
            value = next((text for text in found if isinstance(text, str)), value)
        elif task in _READERS:
            return read_prediction(task, [Record({"score": None, **row}) for row in rows], several)
    return read_text(value) if task in TEXTS else value


def find_classes(labels: Sequence[Any]) -> list[Any]:
    """Return the different labels in their order; none where labels are not words or numbers."""
    return list(dict.fromkeys(labels)) if all(isinstance(one, Hashable) for one in labels) else []


LABEL_READERS: Mapping[str, tuple[Callable[[Any], Any], str]] = {
    "tabular-regression": (float, "a number"),
    **dict.fromkeys(
        BOXES, (image_metrics.to_boxes, "a list of labels with a box: xmin, ymin, xmax, ymax")
    ),
    "token-classification": (to_spans, "a list of spans with start, end and label, or IOB2 tags"),
    "image-segmentation": (image_metrics.to_masks, "a dict of label to mask, or an image"),
}
"""How the right answers of a task are read, and in words what they must be."""


def has_metrics(task: str) -> bool:
    """True if a task has metrics of its own, so that `metrics=` may be left out."""
    return task in _CHOOSERS


def metric_names() -> list[str]:
    """Return the names that `metrics=` accepts."""
    return list(_named_metrics([], str))


def check_label(task: str, label: Label) -> None:
    """Raise ConfigurationError if a metric of the task could not read a right answer."""
    if task not in LABEL_READERS and task not in CLASSES:
        return
    read, what = LABEL_READERS.get(task, (as_set, "a text, a number, or a list of these"))
    try:
        read(label)
    except Exception:  # whatever a value of another shape makes a reader raise
        raise ConfigurationError(
            f"The label {str(label)[:80]!r} cannot be read: for {task} it is {what}."
        ) from None


Chooser: TypeAlias = Callable[[Sequence[Any], Normalizer], list[Metric]]


def _class_metrics(labels: Sequence[Any], _: Normalizer) -> list[Metric]:
    if any(isinstance(label, SETS) for label in labels):
        return [classification.MicroF1(), classification.SubsetAccuracy()]
    kinds = find_classes(labels)
    return [
        classification.Accuracy(),
        classification.MacroF1(kinds),
        classification.BalancedAccuracy(kinds),
        classification.MatthewsCorrelation(kinds),
    ]


def _answer_metrics(_: Sequence[Any], normalize: Normalizer) -> list[Metric]:
    return [text_metrics.answer_f1(normalize), text_metrics.exact_match(normalize)]


def _mask_metrics(labels: Sequence[Any], _: Normalizer) -> list[Metric]:
    names = dict.fromkeys(name for label in labels for name in image_metrics.to_masks(label))
    return [image_metrics.MeanIoU(list(names))]


_CHOOSERS: Mapping[str, Chooser] = {
    **dict.fromkeys(CLASSES, _class_metrics),
    **dict.fromkeys(ANSWERS - {"visual-question-answering"}, _answer_metrics),
    **dict.fromkeys(
        SUMMARIES, lambda _, __: [text_metrics.rouge(kind) for kind in ("L", "1", "2")]
    ),
    **dict.fromkeys(TRANSLATIONS, lambda _, __: [text_metrics.ChrF(), text_metrics.Bleu()]),
    **dict.fromkeys(
        TRANSCRIPTS,
        lambda _, normalize: [
            text_metrics.word_error_rate(normalize),
            text_metrics.character_error_rate(normalize),
        ],
    ),
    **dict.fromkeys(
        BOXES,
        lambda _, __: [image_metrics.AveragePrecision(), image_metrics.AveragePrecision(0.5)],
    ),
    "visual-question-answering": lambda _, normalize: [text_metrics.exact_match(normalize)],
    "token-classification": lambda _, __: [SpanF1("strict"), SpanF1("partial"), SpanF1("type")],
    "image-segmentation": _mask_metrics,
    "tabular-regression": lambda _, __: [
        classification.MeanAbsoluteError(),
        classification.RootMeanSquaredError(),
        classification.RSquared(),
    ],
    "fill-mask": lambda _, __: [classification.TopAccuracy(1), classification.TopAccuracy(5)],
    "feature-extraction": lambda _, __: [
        retrieval_metrics.recall_at(1),
        retrieval_metrics.recall_at(5),
        retrieval_metrics.mean_reciprocal_rank(),
    ],
    "sentence-similarity": lambda _, __: [retrieval_metrics.Spearman()],
}


def _named_metrics(labels: Sequence[Any], normalize: Normalizer) -> dict[str, Callable[[], Metric]]:
    """The metrics that `metrics=` takes by name."""
    kinds = find_classes(labels)
    return {
        # Built only when named, since some metrics load packages that may not be installed.
        "accuracy": classification.Accuracy,
        "macro_f1": lambda: classification.MacroF1(kinds),
        "balanced_accuracy": lambda: classification.BalancedAccuracy(kinds),
        "mcc": lambda: classification.MatthewsCorrelation(kinds),
        "micro_f1": classification.MicroF1,
        "subset_accuracy": classification.SubsetAccuracy,
        "accuracy@1": lambda: classification.TopAccuracy(1),
        "accuracy@5": lambda: classification.TopAccuracy(5),
        "mae": classification.MeanAbsoluteError,
        "rmse": classification.RootMeanSquaredError,
        "r2": classification.RSquared,
        "f1": lambda: text_metrics.answer_f1(normalize),
        "exact_match": lambda: text_metrics.exact_match(normalize),
        "exact": lambda: text_metrics.exact_match(normalize),
        "contains": lambda: text_metrics.contains(normalize),
        "json": lambda: MeanMetric("json", text_metrics.same_json, is_share=True),
        "wer": lambda: text_metrics.word_error_rate(normalize),
        "cer": lambda: text_metrics.character_error_rate(normalize),
        "rouge1": lambda: text_metrics.rouge("1"),
        "rouge2": lambda: text_metrics.rouge("2"),
        "rougeL": lambda: text_metrics.rouge("L"),
        "bleu": text_metrics.Bleu,
        "chrf": text_metrics.ChrF,
        "strict_f1": lambda: SpanF1("strict"),
        "partial_f1": lambda: SpanF1("partial"),
        "type_f1": lambda: SpanF1("type"),
        "map": image_metrics.AveragePrecision,
        "ap50": lambda: image_metrics.AveragePrecision(0.5),
        "ap75": lambda: image_metrics.AveragePrecision(0.75),
        "miou": lambda: _mask_metrics(labels, normalize)[0],
        "recall@1": lambda: retrieval_metrics.recall_at(1),
        "recall@5": lambda: retrieval_metrics.recall_at(5),
        "mrr": retrieval_metrics.mean_reciprocal_rank,
        "spearman": retrieval_metrics.Spearman,
    }


def choose_metrics(
    task: str, labels: Sequence[Any], metrics: Any, normalize: Normalizer
) -> list[Metric]:
    """Return the metrics of an evaluation; the first decides.

    Args:
        task: the evaluation's task.
        labels: the rows' right answers.
        metrics: names, `Metric` objects, or functions of prediction and label; None for the task's.
        normalize: how texts are made comparable.

    Raises:
        ConfigurationError: an unknown name, or a task that has no metric of its own.
    """
    if metrics is None:
        chooser = _CHOOSERS.get(task)
        if chooser is None:
            raise ConfigurationError(
                f"{task} has no metric of its own. Pass metrics=: 'exact_match', 'contains', "
                "'json', or a function of the prediction and the label."
            )
        return chooser(labels, normalize)
    given = [metrics] if isinstance(metrics, (str, Metric)) or callable(metrics) else list(metrics)
    named = _named_metrics(labels, normalize)
    # It would compare words, so that "very good" is half of "good".
    if task in CLASSES and "f1" in given:
        raise ConfigurationError("'f1' compares the words of texts. For classes, pass 'macro_f1'.")
    return [_to_metric(one, named) for one in given]


def _to_metric(one: object, named: Mapping[str, Callable[[], Metric]]) -> Metric:
    if isinstance(one, Metric):
        return one
    if isinstance(one, str):
        if one not in named:
            raise ConfigurationError(
                f"Unknown metric {one!r}.{did_you_mean(one, named)} Known metrics: "
                f"{', '.join(named)}."
            )
        return named[one]()
    if callable(one):
        function: Callable[[Any, Any], Any] = one
        return MeanMetric(getattr(one, "__name__", "score"), function)
    raise ConfigurationError(
        f"A metric is a name or a function of prediction and label, not {type(one).__name__}."
    )
