"""Read tables of any library: as columns for the tasks, as rows for batches.

pandas is read by position, since its column names need not be texts and may repeat. Every other
library (polars, pyarrow and what else Narwhals supports) is read through Narwhals.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set, Sized
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from hfwidgets import errors
from hfwidgets.core.missing import is_missing
from hfwidgets.errors.excerpt import name_type

if TYPE_CHECKING:
    import pandas as pd


Cell: TypeAlias = bool | int | float | str | None

TableLike: TypeAlias = Mapping[str, Any] | Sequence[Mapping[str, Any]] | Any
"""A DataFrame of any library, a dict of columns, or a list of rows as dicts.

`Any` stands for the DataFrames: no type covers those of all libraries.
"""


class Table(Protocol):
    """A table as `map` reads it.

    Attributes:
        names: The names of its columns, as texts.
        is_column: True for a single column, whose items are the rows.
    """

    names: list[str]
    is_column: bool

    def __len__(self) -> int: ...

    def iter_rows(self, positions: Sequence[int]) -> Iterator[tuple[Any, ...]]:
        """Yield each row's cells in these columns."""
        ...

    def to_pandas(self, count: int) -> "pd.DataFrame":
        """Return the first rows as a DataFrame of pandas."""
        ...


class PandasTable:
    """A DataFrame of pandas."""

    is_column = False

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
    """A Series of pandas."""

    is_column = True

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

    is_column = False

    def __init__(self, frame: Any, names: list[str]) -> None:
        self._frame = frame
        self.names = names

    def __len__(self) -> int:
        return len(self._frame)

    def iter_rows(self, positions: Sequence[int]) -> Iterator[tuple[Any, ...]]:
        """Yield each row's cells in these columns."""
        # A frame selects each column once, while two parameters may read the same one.
        chosen = self._frame.select([self.names[at] for at in dict.fromkeys(positions)])
        places = {at: place for place, at in enumerate(dict.fromkeys(positions))}
        for cells in chosen.iter_rows():
            yield tuple(cells[places[at]] for at in positions)

    def to_pandas(self, count: int) -> "pd.DataFrame":
        """Return the first rows as a DataFrame of pandas."""
        import pandas as pd

        # Through plain lists: the to_pandas() of polars needs pyarrow.
        return pd.DataFrame(self._frame.head(count).to_dict(as_series=False))


def open_table(rows: object) -> Table | None:
    """Return the table that an object is; None for anything that is not a table.

    Raises:
        ConfigurationError: a lazy table, whose rows are not computed yet, or one of another library
            than pandas with two columns of one name.
    """
    if isinstance(rows, type):  # the class has the attributes of its tables
        return None
    if hasattr(rows, "iloc"):
        frame: Any = rows
        return PandasTable(frame) if hasattr(frame, "columns") else PandasSeries(frame)
    root = type(rows).__module__.partition(".")[0]
    if root == "pyarrow" and type(rows).__name__ == "RecordBatch":
        import pyarrow  # type: ignore[import-untyped, unused-ignore]

        # Narwhals reads Arrow's tables, but not a single batch.
        rows = pyarrow.Table.from_batches([rows])
    if not hasattr(type(rows), "columns"):  # a lazy table would compute them when asked itself
        return None
    import narwhals as nw

    try:
        found: Any = nw.from_native(rows, pass_through=True)
        names = list(found.columns) if isinstance(found, nw.DataFrame) else []
    except nw.exceptions.NarwhalsError as error:  # as for two columns of one name
        raise errors.ConfigurationError(f"The table cannot be read: {error}.") from error
    if isinstance(found, nw.LazyFrame):
        raise errors.ConfigurationError(
            f"rows is {name_type(rows)}, whose rows are not computed yet: pass rows.collect()."
        )
    return NarwhalsTable(found, names) if isinstance(found, nw.DataFrame) else None


def as_row(item: Any) -> Mapping[str, Any] | None:
    """Return an object with named fields as a mapping; None for anything else.

    These are mappings, dataclasses, pydantic models, named tuples, rows of sqlite3 and items of
    numpy's structured arrays.
    """
    if isinstance(item, Mapping):
        return item
    if isinstance(item, type):
        return None
    if dataclasses.is_dataclass(item):
        return {field.name: getattr(item, field.name) for field in dataclasses.fields(item)}
    for method in ("model_dump", "_asdict"):
        convert: Any = getattr(item, method, None)
        if callable(convert):
            fields: Any = convert()
            return dict(fields)
    names = getattr(getattr(item, "dtype", None), "names", None)
    keys: Any = getattr(item, "keys", None)
    if names is None and type(item).__name__ == "Row" and keys is not None:
        names = list(keys())  # sqlite3's, and those of libraries like it
    return None if names is None else {name: to_python(item[name]) for name in names}


def to_rows(table: object) -> list[dict[str, Any]] | None:
    """Return a table's rows as dicts; None for what is not a table.

    Raises:
        ConfigurationError: it is lazy, its columns differ in length, or two have the same name.
    """
    if isinstance(table, Mapping):
        return _zip_columns(table)
    if (found := open_table(table)) is not None:
        return None if found.is_column else _list_records(found)
    if isinstance(table, (str, bytes, type)) or not isinstance(table, Iterable):
        return None
    rows = [as_row(item) for item in table]
    return None if any(row is None for row in rows) else [dict(row or {}) for row in rows]


def _zip_columns(columns: Mapping[Any, Any]) -> list[dict[str, Any]] | None:
    if not columns or not all(map(_is_column, columns.values())):
        return None
    found = {str(name): [to_python(cell) for cell in cells] for name, cells in columns.items()}
    if len({len(cells) for cells in found.values()}) > 1:
        raise errors.ConfigurationError("The columns of the table have different lengths.")
    return [dict(zip(found, cells, strict=True)) for cells in zip(*found.values(), strict=True)]


def _list_records(table: Table) -> list[dict[str, Any]]:
    return [
        {name: to_python(cell) for name, cell in record.items()}
        for record in TableRecords(table, table.names)
    ]


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


def to_columns(table: TableLike) -> dict[str, list[Cell]]:
    """Return a table as column names and lists of plain cells, in which missing ones are None.

    Args:
        table: A DataFrame of pandas, polars, pyarrow or any library that Narwhals supports; a dict
            of columns, each a list, an array or a Series; or a list of rows, each a dict or what
            `as_row` reads.

    Raises:
        InputError: It is none of these, it is empty, its columns differ in length, or two have the
            same name.
    """
    columns = list(_iter_columns(table))
    if not columns:
        raise _table_error("it has no columns")
    names = [name for name, _ in columns]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise errors.InputError(f"The table has several columns {repeated[0]!r}: rename them.")
    found = {name: [to_cell(cell) for cell in cells] for name, cells in columns}
    lengths = {name: len(cells) for name, cells in found.items()}
    if len(set(lengths.values())) > 1:
        raise errors.InputError(f"All columns of a table have the same length; here: {lengths}.")
    return found


def to_text_columns(table: TableLike) -> dict[str, list[str]]:
    """Return a table as `to_columns` does, with texts as its cells; a missing one is empty."""
    return {
        name: ["" if cell is None else str(cell) for cell in cells]
        for name, cells in to_columns(table).items()
    }


def is_table(value: object) -> bool:
    """True if `to_columns` can read a value, as far as its type tells."""
    if isinstance(value, Mapping):
        return bool(value) and all(map(_is_column, value.values()))
    if isinstance(value, (list, tuple)):
        return bool(value) and all(as_row(row) is not None for row in value)
    return _is_structured(value) or hasattr(value, "columns") or hasattr(value, "column_names")


def to_cell(value: Any) -> Cell:
    """Return a cell as JSON can hold it: numbers of any library as Python's, dates as texts."""
    if is_missing(value):
        return None
    value = to_python(value)
    if getattr(value, "ndim", None) == 0 and callable(getattr(value, "item", None)):
        value = value.item()
    return value if isinstance(value, (bool, int, float, str)) else str(value)


def _iter_columns(table: TableLike) -> Iterator[tuple[str, Iterable[Any]]]:
    if isinstance(table, Mapping):
        for name, cells in table.items():
            if not _is_column(cells):
                raise _table_error(f"its column {name!r} is {name_type(cells)}")
            yield str(name), cells
    elif isinstance(table, (list, tuple, Iterator)) or _is_structured(table):
        rows = [as_row(row) for row in table]
        known = [row for row in rows if row is not None]
        if len(known) < len(rows):
            raise _table_error(f"it is {name_type(table)} of something else than rows")
        # Rows may differ in their fields: the columns are all of them, as they first appear.
        for name in dict.fromkeys(name for row in known for name in row):
            yield str(name), [row.get(name) for row in known]
    elif (found := _open_frame(table)) is not None:
        places = range(len(found.names))
        cells = list(found.iter_rows(places))
        for name, at in zip(found.names, places, strict=True):
            yield name, [row[at] for row in cells]
    else:
        raise _table_error(f"it is {name_type(table)}")


def _open_frame(table: Any) -> Table | None:
    if hasattr(table, "column_names") and not hasattr(table, "columns"):
        table = table.to_pandas()  # of the library datasets
    try:
        return open_table(table)
    except errors.ConfigurationError as error:  # a lazy table
        raise errors.InputError(error.reason) from error


def _is_structured(table: object) -> bool:
    """True for an array of numpy whose items have named fields."""
    return bool(getattr(getattr(table, "dtype", None), "names", None))


def _is_column(cells: object) -> bool:
    # A set has no order that would fit the other columns.
    return hasattr(cells, "__iter__") and not isinstance(cells, (str, bytes, Mapping, Set))


def _table_error(fault: str) -> errors.InputError:
    return errors.InputError(
        f"This is not a table: {fault}.",
        advice="Pass a DataFrame, a dict of columns or a list of rows: "
        '{"Name": ["Ada", "Bob"], "Age": [36, 41]}, [{"Name": "Ada", "Age": 36}].',
    )
