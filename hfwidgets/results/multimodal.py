"""Results of the tasks that ask about a picture, named as the field names them."""

from hfwidgets.results.record import Record


class VisualQuestionAnsweringOutputElement(Record):
    """An answer and its score, between 0 and 1."""

    answer: str | None
    score: float


class DocumentQuestionAnsweringOutputElement(Record):
    """An answer; `start` and `end` are the first and last word it was read from.

    Some models give the answer alone.
    """

    answer: str
    score: float | None
    start: int | None
    end: int | None
