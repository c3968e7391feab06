"""Answers to questions about a text: always a stretch of the text, chosen by likelihood.

Both models weigh the stretches: MiniLM how near their sentence is to the question, the chat model
how likely each is as the answer. Left to write freely the chat model would invent one.
"""

import asyncio
from typing import Annotated, Any

import msgspec

from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.base.sentences import Sentence, split_sentences
from hfwidgets.engine.chat.chat import MODEL
from hfwidgets.engine.text.minilm import MiniLM, softmax
from hfwidgets.engine.text.spans import Span, find_spans

MAX_CANDIDATES, MAX_FINALISTS = 60, 6
"""How many stretches of the nearest sentences are looked at, and how many are weighed whole."""

_FIRST_TOKENS = 1000  # likeliest first tokens of an answer that are asked for

CONTEXT_WORDS = 700
"""Words of the text that the chat model is shown: the sentences nearest to the question."""

# Found by trial: what a cosine weighs against a log-probability, how far that is evened out over
# its tokens (as a power of their number), and how much of what is likely without the question
# (any name, the text's first words) is taken off.
_SIMILARITY_WEIGHT, _LENGTH_EXPONENT, _PRIOR_WEIGHT = 6.0, 0.85, 0.5
_EMPTY_QUESTION = "What?"

_EXAMPLES = (
    "Context: The bridge was opened in 1932 by Anna Berg. It is 503 metres long.\n"
    "Question: Who opened the bridge?\nAnswer: Anna Berg\n\n"
    "Context: The bridge was opened in 1932 by Anna Berg. It is 503 metres long.\n"
    "Question: How long is the bridge?\nAnswer: 503 metres\n\n"
    "Context: Tom keeps his two boats in Oslo. He sails them every summer.\n"
    "Question: Where are the boats?\nAnswer: Oslo\n\n"
)


class PassageQuestion(msgspec.Struct):
    """A question and the text that holds its answer."""

    question: Annotated[str, msgspec.Meta(min_length=1)]
    context: Annotated[str, msgspec.Meta(min_length=1, max_length=200_000)]


async def question_answering(
    kit: LoadedModels,
    inputs: PassageQuestion,
    *,
    top_k: Annotated[int, msgspec.Meta(ge=1, le=MAX_FINALISTS)] = 1,
    max_answer_len: Annotated[int, msgspec.Meta(ge=1, le=30)] = 6,
) -> Any:
    """The likeliest stretch, or the `top_k` likeliest as a list; `max_answer_len` counts words."""
    parts = split_sentences(inputs.context)
    nearness = await asyncio.to_thread(_sentence_similarities, kit, inputs.question, parts)
    found = find_spans(parts, inputs.question, max_answer_len)
    if not found:
        raise bad_request("No stretch of the context could answer the question.", "inputs")
    found = _drop_duplicates(sorted(found, key=lambda span: -nearness[span.sentence]))[
        :MAX_CANDIDATES
    ]
    shown = _select_context(parts, nearness)
    prompts = _build_prompt(inputs.question, shown), _build_prompt(_EMPTY_QUESTION, shown)
    ranked = await _rank_spans(kit, prompts, found, nearness)
    shares = softmax([score for score, _ in ranked])
    answers = [
        {"answer": span.text, "score": float(share), "start": span.start, "end": span.end}
        for share, (_, span) in list(zip(shares, ranked, strict=True))[:top_k]
    ]
    return answers[0] if top_k == 1 else answers


async def _rank_spans(
    kit: LoadedModels, prompts: tuple[str, str], found: list[Span], nearness: list[float]
) -> list[tuple[float, Span]]:
    """The best stretches, the best first: most fall out by what their first token alone tells."""
    tokens = {span: await kit.llama.tokenize(f" {span.text}\n") for span in found}
    bonus = {span: _SIMILARITY_WEIGHT * nearness[span.sentence] for span in found}
    asked, unasked = [await kit.llama.next_tokens(prompt, _FIRST_TOKENS) for prompt in prompts]
    glance = {
        span: _first_logprob(asked, ids[0]) - _PRIOR_WEIGHT * _first_logprob(unasked, ids[0])
        for span, ids in tokens.items()
    }
    final = sorted(found, key=lambda span: -glance[span] - bonus[span])[:MAX_FINALISTS]
    # All of one prompt before the other: each keeps its place in the server's cache.
    with_question = [await kit.llama.score_continuation(prompts[0], tokens[span]) for span in final]
    without = [await kit.llama.score_continuation(prompts[1], tokens[span]) for span in final]
    scored = [
        ((yes - _PRIOR_WEIGHT * no) / len(tokens[span]) ** _LENGTH_EXPONENT + bonus[span], span)
        for span, yes, no in zip(final, with_question, without, strict=True)
    ]
    return sorted(scored, key=lambda pair: -pair[0])


def _first_logprob(likely: dict[int, tuple[str, float]], token: int) -> float:
    """A first token's log-probability; that of the last one known for those beyond."""
    return likely[token][1] if token in likely else next(reversed(likely.values()))[1]


def _sentence_similarities(kit: LoadedModels, question: str, parts: list[Sentence]) -> list[float]:
    """How near each sentence is to the question, -1 to 1."""
    vectors = kit.get(MiniLM).embed([question, *(part.text for part in parts)])
    return [float(value) for value in vectors[1:] @ vectors[0]]


def _select_context(parts: list[Sentence], nearness: list[float]) -> str:
    """The text as the chat model sees it: whole, or its nearest sentences in their order."""
    room, kept = CONTEXT_WORDS, list[int]()
    for index in sorted(range(len(parts)), key=lambda index: -nearness[index]):
        words = len(parts[index].text.split())
        if words <= room or not kept:
            kept.append(index)
            room -= words
    texts = [" ".join(parts[index].text.split()[:CONTEXT_WORDS]) for index in sorted(kept)]
    return " ".join(texts)


def _build_prompt(question: str, context: str) -> str:
    return f"{_EXAMPLES}Context: {context}\nQuestion: {question}\nAnswer:"


def _drop_duplicates(found: list[Span]) -> list[Span]:
    """The stretches, each text once."""
    seen: dict[str, Span] = {}
    for span in found:
        seen.setdefault(span.text.lower(), span)
    return list(seen.values())


CAPABILITY = Capability(
    name="answers",
    model=MODEL,
    serves={"question-answering": question_answering},
    weights=("smollm2", "minilm"),
    license="Apache-2.0",
    languages=("English",),
    is_derived=True,
    limits=(
        "English; the answer is always a stretch of the context, of up to 6 words unless told "
        "otherwise; about three of four are right."
    ),
    uses_chat_model=True,
)
