"""Simple questions about a table, by rules; MiniLM tells which column a question means.

Rows are found by the values that a question mentions, by a comparison ("more than 50") or by a
superlative ("the largest"); then cells are taken from the column that is asked for, and counted,
summed or averaged when the question says so.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.http_errors import bad_request
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
_SUM = re.compile(r"\btotal\b|\bsum\b|\bin all\b|\baltogether\b")
_AMOUNT = re.compile(r"\bhow (many|much|old|tall|long|far|big|large|high)\b")
_NAMED_COLUMN_BONUS = 0.5  # added to a column's likeness when the question names it
_FIRST_COLUMN_BONUS = 0.15  # a superlative asks for what the rows are called, and that stands first

Cell = str | int | float | None


class TableQuestion(msgspec.Struct):
    """A question and a table as column name -> values."""

    query: Annotated[str, msgspec.Meta(min_length=1)]
    table: Annotated[dict[str, list[Cell]], msgspec.Meta(min_length=1)]


@dataclass(frozen=True, slots=True)
class CellTable:
    """The cells as texts, and which columns hold numbers alone."""

    columns: dict[str, list[str]]
    numeric_columns: frozenset[str]

    @property
    def row_numbers(self) -> range:
        """The row numbers."""
        return range(len(next(iter(self.columns.values()))))

    def number_at(self, row: int, column: str) -> float:
        """A numeric column's value."""
        return _parse_number(self.columns[column][row]) or 0.0


@dataclass(frozen=True, slots=True)
class RowSelection:
    """The rows that a question means, and the columns that told it."""

    rows: list[int]
    matched_columns: frozenset[str] = frozenset()
    is_superlative: bool = False


def table_question_answering(kit: LoadedModels, inputs: TableQuestion) -> dict[str, Any]:
    """The answer, the cells it comes from, where they stand, and what was done with them.

    `aggregator` is NONE, COUNT, SUM or AVERAGE; `answer` is the result of it.
    """
    table, query = _parse_table(inputs.table), inputs.query
    likeness = _column_similarities(kit, table, query)
    found = _select_rows(table, query, likeness)
    rest = [column for column in table.columns if column not in found.matched_columns] or list(
        table.columns
    )
    aggregator = _choose_aggregator(table, query, rest)
    column = _choose_column(table, query, rest, likeness, aggregator, found)
    cells = [table.columns[column][row] for row in found.rows]
    place = list(table.columns).index(column)
    return {
        "answer": _aggregate_cells(cells, aggregator),
        "coordinates": [[row, place] for row in found.rows],
        "cells": cells,
        "aggregator": aggregator,
    }


def _parse_table(given: dict[str, list[Cell]]) -> CellTable:
    """The table, checked: all columns of one length, not empty, not too large."""
    columns = {
        name: ["" if cell is None else str(cell) for cell in cells] for name, cells in given.items()
    }
    lengths = {len(cells) for cells in columns.values()}
    if lengths in (set(), {0}) or len(lengths) > 1:
        raise bad_request(
            "The table's columns must all have the same number of values, at least one.", "table"
        )
    if len(columns) * lengths.pop() > MAX_CELLS:
        raise bad_request(f"The table has more than {MAX_CELLS} cells.", "table")
    numeric = {
        name
        for name, cells in columns.items()
        if all(_parse_number(cell) is not None for cell in cells)
    }
    return CellTable(columns, frozenset(numeric))


def _parse_number(text: str) -> float | None:
    """The number that a cell is, without unit or thousands separators; None when it is none."""
    match = _NUMBER.search(text)
    if match is None or len(match[0]) < len(text.strip()) / 2:
        return None  # a date or a name with a digit in it
    return float(match[0].replace(",", ""))


def _column_similarities(kit: LoadedModels, table: CellTable, query: str) -> dict[str, float]:
    """How near each column's name is to the question."""
    names = list(table.columns)
    vectors = kit.get(MiniLM).embed([query, *(name.replace("_", " ") for name in names)])
    lowered, noun = query.lower(), _find_noun(query)
    return {
        name: float(value)
        + _NAMED_COLUMN_BONUS * bool(re.search(rf"\b{re.escape(name.lower())}s?\b", lowered))
        + _NAMED_COLUMN_BONUS * (noun in _singular_words(name))
        for name, value in zip(names, vectors[1:] @ vectors[0], strict=True)
    }


def _find_noun(query: str) -> str:
    """What the question asks for by name: "which countries" is "country"; else empty."""
    match = _NOUN.search(query.lower())
    return _to_singular(match[1]) if match else ""


def _singular_words(name: str) -> set[str]:
    """The words of a column's name, in the singular."""
    return {_to_singular(word) for word in re.findall(r"\w+", name.lower().replace("_", " "))}


def _to_singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and len(word) > 3 else word


def _select_rows(table: CellTable, query: str, likeness: dict[str, float]) -> RowSelection:
    """The rows that the question means; all of them when it singles out none."""
    lowered = query.lower()
    mentioned = _find_mentioned_rows(table, query)
    by_number = max(table.numeric_columns, key=lambda name: likeness[name], default=None)
    comparison = _COMPARISON.search(lowered)
    if comparison and by_number:
        bound, up = _parse_number(comparison[2]) or 0.0, comparison[1] in _GREATER_WORDS
        even = comparison[1] in ("at least", "at most")
        rows = [
            row
            for row in table.row_numbers
            if _is_within_bound(table.number_at(row, by_number), bound, up, even)
        ]
        return RowSelection(rows, frozenset([by_number]))
    words = set(re.findall(r"\w+", lowered))
    if by_number and words & (_HIGHEST_WORDS | _LOWEST_WORDS):
        best = max if words & _HIGHEST_WORDS else min
        row = best(
            mentioned.rows or table.row_numbers, key=lambda row: table.number_at(row, by_number)
        )
        return RowSelection([row], mentioned.matched_columns | {by_number}, is_superlative=True)
    return mentioned if mentioned.rows else RowSelection(list(table.row_numbers))


def _is_within_bound(value: float, bound: float, up: bool, even: bool) -> bool:
    return (value > bound if up else value < bound) or (even and value == bound)


def _find_mentioned_rows(table: CellTable, query: str) -> RowSelection:
    """The rows that hold a value of the question: a text if there is any, else a number."""
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
    """Whether a cell's value stands in the question as a word or number of its own."""
    return bool(cell) and bool(
        re.search(rf"(?<![\w.,]){re.escape(cell.lower())}(?!\w|[.,]\d)", query.lower())
    )


def _choose_aggregator(table: CellTable, query: str, columns: list[str]) -> str:
    lowered = query.lower()
    if _AVERAGE.search(lowered):
        return "AVERAGE"
    if _SUM.search(lowered):
        return "SUM"
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
    likeness: dict[str, float],
    aggregator: str,
    found: RowSelection,
) -> str:
    """The column that is asked for."""
    lowered = query.lower()
    numbers = [name for name in columns if name in table.numeric_columns]
    texts = [name for name in columns if name not in table.numeric_columns]
    if aggregator in ("SUM", "AVERAGE") or _AMOUNT.search(lowered):
        columns = numbers or columns
    elif lowered.lstrip().startswith("who"):
        columns = texts or columns
    first = next(iter(table.columns))
    return max(
        columns,
        key=lambda name: (
            likeness[name] + _FIRST_COLUMN_BONUS * (found.is_superlative and name == first)
        ),
    )


def _aggregate_cells(cells: list[str], aggregator: str) -> str:
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
    license="Apache-2.0",
    languages=LANGUAGES,
    is_derived=True,
    limits="English; simple questions: look-up, comparison, superlative, count, sum, average.",
)
