"""The base classes of results: records, lists of them, texts; each knows its origin.

A record is a dict whose keys are also attributes. Declared fields that are missing are None, others
stay reachable, and nested objects become records on first access.
"""

import functools
import inspect
import json
import operator
import os
import types
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, Union, get_args, get_origin

from hfwidgets.core.drop_none import drop_none
from hfwidgets.core.meta import Meta
from hfwidgets.results import html_table, show

if TYPE_CHECKING:
    from matplotlib.figure import Figure

T = TypeVar("T")
R = TypeVar("R", bound="Record")

Convert = Callable[[Any], Any]


class Record(dict[str, Any]):
    """One object of an answer.

    Attributes:
        meta: The origin of the answer; set on the outermost object only.
        required_fields: The fields without which an answer is refused; None for all whose type does
            not allow None.
    """

    meta: Meta | None = None
    required_fields: ClassVar[frozenset[str] | None] = None
    non_fields: ClassVar[frozenset[str]] = frozenset({"meta"})

    def __getattr__(self, name: str) -> Any:
        kinds = _field_converters(
            type(self)
        )  # whose first call turns the declared fields into properties
        if name in kinds:
            value = getattr(self, name)  # returned as it stands, jedi would follow it forever
            return value  # noqa: RET504
        try:
            return self[name]
        except KeyError:
            raise AttributeError(_missing_field_message(self, name)) from None

    def __missing__(self, name: str) -> Any:
        """Return the value of a key with hyphens (`content-type`), None for a declared field."""
        if (key := name.replace("_", "-")) in self:
            return self[key]
        # Properties read their field by item access, so a declared one that is absent ends here.
        if name in _field_converters(type(self)):
            return None
        raise KeyError(name)

    def __setattr__(self, name: str, value: object) -> None:
        if name == "meta":
            super().__setattr__(name, value)
        else:
            self[name] = value

    def __dir__(self) -> list[str]:
        return sorted(
            {*super().__dir__(), *_field_converters(type(self)), *filter(str.isidentifier, self)}
        )

    def __repr__(self) -> str:
        names = dict.fromkeys([*_field_converters(type(self)), *self])
        fields = (f"{name}={show.short_repr(_field_value(self, name))}" for name in names)
        return f"{type(self).__name__}({', '.join(fields)})"

    @property
    def raw(self) -> dict[str, Any]:
        """The object as it came: plain dicts and lists, without types and origin."""
        plain: dict[str, Any] = _to_plain(self)
        return plain

    def model_dump(self, *, exclude_none: bool = False) -> dict[str, Any]:
        """Return `raw`, under openai's name."""
        plain: dict[str, Any] = drop_none(self.raw) if exclude_none else self.raw
        return plain

    def model_dump_json(self, *, indent: int | None = None, exclude_none: bool = False) -> str:
        """Return the object as JSON text, under openai's name."""
        plain = self.model_dump(exclude_none=exclude_none)
        marks = None if indent else (",", ":")
        return json.dumps(plain, ensure_ascii=False, indent=indent, separators=marks)

    def to_dict(self) -> dict[str, Any]:
        """Return `raw`."""
        return self.raw

    def to_json(self, *, indent: int | None = 2) -> str:
        """Return the object as JSON text."""
        return self.model_dump_json(indent=indent)

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return show.show_result(self.__repr__, self._html_, self.meta)

    def _html_(self) -> str:
        """Return the object as safe HTML."""
        return html_table.fields_to_html({name: _field_value(self, name) for name in self})


class TextRecord(Record):
    """A text with other fields: `str()` of it is the text.

    Attributes:
        text_field: The field that holds the text.
    """

    text_field: ClassVar[str] = "text"

    @property
    def text(self) -> str:
        """The text, "" without one."""
        text = self.get(self.text_field)
        return text if isinstance(text, str) else ""

    def __str__(self) -> str:
        return self.text

    def fields_beyond_text(self) -> dict[str, Any]:
        """Return the other fields that have a value."""
        return fields_beyond(self, {self.text_field})

    def _html_(self) -> str:
        others = self.fields_beyond_text()
        return show.paragraph_html(self.text) + (
            html_table.fields_to_html(others) if others else ""
        )


def fields_beyond(record: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Return the fields of a record that have a value and are not among `names`."""
    read = functools.partial(_field_value, record) if isinstance(record, Record) else record.get
    return {name: read(name) for name in record if name not in names and record[name] is not None}


def _field_value(record: Record, name: str) -> Any:
    """Return a field, nested records included, whatever methods of a dict share its name."""
    return getattr(record, name) if name in _field_converters(type(record)) else record[name]


def _to_plain(value: object) -> Any:
    """Return records and lists of them as dicts and lists, anything else unchanged."""
    if isinstance(value, dict):
        return {name: _to_plain(item) for name, item in value.items()}
    return [_to_plain(item) for item in value] if isinstance(value, list) else value


def _missing_field_message(record: Record, name: str) -> str:
    known = [*_field_converters(type(record)), *record]
    return (
        f"{type(record).__name__} has no field {name!r}; it has {', '.join(dict.fromkeys(known))}."
    )


@functools.cache
def _field_converters(cls: type[Record]) -> dict[str, Convert | None]:
    """Return each declared field with what makes a nested value a record (None for plain values).

    On the way the fields become properties, which are read several times faster than attributes
    that are looked up by name.
    """
    found: dict[str, Convert | None] = {}
    for name, kind in _field_types(cls).items():
        found[name] = _find_converter(kind)
    # A property that a class has already, such as a text's, reads its field in its own way.
    for name, convert in found.items():
        if name not in vars(cls) and not isinstance(getattr(cls, name, None), property):
            setattr(cls, name, _field_property(name, convert))
    return found


@functools.cache
def _field_types(cls: type[Record]) -> dict[str, Any]:
    """Return the types of a record's fields, evaluated where they are written as texts."""
    found: dict[str, Any] = {}
    # From the base to the class, so that a class may declare an inherited field again.
    for base in reversed(cls.__mro__):
        if issubclass(base, Record):
            try:
                kinds = inspect.get_annotations(base, eval_str=True)
            except NameError:  # a name that exists for type checkers or in a function only
                kinds = inspect.get_annotations(base)
            found |= kinds
    return {
        name: kind
        for name, kind in found.items()
        if name not in cls.non_fields and not _is_class_variable(kind)
    }


def _is_class_variable(kind: object) -> bool:
    return get_origin(kind) is ClassVar or (isinstance(kind, str) and kind.startswith("ClassVar"))


def find_field_faults(kind: type[Record], raw: Mapping[str, Any]) -> list[str]:
    """List, in words, the required fields that an object lacks or holds with another type."""
    found = []
    for name, check in _required_checks(kind).items():
        # Servers write some names with a hyphen, as `content-type`.
        value = raw.get(name, raw.get(name.replace("_", "-")))
        if value is None or not check[0](value):
            found.append(f"{name!r}{check[1]}")
    return found


Check = tuple[Callable[[Any], bool], str]
"""A test of a field's value, and what it tests, in words."""


@functools.cache
def _required_checks(cls: type[Record]) -> dict[str, Check]:
    kinds = _field_types(cls)
    names = cls.required_fields
    if names is None:
        names = frozenset(name for name, kind in kinds.items() if not _allows_none(kind))
    return {
        name: _find_check(kinds.get(name)) for name in kinds | dict.fromkeys(names) if name in names
    }


def _allows_none(kind: object) -> bool:
    if isinstance(kind, str):
        return "None" in kind or "Optional" in kind or kind.endswith("Any")
    return kind is Any or kind is None or type(None) in get_args(kind)


def _find_check(kind: object) -> Check:
    """Return the test for a type; of a text or a container only what shows and reads it needs."""
    origin = get_origin(kind) or kind
    if origin in (int, float):
        return (lambda value: isinstance(value, (int, float))), " (a number)"
    # Classifiers without names label their classes with numbers, which serve as texts.
    if origin is str:
        return (lambda value: isinstance(value, (str, int, float))), " (a text)"
    if origin is list:
        return (lambda value: isinstance(value, list)), " (a list)"
    if isinstance(origin, type) and issubclass(origin, Record):
        return functools.partial(_is_whole_record, origin), " (an object)"
    return (lambda value: True), ""


def _is_whole_record(kind: type[Record], value: object) -> bool:
    return isinstance(value, Mapping) and not find_field_faults(kind, value)


def _field_property(name: str, convert: Convert | None) -> property:
    if convert is None:
        return property(operator.itemgetter(name))

    def nested(record: Record) -> Any:
        value = record[name]
        if isinstance(value, Record):
            return value
        converted = convert(value) if isinstance(value, (dict, list)) else None
        # What is not an object cannot be read as one: it stays in `raw` alone.
        if converted is not None:
            record[name] = converted
        return converted

    return property(nested)


def _find_converter(kind: object) -> Convert | None:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return next((made for part in get_args(kind) if (made := _find_converter(part))), None)
    if origin is list:
        inner = get_args(kind)[0]
        if isinstance(inner, type) and issubclass(inner, Record):
            return functools.partial(_to_records, inner)
        each = _find_converter(inner)
        return functools.partial(_convert_each, each) if each else None
    return (
        functools.partial(_to_record, kind)
        if isinstance(kind, type) and issubclass(kind, Record)
        else None
    )


def _to_record(kind: type[Record], value: object) -> Any:
    """Make a record of a dict; a list with one object counts as the object."""
    if type(value) is list and len(value) == 1:
        value = value[0]
    # The exact type: parsed JSON has no other, and a record must not be wrapped again.
    return kind(value) if type(value) is dict else None


def _to_records(kind: type[Record], value: object) -> Any:
    """Make a list of records; a bare object, as some servers send, counts as a list of one."""
    rows = value if isinstance(value, list) else [value]
    if len(rows) == 1 and type(rows[0]) is dict:
        return [kind(rows[0])]  # as nearly always in a stream
    records = (kind(row) if type(row) is dict else row for row in rows)
    return [row for row in records if isinstance(row, Record)]


def _convert_each(inner: Convert, value: object) -> Any:
    items = value if isinstance(value, list) else [value]
    return [inner(item) for item in items if type(item) in (dict, list)]


class Elements(list[T], Generic[T]):
    """A list of results with its origin; shown as a table."""

    meta: Meta | None = None

    def to_pandas(self) -> Any:
        """Return a DataFrame, one row per item; nested objects become columns (`box.xmin`)."""
        from hfwidgets.results import table

        return table.to_frame(self)

    @property
    def table(self) -> Any:
        """The same as `to_pandas()`."""
        return self.to_pandas()

    @property
    def raw(self) -> list[Any]:
        """The list as it came: plain dicts and lists, without types and origin."""
        return [_to_plain(item) for item in self]

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the items to a file: .json keeps their structure, .csv makes them rows."""
        from hfwidgets.results import table

        return table.save_items(self, path)

    def plot(self) -> "Figure":
        """Plot scores or numbers as bars, with matplotlib; ConfigurationError without any."""
        from hfwidgets.results import plot

        return plot.plot_chart(self)

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return show.show_result(lambda: repr(list(self)), self._html_, self.meta)

    def _html_(self) -> str:
        """Return the list as safe HTML."""
        return html_table.records_to_html(self)


class Text(str):
    """A string with its origin."""

    meta: Meta | None = None

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return show.show_result(self.__str__, self._html_, self.meta)

    def _html_(self) -> str:
        """Return the text as safe HTML."""
        return show.paragraph_html(self)
