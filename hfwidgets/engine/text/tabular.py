"""Predict classes and numbers from table rows, by models fitted to scikit-learn's sample tables.

The request's columns decide which model answers. Each is fitted on first use, within 0.05 s:
softmax regression for classes, least squares for numbers, on standardized columns.
"""

import csv
import gzip
import re
from dataclasses import dataclass
from typing import Annotated, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.base.weights import WEIGHTS
from hfwidgets.errors import did_you_mean

# Fitted here rather than by scikit-learn, which with scipy would add 130 MB for two linear models.
Floats = NDArray[np.float64]
Cell = str | int | float

MAX_ROWS = 10_000
_TRAINING_STEPS = 300
_LEARNING_RATE, _MOMENTUM, _PENALTY = 0.5, 0.9, 1e-3

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
_CELL_FEATURES = (
    *("radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity"),
    *("concave points", "symmetry", "fractal dimension"),
)
_CANCER = (
    *(f"mean {name}" for name in _CELL_FEATURES),
    *(f"{name} error" for name in _CELL_FEATURES),
    *(f"worst {name}" for name in _CELL_FEATURES),
)
_DIABETES = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")


@dataclass(frozen=True, slots=True)
class SampleTable:
    """A sample table: its file, its columns and its class names (none: it predicts a number)."""

    name: str
    file: str
    columns: tuple[str, ...]
    classes: tuple[str, ...] = ()


SAMPLE_TABLES = (
    SampleTable("iris", "iris.csv", _IRIS, ("setosa", "versicolor", "virginica")),
    SampleTable("wine", "wine_data.csv", _WINE, ("class_0", "class_1", "class_2")),
    SampleTable("breast cancer", "breast_cancer.csv", _CANCER, ("malignant", "benign")),
    SampleTable("diabetes", "diabetes_data_raw.csv.gz", _DIABETES),
)


@dataclass(frozen=True, slots=True)
class LinearModel:
    """Weights for standardized columns and a constant one, shape (columns + 1, outputs)."""

    mean: Floats
    scale: Floats
    weights: Floats

    def __call__(self, rows: Floats) -> Floats:
        """Return the outputs for rows, shape (rows, outputs)."""
        # New rows are scaled by the sample's own mean and deviation, as in the fit.
        return _design_matrix((rows - self.mean) / self.scale) @ self.weights


class LinearModels:
    """The fitted models, by the name of their sample."""

    def __init__(self) -> None:
        self._models: dict[str, LinearModel] = {}

    @classmethod
    def load(cls) -> Self:
        """Return an empty store; models are fitted on first use."""
        return cls()

    def model_for(self, sample: SampleTable) -> LinearModel:
        """Return the model of a sample; fits it the first time, in about 0.05 s."""
        # Without a lock: two threads that fit the same sample at once get the same model.
        if sample.name not in self._models:
            self._models[sample.name] = _fit_model(sample)
        return self._models[sample.name]


class TabularBody(msgspec.Struct):
    """A table under "data", as the Hub's task page has it, or under "table", as clients send it."""

    data: dict[str, list[Cell]] | None = None
    table: dict[str, list[Cell]] | None = None


TabularInputs = Annotated[TabularBody, msgspec.Meta(description="a table as column name -> values")]


def tabular_classification(models: LoadedModels, inputs: TabularInputs) -> list[str]:
    """Return a class name for each row."""
    sample, rows = _match_sample(inputs, classes=True)
    outputs = models.get(LinearModels).model_for(sample)(rows)
    return [sample.classes[index] for index in outputs.argmax(1)]


def tabular_regression(models: LoadedModels, inputs: TabularInputs) -> list[float]:
    """Return a number for each row."""
    sample, rows = _match_sample(inputs, classes=False)
    return [float(value) for value in models.get(LinearModels).model_for(sample)(rows)[:, 0]]


def _match_sample(inputs: TabularBody, *, classes: bool) -> tuple[SampleTable, Floats]:
    """Return the sample whose columns the table has, and the rows in the sample's order."""
    table = inputs.data or inputs.table
    if not table:
        raise bad_request('The request has no table: {"table": {"column": [values]}}.', "table")
    columns = {_normalize_name(name): cells for name, cells in table.items()}
    samples = [sample for sample in SAMPLE_TABLES if bool(sample.classes) == classes]
    for sample in samples:
        if {_normalize_name(name) for name in sample.columns} <= columns.keys():
            return sample, _parse_rows(sample, columns)
    raise bad_request(_unmatched_message(samples, list(table)), "table")


def _unmatched_message(samples: list[SampleTable], names: list[str]) -> str:
    columns = "; ".join(f"{sample.name}: {', '.join(sample.columns)}" for sample in samples)
    known = [name for sample in samples for name in sample.columns]
    hint = did_you_mean(names[0], known) if names else ""
    return f"The local engine has models for tables with these columns: {columns}.{hint}"


def _parse_rows(sample: SampleTable, cells: dict[str, list[Cell]]) -> Floats:
    columns = [cells[_normalize_name(name)] for name in sample.columns]
    if len({len(column) for column in columns}) > 1 or not columns[0]:
        raise bad_request(
            "The columns must all have the same number of values, at least one.", "table"
        )
    if len(columns[0]) > MAX_ROWS:
        raise bad_request(f"The table has more than {MAX_ROWS} rows.", "table")
    try:
        # Through object, since cells may mix numbers with texts such as "5.1".
        rows = np.array(columns, dtype=object).astype(np.float64).T
    except ValueError as error:
        raise bad_request(f"A value is not a number: {error}.", "table") from error
    if not np.isfinite(rows).all():
        raise bad_request("A value is not a finite number.", "table")
    return rows


def _normalize_name(name: str) -> str:
    """Return a column's name without case, units in brackets, spaces and underscores."""
    return re.sub(r"\(.*?\)|[\s_]", "", name.lower())


def _fit_model(sample: SampleTable) -> LinearModel:
    rows, targets = _load_sample(sample)
    # The small constant keeps a column of equal values from dividing by zero.
    mean, scale = rows.mean(0), rows.std(0) + 1e-9
    design = _design_matrix((rows - mean) / scale)
    if not sample.classes:
        solved = np.linalg.lstsq(design, targets, rcond=None)[0]
        return LinearModel(mean, scale, np.asarray(solved[:, None], np.float64))
    return LinearModel(
        mean, scale, _fit_softmax_regression(design, targets.astype(int), len(sample.classes))
    )


def _load_sample(sample: SampleTable) -> tuple[Floats, Floats]:
    """Return a sample's rows and targets; in a CSV file the last column is the class."""
    weight = WEIGHTS["tables"]
    if not sample.classes:
        with gzip.open(weight.path(sample.file)) as rows:
            values = np.loadtxt(rows)
        with gzip.open(weight.path("diabetes_target.csv.gz")) as targets:
            return values, np.loadtxt(targets)
    with weight.path(sample.file).open(newline="") as file:
        table = np.array(list(csv.reader(file))[1:], np.float64)
    return table[:, :-1], table[:, -1]


def _fit_softmax_regression(design: Floats, classes: NDArray[np.int_], count: int) -> Floats:
    """Return weights that make the classes likely, by gradient descent with momentum."""
    targets = np.eye(count)[classes]
    # Full-batch descent: with at most 569 rows, 300 steps take a few milliseconds.
    weights = step = np.zeros((design.shape[1], count))
    for _ in range(_TRAINING_STEPS):
        scores = design @ weights
        probabilities = np.exp(scores - scores.max(1, keepdims=True))
        probabilities /= probabilities.sum(1, keepdims=True)
        slope = design.T @ (probabilities - targets) / len(design) + _PENALTY * weights
        step = _MOMENTUM * step - _LEARNING_RATE * slope
        weights = weights + step
    return weights


def _design_matrix(rows: Floats) -> Floats:
    return np.hstack([rows, np.ones((len(rows), 1))])


CAPABILITY = Capability(
    name="tabular",
    model="hfwidgets/sample-tables",
    serves={
        "tabular-classification": tabular_classification,
        "tabular-regression": tabular_regression,
    },
    weights=("tables",),
    license="BSD-3-Clause",
    languages=(),
    limits=(
        "Knows scikit-learn's sample tables only: iris, wine and breast cancer (classes), diabetes "
        "(disease progression after a year)."
    ),
)
