"""The labels that models' words became, for the page, and the mapping with one of them changed."""

import itertools
from collections.abc import Mapping
from typing import Any

from hfwidgets import errors
from hfwidgets.evaluation import Evaluation
from hfwidgets.evaluation.labels import LabelMap
from hfwidgets.panels.document.protocol import LabelMapping, LabelMatch

MAX_WORDS = 50
"""The most words of a model that are listed: one that answers in sentences has one per row."""


def describe_mappings(evaluation: Evaluation) -> list[LabelMapping]:
    """Return each model's words with their labels; none for tasks without classes."""
    return [
        _describe_mapping(name, label_map)
        for name, label_map in evaluation.label_maps.items()
        if label_map is not None
    ]


def _describe_mapping(name: str, label_map: LabelMap) -> LabelMapping:
    labels = list_labels(label_map)
    return LabelMapping(
        model=name,
        words=[
            LabelMatch(
                word=str(word),
                label=None if label is None else labels.index(label),
                way=label_map.ways[word],
            )
            for word, label in itertools.islice(label_map.used.items(), MAX_WORDS)
        ],
        labels=list(map(str, labels)),
        more=max(0, len(label_map.used) - MAX_WORDS),
    )


def list_labels(label_map: LabelMap) -> list[Any]:
    """Return the labels that a word may stand for: the data's, then others that you mapped to."""
    used = (label for label in label_map.used.values() if label is not None)
    return list(dict.fromkeys([*label_map.classes, *used]))


def change_mapping(
    evaluation: Evaluation, model: str, word: Any, label: Any
) -> Mapping[str, Mapping[Any, Any]]:
    """Return the mappings of all models, for `rescore`, with another label for one word.

    Raises:
        ConfigurationError: an unknown model, a word that it did not answer, or a label that the
            data has not.
    """
    label_map = evaluation.label_maps.get(model)
    if label_map is None:
        known = [name for name, one in evaluation.label_maps.items() if one is not None]
        raise errors.ConfigurationError(
            f"{model!r} has no label mapping.{errors.did_you_mean(model, known)} Models with one: "
            f"{', '.join(known) or 'none'}."
        )
    for what, value, values in (
        ("word", word, list(label_map.used)),
        ("label", label, [None, *list_labels(label_map)]),
    ):
        if value not in values:
            shown = ", ".join(map(repr, values))
            raise errors.ConfigurationError(f"{value!r} is not a {what} of {model}: {shown}.")
    own = {name: one.names for name, one in evaluation.label_maps.items() if one is not None}
    return {**own, model: {**label_map.names, word: label}}
