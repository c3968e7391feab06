"""Answer questions about an image of a page: it is read, and the nearest line answers.

A line of the form "Name: value" answers with its value; for any other line the chat model and
MiniLM choose the likeliest span, as they do for questions about a text.
"""

import re
from typing import Annotated, Literal, NotRequired, TypedDict

import msgspec
from anyio import to_thread

from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.base.runtimes import require_modules
from hfwidgets.engine.base.scores import softmax
from hfwidgets.engine.base.sentences import Sentence
from hfwidgets.engine.chat import question_answering
from hfwidgets.engine.text.minilm import LANGUAGES, MiniLM
from hfwidgets.engine.text.spans import find_spans
from hfwidgets.engine.vision.ocr import NO_TEXT, OcrReader

_FIELD = re.compile(r"[^:]{2,40}:\s+(?P<value>\S.*)")
_MAX_LINES = 500
_SHARPNESS = 8.0  # turns differences between cosines into shares; found by trial


class DocumentQuestion(msgspec.Struct):
    """A question and the image of a page."""

    question: Annotated[str, msgspec.Meta(min_length=1)]
    image: bytes


class PageAnswer(TypedDict):
    """An answer, and its first and last word counted from the page's first.

    An empty one has the reason why there is none.
    """

    answer: str
    score: float
    start: int
    end: int
    reason: NotRequired[str]


async def document_question_answering(
    models: LoadedModels,
    inputs: DocumentQuestion,
    *,
    top_k: Annotated[int, msgspec.Meta(ge=1, le=10)] = 1,
    max_answer_len: Annotated[int, msgspec.Meta(ge=1, le=30)] = 15,
    lang: Literal["en", "eng"] = "en",
) -> list[PageAnswer]:
    """Return an answer from each of the `top_k` nearest lines; `max_answer_len` counts words."""
    lines = await to_thread.run_sync(read_page, models, inputs.image)
    return await answer_from_lines(models, inputs.question, lines, top_k, max_answer_len)


async def answer_from_lines(
    models: LoadedModels, question: str, lines: list[str], count: int, longest: int
) -> list[PageAnswer]:
    """Return an answer of at most `longest` words from each of the `count` nearest lines."""
    similarity = await to_thread.run_sync(_rate_lines, models, question, lines)
    shares = softmax(similarity, _SHARPNESS)
    found: list[PageAnswer] = []
    for index in sorted(range(len(lines)), key=lambda index: -similarity[index])[:count]:
        answer = await _answer_from_line(models, question, lines[index], longest)
        start = sum(len(line.split()) for line in lines[:index]) + _word_index(lines[index], answer)
        end = start + len(answer.split()) - 1
        found.append({"answer": answer, "score": float(shares[index]), "start": start, "end": end})
    return found


def read_page(models: LoadedModels, image: bytes) -> list[str]:
    """Return the lines of a page; a 400 if it has none."""
    lines = models.get(OcrReader).read_file(image)[:_MAX_LINES]
    if not lines:
        raise bad_request(NO_TEXT, "inputs")
    return lines


def _rate_lines(models: LoadedModels, question: str, lines: list[str]) -> list[float]:
    """Return how near each line is to the question."""
    vectors = models.get(MiniLM).embed([question, *lines])
    return [float(value) for value in vectors[1:] @ vectors[0]]


async def _answer_from_line(models: LoadedModels, question: str, line: str, longest: int) -> str:
    """Return the value of the line's field, else its likeliest span, else all of it."""
    # Forms are the usual documents, and their values need no model.
    if value := find_field_value(line, longest):
        return value
    if not find_spans([Sentence(line, 0)], question, longest):
        return line
    passage = question_answering.PassageQuestion(question, line)
    [best] = await question_answering.rank_answers(models, passage, count=1, longest=longest)
    return best["answer"]


def find_field_value(line: str, longest: int) -> str:
    """Return the value in a line such as "Name: value", if it has at most `longest` words."""
    field = _FIELD.fullmatch(line)
    return field["value"] if field and len(field["value"].split()) <= longest else ""


def _word_index(line: str, answer: str) -> int:
    """Return the index of the word that the answer starts with."""
    return len(line[: max(0, line.find(answer))].split())


CAPABILITY = Capability(
    name="documents",
    model="PaddlePaddle/PP-OCRv6-small+SmolLM2-135M-Instruct",
    serves={"document-question-answering": document_question_answering},
    weights=("ocr", "minilm", "smollm2"),
    license="Apache-2.0",
    languages=LANGUAGES,
    limits="Weak: English forms and letters, one line per answer.",
    measured={"document-question-answering": (24, 30)},
    uses_chat_model=True,
    why_unavailable=require_modules("onnxruntime"),
)
