"""Rows of a table classified or valued by estimators of scikit-learn's, from skops files.

Pickles (`.pkl`, `.joblib`) run what their maker wants as they are opened, so they are refused; a
skops file says of which types it is made, and one with types that skops does not know for safe is
refused with their names.
"""

from pathlib import Path
from typing import Annotated, Any

import msgspec

from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.custom.model import CustomModel, custom_task
from hfwidgets.errors import ConfigurationError, did_you_mean

Cell = str | int | float | None
TableColumns = Annotated[dict[str, list[Cell]], msgspec.Meta(min_length=1)]
_MAX_ROWS = 10_000
_PICKLE_SUFFIXES = (".pkl", ".pickle", ".joblib")


class EstimatorInput(msgspec.Struct):
    """A table under "data", as the Hub's task page has it, or under "table", as clients send it."""

    data: TableColumns | None = None
    table: TableColumns | None = None


class EstimatorModel(CustomModel):
    """A fitted estimator or chain of them: a skops file, or a folder with one."""

    marker_files = ("*.skops",)
    required_modules = ("sklearn", "skops", "pandas")

    @classmethod
    def check_source(cls, path: Path) -> None:
        """ConfigurationError for anything but a skops file or a folder with one."""
        if path.suffix in _PICKLE_SUFFIXES:
            raise ConfigurationError(
                f"{path} is a pickle, which may run anything as it is opened; it is not. Save the "
                "estimator with skops.io.dump(estimator, 'model.skops') and serve that file."
            )
        files = sorted(path.glob("*.skops")) if path.is_dir() else [path]
        if len(files) != 1 or not files[0].is_file():
            raise ConfigurationError(f"{path} is no skops file and no folder with just one.")

    def __init__(self) -> None:
        super().__init__()
        from skops import io  # pyright: ignore[reportMissingImports]

        path = Path(self.source)
        file = next(path.glob("*.skops")) if path.is_dir() else path
        strange = io.get_untrusted_types(file=file)
        if strange:
            raise ValueError(
                f"it holds types that are not known to be safe: {', '.join(sorted(strange))}"
            )
        self.estimator = io.load(file, trusted=[])
        self._check_estimator()

    def _check_estimator(self) -> None:
        """Refuse what is made for another task."""
        from sklearn.base import is_classifier, is_regressor  # pyright: ignore

        check = is_classifier if self.task == "tabular-classification" else is_regressor
        if not check(self.estimator):
            kind = type(self.estimator).__name__
            raise ValueError(f"it is a {kind}, which does not do {self.task}")

    def predict(self, asked: EstimatorInput) -> list[Any]:
        """A prediction for each row."""
        import pandas as pd

        table = asked.data or asked.table
        if not table:
            raise bad_request(
                'The request holds no table: {"table": {"column": [values]}}.', "table"
            )
        lengths = {len(cells) for cells in table.values()}
        if len(lengths) > 1 or not 0 < max(lengths) <= _MAX_ROWS:
            raise bad_request(f"All columns must have the same 1 to {_MAX_ROWS} values.", "table")
        frame = pd.DataFrame(table)[self._order_columns(list(table))]
        found = self.estimator.predict(
            frame if hasattr(self.estimator, "feature_names_in_") else frame.values
        )
        return list(found.tolist())

    def _order_columns(self, named: list[str]) -> list[str]:
        """The columns that the estimator was fitted to, in its order."""
        wanted = [str(name) for name in getattr(self.estimator, "feature_names_in_", ())]
        count = getattr(self.estimator, "n_features_in_", len(named))
        if not wanted and count != len(named):
            raise bad_request(
                f"The model {self.name} takes {count} columns, not {len(named)}.", "table"
            )
        for name in wanted:
            if name not in named:
                said = f"The model {self.name} needs the column {name!r}; it takes "
                raise bad_request(f"{said}{', '.join(wanted)}.{did_you_mean(name, named)}", "table")
        for name in named if wanted else ():
            if name not in wanted:
                said = f"The model {self.name} knows no column {name!r}; it takes "
                raise bad_request(
                    f"{said}{', '.join(wanted)}.{did_you_mean(name, wanted)}", "table"
                )
        return wanted or named


@custom_task(EstimatorModel)
def tabular_classification(model: EstimatorModel, inputs: EstimatorInput) -> list[Any]:
    """A class for each row."""
    return model.predict(inputs)


@custom_task(EstimatorModel)
def tabular_regression(model: EstimatorModel, inputs: EstimatorInput) -> list[Any]:
    """A number for each row."""
    return model.predict(inputs)
