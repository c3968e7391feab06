"""Results of the tabular tasks: one prediction per row."""

from typing import Any, TypeVar

from hfwidgets.results import html_table
from hfwidgets.results.record import Elements

T = TypeVar("T")


class Predictions(Elements[T]):
    """One prediction for each row of the table, in its order."""

    def _html_(self) -> str:
        return html_table.to_html_table(
            ("row", "prediction"), enumerate(self), limit=html_table.MAX_ROWS
        )

    def to_pandas(self) -> Any:
        """Return a DataFrame with one column, `prediction`, indexed by row number."""
        frame = super().to_pandas()
        frame.columns = ["prediction"]
        return frame
