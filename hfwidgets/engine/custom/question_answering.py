"""Questions about a text or a table: the answer is a stretch of the one, cells of the other."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from hfwidgets.engine.base.http_errors import bad
from hfwidgets.engine.custom.model import Network, Pipeline, Text, Top, given, task

Scores = NDArray[np.float64]
_ANSWER, _QUESTION, _WINDOW, _SHARED = 15, 64, 384, 128
"""Tokens, where nothing else is asked for: of answers, questions, windows, and shared by two."""


class Question(msgspec.Struct):
    """A question and the text that holds its answer."""

    question: Text
    context: Text


@dataclass(frozen=True, slots=True)
class Found:
    """A possible answer: how likely it is, and where its characters stand in the context."""

    score: float
    start: int
    end: int


class Finder(Network):
    """A model that says of each token how well an answer begins there, and how well it ends."""

    kind = "AutoModelForQuestionAnswering"

    @property
    def most(self) -> int:
        """The tokens that the model reads at once."""
        positions = getattr(self.net.config, "max_position_embeddings", None)
        return int(min(filter(None, (positions, self.read.model_max_length))))

    def shares(self, windows: Any, index: int) -> tuple[Scores, Scores]:
        """How likely each token of a window is the start, and the end, of the answer.

        Only the context's tokens can be, and the first one, which stands for "no answer".
        """
        import torch  # pyright: ignore[reportMissingImports]

        names = [name for name in self.read.model_input_names if name in windows]
        ids = {name: torch.tensor([windows[name][index]]) for name in names}
        with torch.inference_mode():
            found = self.net(**{name: value.to(self.net.device) for name, value in ids.items()})
        outside = torch.tensor([part != 1 for part in windows.sequence_ids(index)])
        outside[0] = False
        pair = (one[0].double().cpu() for one in (found.start_logits, found.end_logits))
        start, end = (one.masked_fill(outside, -torch.inf).softmax(0).numpy() for one in pair)
        return start, end


@task(Finder)
def question_answering(
    model: Finder,
    inputs: Question,
    *,
    align_to_words: bool = True,
    doc_stride: Annotated[int, msgspec.Meta(ge=0)] | None = None,
    handle_impossible_answer: bool = False,
    max_answer_len: Top = _ANSWER,
    max_question_len: Top = _QUESTION,
    max_seq_len: Top = _WINDOW,
    top_k: Top = 1,
) -> Any:
    """The likeliest stretch of the context, or the `top_k` likeliest as a list.

    Lengths count tokens; a long context is read in windows that share `doc_stride` of them.
    """
    question = _shortened(model, inputs.question, max_question_len)
    windows = _windows(model, question, inputs.context, max_seq_len, doc_stride)
    found = [
        one
        for index in range(len(windows["input_ids"]))
        for one in _stretches(model, windows, index, max_answer_len, top_k)
    ]
    nothing = [one for one in found if one.start == one.end]
    spans = [one for one in found if one.start < one.end]
    if align_to_words:
        spans = [_widened(one, inputs.context) for one in spans]
    if handle_impossible_answer:  # it is not in the text only where no window has it
        spans.append(min(nothing, key=lambda one: one.score))
    answers = _best(spans, inputs.context, top_k)
    return answers[0] if top_k == 1 else answers


def _shortened(model: Finder, question: str, most: int) -> str:
    """The question's first tokens."""
    options = {"add_special_tokens": False, "return_offsets_mapping": True}
    places = model.read(question, **options)["offset_mapping"]
    return question if len(places) <= most else question[: places[most - 1][1]]


def _windows(model: Finder, question: str, context: str, size: int, shared: int | None) -> Any:
    """The question with each part of the context, as the tokenizer makes them."""
    read, size = model.read, min(size, model.most)
    asked = len(read(question, add_special_tokens=False)["input_ids"])
    room = size - asked - read.num_special_tokens_to_add(pair=True)
    stride = min(_SHARED, room // 2) if shared is None else shared
    if room < 1 or stride >= room:
        raise bad(
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


def _stretches(
    model: Finder, windows: Any, index: int, longest: int, count: int
) -> Iterator[Found]:
    """A window's likeliest stretches, and how likely it is that it holds none."""
    start, end = model.shares(windows, index)
    yield Found(float(start[0] * end[0]), 0, 0)
    start[0] = end[0] = 0
    likely = np.triu(np.outer(start, end)) * np.tri(len(start), k=longest - 1).T[::-1, ::-1]
    places = windows["offset_mapping"][index]
    for flat in np.argsort(-likely, axis=None)[:count]:
        first, last = np.unravel_index(flat, likely.shape)
        if likely[first, last] > 0:
            yield Found(float(likely[first, last]), places[first][0], places[last][1])


def _widened(found: Found, context: str) -> Found:
    """The answer with whole words at both ends."""
    start, end = found.start, found.end
    while start > 0 and _inside(context, start):
        start -= 1
    while end < len(context) and _inside(context, end):
        end += 1
    return replace(found, start=start, end=end)


def _inside(text: str, place: int) -> bool:
    """Whether a place lies within a word."""
    return text[place - 1].isalnum() and text[place].isalnum()


def _best(found: list[Found], context: str, count: int) -> list[dict[str, Any]]:
    """The likeliest answers, each stretch once; those that overlapping windows share are one."""
    seen: dict[tuple[int, int], Found] = {}
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


class TableQuestion(msgspec.Struct):
    """A question and a table as column name -> values."""

    query: Text
    table: Annotated[dict[str, list[Cell]], msgspec.Meta(min_length=1)]


class TableReader(Pipeline):
    """A model of tables: TAPAS, or one that writes its answer."""

    modules = ("torch", "transformers", "pandas")


@task(TableReader)
def table_question_answering(
    model: TableReader,
    inputs: TableQuestion,
    *,
    padding: Literal["do_not_pad", "longest", "max_length"] | None = None,
    sequential: bool | None = None,
    truncation: bool | None = None,
) -> Any:
    """The answer, with its cells, their places and what is done with them where the model says."""
    if len({len(cells) for cells in inputs.table.values()}) > 1:
        raise bad("The columns must all have the same number of cells.", "table")
    tapas = model.pipe.type == "tapas"
    if sequential and not tapas:
        raise bad("sequential is for TAPAS models alone.", "sequential")
    cut = None if truncation is None else _CUTS[truncation, tapas]
    texts = {name: [_text(cell) for cell in cells] for name, cells in inputs.table.items()}
    options = given(padding=padding, sequential=sequential, truncation=cut)
    return model({"table": texts, "query": inputs.query}, **options)


_CUTS = {
    (False, True): "do_not_truncate",
    (False, False): "do_not_truncate",
    (True, True): "drop_rows_to_fit",
    (True, False): "longest_first",
}


def _text(cell: Cell) -> str:
    return "" if cell is None else str(cell)
