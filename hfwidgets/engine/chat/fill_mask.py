"""A blank filled by the chat model: words that may follow the left side, weighed by the whole."""

import re
from typing import Annotated, Any

import msgspec

from hfwidgets.engine.base.capability import Capability, Kit
from hfwidgets.engine.base.http_errors import bad
from hfwidgets.engine.base.limits import bounded
from hfwidgets.engine.chat.chat import MODEL
from hfwidgets.engine.text.minilm import softmax

CANDIDATES, FINALISTS = 48, 12
"""How many of the likeliest next words are tried with the start of what follows, and how many of
those with all of it."""

_GLANCE = 1  # tokens of that start

_MASK = re.compile(r"\[MASK\]|<mask>")
_WORD = re.compile(r"[A-Za-z][A-Za-z'-]*|\d+")
_OPENING = "Sentence: "  # a mask at the very start would otherwise have nothing before it

_FOLLOWING = 48  # tokens after the mask that are weighed: each costs every word a step

Scored = tuple[str, float]
Targets = Annotated[list[str], msgspec.Meta(min_length=1, max_length=CANDIDATES)]


async def fill_mask(
    kit: Kit,
    inputs: str,
    *,
    top_k: Annotated[int, msgspec.Meta(ge=1, le=CANDIDATES)] = 5,
    targets: Targets | None = None,
) -> list[dict[str, Any]]:
    """The likeliest words for the one [MASK] or <mask>, with their shares among those weighed."""
    [inputs] = bounded([inputs])
    masks = list(_MASK.finditer(inputs))
    if len(masks) != 1:
        raise bad(f"The text must hold one [MASK] (or <mask>), not {len(masks)}.", "inputs")
    before, after = inputs[: masks[0].start()], inputs[masks[0].end() :]
    left = _OPENING + before.rstrip()
    words = await _given(kit, left, targets) if targets else await _likely(kit, left)
    rest = (await kit.llama.tokens(after))[:_FOLLOWING] if after.strip() else []
    final = max(FINALISTS, top_k)
    if len(words) > final:
        words = (await _weighed(kit, left, words, rest[:_GLANCE]))[:final]
    ranked = await _weighed(kit, left, words, rest)
    shares = softmax([score for _, score in ranked])
    return [
        await _element(kit, float(share), word, before, after)
        for share, (word, _) in list(zip(shares, ranked, strict=True))[:top_k]
    ]


async def _weighed(kit: Kit, left: str, words: list[Scored], rest: list[int]) -> list[Scored]:
    """The words with what follows them counted in, the likeliest first."""
    if not rest:
        return sorted(words, key=lambda pair: -pair[1])
    scored = [(word, own + await kit.llama.score(f"{left} {word}", rest)) for word, own in words]
    return sorted(scored, key=lambda pair: -pair[1])


async def _likely(kit: Kit, left: str) -> list[Scored]:
    """The likeliest next words, each once, with their log-probabilities."""
    words: dict[str, Scored] = {}
    for token, score in (await kit.llama.next_tokens(left, 3 * CANDIDATES)).values():
        word = token.strip()
        if token.startswith(" ") and _WORD.fullmatch(word):
            words.setdefault(word.lower(), (word, score))
    return list(words.values())[:CANDIDATES]


async def _given(kit: Kit, left: str, targets: Targets) -> list[Scored]:
    """The words to choose from, with their log-probabilities after the left side."""
    words = [word.strip() for word in targets]
    if not all(words):
        raise bad("A target is empty.", "targets")
    return [
        (word, await kit.llama.score(left, await kit.llama.tokens(f" {word}"))) for word in words
    ]


async def _element(kit: Kit, share: float, word: str, before: str, after: str) -> dict[str, Any]:
    token = (await kit.llama.tokens(f" {word}"))[0]
    return {"score": share, "token": token, "token_str": word, "sequence": before + word + after}


CAPABILITY = Capability(
    name="fill-mask",
    model=MODEL,
    serves={"fill-mask": fill_mask},
    weights=("smollm2",),
    licence="Apache-2.0",
    languages=("English",),
    limits="English; one mask, filled with one word; right about two times in three.",
    chats=True,
)
