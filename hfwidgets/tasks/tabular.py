"""Tabular tasks: a prediction for each row of a table."""

from collections.abc import Mapping
from typing import Any

from hfwidgets import errors
from hfwidgets.core.flow import Flow, Infer
from hfwidgets.core.missing import is_missing
from hfwidgets.results.tabular import Predictions
from hfwidgets.tasks.controls import TableInput
from hfwidgets.tasks.declaration import task
from hfwidgets.tasks.shape import unexpected_shape_error

_FLOWERS = {
    "sepal length (cm)": [5.1, 6.7],
    "sepal width (cm)": [3.5, 3.0],
    "petal length (cm)": [1.4, 5.2],
    "petal width (cm)": [0.2, 2.3],
}
_PATIENTS = {
    "age": [59, 48],
    "sex": [2, 1],
    "bmi": [32.1, 21.6],
    "bp": [101, 87],
    "s1": [157, 183],
    "s2": [93.2, 103.2],
    "s3": [38, 70],
    "s4": [4, 3],
    "s5": [4.86, 3.89],
    "s6": [87, 69],
}


class TabularTasks:
    """Tasks that take a table."""

    @task("Tabular classification", {"table": _FLOWERS}, table=TableInput())
    def tabular_classification(
        self, table: Mapping[str, Any], *, model: str | None = None
    ) -> Flow[Predictions[Any]]:
        """Classify each row of a table.

        Labels are texts or numbers, depending on the model.

        Args:
            table: Column names to cells, or a DataFrame.
            model: The model's id on the Hub, or the URL of an endpoint.
        """
        return Predictions(_flatten_predictions((yield Infer(to_columns(table), model))))

    @task("Tabular regression", {"table": _PATIENTS}, table=TableInput())
    def tabular_regression(
        self, table: Mapping[str, Any], *, model: str | None = None
    ) -> Flow[Predictions[float]]:
        """Predict a number for each row of a table.

        Args:
            table: Column names to cells, or a DataFrame.
            model: The model's id on the Hub, or the URL of an endpoint.
        """
        raw = _flatten_predictions((yield Infer(to_columns(table), model)))
        try:
            return Predictions(map(float, raw))
        except (TypeError, ValueError) as error:
            raise unexpected_shape_error(raw, "a list of numbers") from error


def to_columns(table: Any) -> dict[str, list[Any]]:
    """A table as the wire wants it: column names to lists of plain cells; missing ones are None.

    Raises:
        InputError: it is no table, it is empty, or its columns differ in length.
    """
    if hasattr(table, "to_dict") and hasattr(table, "columns"):
        table = table.to_dict("list")
    if not isinstance(table, Mapping) or not table or not all(map(_is_column, table.values())):
        raise errors.InputError(
            "A table is a dict of columns, each a list of cells, or a DataFrame: "
            '{"height": [1.2, 1.5], "colour": ["red", "blue"]}.'
        )
    found = {str(name): [_plain_cell(cell) for cell in cells] for name, cells in table.items()}
    lengths = {name: len(cells) for name, cells in found.items()}
    if len(set(lengths.values())) > 1:
        raise errors.InputError(f"All columns of a table have the same length; here: {lengths}.")
    return found


def _is_column(cells: Any) -> bool:
    return hasattr(cells, "__iter__") and not isinstance(cells, (str, bytes, Mapping))


def _plain_cell(cell: Any) -> Any:
    """A cell as JSON can hold it: numpy's numbers become Python's, dates become texts."""
    if is_missing(cell):
        return None
    if hasattr(cell, "item") and getattr(cell, "ndim", 1) == 0:
        cell = cell.item()
    return cell if isinstance(cell, (bool, int, float, str)) else str(cell)


def _flatten_predictions(raw: Any) -> list[Any]:
    """The predictions as a flat list, one a row."""
    if isinstance(raw, Mapping) and raw.get("error"):
        raise errors.OutputError(f"The server answered with an error: {raw['error']}")
    if isinstance(raw, Mapping) and len(raw) == 1:
        raw = next(iter(raw.values()))
    if not isinstance(raw, list):
        raise unexpected_shape_error(raw, "a list with one prediction a row")
    single = all(isinstance(row, list) and len(row) == 1 for row in raw)
    return [row[0] for row in raw] if single else raw
