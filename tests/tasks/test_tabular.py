"""The tabular tasks: any table in, one prediction a row out."""

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hfwidgets import errors
from hfwidgets.results.tabular import Predictions
from hfwidgets.tasks.tabular import to_columns
from tests.plugins.loopback import Answer, Loopback

Call = Callable[..., Any]
TABLE = {"height": [1.2, 1.5], "colour": ["red", "blue"]}


def test_tabular_classification(call: Call, loopback: Loopback) -> None:
    loopback.answer(Answer(json=["yes", 0]))
    found = call("tabular_classification", TABLE)
    assert loopback.requests[0].json() == {"parameters": {}, "table": TABLE}
    assert found == ["yes", 0]
    assert found.to_pandas()["prediction"].tolist() == ["yes", 0]
    assert found.meta.task == "tabular-classification"


def test_tabular_regression(call: Call, loopback: Loopback, tmp_path: Path) -> None:
    loopback.answer(Answer(json=[1, "2.5"]))
    found = call("tabular_regression", pd.DataFrame(TABLE))
    assert loopback.requests[0].json() == {"parameters": {}, "table": TABLE}
    assert found == [1.0, 2.5]
    assert found.save(tmp_path / "p.csv").read_text().split() == ["value", "1.0", "2.5"]


@pytest.mark.parametrize("answer", [[[1], [2]], {"predictions": [1, 2]}])
def test_other_shapes(call: Call, loopback: Loopback, answer: Any) -> None:
    loopback.answer(Answer(json=answer))
    assert call("tabular_regression", TABLE) == [1.0, 2.0]


@pytest.mark.parametrize("answer", [{"error": "no model"}, "yes", ["yes", "no"], {"a": 1, "b": 2}])
def test_answers_that_are_not_numbers(call: Call, loopback: Loopback, answer: Any) -> None:
    loopback.answer(Answer(json=answer))
    with pytest.raises(errors.OutputError):
        call("tabular_regression", TABLE)


def test_cells_are_what_json_can_hold() -> None:
    day = datetime.date(2026, 3, 1)
    table = {
        "a": np.array([1, 2]),
        "b": pd.Series([1.5, np.nan]),
        "c": [pd.NA, pd.NaT],
        "d": [day, None],
        "e": (np.bool_(True), "x"),
    }
    assert to_columns(table) == {
        "a": [1, 2],
        "b": [1.5, None],
        "c": [None, None],
        "d": ["2026-03-01", None],
        "e": [True, "x"],
    }


@pytest.mark.parametrize(
    "table", [{}, [], "a,b", {"a": "text"}, {"a": 1}, {"a": [1], "b": [1, 2]}, None]
)
def test_anything_but_a_table_is_refused(call: Call, loopback: Loopback, table: Any) -> None:
    with pytest.raises(errors.InputError):
        call("tabular_classification", table)
    assert loopback.requests == []


def test_predictions_show_their_rows() -> None:
    shown = Predictions(["<i>yes</i>"])._repr_mimebundle_()
    assert "&lt;i&gt;yes" in shown["text/html"]
    assert shown["text/plain"] == "['<i>yes</i>']"
