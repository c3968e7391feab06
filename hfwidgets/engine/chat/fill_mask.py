"""Fill a blank with the chat model: words that may follow the left side, rated by the whole."""

import re
from typing import Annotated, TypedDict

import msgspec

from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.base.limits import check_text_length
from hfwidgets.engine.base.scores import softmax
from hfwidgets.engine.chat.chat import MODEL

MAX_CANDIDATES, MAX_FINALISTS = 24, 8
"""How many of the likeliest next words are rated with the first tokens after the mask, and how many
of those with all of them. Twice as many find hardly more, and take twice as long."""

MAX_WORDS = 48
"""How many words a request may ask for or name."""

_GLANCE_TOKENS = 1  # the number of those first tokens

_MASK = re.compile(r"\[MASK\]|<mask>")
_WORD = re.compile(r"[A-Za-z][A-Za-z'-]*|\d+")
_PROMPT_PREFIX = "Sentence: "  # so that a mask at the very start has something before it

_MAX_FOLLOWING_TOKENS = 48  # tokens after the mask that are rated: each costs one step per word

ScoredWord = tuple[str, float]
Targets = Annotated[list[str], msgspec.Meta(min_length=1, max_length=MAX_WORDS)]


class FilledMask(TypedDict):
    """A word for the mask, as the Hub's wire has it; `score` is its share among those rated."""

    score: float
    token: int
    token_str: str
    sequence: str


async def fill_mask(
    models: LoadedModels,
    inputs: str,
    *,
    top_k: Annotated[int, msgspec.Meta(ge=1, le=MAX_WORDS)] = 5,
    targets: Targets | None = None,
) -> list[FilledMask]:
    """Return the likeliest words for the one [MASK] or <mask>, best first."""
    [inputs] = check_text_length([inputs])
    masks = list(_MASK.finditer(inputs))
    if len(masks) != 1:
        raise bad_request(f"The text must hold one [MASK] or <mask>, not {len(masks)}.", "inputs")
    before, after = inputs[: masks[0].start()], inputs[masks[0].end() :]
    # The tokens of words begin with their space: after one at the end, all of them become unlikely.
    left = _PROMPT_PREFIX + before.rstrip()
    words = (
        await _score_targets(models, left, targets)
        if targets
        else await _find_likely_words(models, left, max(MAX_CANDIDATES, top_k))
    )
    if not words:
        raise bad_request(
            "No word is likely in the mask's place: the text before it is not English, or breaks "
            "off within a word. Change it, or name words in targets.",
            "inputs",
        )
    # Each word costs a request, so most are dropped after a look at one token of what follows.
    rest = (await models.llama.tokenize(after))[:_MAX_FOLLOWING_TOKENS] if after.strip() else []
    final = max(MAX_FINALISTS, top_k)
    # Rating a word takes one step per following token: the shortlist keeps that affordable.
    if len(words) > final:
        words = (await _rank_words(models, left, words, rest[:_GLANCE_TOKENS]))[:final]
    ranked = await _rank_words(models, left, words, rest)
    shares = softmax([score for _, score in ranked])
    return [
        await _format_element(models, float(share), word, before, after)
        for share, (word, _) in list(zip(shares, ranked, strict=True))[:top_k]
    ]


async def _rank_words(
    models: LoadedModels, left: str, words: list[ScoredWord], rest: list[int]
) -> list[ScoredWord]:
    """Return the words rated with what follows them, the likeliest first."""
    if not rest:
        return sorted(words, key=lambda pair: -pair[1])
    scored = [
        (word, own + await models.llama.score_continuation(f"{left} {word}", rest))
        for word, own in words
    ]
    return sorted(scored, key=lambda pair: -pair[1])


async def _find_likely_words(models: LoadedModels, left: str, count: int) -> list[ScoredWord]:
    """Return the `count` likeliest next words, each once, with their log-probabilities."""
    words: dict[str, ScoredWord] = {}
    # More than needed, because parts of words and punctuation are dropped below.
    for token, score in (await models.llama.next_tokens(left, 3 * count)).values():
        word = token.strip()
        # A leading space marks a whole word; other tokens continue the word before the mask.
        if token.startswith(" ") and _WORD.fullmatch(word):
            words.setdefault(word.lower(), (word, score))
    return list(words.values())[:count]


async def _score_targets(models: LoadedModels, left: str, targets: Targets) -> list[ScoredWord]:
    """Return the given words with their log-probabilities after the left side."""
    words = [word.strip() for word in targets]
    if not all(words):
        raise bad_request("A target is empty.", "targets")
    return [
        (word, await models.llama.score_continuation(left, await models.llama.tokenize(f" {word}")))
        for word in words
    ]


async def _format_element(
    models: LoadedModels, share: float, word: str, before: str, after: str
) -> FilledMask:
    token = (await models.llama.tokenize(f" {word}"))[0]
    return {"score": share, "token": token, "token_str": word, "sequence": before + word + after}


CAPABILITY = Capability(
    name="fill-mask",
    model=MODEL,
    serves={"fill-mask": fill_mask},
    weights=("smollm2",),
    license="Apache-2.0",
    languages=("English",),
    is_derived=True,
    limits="English; one mask, filled with one word.",
    measured={"fill-mask": (23, 36)},
    uses_chat_model=True,
)
