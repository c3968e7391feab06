"""Answer questions about a text with a span of it, chosen by likelihood.

Both models rate the spans: MiniLM by how near their sentence is to the question, the chat model by
how likely each is as the answer. If it wrote freely, the chat model would invent one.
"""

from typing import Annotated, NotRequired, TypedDict

import msgspec
from anyio import to_thread

from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.base.limits import check_not_blank
from hfwidgets.engine.base.scores import softmax
from hfwidgets.engine.base.sentences import Sentence, split_sentences
from hfwidgets.engine.chat.chat import MODEL
from hfwidgets.engine.text.minilm import MiniLM
from hfwidgets.engine.text.spans import AnswerSpan, find_spans

MAX_CANDIDATES, MAX_FINALISTS = 60, 6
"""How many spans of the nearest sentences are considered, and how many are rated in full."""

_FIRST_TOKENS = 1000  # the number of likeliest first tokens requested for an answer

NO_ANSWER = "The text does not seem to answer this question."

CONTEXT_WORDS = 700
"""Words of the text given to the chat model: the sentences nearest to the question."""

# Found by trial: the weight of a cosine against a log-probability, the exponent by which that is
# evened out over the number of tokens, and the share of what is likely without the question (any
# name, the text's first words) that is subtracted.
_SIMILARITY_WEIGHT, _LENGTH_EXPONENT, _PRIOR_WEIGHT = 6.0, 0.85, 0.5
_EMPTY_QUESTION = "What?"

_EXAMPLES = (
    "Context: The bridge was opened in 1932 by Anna Berg. It is 503 meters long.\n"
    "Question: Who opened the bridge?\nAnswer: Anna Berg\n\n"
    "Context: The bridge was opened in 1932 by Anna Berg. It is 503 meters long.\n"
    "Question: How long is the bridge?\nAnswer: 503 meters\n\n"
    "Context: Tom keeps his two boats in Oslo. He sails them every summer.\n"
    "Question: Where are the boats?\nAnswer: Oslo\n\n"
)


class PassageQuestion(msgspec.Struct):
    """A question and the text that contains its answer."""

    question: Annotated[str, msgspec.Meta(min_length=1)]
    context: Annotated[str, msgspec.Meta(min_length=1, max_length=200_000)]


class SpanAnswer(TypedDict):
    """An answer with its place in the context, [start, end) in characters.

    An empty one has the reason why there is none.
    """

    answer: str
    score: float
    start: int
    end: int
    reason: NotRequired[str]


async def question_answering(
    models: LoadedModels,
    inputs: PassageQuestion,
    *,
    top_k: Annotated[int, msgspec.Meta(ge=1, le=MAX_FINALISTS)] = 1,
    max_answer_len: Annotated[int, msgspec.Meta(ge=1, le=30)] = 6,
) -> SpanAnswer | list[SpanAnswer]:
    """Return the likeliest span, or a list of `top_k`; `max_answer_len` counts words."""
    ranked = await rank_answers(models, inputs, count=top_k, longest=max_answer_len)
    return ranked[0] if top_k == 1 else ranked


async def rank_answers(
    models: LoadedModels, inputs: PassageQuestion, *, count: int, longest: int
) -> list[SpanAnswer]:
    """Return the `count` likeliest spans of at most `longest` words, best first."""
    check_not_blank(inputs.question, "question")
    parts = split_sentences(inputs.context)
    similarity = await to_thread.run_sync(sentence_similarities, models, inputs.question, parts)
    spans = find_spans(parts, inputs.question, longest)
    if not spans:
        raise bad_request("No span of the context could answer the question.", "inputs")
    nearest = sorted(spans, key=lambda span: -similarity[span.sentence])
    candidates = _drop_duplicates(nearest)[:MAX_CANDIDATES]
    context = select_context(parts, similarity)
    prompts = _build_prompt(inputs.question, context), _build_prompt(_EMPTY_QUESTION, context)
    ranked = await _rank_spans(models, prompts, candidates, similarity)
    shares = softmax([score for score, _ in ranked])
    return [
        {"answer": span.text, "score": float(share), "start": span.start, "end": span.end}
        for share, (_, span) in list(zip(shares, ranked, strict=True))[:count]
    ]


async def _rank_spans(
    models: LoadedModels, prompts: tuple[str, str], spans: list[AnswerSpan], similarity: list[float]
) -> list[tuple[float, AnswerSpan]]:
    """Return the best spans with their scores, best first.

    Each is rated by its log-probability with the question, less a part of that without it. The
    first token alone, known for all from two requests, decides which are rated in full.
    """
    llama = models.llama
    # The line break is rated as well: it is unlikely after a span that stops too early.
    tokens = {span: await llama.tokenize(f" {span.text}\n") for span in spans}
    bonus = {span: _SIMILARITY_WEIGHT * similarity[span.sentence] for span in spans}
    with_question, without = [await llama.next_tokens(prompt, _FIRST_TOKENS) for prompt in prompts]
    estimate = {
        span: _first_logprob(with_question, ids[0])
        - _PRIOR_WEIGHT * _first_logprob(without, ids[0])
        + bonus[span]
        for span, ids in tokens.items()
    }
    finalists = sorted(spans, key=lambda span: -estimate[span])[:MAX_FINALISTS]
    # All of one prompt before the other: its beginning then stays in the server's cache.
    likelihoods = [await llama.score_continuation(prompts[0], tokens[one]) for one in finalists]
    priors = [await llama.score_continuation(prompts[1], tokens[one]) for one in finalists]
    scored = [
        (
            (likelihood - _PRIOR_WEIGHT * prior) / len(tokens[span]) ** _LENGTH_EXPONENT
            + bonus[span],
            span,
        )
        for span, likelihood, prior in zip(finalists, likelihoods, priors, strict=True)
    ]
    return sorted(scored, key=lambda pair: -pair[0])


def _first_logprob(likely: dict[int, tuple[str, float]], token: int) -> float:
    """Return a first token's log-probability; for unlisted ones that of the last in the list."""
    return likely[token][1] if token in likely else next(reversed(likely.values()))[1]


def sentence_similarities(
    models: LoadedModels, question: str, parts: list[Sentence]
) -> list[float]:
    """Return how near each sentence is to the question, -1 to 1."""
    vectors = models.get(MiniLM).embed([question, *(part.text for part in parts)])
    return [float(value) for value in vectors[1:] @ vectors[0]]


def select_context(parts: list[Sentence], similarity: list[float]) -> str:
    """Return the text for the chat model: whole, or its nearest sentences in their order."""
    budget, kept = CONTEXT_WORDS, list[int]()
    for index in sorted(range(len(parts)), key=lambda index: -similarity[index]):
        words = len(parts[index].text.split())
        # The nearest sentence is always taken, and cut below if it alone is too long.
        if words <= budget or not kept:
            kept.append(index)
            budget -= words
    texts = [" ".join(parts[index].text.split()[:CONTEXT_WORDS]) for index in sorted(kept)]
    return " ".join(texts)


def _build_prompt(question: str, context: str) -> str:
    return f"{_EXAMPLES}Context: {context}\nQuestion: {question}\nAnswer:"


def _drop_duplicates(spans: list[AnswerSpan]) -> list[AnswerSpan]:
    """Return the spans, each text once."""
    seen: dict[str, AnswerSpan] = {}
    for span in spans:
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
    limits="English; the answer is always a span of the context, by default of up to 6 words.",
    measured={"question-answering": (22, 36)},
    uses_chat_model=True,
)
