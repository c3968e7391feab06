"""Metrics have the values that the libraries of the field give for the same rows."""

from typing import Any

import numpy as np
import pytest

from hfwidgets.evaluation import classification as classes
from hfwidgets.evaluation import image_metrics, retrieval_metrics, span_metrics, text_metrics
from hfwidgets.evaluation.metrics import MeanMetric, Metric

LABELS = ["pos"] * 6 + ["neg"] * 3 + ["neu"]
FOUND = ["pos"] * 5 + ["neg"] + ["neg", "neg", "pos"] + ["pos"]
KINDS = ["pos", "neg", "neu"]


def value(metric: Metric, predictions, labels) -> float:
    return metric.estimate(predictions, labels).value


def test_metrics_of_classes() -> None:
    assert value(classes.Accuracy(), FOUND, LABELS) == pytest.approx(0.7)
    assert value(classes.MacroF1(KINDS), FOUND, LABELS) == pytest.approx(0.478632, abs=1e-6)
    assert value(classes.BalancedAccuracy(KINDS), FOUND, LABELS) == pytest.approx(0.5)
    assert value(classes.MatthewsCorrelation(KINDS), FOUND, LABELS) == pytest.approx(
        0.398962, abs=1e-6
    )


def test_a_stray_word_is_wrong_but_not_a_class() -> None:
    assert value(classes.MacroF1(KINDS), [*FOUND[:-1], "stray"], LABELS) == pytest.approx(0.5)
    columns, counts = classes.confusion_matrix([*FOUND[:-1], "stray"], LABELS, KINDS)
    assert columns == ["pos", "neg", "neu", "(other)"]
    assert counts == [[5, 1, 0, 0], [1, 2, 0, 0], [0, 0, 0, 1]]


def test_classes_as_scikit_learn_has_them() -> None:
    from sklearn import metrics as sk

    rng = np.random.default_rng(3)
    truth = rng.choice(KINDS, 200, p=[0.6, 0.3, 0.1])
    found = np.where(rng.random(200) < 0.7, truth, rng.choice(KINDS, 200))
    pairs = [
        (classes.MacroF1(KINDS), sk.f1_score(truth, found, average="macro")),
        (classes.BalancedAccuracy(KINDS), sk.balanced_accuracy_score(truth, found)),
        (classes.MatthewsCorrelation(KINDS), sk.matthews_corrcoef(truth, found)),
        (classes.Accuracy(), sk.accuracy_score(truth, found)),
    ]
    for metric, theirs in pairs:
        assert value(metric, list(found), list(truth)) == pytest.approx(theirs)


def test_numbers_as_scikit_learn_has_them() -> None:
    from sklearn import metrics as sk

    rng = np.random.default_rng(4)
    truth = rng.normal(size=50)
    found = truth + rng.normal(scale=0.5, size=50)
    assert value(classes.MeanAbsoluteError(), found, truth) == pytest.approx(
        sk.mean_absolute_error(truth, found)
    )
    assert value(classes.RootMeanSquaredError(), found, truth) == pytest.approx(
        sk.root_mean_squared_error(truth, found)
    )
    assert value(classes.RSquared(), found, truth) == pytest.approx(sk.r2_score(truth, found))


def test_sets_of_labels() -> None:
    found, truth = [["a", "b"], ["a"]], [["a"], ["a"]]
    assert value(classes.MicroF1(), found, truth) == pytest.approx(0.8)
    assert value(classes.SubsetAccuracy(), found, truth) == 0.5


def test_words_among_the_first() -> None:
    found = [["a", "b"], ["b", "a"]]
    assert value(classes.TopAccuracy(1), found, ["a", "a"]) == 0.5
    assert value(classes.TopAccuracy(5), found, ["a", "a"]) == 1


def wer(pairs, normalize="none") -> float:
    metric = text_metrics.word_error_rate(text_metrics.normalizer(normalize))
    return value(metric, [found for _, found in pairs], [truth for truth, _ in pairs])


def test_word_errors_are_counted_over_the_whole_sample() -> None:
    nine = "one two three four five six seven eight nine"
    assert wer([("yes", "no"), (nine, nine)]) == pytest.approx(0.1)
    assert wer([("", "hello there")]) == 2


@pytest.mark.parametrize(("name", "expected"), [("none", 4 / 3), ("basic", 0.5), ("en", 0)])
def test_normalizers(name: str, expected: float) -> None:
    assert wer([("It's 5 dollars.", "it is five dollars")], name) == pytest.approx(expected)


def test_the_basic_normalizer_keeps_marks() -> None:
    assert text_metrics.normalize_basic("हिन्दी, भाषा!") == "हिन्दी भाषा"


def test_characters_as_jiwer_counts_them() -> None:
    import jiwer

    truth, found = ["hello world", "goodbye"], ["hallo wrld", "good bye"]
    metric = text_metrics.character_error_rate(str)
    assert value(metric, found, truth) == pytest.approx(jiwer.cer(truth, found))


@pytest.mark.parametrize(
    ("answer", "label", "exact", "f1"),
    [
        ("May 7", "7 May 1824", 0, 0.8),
        ("A", "The", 0, 0),
        ("the Rhine.", ["Rhine", "The Rhine"], 1, 1),
    ],
)
def test_answers(answer: str, label, exact: float, f1: float) -> None:
    basic = text_metrics.normalize_basic
    assert value(text_metrics.exact_match(basic), [answer], [label]) == exact
    assert value(text_metrics.answer_f1(basic), [answer], [label]) == pytest.approx(f1)


def test_texts_inside_texts_and_json() -> None:
    basic = text_metrics.normalize_basic
    assert value(text_metrics.contains(basic), ["It is Paris."], ["paris"]) == 1
    assert value(text_metrics.contains(basic), ["Parisian"], ["paris"]) == 0
    metric = MeanMetric("json", text_metrics.same_json, is_share=True)
    assert value(metric, ['{"b": 1, "a": 2}', "{"], ['{"a": 2, "b": 1}', "{}"]) == 0.5


def test_rouge_reads_every_script() -> None:
    text = "Москва столица России"
    for kind in ("1", "2", "L"):
        assert value(text_metrics.rouge(kind), [text], [text]) == 1
    assert value(text_metrics.rouge("L"), ["the cat sat"], ["the dog sat"]) == pytest.approx(2 / 3)


HYPOTHESES = ["The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."]
REFERENCES = ["The dog bit the man.", "It was not unexpected.", "The man bit him first."]


def test_translations_as_sacrebleu_scores_them() -> None:
    import sacrebleu

    bleu = text_metrics.Bleu()
    assert value(bleu, HYPOTHESES, REFERENCES) == pytest.approx(45.0675, abs=1e-4)
    assert bleu.signature
    theirs = sacrebleu.corpus_chrf(HYPOTHESES, [REFERENCES]).score
    assert value(text_metrics.ChrF(), HYPOTHESES, REFERENCES) == pytest.approx(theirs)
    short = (["a", "bcd efg"], ["a", "bcd ef"])
    assert value(text_metrics.ChrF(), *short) == pytest.approx(
        sacrebleu.corpus_chrf(short[0], [short[1]]).score
    )


def test_bleu_of_chinese_needs_its_tokenizer() -> None:
    text = ["我们 爱 北京 天安门 广场"]
    assert value(text_metrics.Bleu("zh"), text, text) == pytest.approx(100)


SPANS = [
    {"start": 0, "end": 10, "label": "PER"},
    {"start": 20, "end": 26, "label": "LOC"},
    {"start": 30, "end": 36, "label": "ORG"},
]
FOUND_SPANS = [
    {"start": 0, "end": 5, "entity_group": "PER"},
    {"start": 20, "end": 26, "entity_group": "LOC"},
    {"start": 30, "end": 36, "entity_group": "LOC"},
]


@pytest.mark.parametrize(
    ("mode", "expected"), [("strict", 1 / 3), ("partial", 5 / 6), ("type", 2 / 3)]
)
def test_spans(mode, expected: float) -> None:
    assert value(span_metrics.SpanF1(mode), [FOUND_SPANS], [SPANS]) == pytest.approx(expected)


def test_spans_as_nervaluate_counts_them() -> None:
    from nervaluate import Evaluator

    def theirs(spans):
        return [
            {"start": s["start"], "end": s["end"], "label": s.get("label") or s["entity_group"]}
            for s in spans
        ]

    made = Evaluator([theirs(SPANS)], [theirs(FOUND_SPANS)], tags=["PER", "LOC", "ORG"]).evaluate()
    overall = made["overall"]
    assert value(span_metrics.SpanF1("strict"), [FOUND_SPANS], [SPANS]) == pytest.approx(
        overall["strict"].f1
    )
    assert value(span_metrics.SpanF1("partial"), [FOUND_SPANS], [SPANS]) == pytest.approx(
        overall["partial"].f1
    )
    assert value(span_metrics.SpanF1("type"), [FOUND_SPANS], [SPANS]) == pytest.approx(
        overall["ent_type"].f1
    )


def test_a_tag_that_nothing_opened_is_not_a_span() -> None:
    assert value(span_metrics.SpanF1(), [["I-LOC", "I-LOC"]], [["B-LOC", "I-LOC"]]) == 0
    assert span_metrics.to_spans(["B-LOC", "B-LOC", "I-LOC", "O"]) == [(0, 1, "LOC"), (1, 3, "LOC")]


TRUE_BOXES = [
    [{"label": "1", "box": [10, 10, 60, 60]}, {"label": "2", "box": [100, 100, 140, 140]}],
    [{"label": "1", "box": [20, 20, 80, 80]}],
]
FOUND_BOXES = [
    [
        {"label": "1", "score": 0.9, "box": [10, 10, 60, 60]},
        {"label": "2", "score": 0.8, "box": [110, 100, 150, 140]},
    ],
    [
        {"label": "1", "score": 0.7, "box": {"xmin": 60, "ymin": 60, "xmax": 120, "ymax": 120}},
        {"label": "2", "score": 0.6, "box": [0, 0, 30, 30]},
    ],
]


@pytest.mark.parametrize(
    ("threshold", "expected"), [(None, 0.402475), (0.5, 0.752475), (0.75, 0.252475)]
)
def test_boxes(threshold, expected: float) -> None:
    metric = image_metrics.AveragePrecision(threshold)
    assert metric.value(FOUND_BOXES, TRUE_BOXES) == pytest.approx(expected, abs=1e-6)


def test_boxes_on_an_image_without_any_cost() -> None:
    found = [[{"label": "1", "score": 0.9, "box": [0, 0, 9, 9]}], TRUE_BOXES[1]]
    metric = image_metrics.AveragePrecision(0.5)
    assert metric.value(found, [[], TRUE_BOXES[1]]) == pytest.approx(1.0)  # scored 1.0, first
    ahead = [
        [{"label": "1", "score": 1.0, "box": [0, 0, 9, 9]}],
        [{**TRUE_BOXES[1][0], "score": 0.5}],
    ]
    assert metric.value(ahead, [[], TRUE_BOXES[1]]) == pytest.approx(0.5, abs=0.01)


def test_masks_over_the_whole_sample() -> None:
    def mask(*pixels: int):
        return np.array([pixels], bool)

    metric = image_metrics.MeanIoU(["a"])
    found = [{"a": mask(1, 1, 0, 0)}, {"a": mask(1, 1, 1, 1)}]
    truth = [{"a": mask(1, 0, 0, 0)}, {"a": mask(1, 1, 1, 0)}]
    assert value(metric, found[:1], truth[:1]) == 0.5
    assert value(metric, found[1:], truth[1:]) == 0.75
    assert value(metric, found, truth) == pytest.approx(4 / 6)
    assert value(metric, [{}], [{"a": mask(1, 1)}]) == 0


def masks(*pixels: int) -> dict[str, Any]:
    """Return a mask for each class of an image of so many pixels."""
    image = np.array([pixels])
    return {str(kind): image == kind for kind in sorted(set(pixels))}


TRUE_MASKS = [masks(0, 0, 1, 1, 1, 1, 2, 2), masks(1, 2, 2, 2)]
FOUND_MASKS = [masks(0, 2, 1, 1, 1, 2, 2, 2), masks(2, 2, 2, 2)]


def test_masks_are_not_averaged_by_image() -> None:
    def score(kinds: str, images: slice) -> float:
        metric = image_metrics.MeanIoU(list(kinds))
        return value(metric, FOUND_MASKS[images], TRUE_MASKS[images])

    first, second = slice(0, 1), slice(1, 2)
    assert [score(kind, first) for kind in "012"] == pytest.approx([0.5, 0.75, 0.5])
    assert score("012", slice(2)) == pytest.approx(0.575)
    mean = (score("012", first) + score("012", second)) / 2
    assert mean == pytest.approx(0.479167, abs=1e-6)


DOCUMENTS = [[1, 0, 0], [0.9, 0.1, 0], [0, 1, 0], [0, 0.8, 0.2], [0, 0, 1]]
QUERIES = [[1, 0.05, 0], [0.45, 0.55, 0], [0, 0.3, 0.7]]
RELEVANT = [{0, 1}, {3}, {4}]


def test_retrieval() -> None:
    rankings = [retrieval_metrics.rank_documents(query, DOCUMENTS) for query in QUERIES]
    assert value(retrieval_metrics.recall_at(1), rankings, RELEVANT) == pytest.approx(0.5)
    assert value(retrieval_metrics.mean_reciprocal_rank(), rankings, RELEVANT) == pytest.approx(
        0.833333, abs=1e-6
    )


def test_rank_correlation() -> None:
    assert retrieval_metrics.Spearman().value([0.1, 0.4, 0.2, 0.9], [1, 3, 2, 4]) == pytest.approx(
        1
    )
    assert retrieval_metrics.Spearman().value([1, 1, 1], [1, 2, 3]) == 0
