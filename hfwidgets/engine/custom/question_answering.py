"""Questions about a text or a table: the answer is a stretch of the one, cells of the other."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.custom.model import (
    NetworkModel,
    PipelineModel,
    Text,
    TopK,
    custom_task,
    drop_none,
)

Probabilities = NDArray[np.float64]
_MAX_ANSWER_TOKENS, _MAX_QUESTION_TOKENS, _WINDOW_TOKENS, _OVERLAP_TOKENS = 15, 64, 384, 128
"""Tokens, where nothing else is asked for: of answers, questions, windows, and shared by two."""


class ContextQuestion(msgspec.Struct):
    """A question and the text that holds its answer."""

    question: Text
    context: Text


@dataclass(frozen=True, slots=True)
class AnswerSpan:
    """A possible answer: how likely it is, and where its characters stand in the context."""

    score: float
    start: int
    end: int


class ExtractiveModel(NetworkModel):
    """A model that says of each token how well an answer begins there, and how well it ends."""

    model_class = "AutoModelForQuestionAnswering"

    @property
    def max_tokens(self) -> int:
        """The tokens that the model reads at once."""
        positions = getattr(self.net.config, "max_position_embeddings", None)
        return int(min(filter(None, (positions, self.tokenizer.model_max_length))))

    def boundary_probabilities(
        self, windows: Any, index: int
    ) -> tuple[Probabilities, Probabilities]:
        """How likely each token of a window is the start, and the end, of the answer.

        Only the context's tokens can be, and the first one, which stands for "no answer".
        """
        import torch  # pyright: ignore[reportMissingImports]

        names = [name for name in self.tokenizer.model_input_names if name in windows]
        ids = {name: torch.tensor([windows[name][index]]) for name in names}
        with torch.inference_mode():
            found = self.net(**{name: value.to(self.net.device) for name, value in ids.items()})
        outside = torch.tensor([part != 1 for part in windows.sequence_ids(index)])
        outside[0] = False
        pair = (one[0].double().cpu() for one in (found.start_logits, found.end_logits))
        start, end = (one.masked_fill(outside, -torch.inf).softmax(0).numpy() for one in pair)
        return start, end


@custom_task(ExtractiveModel)
def question_answering(
    model: ExtractiveModel,
    inputs: ContextQuestion,
    *,
    align_to_words: bool = True,
    doc_stride: Annotated[int, msgspec.Meta(ge=0)] | None = None,
    handle_impossible_answer: bool = False,
    max_answer_len: TopK = _MAX_ANSWER_TOKENS,
    max_question_len: TopK = _MAX_QUESTION_TOKENS,
    max_seq_len: TopK = _WINDOW_TOKENS,
    top_k: TopK = 1,
) -> Any:
    """The likeliest stretch of the context, or the `top_k` likeliest as a list.

    Lengths count tokens; a long context is read in windows that share `doc_stride` of them.
    """
    question = _shorten_question(model, inputs.question, max_question_len)
    windows = _build_windows(model, question, inputs.context, max_seq_len, doc_stride)
    found = [
        one
        for index in range(len(windows["input_ids"]))
        for one in _find_spans(model, windows, index, max_answer_len, top_k)
    ]
    nothing = [one for one in found if one.start == one.end]
    spans = [one for one in found if one.start < one.end]
    if align_to_words:
        spans = [_widen_to_words(one, inputs.context) for one in spans]
    if handle_impossible_answer:  # it is not in the text only where no window has it
        spans.append(min(nothing, key=lambda one: one.score))
    answers = _select_best(spans, inputs.context, top_k)
    return answers[0] if top_k == 1 else answers


def _shorten_question(model: ExtractiveModel, question: str, most: int) -> str:
    """The question's first tokens."""
    options = {"add_special_tokens": False, "return_offsets_mapping": True}
    places = model.tokenizer(question, **options)["offset_mapping"]
    return question if len(places) <= most else question[: places[most - 1][1]]


def _build_windows(
    model: ExtractiveModel, question: str, context: str, size: int, shared: int | None
) -> Any:
    """The question with each part of the context, as the tokenizer makes them."""
    read, size = model.tokenizer, min(size, model.max_tokens)
    asked = len(read(question, add_special_tokens=False)["input_ids"])
    room = size - asked - read.num_special_tokens_to_add(pair=True)
    stride = min(_OVERLAP_TOKENS, room // 2) if shared is None else shared
    if room < 1 or stride >= room:
        raise bad_request(
            f"A window of {size} tokens has {max(0, room)} for the context beside the question, "
            "and the windows must share less. Shorten the question, or change max_seq_len.",
            "max_seq_len" if room < 1 else "doc_stride",
        )
    return read(
        question,
        context,
        truncation="only_second",
        max_length=size,
        stride=stride,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )


def _find_spans(
    model: ExtractiveModel, windows: Any, index: int, longest: int, count: int
) -> Iterator[AnswerSpan]:
    """A window's likeliest stretches, and how likely it is that it holds none."""
    start, end = model.boundary_probabilities(windows, index)
    yield AnswerSpan(float(start[0] * end[0]), 0, 0)
    start[0] = end[0] = 0
    likely = np.triu(np.outer(start, end)) * np.tri(len(start), k=longest - 1).T[::-1, ::-1]
    places = windows["offset_mapping"][index]
    for flat in np.argsort(-likely, axis=None)[:count]:
        first, last = np.unravel_index(flat, likely.shape)
        if likely[first, last] > 0:
            yield AnswerSpan(float(likely[first, last]), places[first][0], places[last][1])


def _widen_to_words(found: AnswerSpan, context: str) -> AnswerSpan:
    """The answer with whole words at both ends."""
    start, end = found.start, found.end
    while start > 0 and _is_inside_word(context, start):
        start -= 1
    while end < len(context) and _is_inside_word(context, end):
        end += 1
    return replace(found, start=start, end=end)


def _is_inside_word(text: str, place: int) -> bool:
    """Whether a place lies within a word."""
    return text[place - 1].isalnum() and text[place].isalnum()


def _select_best(found: list[AnswerSpan], context: str, count: int) -> list[dict[str, Any]]:
    """The likeliest answers, each stretch once; those that overlapping windows share are one."""
    seen: dict[tuple[int, int], AnswerSpan] = {}
    for one in sorted(found, key=lambda one: -one.score):
        seen.setdefault((one.start, one.end), one)
    return [
        {
            "score": one.score,
            "start": one.start,
            "end": one.end,
            "answer": context[one.start : one.end],
        }
        for one in list(seen.values())[:count]
    ]


Cell = str | int | float | None


class TableQuery(msgspec.Struct):
    """A question and a table as column name -> values."""

    query: Text
    table: Annotated[dict[str, list[Cell]], msgspec.Meta(min_length=1)]


class TableQuestionModel(PipelineModel):
    """A model of tables: TAPAS, or one that writes its answer."""

    required_modules = ("torch", "transformers", "pandas")


@custom_task(TableQuestionModel)
def table_question_answering(
    model: TableQuestionModel,
    inputs: TableQuery,
    *,
    padding: Literal["do_not_pad", "longest", "max_length"] | None = None,
    sequential: bool | None = None,
    truncation: bool | None = None,
) -> Any:
    """The answer, with its cells, their places and what is done with them where the model says."""
    if len({len(cells) for cells in inputs.table.values()}) > 1:
        raise bad_request("The columns must all have the same number of cells.", "table")
    tapas = model.pipe.type == "tapas"
    if sequential and not tapas:
        raise bad_request("sequential is for TAPAS models alone.", "sequential")
    cut = None if truncation is None else _TRUNCATION_MODES[truncation, tapas]
    texts = {name: [_cell_text(cell) for cell in cells] for name, cells in inputs.table.items()}
    options = drop_none(padding=padding, sequential=sequential, truncation=cut)
    return model({"table": texts, "query": inputs.query}, **options)


_TRUNCATION_MODES = {
    (False, True): "do_not_truncate",
    (False, False): "do_not_truncate",
    (True, True): "drop_rows_to_fit",
    (True, False): "longest_first",
}


def _cell_text(cell: Cell) -> str:
    return "" if cell is None else str(cell)
