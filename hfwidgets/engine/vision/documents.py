"""Questions about the picture of a page: it is read, and the line nearest to the question answers.

A line of the form "Name: value" answers with its value; of any other the chat model and MiniLM
choose the likeliest stretch, as they do for questions about a text.
"""

import asyncio
import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec

from hfwidgets.engine.base import images
from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.base.runtimes import require_modules
from hfwidgets.engine.base.sentences import Sentence
from hfwidgets.engine.chat import answers
from hfwidgets.engine.text.minilm import LANGUAGES, MiniLM, softmax
from hfwidgets.engine.text.spans import find_spans
from hfwidgets.engine.vision.ocr import OcrReader

_FIELD = re.compile(r"[^:]{2,40}:\s+(?P<value>\S.*)")
_MAX_LINES = 500
_SHARPNESS = 8.0  # turns differences of cosines into shares; found by trial


class DocumentQuestion(msgspec.Struct):
    """A question and the picture of a page."""

    question: Annotated[str, msgspec.Meta(min_length=1)]
    image: bytes


async def document_question_answering(
    kit: LoadedModels,
    inputs: DocumentQuestion,
    *,
    top_k: Annotated[int, msgspec.Meta(ge=1, le=10)] = 1,
    max_answer_len: Annotated[int, msgspec.Meta(ge=1, le=30)] = 15,
    lang: Literal["en", "eng"] = "en",
) -> list[dict[str, Any]]:
    """An answer from each of the `top_k` nearest lines; start and end count the page's words."""
    lines, likeness = await asyncio.to_thread(_read_page, kit, inputs)
    shares = softmax(likeness, _SHARPNESS)
    found = []
    for index in sorted(range(len(lines)), key=lambda index: -likeness[index])[:top_k]:
        answer = await _answer_from_line(kit, inputs.question, lines[index], max_answer_len)
        start = sum(len(line.split()) for line in lines[:index]) + _word_index(lines[index], answer)
        end = start + len(answer.split()) - 1
        found.append({"answer": answer, "score": float(shares[index]), "start": start, "end": end})
    return found


def _read_page(kit: LoadedModels, inputs: DocumentQuestion) -> tuple[list[str], Sequence[float]]:
    """The page's lines and how near each is to the question."""
    lines = kit.get(OcrReader).read_lines(images.open_image(inputs.image))[:_MAX_LINES]
    if not lines:
        raise bad_request("No text was found in the picture.", "inputs")
    vectors = kit.get(MiniLM).embed([inputs.question, *lines])
    return lines, [float(value) for value in vectors[1:] @ vectors[0]]


async def _answer_from_line(kit: LoadedModels, question: str, line: str, longest: int) -> str:
    """What a line answers: the value of its field, its likeliest stretch, or all of it."""
    field = _FIELD.fullmatch(line)
    if field and len(field["value"].split()) <= longest:
        return field["value"]
    if not find_spans([Sentence(line, 0)], question, longest):
        return line
    asked = answers.PassageQuestion(question, line)
    found: dict[str, Any] = await answers.question_answering(kit, asked, max_answer_len=longest)
    return str(found["answer"])


def _word_index(line: str, answer: str) -> int:
    """Which of a line's words the answer starts with."""
    return len(line[: max(0, line.find(answer))].split())


CAPABILITY = Capability(
    name="documents",
    model="PaddlePaddle/PP-OCRv6-small+SmolLM2-135M-Instruct",
    serves={"document-question-answering": document_question_answering},
    weights=("ocr", "minilm", "smollm2"),
    license="Apache-2.0",
    languages=LANGUAGES,
    limits="Weak: English forms and letters, one line an answer; about three of four are right.",
    uses_chat_model=True,
    why_unavailable=require_modules("onnxruntime"),
)
