"""Named entities of English text: people, places, organisations, dates, amounts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec

from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.weights import WEIGHTS
from hfwidgets.engine.text.entities_net import BEGIN, OUT, UNIT, EntityNetwork, TokenAction
from hfwidgets.engine.text.entities_text import SpacyToken, SpacyTokenizer

Strategy = Literal["none", "simple", "first", "average", "max"]
Json = dict[str, Any]

Text = Annotated[str, msgspec.Meta(max_length=100_000)]


def _mean(scores: Sequence[float]) -> float:
    return sum(scores) / len(scores)


_SCORE_FUNCTIONS: dict[str, Callable[[Sequence[float]], float]] = {
    "simple": _mean,
    "average": _mean,
    "first": lambda scores: scores[0],
    "max": max,
}


@dataclass(frozen=True, slots=True)
class EntityToken:
    """A token of an entity and what it is to it."""

    word: SpacyToken
    step: TokenAction


class EntityRecognizer:
    """The loaded rules and network."""

    def __init__(self, cutter: SpacyTokenizer, network: EntityNetwork) -> None:
        self._tokenizer = cutter
        self._network = network

    @classmethod
    def load(cls) -> "EntityRecognizer":
        """Open it; about 0.1 s and 5 MB."""
        weight = WEIGHTS["entities"]
        return cls(
            SpacyTokenizer(weight.path("tokenizer")),
            EntityNetwork(weight.path("model"), weight.path("moves")),
        )

    def find_entities(self, text: str) -> list[list[EntityToken]]:
        """The entities, each as its tokens."""
        words = self._tokenizer.tokenize(text)
        found: list[list[EntityToken]] = []
        for word, step in zip(words, self._network.classify(words), strict=True):
            if step.action in (BEGIN, UNIT):
                found.append([EntityToken(word, step)])
            elif step.action != OUT and found:
                found[-1].append(EntityToken(word, step))
        return found


def token_classification(
    kit: LoadedModels,
    inputs: Text,
    *,
    aggregation_strategy: Strategy = "simple",
    ignore_labels: list[str] | None = None,
) -> list[Json]:
    """The entities, or their tokens when nothing is aggregated; OntoNotes labels (PERSON, GPE).

    The strategies differ in how an entity's score follows from its tokens'; the text is always the
    entity's own.
    """
    ignored = set(ignore_labels or ())
    found = [
        one
        for one in kit.get(EntityRecognizer).find_entities(inputs)
        if one[0].step.label not in ignored
    ]
    if aggregation_strategy == "none":
        tokens = [_format_token(index, tagged) for one in found for index, tagged in enumerate(one)]
        return [token for token in tokens if token["entity"] not in ignored]
    score = _SCORE_FUNCTIONS[aggregation_strategy]
    return [_format_entity(inputs, one, score) for one in found]


def _format_entity(
    text: str, tokens: list[EntityToken], score: Callable[[Sequence[float]], float]
) -> Json:
    start, end = tokens[0].word.start, tokens[-1].word.end
    return {
        "entity_group": tokens[0].step.label,
        "score": score([tagged.step.score for tagged in tokens]),
        "word": text[start:end],
        "start": start,
        "end": end,
    }


def _format_token(index: int, tagged: EntityToken) -> Json:
    """One token of an entity, marked as its beginning (B-) or not (I-)."""
    return {
        "entity": f"{'I' if index else 'B'}-{tagged.step.label}",
        "score": tagged.step.score,
        "word": tagged.word.text,
        "start": tagged.word.start,
        "end": tagged.word.end,
    }


CAPABILITY = Capability(
    name="entities",
    model="spacy/en_core_web_sm",
    serves={"token-classification": token_classification},
    weights=("entities",),
    license="MIT",
    languages=("English",),
    limits="English; 18 kinds of entities (OntoNotes); version 2.2.5 of 2019.",
)
