"""Answer questions about an image of a page with Qwen2.5-Coder-0.5B, where it is installed.

The text is read and given to the model, which copies the answer. That reads sentences as well as
forms, where the light set's way depends on one line that resembles the question.
"""

from dataclasses import replace
from typing import Annotated, Literal

import msgspec
from anyio import to_thread

from hfwidgets.engine.base.capability import LoadedModels
from hfwidgets.engine.chat import qwen
from hfwidgets.engine.chat.question_answering import NO_ANSWER
from hfwidgets.engine.vision import documents, ocr
from hfwidgets.engine.vision.documents import DocumentQuestion, PageAnswer


async def document_question_answering(
    models: LoadedModels,
    inputs: DocumentQuestion,
    *,
    top_k: Annotated[int, msgspec.Meta(ge=1, le=10)] = 1,
    max_answer_len: Annotated[int, msgspec.Meta(ge=1, le=30)] = 15,
    lang: Literal["en", "eng"] = "en",
) -> list[PageAnswer]:
    """Return the answer that the model copies from the page; `max_answer_len` counts words.

    Where the model is not sure of any, the answer is empty and has the reason. Several answers, a
    long page, and an answer that is not on the page are left to the nearest lines (`documents.py`),
    with the same model.
    """
    lines = await to_thread.run_sync(documents.read_page, models, inputs.image)
    page = "\n".join(lines)
    if top_k == 1 and len(page) <= qwen.MAX_CONTEXT_CHARACTERS:
        text, score = await qwen.copy_answer(models, inputs.question, page)
        if score < qwen.MIN_SCORE:
            return [{"answer": "", "score": score, "start": 0, "end": 0, "reason": NO_ANSWER}]
        place = qwen.find_in_text(text, page)
        if place is not None:
            return [_to_answer(page, score, *_widen_to_field(page, *place, max_answer_len))]
    return await documents.answer_from_lines(models, inputs.question, lines, top_k, max_answer_len)


def _widen_to_field(page: str, start: int, end: int, longest: int) -> tuple[int, int]:
    """Return the whole value of the field that a span is a part of; any other span unchanged."""
    first = page.rfind("\n", 0, start) + 1
    line = page[first:].partition("\n")[0]
    value = documents.find_field_value(line, longest)
    value_start = first + len(line) - len(value)
    is_inside = value and value_start <= start and end <= first + len(line)
    return (value_start, first + len(line)) if is_inside else (start, end)


def _to_answer(page: str, score: float, start: int, end: int) -> PageAnswer:
    answer = " ".join(page[start:end].split())
    first = len(page[:start].split())
    return {
        "answer": answer,
        "score": score,
        "start": first,
        "end": first + len(answer.split()) - 1,
    }


CAPABILITY = replace(
    documents.CAPABILITY,
    name="page-questions",
    model=f"{ocr.MODEL}+{qwen.MODEL.partition('/')[2]}",
    serves={"document-question-answering": document_question_answering},
    weights=("ocr", "minilm", "qwen"),
    limits="English forms and letters that fit into 2,048 tokens.",
    is_upgrade=True,
    llama=qwen.LLAMA,
    measured={"document-question-answering": (25, 30)},
)
