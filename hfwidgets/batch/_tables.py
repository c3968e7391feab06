"""Reads tables of any library: column names, rows, and the columns to join results to.

pandas is read by position, since its column names need not be texts and may repeat. Every other
library (polars, pyarrow and what else Narwhals supports) is read through Narwhals.
"""

from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import TYPE_CHECKING, Any, Protocol

from hfwidgets import errors

if TYPE_CHECKING:
    import pandas as pd


class Table(Protocol):
    """A table as `map` reads it.

    Attributes:
        names: The names of its columns, as texts.
    """

    names: list[str]

    def __len__(self) -> int: ...

    def iter_rows(self, positions: Sequence[int]) -> Iterator[tuple[Any, ...]]:
        """Yield each row's cells in these columns."""
        ...

    def to_pandas(self, count: int) -> "pd.DataFrame":
        """Return the first rows as a DataFrame of pandas."""
        ...


class PandasTable:
    """A DataFrame of pandas."""

    def __init__(self, frame: "pd.DataFrame") -> None:
        self._frame = frame
        self.names = [str(name) for name in frame.columns]

    def __len__(self) -> int:
        return len(self._frame)

    def iter_rows(self, positions: Sequence[int]) -> Iterator[tuple[Any, ...]]:
        """Yield each row's cells in these columns."""
        return zip(*(self._frame.iloc[:, at] for at in positions), strict=True)

    def to_pandas(self, count: int) -> "pd.DataFrame":
        """Return the first rows with their index."""
        return self._frame.iloc[:count]


class PandasSeries:
    """A Series of pandas: a table of one column, whose items are the rows."""

    def __init__(self, series: "pd.Series[Any]") -> None:
        self._series = series
        self.names = [str(series.name or "inputs")]

    def __len__(self) -> int:
        return len(self._series)

    def iter_rows(self, positions: Sequence[int]) -> Iterator[tuple[Any, ...]]:
        """Yield each item as a row of one cell."""
        return ((value,) for value in self._series)

    def to_pandas(self, count: int) -> "pd.DataFrame":
        """Return the first items with their index."""
        return self._series.iloc[:count].to_frame(self._series.name or "inputs")


class NarwhalsTable:
    """A table of another library."""

    def __init__(self, frame: Any) -> None:
        self._frame = frame
        self.names = list(frame.columns)

    def __len__(self) -> int:
        return len(self._frame)

    def iter_rows(self, positions: Sequence[int]) -> Iterator[tuple[Any, ...]]:
        """Yield each row's cells in these columns."""
        chosen = self._frame.select([self.names[at] for at in dict.fromkeys(positions)])
        places = {at: place for place, at in enumerate(dict.fromkeys(positions))}
        for cells in chosen.iter_rows():
            yield tuple(cells[places[at]] for at in positions)

    def to_pandas(self, count: int) -> "pd.DataFrame":
        """Return the first rows as a DataFrame of pandas."""
        import pandas as pd

        return pd.DataFrame(self._frame.head(count).to_dict(as_series=False))


def open_table(rows: object) -> Table | None:
    """Return the table that an object is; None for anything that is not a table.

    Raises:
        ConfigurationError: a lazy table, whose rows are not computed yet.
    """
    if hasattr(rows, "iloc"):
        frame: Any = rows
        return PandasTable(frame) if hasattr(frame, "columns") else PandasSeries(frame)
    root = type(rows).__module__.partition(".")[0]
    if root == "pyarrow" and type(rows).__name__ == "RecordBatch":
        import pyarrow  # type: ignore[import-untyped, unused-ignore]

        rows = pyarrow.Table.from_batches([rows])
    if not hasattr(rows, "columns"):
        return None
    import narwhals as nw

    found: Any = nw.from_native(rows, pass_through=True)
    if isinstance(found, nw.LazyFrame):
        raise errors.ConfigurationError(
            f"rows is a {type(rows).__name__}, whose rows are not computed yet: pass "
            "rows.collect()."
        )
    return NarwhalsTable(found) if isinstance(found, nw.DataFrame) else None


def find_column(table: Table, name: str) -> int:
    """Return the position of a column by its name.

    Raises:
        ConfigurationError: several columns have this name.
    """
    found = [at for at, known in enumerate(table.names) if known == name]
    if len(found) > 1:
        raise errors.ConfigurationError(
            f"The table has {len(found)} columns {name!r}; give them different names."
        )
    return found[0]


class TableRecords(Sized, Iterable[dict[str, Any]]):
    """A table's rows as dicts of some of its columns, built one by one."""

    def __init__(self, table: Table, names: Iterable[str]) -> None:
        self._table, self._names = table, list(dict.fromkeys(names))
        self._positions = [find_column(table, name) for name in self._names]

    def __len__(self) -> int:
        return len(self._table)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for cells in self._table.iter_rows(self._positions):
            yield dict(zip(self._names, cells, strict=True))


def to_python(value: object) -> Any:
    """Return a cell as Python holds it; Arrow's arrays yield scalars of their own."""
    convert = getattr(value, "as_py", None)
    return convert() if callable(convert) else value
