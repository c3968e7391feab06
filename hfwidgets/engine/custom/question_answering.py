"""Answer questions from a text (a span of it) or from a table (some of its cells)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from hfwidgets.engine.base.answer_spans import (
    ContextQuestion,
    ScoredSpan,
    choose_overlap,
    find_spans,
    select_answers,
    widen_to_words,
)
from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.custom.model import (
    NetworkModel,
    PipelineModel,
    Text,
    TopK,
    custom_task,
    drop_none,
)

if TYPE_CHECKING:
    from transformers import BatchEncoding  # pyright: ignore[reportMissingImports]

Probabilities = NDArray[np.float64]
# The defaults of transformers' question-answering pipeline, in tokens.
_MAX_ANSWER_TOKENS, _MAX_QUESTION_TOKENS, _WINDOW_TOKENS = 15, 64, 384


class ExtractiveModel(NetworkModel):
    """Open a model that scores each token as the start and as the end of the answer."""

    model_class = "AutoModelForQuestionAnswering"

    @property
    def max_tokens(self) -> int:
        """Return the number of tokens that the model reads at once."""
        positions = getattr(self.net.config, "max_position_embeddings", None)
        return int(min(filter(None, (positions, self.tokenizer.model_max_length))))

    def boundary_probabilities(
        self, windows: "BatchEncoding", index: int
    ) -> tuple[Probabilities, Probabilities]:
        """Return the probabilities of a window's tokens to start and to end the answer.

        Both have shape (tokens,). Only the context's tokens can be a boundary, and the first token,
        which stands for "no answer".
        """
        import torch  # pyright: ignore[reportMissingImports]

        names = [name for name in self.tokenizer.model_input_names if name in windows]
        ids = {name: torch.tensor([windows[name][index]]) for name in names}
        with torch.inference_mode():
            output = self.net(**{name: value.to(self.net.device) for name, value in ids.items()})
        is_outside = torch.tensor([part != 1 for part in windows.sequence_ids(index)])
        is_outside[0] = False
        pair = (logits[0].double().cpu() for logits in (output.start_logits, output.end_logits))
        start, end = (
            logits.masked_fill(is_outside, -torch.inf).softmax(0).numpy() for logits in pair
        )
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
    """Return the most likely span of the context, or the `top_k` most likely as a list.

    Lengths count tokens; a long context is read in windows that overlap by `doc_stride` tokens.
    """
    question = _shorten_question(model, inputs.question, max_question_len)
    windows = _build_windows(model, question, inputs.context, max_seq_len, doc_stride)
    candidates = [
        span
        for index in range(len(windows["input_ids"]))
        for span in _find_spans(model, windows, index, max_answer_len, top_k)
    ]
    empty = [span for span in candidates if span.start == span.end]
    spans = [span for span in candidates if span.start < span.end]
    if align_to_words:
        spans = [widen_to_words(span, inputs.context) for span in spans]
    if handle_impossible_answer:
        # The text lacks the answer only if every window does: the lowest score counts.
        spans.append(min(empty, key=lambda span: span.score))
    answers = select_answers(spans, inputs.context, top_k)
    return answers[0] if top_k == 1 else answers


def _shorten_question(model: ExtractiveModel, question: str, max_tokens: int) -> str:
    """Cut a question after `max_tokens` tokens."""
    options = {"add_special_tokens": False, "return_offsets_mapping": True}
    offsets = model.tokenizer(question, **options)["offset_mapping"]
    return question if len(offsets) <= max_tokens else question[: offsets[max_tokens - 1][1]]


def _build_windows(
    model: ExtractiveModel, question: str, context: str, size: int, overlap: int | None
) -> "BatchEncoding":
    """Tokenize the question with each part of the context, in windows of `size` tokens."""
    tokenizer, size = model.tokenizer, min(size, model.max_tokens)
    question_length = len(tokenizer(question, add_special_tokens=False)["input_ids"])
    context_size = size - question_length - tokenizer.num_special_tokens_to_add(pair=True)
    return tokenizer(
        question,
        context,
        truncation="only_second",
        max_length=size,
        stride=choose_overlap(size, context_size, overlap),
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )


def _find_spans(
    model: ExtractiveModel, windows: "BatchEncoding", index: int, longest: int, count: int
) -> Iterator[ScoredSpan]:
    """Yield a window's empty span ("no answer"), then its `count` most likely spans."""
    start, end = model.boundary_probabilities(windows, index)
    yield ScoredSpan(float(start[0] * end[0]), 0, 0)
    # The first token stands for "no answer", so it must not also take part in a span.
    start[0] = end[0] = 0
    yield from find_spans(start, end, windows["offset_mapping"][index], longest, count)


Cell = str | int | float | None


class TableQuery(msgspec.Struct):
    """A question and a table: column name -> cells."""

    query: Text
    table: Annotated[dict[str, list[Cell]], msgspec.Meta(min_length=1)]


class TableQuestionModel(PipelineModel):
    """Open a table model: TAPAS, or one that writes its answer."""

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
    """Answer a question from a table; TAPAS adds the cells, coordinates and aggregation."""
    if len({len(cells) for cells in inputs.table.values()}) > 1:
        raise bad_request("All columns must have the same number of cells.", "table")
    is_tapas = model.pipe.type == "tapas"
    if sequential and not is_tapas:
        raise bad_request("Only TAPAS models support sequential.", "sequential")
    mode = None if truncation is None else _TRUNCATION_MODES[truncation, is_tapas]
    texts = {name: [_cell_text(cell) for cell in cells] for name, cells in inputs.table.items()}
    options = drop_none(padding=padding, sequential=sequential, truncation=mode)
    return model({"table": texts, "query": inputs.query}, **options)


_TRUNCATION_MODES = {
    (False, True): "do_not_truncate",
    (False, False): "do_not_truncate",
    (True, True): "drop_rows_to_fit",
    (True, False): "longest_first",
}


def _cell_text(cell: Cell) -> str:
    return "" if cell is None else str(cell)
