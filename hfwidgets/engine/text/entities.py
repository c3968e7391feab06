"""Recognize named entities in English text: people, places, organizations, dates, amounts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, TypedDict

import msgspec

from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.weights import WEIGHTS
from hfwidgets.engine.text.entities_net import BEGIN, OUT, UNIT, EntityNetwork, TokenAction
from hfwidgets.engine.text.entities_text import SpacyToken, SpacyTokenizer

Strategy = Literal["none", "simple", "first", "average", "max"]
Text = Annotated[str, msgspec.Meta(max_length=100_000)]


class EntityGroup(TypedDict):
    """An entity of one or several tokens; offsets in characters, the end exclusive."""

    entity_group: str
    score: float
    word: str
    start: int
    end: int


class TaggedToken(TypedDict):
    """A token of an entity, with its label marked as beginning (B-) or inside (I-)."""

    entity: str
    score: float
    word: str
    start: int
    end: int


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
    """A token of an entity with its predicted action."""

    token: SpacyToken
    action: TokenAction


class EntityRecognizer:
    """The tokenizer's rules and the network, loaded."""

    def __init__(self, tokenizer: SpacyTokenizer, network: EntityNetwork) -> None:
        self._tokenizer = tokenizer
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
        """Return the entities, each as its tokens."""
        tokens = self._tokenizer.tokenize(text)
        entities: list[list[EntityToken]] = []
        for token, action in zip(tokens, self._network.classify(tokens), strict=True):
            if action.kind in (BEGIN, UNIT):
                entities.append([EntityToken(token, action)])
            elif action.kind != OUT and entities:
                entities[-1].append(EntityToken(token, action))
        return entities


def token_classification(
    models: LoadedModels,
    inputs: Text,
    *,
    aggregation_strategy: Strategy = "simple",
    ignore_labels: list[str] | None = None,
) -> list[EntityGroup] | list[TaggedToken]:
    """Return the entities, or without aggregation their tokens, with OntoNotes labels (PERSON,
    GPE).

    The strategies differ in how an entity's score follows from those of its tokens; its text is the
    same with all.
    """
    ignored = set(ignore_labels or ())
    entities = [
        tokens
        for tokens in models.get(EntityRecognizer).find_entities(inputs)
        if tokens[0].action.label not in ignored
    ]
    if aggregation_strategy == "none":
        tagged = [
            _format_token(index, token) for tokens in entities for index, token in enumerate(tokens)
        ]
        return [token for token in tagged if token["entity"] not in ignored]
    score = _SCORE_FUNCTIONS[aggregation_strategy]
    return [_format_entity(inputs, tokens, score) for tokens in entities]


def _format_entity(
    text: str, tokens: list[EntityToken], score: Callable[[Sequence[float]], float]
) -> EntityGroup:
    start, end = tokens[0].token.start, tokens[-1].token.end
    return {
        "entity_group": tokens[0].action.label,
        "score": score([part.action.score for part in tokens]),
        "word": text[start:end],
        "start": start,
        "end": end,
    }


def _format_token(index: int, part: EntityToken) -> TaggedToken:
    return {
        "entity": f"{'I' if index else 'B'}-{part.action.label}",
        "score": part.action.score,
        "word": part.token.text,
        "start": part.token.start,
        "end": part.token.end,
    }


CAPABILITY = Capability(
    name="entities",
    model="spacy/en_core_web_sm",
    serves={"token-classification": token_classification},
    weights=("entities",),
    measured={"token-classification": (58, 63)},
    license="MIT",
    languages=("English",),
    limits="English; 18 kinds of entities (OntoNotes); version 2.2.5 of 2019.",
)
