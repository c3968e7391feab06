"""The values that an evaluation passes along without looking into them.

What they are depends on the task: a class is any value that can be compared, a span is a row of
three fields, a mask an array. Each metric documents the forms that it reads.
"""

from typing import Any, TypeAlias

Prediction: TypeAlias = Any
"""What a model answered, as its metric reads it."""

Label: TypeAlias = Any
"""The right answer of a row."""

Table: TypeAlias = Any
"""A table of any library; `rows.read_table` lists the forms."""

TaskResult: TypeAlias = Any
"""A task's typed result."""
