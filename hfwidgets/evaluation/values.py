"""The values that an evaluation passes along without looking into them.

What they are depends on the task: a class is any value that can be compared, a span is a row of
three fields, a mask an array. Each metric documents the forms that it reads.
"""

from typing import Any, TypeAlias

Prediction: TypeAlias = Any
"""What a model answered, as its metric reads it."""

Label: TypeAlias = Any
"""The right answer of a row."""

SETS = (list, tuple, set, frozenset)
"""What holds the labels of a row that may have several."""


def as_set(label: Label) -> set[Any]:
    """Return the labels of a row that may have several; of a single one, that alone."""
    return set(label) if isinstance(label, SETS) else {label}


Table: TypeAlias = Any
"""A table of any library; `rows.read_table` lists the forms."""

TaskResult: TypeAlias = Any
"""A task's typed result."""
