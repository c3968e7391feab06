"""Answer with Qwen2.5-Coder-0.5B, where its weights are installed: the standard set.

Chat and text generation are those of the light model, on another file. Questions about a text and
sentiment are asked of it in words: unlike the light model it copies from a text when told to.
"""

import math
import re
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Annotated, Any

import msgspec
from anyio import to_thread

from hfwidgets.engine.base.capability import LoadedModels
from hfwidgets.engine.base.limits import check_not_blank
from hfwidgets.engine.base.llama import ChatStyle, Llama
from hfwidgets.engine.base.scores import LabelScore, Transform, rank_labels
from hfwidgets.engine.base.sentences import split_sentences
from hfwidgets.engine.base.weights import WEIGHTS
from hfwidgets.engine.chat import generation
from hfwidgets.engine.chat.question_answering import (
    NO_ANSWER,
    PassageQuestion,
    SpanAnswer,
    rank_answers,
    select_context,
    sentence_similarities,
)
from hfwidgets.engine.text.sentiment import Vader

MODEL = "Qwen/Qwen2.5-Coder-0.5B-Instruct"
# Without the first sentence, which the model was trained with, it says that OpenAI made it.
SYSTEM_PROMPT = (
    "You are Qwen, created by Alibaba Cloud. You are a helpful assistant. Give short, correct "
    "answers."
)

MAX_CONTEXT_CHARACTERS = 6_000
"""About what fits into the model's 2,048 tokens next to a question and its answer."""

_ANSWER_TOKENS = 40

MIN_SCORE = 0.5
"""The least score of an answer. Below it the model mostly invents, as when it says "unknown"."""

_QUESTION_PROMPT = (
    "<|im_start|>system\nAnswer with the shortest phrase copied from the text. If the text does "
    "not say, answer: unknown.<|im_end|>\n<|im_start|>user\nText: {context}\n\n"
    "Question: {question}<|im_end|>\n<|im_start|>assistant\n"
)
_MOOD_TURN = "<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n"
_MOOD_EXAMPLES = (
    ("The office is closed on Mondays.", "neutral"),
    ("It broke on the first day.", "negative"),
    ("I would buy it again.", "positive"),
    ("The ticket is valid for two hours.", "neutral"),
)
_MOOD_PROMPT = (
    "<|im_start|>system\nClassify the sentiment of the text as positive, negative or neutral. "
    "Answer with one word.<|im_end|>\n"
    + "".join(f"{_MOOD_TURN.format(text=text)}{mood}<|im_end|>\n" for text, mood in _MOOD_EXAMPLES)
    + _MOOD_TURN
)
_MOODS = {
    "POSITIVE": ("positive", "Positive"),
    "NEGATIVE": ("negative", "Negative"),
    "NEUTRAL": ("neutral", "Neutral"),
}

# The model hardly ever says "neutral": for plain facts it gives the word about a third of what it
# gives to "positive". It overlooks moods that a lexicon knows, such as "bored", and that one takes
# irony at its word, so it only adds to what the model thinks. Both numbers were found on 38
# sentences, which are not among those that claims are based on.
_NEUTRAL_WEIGHT, _LEXICON_WEIGHT = 3.0, 1.5
_FIRST_TOKENS = 50

_EMPTY_WORDS = frozenset(
    {
        *("a", "an", "and", "at", "by", "for", "from", "in", "is", "it", "of", "on", "or"),
        *("the", "to", "was", "were", "with"),
    }
)
"""Words with which no answer begins."""

LLAMA = Llama(
    lambda: WEIGHTS["qwen"].path("model.gguf"), MODEL, ChatStyle(SYSTEM_PROMPT, repeat_penalty=1.05)
)
"""The model's process; nothing is loaded before the first request."""


async def question_answering(
    models: LoadedModels,
    inputs: PassageQuestion,
    *,
    top_k: Annotated[int, msgspec.Meta(ge=1, le=6)] = 1,
    max_answer_len: Annotated[int, msgspec.Meta(ge=1, le=30)] = 15,
) -> SpanAnswer | list[SpanAnswer]:
    """Return the span that the model copies; `max_answer_len` counts words.

    Where the model is not sure of any, or says what the text does not, the answer is empty and has
    the reason. Several answers, and one that is too long, are left to the likelihood of spans
    (`question_answering.py`), computed with the same model.
    """
    if top_k > 1:
        return await rank_answers(models, inputs, count=top_k, longest=min(max_answer_len, 6))
    check_not_blank(inputs.question, "question")
    context = inputs.context
    if len(context) > MAX_CONTEXT_CHARACTERS:
        context = await to_thread.run_sync(_nearest_sentences, models, inputs)
    text, score = await copy_answer(models, inputs.question, context)
    place = find_in_text(text, inputs.context)
    if score < MIN_SCORE or place is None:
        return {"answer": "", "score": score, "start": 0, "end": 0, "reason": NO_ANSWER}
    if len(text.split()) > max_answer_len:
        return (await rank_answers(models, inputs, count=1, longest=min(max_answer_len, 6)))[0]
    start, end = place
    return {"answer": inputs.context[start:end], "score": score, "start": start, "end": end}


def _nearest_sentences(models: LoadedModels, inputs: PassageQuestion) -> str:
    """Return the sentences nearest to the question, as many as the model reads."""
    parts = split_sentences(inputs.context)
    nearest = select_context(parts, sentence_similarities(models, inputs.question, parts))
    # Its words may be long, or of a language with few spaces.
    return nearest[:MAX_CONTEXT_CHARACTERS]


async def copy_answer(models: LoadedModels, question: str, context: str) -> tuple[str, float]:
    """Return what the model answers, and the geometric mean of its tokens' probabilities."""
    prompt = _QUESTION_PROMPT.format(context=context, question=question)
    request = {"prompt": prompt, "n_predict": _ANSWER_TOKENS, "temperature": 0, "n_probs": 1}
    answer = await models.llama.request_json("/completion", request)
    logprobs = [token["logprob"] for token in answer.get("completion_probabilities") or ()]
    mean = sum(logprobs) / len(logprobs) if logprobs else -math.inf
    return str(answer["content"]).strip(), math.exp(mean)


def find_in_text(answer: str, context: str) -> tuple[int, int] | None:
    """Return where an answer stands in a text, whatever its case, spaces and last punctuation.

    Of an answer that is a sentence around the phrase, the longest run of words that the text has
    too; None if that is a single word that says nothing, such as "the".
    """
    words = [word.lower() for word in re.findall(r"\w+", answer)]
    tokens = list(re.finditer(r"\w+", context))
    texts = [token[0].lower() for token in tokens]
    # In longer texts difflib would otherwise ignore frequent words, which an answer may consist of.
    match = SequenceMatcher(None, words, texts, autojunk=False).find_longest_match()
    run = words[match.a : match.a + match.size]
    first, last = match.b, match.b + match.size
    while run and run[0] in _EMPTY_WORDS:
        run, first = run[1:], first + 1
    return (tokens[first].start(), tokens[last - 1].end()) if run else None


async def text_classification(
    models: LoadedModels,
    inputs: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_CONTEXT_CHARACTERS)],
    *,
    function_to_apply: Transform = "softmax",
    top_k: Annotated[int, msgspec.Meta(ge=1)] | None = None,
) -> list[list[LabelScore]]:
    """Return POSITIVE, NEGATIVE and NEUTRAL, the likeliest first.

    The model's next word and the words of a lexicon decide.
    """
    likely = await models.llama.next_tokens(_MOOD_PROMPT.format(text=inputs), _FIRST_TOKENS)
    # Reversed, so that of tokens which differ only by a space the likelier one wins.
    by_text = {text.strip(): logprob for text, logprob in reversed(likely.values())}
    # A word outside the list is at most as likely as the last word in it.
    floor = min(logprob for _, logprob in likely.values())
    logits = {
        label: max(by_text.get(word, floor) for word in words) for label, words in _MOODS.items()
    }
    compound = await to_thread.run_sync(models.get(Vader).compound_score, inputs)
    logits["POSITIVE"] += _LEXICON_WEIGHT * compound
    logits["NEGATIVE"] -= _LEXICON_WEIGHT * compound
    logits["NEUTRAL"] += math.log(_NEUTRAL_WEIGHT)
    return [rank_labels(list(logits), list(logits.values()), function_to_apply, top_k)]


_TASKS: dict[str, Any] = {
    **generation.CAPABILITY.serves,
    "question-answering": question_answering,
    "text-classification": text_classification,
}

CAPABILITY = replace(
    generation.CAPABILITY,
    name="qwen",
    model=MODEL,
    serves=_TASKS,
    weights=("qwen", "minilm"),
    languages=("English", "Chinese", "Spanish", "French", "German"),
    limits=(
        "A small model (500 million parameters), made for code: simple questions and arithmetic, "
        "often wrong on facts. 2,048 tokens together with the answer; text only; tools are chosen "
        "by meaning. Classification is English sentiment."
    ),
    is_upgrade=True,
    llama=LLAMA,
    measured={
        "chat-completion": (29, 40),
        "question-answering": (31, 36),
        "text-classification": (37, 40),
    },
)
