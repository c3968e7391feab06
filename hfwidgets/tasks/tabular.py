"""Tabular tasks: a prediction for each row of a table."""

from collections.abc import Mapping
from typing import Any

from hfwidgets.core.flow import Flow, Infer
from hfwidgets.results.tabular import Predictions
from hfwidgets.tasks.controls import TableInput
from hfwidgets.tasks.declaration import task
from hfwidgets.tasks.shape import check_no_error, to_numbers, unexpected_shape_error
from hfwidgets.tasks.tables import TableLike, to_columns

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
        self, table: TableLike, *, model: str | None = None
    ) -> Flow[Predictions[Any]]:
        """Classify each row of a table.

        Labels are texts or numbers, depending on the model.

        Args:
            table: A DataFrame of any library, a dict of columns, or a list of rows as dicts.
            model: The model's id on the Hub, or the URL of an endpoint.
        """
        columns = to_columns(table)
        labels = _flatten_predictions((yield Infer(columns, model)), columns)
        if not all(isinstance(label, (str, int, float)) for label in labels):
            raise unexpected_shape_error(labels, "a list with one label per row")
        return Predictions(labels)

    @task("Tabular regression", {"table": _PATIENTS}, table=TableInput())
    def tabular_regression(
        self, table: TableLike, *, model: str | None = None
    ) -> Flow[Predictions[float]]:
        """Predict a number for each row of a table.

        Args:
            table: A DataFrame of any library, a dict of columns, or a list of rows as dicts.
            model: The model's id on the Hub, or the URL of an endpoint.
        """
        columns = to_columns(table)
        raw = yield Infer(columns, model)
        return Predictions(to_numbers(_flatten_predictions(raw, columns)))


def _flatten_predictions(raw: object, columns: Mapping[str, list[Any]]) -> list[Any]:
    """Return the predictions as a flat list, one per row.

    Raises:
        OutputError: The answer is something else, or has another number of predictions.
    """
    found = raw
    if isinstance(found, Mapping):
        check_no_error(found)
        found = next(iter(found.values())) if len(found) == 1 else found
    count = len(next(iter(columns.values())))
    if not isinstance(found, list) or len(found) != count:
        raise unexpected_shape_error(raw, f"a list with one prediction per row, {count} in all")
    # A model that was fitted to a target of one column predicts a list of one per row.
    single = all(isinstance(row, list) and len(row) == 1 for row in found)
    return [row[0] for row in found] if single else found
