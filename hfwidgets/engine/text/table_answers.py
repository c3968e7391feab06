"""Answer simple questions about a table by rules; MiniLM finds the column a question means.

Rows are selected by the values that a question mentions, by a comparison ("more than 50") or by a
superlative ("the largest"); then cells are taken from the column in question, and counted, summed
or averaged when the question asks for it.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Literal, NotRequired, TypedDict

import msgspec

from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.base.limits import check_not_blank
from hfwidgets.engine.text.minilm import LANGUAGES, MODEL, MiniLM

MAX_CELLS = 20_000

_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?|-?\.\d+")
_COMPARISON = re.compile(
    r"\b(more|greater|larger|higher|over|above|at least|"
    r"less|fewer|lower|smaller|under|below|at most)\b"
    r"\s+(?:than\s+)?[$€£]?(\d[\d,.]*)"
)
_GREATER_WORDS = frozenset(["more", "greater", "larger", "higher", "over", "above", "at least"])
_HIGHEST_WORDS = frozenset(
    re.findall(
        r"\w+",
        """highest most largest biggest greatest maximum max best longest tallest oldest latest
        newest heaviest fastest richest""",
    )
)
_LOWEST_WORDS = frozenset(
    re.findall(
        r"\w+",
        """lowest least smallest fewest minimum min worst shortest youngest earliest cheapest
        lightest slowest""",
    )
)
_NOUN = re.compile(r"\b(?:which|what|how many)\s+(\w+)")
_COUNT = re.compile(r"\bhow many\b|\bnumber of\b|\bcount\b")
_AVERAGE = re.compile(r"\baverage\b|\bmean\b")
_SUM = re.compile(r"\btotal\b|\bsum\b|\bin all\b|\b(al)?together\b")
_AMOUNT = re.compile(r"\bhow (many|much|old|tall|long|far|big|large|high)\b")
_NAMED_COLUMN_BONUS = 0.5  # added to a column's similarity when the question names it
_FIRST_COLUMN_BONUS = 0.15  # a superlative asks for a row's name, usually in the first column

NO_ROWS = "No row of the table is what this question asks about."

Cell = str | int | float | None
Aggregator = Literal["NONE", "COUNT", "SUM", "AVERAGE"]


class TableQuestion(msgspec.Struct):
    """A question and a table as column name -> values."""

    query: Annotated[str, msgspec.Meta(min_length=1)]
    table: Annotated[dict[str, list[Cell]], msgspec.Meta(min_length=1)]


@dataclass(frozen=True, slots=True)
class CellTable:
    """The cells as texts, and the names of the columns that hold only numbers."""

    columns: dict[str, list[str]]
    numeric_columns: frozenset[str]

    @property
    def row_numbers(self) -> range:
        """Return the row numbers."""
        return range(len(next(iter(self.columns.values()))))

    def number_at(self, row: int, column: str) -> float:
        """Return the value of a cell in a numeric column."""
        return _parse_number(self.columns[column][row]) or 0.0


@dataclass(frozen=True, slots=True)
class RowSelection:
    """The rows that a question means, and the columns that identified them."""

    rows: list[int]
    matched_columns: frozenset[str] = frozenset()
    is_superlative: bool = False


class TableAnswer(TypedDict):
    """An answer with its cells and their coordinates, as (row, column), and with their names."""

    answer: str
    coordinates: list[list[int]]
    cells: list[str]
    aggregator: Aggregator
    column: str
    """The name of the cells' column."""
    rows: list[str]
    """What the first column has in the cells' rows, which usually names them."""
    reason: NotRequired[str]
    """Why the answer is empty."""


def table_question_answering(models: LoadedModels, inputs: TableQuestion) -> TableAnswer:
    """Return the answer, with its cells, where they are in the table, and the aggregation."""
    check_not_blank(inputs.query, "query")
    table, query = _parse_table(inputs.table), inputs.query
    similarity = _column_similarities(models, table, query)
    selection = _select_rows(table, query, similarity)
    # A column that selected the rows holds what the question already states.
    rest = [column for column in table.columns if column not in selection.matched_columns] or list(
        table.columns
    )
    aggregator = _choose_aggregator(table, query, rest)
    column = _choose_column(table, query, rest, similarity, aggregator, selection)
    cells = [table.columns[column][row] for row in selection.rows]
    index = list(table.columns).index(column)
    found: TableAnswer = {
        "answer": _aggregate_cells(cells, aggregator),
        "coordinates": [[row, index] for row in selection.rows],
        "cells": cells,
        "aggregator": aggregator,
        "column": column,
        "rows": [next(iter(table.columns.values()))[row] for row in selection.rows],
    }
    if not found["answer"]:
        found["reason"] = NO_ROWS
    return found


def _parse_table(values: dict[str, list[Cell]]) -> CellTable:
    """Check the table: all columns of one length, not empty, not too large."""
    columns = {
        name: ["" if cell is None else str(cell) for cell in cells]
        for name, cells in values.items()
    }
    lengths = {len(cells) for cells in columns.values()}
    if lengths in (set(), {0}) or len(lengths) > 1:
        raise bad_request(
            "The table's columns must all have the same number of values, at least one.", "table"
        )
    if len(columns) * lengths.pop() > MAX_CELLS:
        raise bad_request(f"The table has more than {MAX_CELLS} cells.", "table")
    # A column counts as numeric only if every cell is one, or sums would skip cells silently.
    numeric = {
        name
        for name, cells in columns.items()
        if all(_parse_number(cell) is not None for cell in cells)
    }
    return CellTable(columns, frozenset(numeric))


def _parse_number(text: str) -> float | None:
    """Return the number in a cell, without unit and thousands separators; None for other texts."""
    match = _NUMBER.search(text)
    if match is None or len(match[0]) < len(text.strip()) / 2:
        return None  # a date or a name with a digit in it
    return float(match[0].replace(",", ""))


def _column_similarities(models: LoadedModels, table: CellTable, query: str) -> dict[str, float]:
    """Return how near each column's name is to the question."""
    names = list(table.columns)
    vectors = models.get(MiniLM).embed([query, *(name.replace("_", " ") for name in names)])
    lowered, noun = query.lower(), _find_noun(query)
    return {
        name: float(value)
        + _NAMED_COLUMN_BONUS * bool(re.search(rf"\b{re.escape(name.lower())}s?\b", lowered))
        + _NAMED_COLUMN_BONUS * (noun in _singular_words(name))
        for name, value in zip(names, vectors[1:] @ vectors[0], strict=True)
    }


def _find_noun(query: str) -> str:
    """Return the noun that the question asks for: "country" for "which countries", else ""."""
    match = _NOUN.search(query.lower())
    return _to_singular(match[1]) if match else ""


def _singular_words(name: str) -> set[str]:
    """Return the words of a column's name, in the singular."""
    return {_to_singular(word) for word in re.findall(r"\w+", name.lower().replace("_", " "))}


def _to_singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and len(word) > 3 else word


def _select_rows(table: CellTable, query: str, similarity: dict[str, float]) -> RowSelection:
    """Return the rows that the question means; all of them when it singles out none."""
    lowered = query.lower()
    mentioned = _find_mentioned_rows(table, query)
    by_number = max(table.numeric_columns, key=lambda name: similarity[name], default=None)
    comparison = _COMPARISON.search(lowered)
    if comparison and by_number:
        bound, upward = _parse_number(comparison[2]) or 0.0, comparison[1] in _GREATER_WORDS
        inclusive = comparison[1] in ("at least", "at most")
        rows = [
            row
            for row in table.row_numbers
            if _is_within_bound(table.number_at(row, by_number), bound, upward, inclusive)
        ]
        return RowSelection(rows, frozenset([by_number]))
    words = set(re.findall(r"\w+", lowered))
    if by_number and words & (_HIGHEST_WORDS | _LOWEST_WORDS):
        best = max if words & _HIGHEST_WORDS else min
        row = best(
            mentioned.rows or table.row_numbers, key=lambda row: table.number_at(row, by_number)
        )
        return RowSelection([row], mentioned.matched_columns | {by_number}, is_superlative=True)
    if mentioned.rows or _names_something_else(table, query):
        return mentioned
    return RowSelection(list(table.row_numbers))


def _names_something_else(table: CellTable, query: str) -> bool:
    """True if the question has a name or a large number that occurs nowhere in the table."""
    known = _singular_words(" ".join(table.columns))
    known.update(*(_singular_words(cell) for cells in table.columns.values() for cell in cells))
    # Not the first word, which has a capital anyway.
    named = re.findall(r"(?<=\s)(?:[A-Z]\w+|\d{3,})", query)
    return any(_to_singular(word.lower()) not in known for word in named)


def _is_within_bound(value: float, bound: float, upward: bool, inclusive: bool) -> bool:
    return (value > bound if upward else value < bound) or (inclusive and value == bound)


def _find_mentioned_rows(table: CellTable, query: str) -> RowSelection:
    """Return the rows that hold a value of the question: a text if there is any, else a number."""
    # Texts first: a number in a question is more often a bound than a cell's value.
    for numeric in (False, True):
        hits = [
            (row, column)
            for column, cells in table.columns.items()
            for row, cell in enumerate(cells)
            if (column in table.numeric_columns) == numeric and _is_mentioned(cell, query)
        ]
        if hits:
            return RowSelection(
                sorted({row for row, _ in hits}), frozenset(column for _, column in hits)
            )
    return RowSelection([])


def _is_mentioned(cell: str, query: str) -> bool:
    """True if a cell's value occurs in the question as a separate word or number."""
    return bool(cell) and bool(
        re.search(rf"(?<![\w.,]){re.escape(cell.lower())}(?!\w|[.,]\d)", query.lower())
    )


def _choose_aggregator(table: CellTable, query: str, columns: list[str]) -> Aggregator:
    lowered = query.lower()
    if _AVERAGE.search(lowered):
        return "AVERAGE"
    if _SUM.search(lowered):
        return "SUM"
    # "How many points ..." asks for a value of the column "points", not for a count of rows.
    named = any(
        _find_noun(query) in _singular_words(name)
        for name in columns
        if name in table.numeric_columns
    )
    return "COUNT" if _COUNT.search(lowered) and not named else "NONE"


def _choose_column(
    table: CellTable,
    query: str,
    columns: list[str],
    similarity: dict[str, float],
    aggregator: Aggregator,
    selection: RowSelection,
) -> str:
    """Return the column that the question asks for."""
    lowered = query.lower()
    numbers = [name for name in columns if name in table.numeric_columns]
    texts = [name for name in columns if name not in table.numeric_columns]
    if aggregator in ("SUM", "AVERAGE") or _AMOUNT.search(lowered):
        columns = numbers or columns
    elif lowered.lstrip().startswith("who"):
        columns = texts or columns
    first = next(iter(table.columns))
    # Ties and near ties go to the column that usually holds the rows' names.
    return max(
        columns,
        key=lambda name: (
            similarity[name] + _FIRST_COLUMN_BONUS * (selection.is_superlative and name == first)
        ),
    )


def _aggregate_cells(cells: list[str], aggregator: Aggregator) -> str:
    if aggregator == "COUNT":
        return str(len(cells))
    if aggregator == "NONE" or not cells:
        return ", ".join(cells)
    total = sum(_parse_number(cell) or 0.0 for cell in cells)
    return f"{total if aggregator == 'SUM' else total / len(cells):.10g}"


CAPABILITY = Capability(
    name="table-answers",
    model=MODEL,
    serves={"table-question-answering": table_question_answering},
    weights=("minilm",),
    measured={"table-question-answering": (29, 32)},
    license="Apache-2.0",
    languages=LANGUAGES,
    is_derived=True,
    limits="English; simple questions: lookup, comparison, superlative, count, sum, average.",
)
