"""Results of the multimodal tasks, with the field's names."""

from hfwidgets.results.record import Record


class VisualQuestionAnsweringOutputElement(Record):
    """An answer and its score, between 0 and 1."""

    answer: str | None
    score: float


class DocumentQuestionAnsweringOutputElement(Record):
    """An answer, with the indices of the first and last word it was read from.

    Some models return the answer alone.
    """

    answer: str
    score: float | None
    start: int | None
    end: int | None
