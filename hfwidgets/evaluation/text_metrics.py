"""Metrics of text: words, characters, overlap, translations, answers."""

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from hfwidgets.evaluation.metrics import MeanMetric, RatioMetric, SumMetric, divide
from hfwidgets.evaluation.statistics import Floats
from hfwidgets.evaluation.values import Label, Prediction

Normalizer: TypeAlias = Callable[[str], str]


def normalize_basic(text: str) -> str:
    """Lower case, punctuation as spaces, and one space between words.

    Combining marks stay: without them Hindi, Thai or Arabic words become other words.
    """
    folded = unicodedata.normalize("NFKC", text).lower()
    # Unicode's categories P, S, Z and C: punctuation, symbols, separators, control characters.
    kept = (" " if unicodedata.category(c)[0] in "PSZC" else c for c in folded)
    return " ".join("".join(kept).split())


@functools.cache
def _english_normalizer() -> Normalizer:
    from whisper_normalizer.english import EnglishTextNormalizer

    found: Normalizer = EnglishTextNormalizer()
    return found


def normalizer(choice: str | Normalizer | None) -> Normalizer:
    """Return a text normalizer by its name.

    Args:
        choice: "none", "basic", "en" (contractions and numbers too, for English only), or a
            function of one's text; None is "basic".
    """
    if callable(choice):
        return choice
    known: dict[str, Normalizer] = {"none": str, "basic": normalize_basic}
    name = choice or "basic"
    return _english_normalizer() if name == "en" else known[name]


def split_words(text: str) -> list[str]:
    """Return the words of a text in lower case, of any script."""
    return re.findall(r"\w+", unicodedata.normalize("NFKC", text).lower())


def word_error_rate(normalize: Normalizer) -> SumMetric:
    """Return the corpus word error rate: edits over all words of the references."""
    return _error_rate("wer", "process_words", normalize)


def character_error_rate(normalize: Normalizer) -> SumMetric:
    """Return the corpus character error rate."""
    return _error_rate("cer", "process_characters", normalize)


def _error_rate(name: str, align: str, normalize: Normalizer) -> SumMetric:
    """Count edits over the units of the references, as a function of jiwer aligns them."""

    def counts(prediction: str, label: str) -> tuple[float, float]:
        import jiwer

        found = getattr(jiwer, align)(normalize(label), normalize(prediction))
        edits = found.substitutions + found.deletions + found.insertions
        return float(edits), float(found.hits + found.substitutions + found.deletions)

    return RatioMetric(name, counts, higher_is_better=False)


def references(label: Label) -> list[str]:
    """Return the right texts of a row: one, or a list of them."""
    if isinstance(label, str):
        return [label]
    return [str(one) for one in label] if isinstance(label, Sequence) else [str(label)]


def exact_match(normalize: Normalizer) -> MeanMetric:
    """Return the share of answers that equal one of the right ones after normalization."""

    def matches(prediction: str, label: Label) -> float:
        found = normalize(str(prediction))
        return float(any(found == normalize(one) for one in references(label)))

    return MeanMetric("exact_match", matches, is_share=True)


def answer_f1(normalize: Normalizer) -> MeanMetric:
    """Return the mean F1 of an answer's words against the nearest right answer.

    Articles stay, unlike in SQuAD's own script: there "A" and "The" are the same answer.
    """

    def overlap(prediction: str, label: Label) -> float:
        found = normalize(str(prediction)).split()
        return max(
            (_word_f1(found, normalize(one).split()) for one in references(label)), default=0.0
        )

    return MeanMetric("f1", overlap)


def _word_f1(found: list[str], truth: list[str]) -> float:
    if not found or not truth:
        return float(found == truth)
    shared = sum((Counter(found) & Counter(truth)).values())
    return 2 * shared / (len(found) + len(truth))


def contains(normalize: Normalizer) -> MeanMetric:
    """Return the share of answers in which one of the right texts occurs as whole words."""

    def holds(prediction: str, label: Label) -> float:
        # Blanks at both ends make a match one of whole words, in scripts that use blanks.
        found = f" {normalize(str(prediction))} "
        return float(any(f" {normalize(one)} " in found for one in references(label)))

    return MeanMetric("contains", holds, is_share=True)


def same_json(prediction: Prediction, label: Label) -> float:
    """1 if the prediction is JSON with the label's value, objects' keys in any order."""
    import json

    try:
        truth = json.loads(label) if isinstance(label, str) else label
        return float(json.loads(prediction) == truth)
    except (TypeError, ValueError):
        return 0.0


def rouge(kind: str) -> MeanMetric:
    """Return the mean ROUGE F1 of a kind: "1", "2" or "L", on words of any script.

    rouge-score 0.1.2 splits by ASCII letters, so that identical Russian texts score 0.
    """

    def score(prediction: str, label: Label) -> float:
        found = split_words(str(prediction))
        return max(
            (_rouge_f1(kind, found, split_words(one)) for one in references(label)), default=0.0
        )

    return MeanMetric(f"rouge{kind}", score)


def _rouge_f1(kind: str, found: list[str], truth: list[str]) -> float:
    if kind == "L":
        shared, of_found, of_truth = _common_length(found, truth), len(found), len(truth)
    else:
        size = int(kind)
        grams, right = _ngrams(found, size), _ngrams(truth, size)
        shared = sum((grams & right).values())
        of_found, of_truth = sum(grams.values()), sum(right.values())
    if not of_found or not of_truth:
        return float(of_found == of_truth)
    return 2 * shared / (of_found + of_truth)


def _ngrams(items: Sequence[str], size: int) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(items[at:] for at in range(size)), strict=False))


def _common_length(a: list[str], b: list[str]) -> int:
    """The length of the longest common subsequence, in one row of memory."""
    row = [0] * (len(b) + 1)
    for word in a:
        before = 0
        for at, other in enumerate(b, 1):
            # `before` is the cell up and to the left, which the row has overwritten already.
            before, row[at] = row[at], before + 1 if word == other else max(row[at], row[at - 1])
    return row[-1]


class Bleu(SumMetric):
    """Corpus BLEU by sacrebleu, 0 to 100.

    Args:
        tokenize: sacrebleu's tokenizer: "13a", "zh" for Chinese, "char", "intl".
    """

    name = "bleu"

    def __init__(self, tokenize: str = "13a") -> None:
        from sacrebleu.metrics.bleu import BLEU

        # sacrebleu logs a warning for single sentences without effective_order; the counts that
        # are read from it are the same.
        self._bleu = BLEU(tokenize=tokenize, effective_order=True)
        self._corpus = BLEU(tokenize=tokenize)
        self._corpus.corpus_score(["a"], [["a"]])  # its signature counts the references of a call

    @property
    def signature(self) -> str:
        """The settings that a paper reports with a BLEU score, to make it comparable."""
        return str(self._corpus.get_signature())

    def row_numbers(self, prediction: Prediction, label: Label) -> Sequence[float]:
        score = self._bleu.sentence_score(str(prediction), references(label))
        return [*score.counts, *score.totals, float(score.sys_len), float(score.ref_len)]

    def combine(self, sums: Floats) -> Floats:
        from sacrebleu.metrics.bleu import BLEU

        found = []
        for row in sums:
            counts, totals = [int(x) for x in row[:4]], [int(x) for x in row[4:8]]
            score = BLEU.compute_bleu(counts, totals, int(row[8]), int(row[9]), smooth_method="exp")
            found.append(score.score)
        return np.array(found)


class ChrF(SumMetric):
    """Corpus chrF (Popović, 2015), 0 to 100: characters' n-grams up to 6, recall twice as heavy.

    Ours, since sacrebleu's counts are private and a bootstrap needs them; equal to its score.
    """

    name = "chrf"
    order = 6
    beta = 2

    def row_numbers(self, prediction: Prediction, label: Label) -> Sequence[float]:
        found = self._grams(str(prediction))
        rows = [self._match(found, self._grams(one)) for one in references(label)]
        # As in sacrebleu, a row counts against its best reference alone.
        return max(rows, key=lambda row: float(self.combine(np.array([[*row, 1.0]]))[0]))

    def _grams(self, text: str) -> list[Counter[tuple[str, ...]]]:
        letters = "".join(text.split())
        return [_ngrams(letters, size) for size in range(1, self.order + 1)]

    @staticmethod
    def _match(
        found: list[Counter[tuple[str, ...]]], truth: list[Counter[tuple[str, ...]]]
    ) -> list[float]:
        numbers: list[float] = []
        for grams, right in zip(found, truth, strict=True):
            there = float(sum(grams.values()))
            # An order that the reference is too short for is left out of the mean.
            shared = float(sum((grams & right).values()))
            numbers += [there if right else 0.0, float(sum(right.values())), shared]
        return numbers

    def combine(self, sums: Floats) -> Floats:
        precision, recall, orders = (np.zeros(len(sums)) for _ in range(3))
        for at in range(0, 3 * self.order, 3):
            found, truth, shared = sums[:, at], sums[:, at + 1], sums[:, at + 2]
            counts = (found > 0) & (truth > 0)
            precision += np.where(counts, divide(shared, found), 0)
            recall += np.where(counts, divide(shared, truth), 0)
            orders += counts
        # Precision and recall are means over the orders; their F is taken once, at the end.
        precision, recall = divide(precision, orders), divide(recall, orders)
        factor = self.beta**2
        return 100 * divide((1 + factor) * precision * recall, factor * precision + recall)
