"""Tables of every library as columns: the same cells, whichever holds them."""

import contextlib
import dataclasses
import datetime
import sqlite3
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pydantic
import pytest

import hfwidgets as hf
from hfwidgets import errors
from hfwidgets.tasks import find
from hfwidgets.tasks.tables import is_table, to_columns, to_rows, to_text_columns
from tests.panels.conftest import page, wire
from tests.plugins.loopback import Answer, Loopback

__all__ = ["wire"]

COLUMNS: dict[str, list[Any]] = {"name": ["Ada", None], "age": [36, 41], "height": [1.5, None]}
ROWS = [{"name": "Ada", "age": 36, "height": 1.5}, {"age": 41}]

TABLES: dict[str, Any] = {
    "a dict of lists": COLUMNS,
    "a dict of tuples": {name: tuple(cells) for name, cells in COLUMNS.items()},
    "a dict of arrays": {name: np.array(cells, object) for name, cells in COLUMNS.items()},
    "a dict of Series": {name: pd.Series(cells) for name, cells in COLUMNS.items()},
    "a dict of polars' Series": {name: pl.Series(cells) for name, cells in COLUMNS.items()},
    "a dict of Arrow arrays": {name: pa.array(cells) for name, cells in COLUMNS.items()},
    "rows": ROWS,
    "rows in a tuple": tuple(ROWS),
    "pandas": pd.DataFrame(COLUMNS),
    "pandas with its own types": pd.DataFrame(COLUMNS).convert_dtypes(),
    "pandas on Arrow": pd.DataFrame(COLUMNS).convert_dtypes(dtype_backend="pyarrow"),
    "polars": pl.DataFrame(COLUMNS),
    "pyarrow": pa.table(COLUMNS),
    "a batch of pyarrow": pa.RecordBatch.from_pylist([dict.fromkeys(COLUMNS), *ROWS]).slice(1),
}


@dataclasses.dataclass
class Person:
    name: str | None
    age: int
    height: float | None


class PersonModel(pydantic.BaseModel):
    name: str | None
    age: int
    height: float | None


class PersonTuple(NamedTuple):
    name: str | None
    age: int
    height: float | None


PEOPLE = [("Ada", 36, 1.5), (None, 41, None)]
FIELDS = [("name", object), ("age", int), ("height", object)]


def sqlite_rows() -> list[sqlite3.Row]:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("create table people (name, age, height)")
        connection.executemany("insert into people values (?, ?, ?)", PEOPLE)
        return connection.execute("select * from people").fetchall()


TABLES |= {
    "dataclasses": [Person(*person) for person in PEOPLE],
    "pydantic models": [
        PersonModel(name=name, age=age, height=height) for name, age, height in PEOPLE
    ],
    "named tuples": [PersonTuple(*person) for person in PEOPLE],
    "rows of sqlite": sqlite_rows(),
    "a structured array": np.array(PEOPLE, FIELDS),
    "records of numpy": np.array(PEOPLE, FIELDS).view(np.recarray),
}

everywhere = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)


@everywhere
def test_a_table_of_any_library_has_the_same_columns(table: Any) -> None:
    assert to_columns(table) == COLUMNS
    assert is_table(table)
    kinds = {type(cell) for cells in to_columns(table).values() for cell in cells}
    assert kinds == {str, int, float, type(None)}
    assert to_text_columns(table)["height"] == ["1.5", ""]


@everywhere
@pytest.mark.parametrize("name", ["tabular-classification", "table-question-answering"])
def test_every_table_task_takes_it(loopback: Loopback, name: str, table: Any) -> None:
    answer = {"answer": "Ada"} if "question" in name else ["x", "y"]
    loopback.answer(Answer(json=answer))
    query = {"query": "Who?"} if "question" in name else {}
    with hf.InferenceClient(loopback.url) as client:
        getattr(client, find(name).method)(table=table, **query)
    sent = loopback.requests[0].json()
    if query:
        assert sent["inputs"]["table"] == to_text_columns(COLUMNS)
    else:
        assert sent["table"] == COLUMNS


@everywhere
def test_a_panel_shows_and_sends_it(loopback: Loopback, table: Any) -> None:
    loopback.route("POST", "/", Answer(json=["x", "y"]))
    opened = hf.panel("tabular-classification", base_url=loopback.url, table=table)
    try:
        opened.run()
        assert loopback.requests[0].json()["table"] == COLUMNS
        assert page(opened).doc["result"]["columns"] == to_text_columns(COLUMNS)
        assert "Ada" in opened._hfw_render_static()[0]
    finally:
        opened.close()


ODD: dict[str, Any] = {
    "a text": "a,b",
    "nothing": {},
    "no rows and columns": [],
    "a number": 5,
    "a list of lists": [[1, 2]],
    "columns that are texts": {"a": "bc"},
    "columns of different lengths": {"a": [1], "b": [1, 2]},
    "a dict of dicts": {"a": {"b": 1}},
    "columns of one name": pd.DataFrame([[1, 2]], columns=["a", "a"]),
    "names that become one": {1: [1], "1": [2]},
    "a lazy table": pl.DataFrame(COLUMNS).lazy(),
    "an array": np.zeros((2, 2)),
    "a class": pd.DataFrame,
    "columns without an order": {"a": [1, 2], "b": {1, 2}},
    "Arrow's columns of one name": pa.Table.from_arrays([pa.array([1])] * 2, names=["a", "a"]),
}


@pytest.mark.parametrize("table", ODD.values(), ids=ODD)
def test_what_is_not_a_table_is_refused_before_it_is_sent(loopback: Loopback, table: Any) -> None:
    with hf.InferenceClient(loopback.url) as client:
        for method in (client.tabular_classification, client.tabular_regression):
            with pytest.raises(errors.InputError, match=r"table|column|rows"):
                method(table)
        with pytest.raises(errors.InputError, match=r"table|column|rows"):
            client.table_question_answering(table, "?")
    assert loopback.requests == []


def test_cells_are_what_json_can_hold() -> None:
    day = datetime.date(2026, 1, 2)
    cells = [
        day,
        np.float32("nan"),
        np.int8(3),
        np.bool_(True),
        pd.NaT,
        pa.scalar(2),
        pa.scalar(None),
    ]
    assert to_columns({"a": cells}) == {"a": ["2026-01-02", None, 3, True, None, 2, None]}


def test_rows_may_come_one_by_one() -> None:
    assert to_columns(iter(ROWS)) == COLUMNS
    assert to_columns(row for row in ROWS) == COLUMNS


def test_rows_are_read_from_every_table() -> None:
    for kind, table in TABLES.items():
        rows = to_rows(table)
        assert rows is not None, kind
        assert [row["age"] for row in rows] == [36, 41], kind
    for odd in ("a text", 5, {"a": {"b": 1}}, {"a": 1}, pd.Series([1]), pd.DataFrame, [1], None):
        assert to_rows(odd) is None
    for odd in (pd.DataFrame([[1, 2]], columns=["a", "a"]), {"a": [1], "b": [1, 2]}):
        with pytest.raises(errors.ConfigurationError, match="columns"):
            to_rows(odd)
