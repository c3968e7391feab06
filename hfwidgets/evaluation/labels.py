"""Match the words that models use for labels with those of the data.

A word is matched exactly, then without case, spaces and `_` or `-`, then by the model's own
`id2label`, then by the class names of a data set whose labels are numbers. Never by position:
`LABEL_1` may be either class, and a guess would score a good model as the worst.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from hfwidgets.evaluation.values import Table

LabelNames: TypeAlias = Mapping[Any, Any]
"""From a model's word to the data's label; None drops the word."""

MatchWay: TypeAlias = Literal["your mapping", "the same name", "name", "id2label", "none"]
"""How a word was matched; `name` is without case, spaces and `_` or `-`."""

PATIENCE_ROWS = 20
"""After so many rows with no word that matches, the mapping is missing and not the model bad."""

OTHER = "(other)"
"""What a word without a label counts as: wrong."""


def fold_label(label: object) -> str:
    """Return a label without case, spaces, hyphens and underscores."""
    return re.sub(r"[\s_\-]+", "", str(label)).casefold()


class LabelMap:
    """One model's words as the data's labels.

    Args:
        model: the model's name, for errors.
        classes: the data's labels.
        names: the user's own mapping.
        id2label: the model's names for its numbers, such as {"LABEL_0": "negative"}.

    Attributes:
        names: the user's own mapping.
        used: each word that was seen with the label it became, None for one without a partner.
        ways: each word that was seen with how it was matched.
    """

    def __init__(
        self,
        model: str,
        classes: Iterable[Any],
        names: LabelNames | None = None,
        id2label: Mapping[str, str] | None = None,
    ) -> None:
        self.model = model
        self.classes = list(dict.fromkeys(classes))
        self.names = {**(names or {})}
        self._id2label = {fold_label(key): value for key, value in (id2label or {}).items()}
        self._folded: dict[str, Any] = {}
        for name in self.classes:
            # Labels that differ only in case share a key; exact matches are tried before it.
            self._folded.setdefault(fold_label(name), name)
        self.used: dict[Any, Any] = {}
        self.ways: dict[Any, MatchWay] = {}

    def drops(self, word: object) -> bool:
        """True if the mapping says that a word is no answer at all."""
        is_dropped = word in self.names and self.names[word] is None
        if is_dropped:
            self.find(word)  # so that it is listed
        return is_dropped

    def find(self, word: object) -> Any:
        """Return the label for a word; OTHER where it has none."""
        self.used[word], self.ways[word] = self._match(word)
        return OTHER if self.used[word] is None else self.used[word]

    def _match(self, word: object) -> tuple[Any, MatchWay]:
        if word in self.names:
            return self.names[word], "your mapping"
        if word in self.classes:
            return word, "the same name"
        folded = fold_label(word)
        if folded in self._folded:
            return self._folded[folded], "name"
        named = fold_label(self._id2label.get(folded, ""))
        if named in self._folded:
            return self._folded[named], "id2label"
        return None, "none"

    def find_fault(self) -> str:
        """Return what to do if no word of the model has a label; empty if any has one.

        The sentence shows both lists and a mapping to paste. It is not raised, since the answers
        were paid for, and `rescore` needs no others.
        """
        if not self.used or any(label is not None for label in self.used.values()):
            return ""
        words = [str(word) for word in self.used]
        paste = ", ".join(f"{word!r}: ..." for word in list(self.used)[:8])
        return (
            f"None of the labels of {self.model} ({_join(words)}) is one of the data's "
            f"({_join(self.classes)}). Call rescore(labels={{{self.model!r}: {{{paste}}}}}) with "
            "the data's label for each; nothing is asked again."
        )


def describe_unknown(maps: Iterable[LabelMap]) -> list[str]:
    """Return a sentence for each label that the user's mappings lead to and no row has."""
    targets = {label: label in one.classes for one in maps for label in one.names.values()}
    return [
        f"labels= leads to {label!r}, which no row has as its label."
        for label, is_known in targets.items()
        if label is not None and not is_known
    ]


def suspect_swap(found: Sequence[Any], truth: Sequence[Any], classes: Sequence[Any]) -> str:
    """Return a warning if two labels exchanged would score far more; they are never exchanged.

    Args:
        found: the predicted labels.
        truth: the right ones.
        classes: the data's labels.
    """
    if len(classes) != 2 or len(found) < PATIENCE_ROWS:
        return ""
    a, b = classes
    exchanged = {a: b, b: a}
    right = sum(x == y for x, y in zip(found, truth, strict=True))
    swapped = sum(exchanged.get(x) == y for x, y in zip(found, truth, strict=True))
    if swapped < right + 0.3 * len(found):
        return ""
    return (
        f"{swapped} of {len(found)} rows would be right, and not {right}, if {a!r} and {b!r} were "
        "exchanged: check the label mapping."
    )


def class_names(data: Table, column: str) -> Mapping[int, str]:
    """Return the names of a data set's numbered classes, as the datasets library holds them."""
    feature = (getattr(data, "features", None) or {}).get(column)
    names = getattr(feature, "names", None) or ()
    return dict(enumerate(names))


def _join(words: Iterable[Any], most: int = 8) -> str:
    shown = [str(word) for word in words]
    return ", ".join(shown[:most]) + (", ..." if len(shown) > most else "")
