"""Classify or predict table rows with scikit-learn estimators from skops files.

Opening a pickle (`.pkl`, `.joblib`) can run any code, so pickles are refused. A skops file lists
the types it is made of; one with types that skops doesn't consider safe is refused by their names.
"""

from pathlib import Path
from typing import Annotated, Any

import msgspec

from hfwidgets.core.counts import format_count
from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.custom.model import CustomModel, custom_task
from hfwidgets.errors import ConfigurationError, did_you_mean

Cell = str | int | float | None
TableColumns = Annotated[dict[str, list[Cell]], msgspec.Meta(min_length=1)]
_MAX_ROWS = 10_000
_PICKLE_SUFFIXES = (".pkl", ".pickle", ".joblib")


class EstimatorInput(msgspec.Struct):
    """A table under "data", as in the Hub's docs, or under "table", as clients send it."""

    data: TableColumns | None = None
    table: TableColumns | None = None


class EstimatorModel(CustomModel):
    """Open a fitted estimator or pipeline: a skops file, or a folder with one."""

    marker_files = ("*.skops",)
    required_modules = ("sklearn", "skops", "pandas")

    @classmethod
    def check_source(cls, path: Path) -> None:
        """Raise ConfigurationError for anything but a skops file or a folder with one."""
        if path.suffix in _PICKLE_SUFFIXES:
            raise ConfigurationError(
                f"{path} is a pickle, and opening a pickle can run any code. Save the estimator "
                "with skops.io.dump(estimator, 'model.skops') and serve that file."
            )
        files = sorted(path.glob("*.skops")) if path.is_dir() else [path]
        if len(files) != 1 or not files[0].is_file():
            raise ConfigurationError(
                f"{path} is neither a skops file nor a folder with exactly one."
            )

    def __init__(self) -> None:
        super().__init__()
        from skops import io  # pyright: ignore[reportMissingImports]

        path = Path(self.source)
        file = next(path.glob("*.skops")) if path.is_dir() else path
        untrusted = io.get_untrusted_types(file=file)
        if untrusted:
            raise ValueError(f"it holds types that may be unsafe: {', '.join(sorted(untrusted))}")
        self.estimator = io.load(file, trusted=[])
        self._check_estimator()

    def _check_estimator(self) -> None:
        """Raise ValueError for an estimator of another task."""
        from sklearn.base import is_classifier, is_regressor  # pyright: ignore

        check = is_classifier if self.task == "tabular-classification" else is_regressor
        if not check(self.estimator):
            kind = type(self.estimator).__name__
            raise ValueError(f"it is a {kind}, which does not support {self.task}")

    def predict(self, inputs: EstimatorInput) -> list[Any]:
        """Return a prediction per row."""
        import pandas as pd

        table = inputs.data or inputs.table
        if not table:
            raise bad_request(
                'The request holds no table: {"table": {"column": [values]}}.', "table"
            )
        lengths = {len(cells) for cells in table.values()}
        if len(lengths) > 1 or not 0 < max(lengths) <= _MAX_ROWS:
            raise bad_request(f"All columns must have the same 1 to {_MAX_ROWS} values.", "table")
        frame = pd.DataFrame(table)[self._order_columns(list(table))]
        # scikit-learn warns about column names if it was fitted to an array without names.
        has_names = hasattr(self.estimator, "feature_names_in_")
        return list(self.estimator.predict(frame if has_names else frame.values).tolist())

    def _order_columns(self, columns: list[str]) -> list[str]:
        """Return the columns in the order that the estimator was fitted to."""
        expected = [str(name) for name in getattr(self.estimator, "feature_names_in_", ())]
        count = getattr(self.estimator, "n_features_in_", len(columns))
        if not expected and count != len(columns):
            raise bad_request(
                f"The model {self.name} takes {format_count(count, 'column')}, not {len(columns)}.",
                "table",
            )
        takes = f"it takes {', '.join(expected)}."
        for name in expected:
            if name not in columns:
                message = f"The model {self.name} needs the column {name!r}; {takes}"
                raise bad_request(message + did_you_mean(name, columns), "table")
        for name in columns if expected else ():
            if name not in expected:
                message = f"The model {self.name} has no column {name!r}; {takes}"
                raise bad_request(message + did_you_mean(name, expected), "table")
        return expected or columns


@custom_task(EstimatorModel)
def tabular_classification(model: EstimatorModel, inputs: EstimatorInput) -> list[Any]:
    """Predict a class per row."""
    return model.predict(inputs)


@custom_task(EstimatorModel)
def tabular_regression(model: EstimatorModel, inputs: EstimatorInput) -> list[Any]:
    """Predict a number per row."""
    return model.predict(inputs)
