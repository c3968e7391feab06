"""Classes and numbers from the rows of a table, by models fitted to scikit-learn's sample tables.

Which model answers follows from the columns of the request. Each is fitted in a moment when it is
first asked: softmax regression for classes, least squares for numbers, on standardised columns.
"""

import csv
import gzip
import re
from dataclasses import dataclass
from typing import Annotated, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from hfwidgets.engine.base.capability import Capability, Kit
from hfwidgets.engine.base.http_errors import bad
from hfwidgets.engine.base.weights import WEIGHTS
from hfwidgets.errors import near

Floats = NDArray[np.float64]
Cell = str | int | float

ROWS = 10_000
_STEPS = 300
_RATE, _MOMENTUM, _PENALTY = 0.5, 0.9, 1e-3

_IRIS = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")
_WINE = (
    *(
        "alcohol",
        "malic_acid",
        "ash",
        "alcalinity_of_ash",
        "magnesium",
        "total_phenols",
        "flavanoids",
    ),
    *("nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue"),
    *("od280/od315_of_diluted_wines", "proline"),
)
_CELLS = (
    *("radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity"),
    *("concave points", "symmetry", "fractal dimension"),
)
_CANCER = (
    *(f"mean {name}" for name in _CELLS),
    *(f"{name} error" for name in _CELLS),
    *(f"worst {name}" for name in _CELLS),
)
_DIABETES = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample table: its file, its columns and, for classes, their names (none: a number)."""

    name: str
    file: str
    columns: tuple[str, ...]
    classes: tuple[str, ...] = ()


SAMPLES = (
    Sample("iris", "iris.csv", _IRIS, ("setosa", "versicolor", "virginica")),
    Sample("wine", "wine_data.csv", _WINE, ("class_0", "class_1", "class_2")),
    Sample("breast cancer", "breast_cancer.csv", _CANCER, ("malignant", "benign")),
    Sample("diabetes", "diabetes_data_raw.csv.gz", _DIABETES),
)


@dataclass(frozen=True, slots=True)
class Fitted:
    """Weights for standardised columns and a constant one, shape (columns + 1, outputs)."""

    mean: Floats
    scale: Floats
    weights: Floats

    def __call__(self, rows: Floats) -> Floats:
        """The outputs for rows, shape (rows, outputs)."""
        return _design((rows - self.mean) / self.scale) @ self.weights


class Models:
    """The fitted models by the name of their sample."""

    def __init__(self) -> None:
        self._fitted: dict[str, Fitted] = {}

    @classmethod
    def load(cls) -> Self:
        """Ready to fit; nothing is read yet."""
        return cls()

    def of(self, sample: Sample) -> Fitted:
        """The model of a sample, fitted the first time; some 0.05 s."""
        if sample.name not in self._fitted:
            self._fitted[sample.name] = _fit(sample)
        return self._fitted[sample.name]


class Data(msgspec.Struct):
    """A table under "data", as the Hub's task page has it, or under "table", as clients send it."""

    data: dict[str, list[Cell]] | None = None
    table: dict[str, list[Cell]] | None = None


Inputs = Annotated[Data, msgspec.Meta(description="a table as column name -> values")]


def tabular_classification(kit: Kit, inputs: Inputs) -> list[str]:
    """A class name for each row."""
    sample, rows = _matched(inputs, classes=True)
    outputs = kit.get(Models).of(sample)(rows)
    return [sample.classes[index] for index in outputs.argmax(1)]


def tabular_regression(kit: Kit, inputs: Inputs) -> list[float]:
    """A number for each row."""
    sample, rows = _matched(inputs, classes=False)
    return [float(value) for value in kit.get(Models).of(sample)(rows)[:, 0]]


def _matched(inputs: Data, *, classes: bool) -> tuple[Sample, Floats]:
    """The sample whose columns the table has, and its rows in the sample's order."""
    table = inputs.data or inputs.table
    if not table:
        raise bad('The request holds no table: {"table": {"column": [values]}}.', "table")
    given = {_plain(name): cells for name, cells in table.items()}
    samples = [sample for sample in SAMPLES if bool(sample.classes) == classes]
    for sample in samples:
        if {_plain(name) for name in sample.columns} <= given.keys():
            return sample, _rows(sample, given)
    raise bad(_unmatched(samples, list(table)), "table")


def _unmatched(samples: list[Sample], given: list[str]) -> str:
    known = "; ".join(f"{sample.name}: {', '.join(sample.columns)}" for sample in samples)
    names = [name for sample in samples for name in sample.columns]
    hints = "".join(near(name, names) for name in given[:1])
    return f"The embedded engine has models for tables with these columns: {known}.{hints}"


def _rows(sample: Sample, given: dict[str, list[Cell]]) -> Floats:
    columns = [given[_plain(name)] for name in sample.columns]
    if len({len(column) for column in columns}) > 1 or not columns[0]:
        raise bad("The columns must all have the same number of values, at least one.", "table")
    if len(columns[0]) > ROWS:
        raise bad(f"The table has more than {ROWS} rows.", "table")
    try:
        rows = np.array(columns, dtype=object).astype(np.float64).T
    except ValueError as error:
        raise bad(f"A value is no number: {error}.", "table") from error
    if not np.isfinite(rows).all():
        raise bad("A value is not a finite number.", "table")
    return rows


def _plain(name: str) -> str:
    """A column's name without its spelling: case, units in brackets, spaces and underscores."""
    return re.sub(r"\(.*?\)|[\s_]", "", name.lower())


def _fit(sample: Sample) -> Fitted:
    rows, targets = _read(sample)
    mean, scale = rows.mean(0), rows.std(0) + 1e-9
    design = _design((rows - mean) / scale)
    if not sample.classes:
        solved = np.linalg.lstsq(design, targets, rcond=None)[0]
        return Fitted(mean, scale, np.asarray(solved[:, None], np.float64))
    return Fitted(
        mean, scale, _softmax_regression(design, targets.astype(int), len(sample.classes))
    )


def _read(sample: Sample) -> tuple[Floats, Floats]:
    """A sample's rows and targets; its class is the last column of a CSV file."""
    weight = WEIGHTS["tables"]
    if not sample.classes:
        with gzip.open(weight.path(sample.file)) as rows:
            values = np.loadtxt(rows)
        with gzip.open(weight.path("diabetes_target.csv.gz")) as targets:
            return values, np.loadtxt(targets)
    with weight.path(sample.file).open(newline="") as file:
        table = np.array(list(csv.reader(file))[1:], np.float64)
    return table[:, :-1], table[:, -1]


def _softmax_regression(design: Floats, classes: NDArray[np.int_], count: int) -> Floats:
    """Weights that make the classes likely, by gradient descent with momentum."""
    wanted = np.eye(count)[classes]
    weights = step = np.zeros((design.shape[1], count))
    for _ in range(_STEPS):
        scores = design @ weights
        likely = np.exp(scores - scores.max(1, keepdims=True))
        likely /= likely.sum(1, keepdims=True)
        slope = design.T @ (likely - wanted) / len(design) + _PENALTY * weights
        step = _MOMENTUM * step - _RATE * slope
        weights = weights + step
    return weights


def _design(rows: Floats) -> Floats:
    return np.hstack([rows, np.ones((len(rows), 1))])


CAPABILITY = Capability(
    name="tabular",
    model="hfwidgets/sample-tables",
    serves={
        "tabular-classification": tabular_classification,
        "tabular-regression": tabular_regression,
    },
    weights=("tables",),
    licence="BSD-3-Clause",
    languages=(),
    limits=(
        "Knows scikit-learn's sample tables only: iris, wine and breast cancer (classes), diabetes "
        "(disease progression after a year)."
    ),
)
