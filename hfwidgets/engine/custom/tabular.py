"""Rows of a table classified or valued by estimators of scikit-learn's, from skops files.

Pickles (`.pkl`, `.joblib`) run what their maker wants as they are opened, so they are refused; a
skops file says of which types it is made, and one with types that skops does not know for safe is
refused with their names.
"""

from pathlib import Path
from typing import Annotated, Any

import msgspec

from hfwidgets.engine.base.http_errors import bad
from hfwidgets.engine.custom.model import Model, task
from hfwidgets.errors import ConfigurationError, near

Cell = str | int | float | None
Rows = Annotated[dict[str, list[Cell]], msgspec.Meta(min_length=1)]
_ROWS = 10_000
_PICKLED = (".pkl", ".pickle", ".joblib")


class Data(msgspec.Struct):
    """A table under "data", as the Hub's task page has it, or under "table", as clients send it."""

    data: Rows | None = None
    table: Rows | None = None


class Estimator(Model):
    """A fitted estimator or chain of them: a skops file, or a folder with one."""

    marks = ("*.skops",)
    modules = ("sklearn", "skops", "pandas")

    @classmethod
    def checked(cls, path: Path) -> None:
        """ConfigurationError for anything but a skops file or a folder with one."""
        if path.suffix in _PICKLED:
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
        self.net = io.load(file, trusted=[])
        self._check()

    def _check(self) -> None:
        """Refuse what is made for another task."""
        from sklearn.base import is_classifier, is_regressor  # pyright: ignore

        check = is_classifier if self.task == "tabular-classification" else is_regressor
        if not check(self.net):
            kind = type(self.net).__name__
            raise ValueError(f"it is a {kind}, which does not do {self.task}")

    def predicted(self, asked: Data) -> list[Any]:
        """A prediction for each row."""
        import pandas as pd

        table = asked.data or asked.table
        if not table:
            raise bad('The request holds no table: {"table": {"column": [values]}}.', "table")
        lengths = {len(cells) for cells in table.values()}
        if len(lengths) > 1 or not 0 < max(lengths) <= _ROWS:
            raise bad(f"All columns must have the same 1 to {_ROWS} values.", "table")
        frame = pd.DataFrame(table)[self._columns(list(table))]
        found = self.net.predict(frame if hasattr(self.net, "feature_names_in_") else frame.values)
        return list(found.tolist())

    def _columns(self, named: list[str]) -> list[str]:
        """The columns that the estimator was fitted to, in its order."""
        wanted = [str(name) for name in getattr(self.net, "feature_names_in_", ())]
        count = getattr(self.net, "n_features_in_", len(named))
        if not wanted and count != len(named):
            raise bad(f"The model {self.name} takes {count} columns, not {len(named)}.", "table")
        for name in wanted:
            if name not in named:
                said = f"The model {self.name} needs the column {name!r}; it takes "
                raise bad(f"{said}{', '.join(wanted)}.{near(name, named)}", "table")
        for name in named if wanted else ():
            if name not in wanted:
                said = f"The model {self.name} knows no column {name!r}; it takes "
                raise bad(f"{said}{', '.join(wanted)}.{near(name, wanted)}", "table")
        return wanted or named


@task(Estimator)
def tabular_classification(model: Estimator, inputs: Data) -> list[Any]:
    """A class for each row."""
    return model.predicted(inputs)


@task(Estimator)
def tabular_regression(model: Estimator, inputs: Data) -> list[Any]:
    """A number for each row."""
    return model.predicted(inputs)
