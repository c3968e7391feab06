"""Records that the tests declare: their fields, values of other forms, what is missing."""

import copy
import json
from pathlib import Path
from typing import Any, ClassVar, Optional

import pytest

from hfwidgets import errors
from hfwidgets.results import Elements, Meta, Text
from hfwidgets.results.record import Record, TextRecord, fields_beyond, find_field_faults


class Point(Record):
    """A place."""

    x: int
    y: float


class Shape(Record):
    """A shape with nested fields of each kind."""

    kinds: ClassVar[int] = 3
    name: str
    center: Point
    corners: list[Point]
    rows: list[list[Point]] | None
    hole: Optional[Point]  # noqa: UP045 - both forms are read
    note: str | None
    tags: list[str]
    data: Any
    count: int


class Colored(Shape):
    """A shape with a field more, and one declared again."""

    color: str
    center: Point | None  # type: ignore[assignment]


class Note(TextRecord):
    """A text with a field more."""

    text_field = "body"
    body: str
    by: str | None


POINT = {"x": 1, "y": 0.5}
SHAPE = {
    "name": "s",
    "center": POINT,
    "corners": [POINT, {"x": 2, "y": 1.5}],
    "rows": [[POINT], [POINT, POINT]],
    "hole": POINT,
    "note": None,
    "tags": ["a"],
    "data": {"x": 9},
    "count": 4,
    "items": 5,
    "odd": {"x": 8},
    "content-type": "image/png",
}


def shape(**changes: Any) -> Shape:
    return Shape(copy.deepcopy({**SHAPE, **changes}))


def test_nested_objects_become_records_where_they_are_declared() -> None:
    found = shape()
    assert isinstance(found.center, Point)
    assert isinstance(found["center"], Point)
    assert [type(point) for point in found.corners] == [Point, Point]
    assert [[type(point) for point in row] for row in found.rows or ()] == [[Point], [Point] * 2]
    assert isinstance(found.hole, Point)
    assert type(found.data) is dict
    assert type(found["odd"]) is dict
    assert found.tags == ["a"]
    assert found["items"] == 5  # a dict has a method of this name
    assert found == SHAPE
    assert found.raw == SHAPE
    assert type(found.raw["center"]) is dict
    assert type(found.raw["corners"][0]) is dict


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("center", [POINT], POINT),
        ("center", [POINT, POINT], None),
        ("center", [], None),
        ("center", "text", None),
        ("center", [3], None),
        ("corners", POINT, [POINT]),
        ("corners", [POINT, "text", 3], [POINT]),
        ("corners", ["text"], []),
        ("corners", [], []),
        ("corners", 5, None),
        ("rows", [POINT], [[POINT]]),
        ("rows", [[POINT], "text"], [[POINT]]),
        ("rows", {"x": 1}, [[{"x": 1}]]),
        ("hole", None, None),
        ("hole", {}, {}),
    ],
)
def test_values_of_another_form_are_read_as_far_as_they_go(
    field: str, value: Any, expected: Any
) -> None:
    found = shape(**{field: value})
    assert getattr(found, field) == expected
    if expected is None:
        assert found.raw[field] == value  # what cannot be read is still there


def test_a_record_in_a_record_is_not_made_again() -> None:
    point = Point(x=1, y=2.0)
    found = shape(center=None)
    found.center = point
    assert found.center is point
    assert found["center"] is point


def test_missing_fields_default_to_none_and_unknown_ones_are_named() -> None:
    found = Shape(name="s", odd=1)
    assert (found.center, found.note, found["note"], found.kinds) == (None, None, None, 3)
    assert found.odd == 1
    message = "Shape has no field 'nam'; it has name, center, corners, rows, hole, note, tags, "
    with pytest.raises(AttributeError) as caught:
        _ = found.nam
    assert str(caught.value) == f"{message}data, count, odd."
    with pytest.raises(KeyError, match="'nam'"):
        _ = found["nam"]
    assert shape().content_type == shape()["content_type"] == "image/png"
    assert "note" not in found


def test_names_and_reprs_list_declared_fields_first() -> None:
    names = ["name", "center", "corners", "rows", "hole", "note", "tags", "data", "count"]
    assert set(names) < set(dir(shape()))
    assert {"odd", "keys", "raw"} <= set(dir(shape()))
    assert "content-type" not in dir(shape())
    assert "kinds=" not in repr(shape())
    assert repr(Point(z=3, x=1)) == "Point(x=1, y=None, z=3)"
    assert repr(Colored(name="a", color="b")).startswith("Colored(name='a', center=None, ")
    assert isinstance(Colored(center=POINT).center, Point)
    assert repr(Shape(items=4)).endswith("count=None, items=4)")


def test_what_is_set_is_an_item_except_the_origin() -> None:
    found = Point(x=1)
    found.y = 2.0
    found.new = 3
    assert found == {"x": 1, "y": 2.0, "new": 3}
    assert found.meta is None
    found.meta = meta = Meta("task", "local", "m")
    assert found.meta is meta
    assert found == {"x": 1, "y": 2.0, "new": 3}
    assert Point(meta=5).meta is None


def test_the_names_of_openai_give_the_same_data() -> None:
    found = Note(body="é", by=None, deep={"a": None, "b": [None, 1]})
    assert found.model_dump() == found.to_dict() == found.raw
    assert found.model_dump(exclude_none=True) == {"body": "é", "deep": {"b": [None, 1]}}
    text = '{"body":"é","by":null,"deep":{"a":null,"b":[null,1]}}'
    assert found.model_dump_json() == text
    assert found.model_dump_json(indent=1, exclude_none=True).startswith('{\n "body": "é",\n')
    assert found.to_json() == json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    assert found.to_json(indent=None) == text


def test_a_record_that_is_a_text() -> None:
    note = Note(body="Hi <b>", by="me", empty=None, other=1)
    assert (str(note), note.text) == ("Hi <b>", "Hi <b>")
    assert note.fields_beyond_text() == {"by": "me", "other": 1}
    html = note._repr_mimebundle_()["text/html"]
    assert "Hi &lt;b&gt;" in html
    assert "me" in html
    assert "<table" not in Note(body="Hi")._html_()
    for odd in (None, 3, ["a"]):
        assert str(Note(body=odd)) == ""
    assert str(Note()) == ""
    assert TextRecord(text="x").text == "x"


def test_fields_beyond_some_names() -> None:
    found = shape(note=None)
    rest = fields_beyond(found, {"name", "data"})
    assert list(rest) == [
        *("center", "corners", "rows", "hole", "tags", "count", "items", "odd", "content-type"),
    ]
    assert isinstance(rest["center"], Point)
    assert rest["items"] == 5
    assert fields_beyond({"a": 1, "b": None, "c": 0}, ["a"]) == {"c": 0}


def test_html_shows_nested_records() -> None:
    html = shape()._repr_mimebundle_()["text/html"]
    assert "image/png" in html
    assert "odd" in html
    bundle = Elements([Point(x=1, y=0.5)])._repr_mimebundle_()
    assert bundle["text/plain"] == "[Point(x=1, y=0.5)]"
    assert "0.500" in bundle["text/html"]
    assert Text("a <b>")._repr_mimebundle_() == {
        "text/plain": "a <b>",
        "text/html": Text("a <b>")._repr_mimebundle_()["text/html"],
    }
    assert "a &lt;b&gt;" in Text("a <b>")._html_()


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({}, []),
        ({"name": None}, ["'name' (a text)"]),
        ({"name": 3}, []),
        ({"name": 0.5}, []),
        ({"name": ["a"]}, ["'name' (a text)"]),
        ({"center": None}, ["'center' (an object)"]),
        ({"center": [POINT]}, ["'center' (an object)"]),
        ({"center": {"x": 1}}, ["'center' (an object)"]),
        ({"center": {"x": "1", "y": 1}}, ["'center' (an object)"]),
        ({"center": {"x": 1, "y": 1}}, []),
        ({"corners": POINT}, ["'corners' (a list)"]),
        ({"corners": ["not", "checked"]}, []),
        ({"tags": None, "count": "4"}, ["'tags' (a list)", "'count' (a number)"]),
        ({"note": 3, "rows": 3, "hole": 3, "data": None}, []),
    ],
)
def test_what_an_answer_lacks(changes: dict[str, Any], faults: list[str]) -> None:
    assert find_field_faults(Shape, {**SHAPE, **changes}) == faults


class Declared(Record):
    """A record that says which fields it needs, one of them undeclared and one with a hyphen."""

    required_fields: ClassVar[frozenset[str] | None] = frozenset({"content_type", "extra", "n"})
    content_type: str | None
    n: int | None
    free: int


def test_a_record_may_name_what_it_needs() -> None:
    assert find_field_faults(Declared, {}) == ["'content_type'", "'n'", "'extra'"]
    whole = {"content-type": "x", "n": "any", "extra": 0}
    assert find_field_faults(Declared, whole) == []
    assert find_field_faults(Declared, {**whole, "content-type": None}) == ["'content_type'"]


def test_types_that_exist_for_type_checkers_only_are_read_by_their_text() -> None:
    class Odd(Record):
        need: "Unknown"  # type: ignore[name-defined]  # noqa: F821
        may: "Unknown | None"  # type: ignore[name-defined]  # noqa: F821
        old: "Optional[Unknown]"  # type: ignore[name-defined]  # noqa: F821, UP045
        some: "typing.Any"  # type: ignore[name-defined]  # noqa: F821
        shared: "ClassVar[Unknown]"  # type: ignore[name-defined]  # noqa: F821

    assert find_field_faults(Odd, {}) == ["'need'"]
    assert repr(Odd()) == "Odd(need=None, may=None, old=None, some=None)"


def test_lists_are_tables_files_and_plain_data(tmp_path: Path) -> None:
    points = Elements([Point(x=1, y=0.5), Point(x=2, y=1.5)])
    frame = points.to_pandas()
    assert list(frame.columns) == ["x", "y"]
    assert frame["y"].tolist() == [0.5, 1.5]
    assert points.table.equals(frame)
    assert points.raw == [POINT, {"x": 2, "y": 1.5}]
    assert {type(row) for row in points.raw} == {dict}
    path = points.save(tmp_path / "points.json")
    assert json.loads(path.read_text()) == points.raw
    assert points.save(tmp_path / "points.csv").read_text() == "x,y\n1,0.5\n2,1.5\n"
    with pytest.raises(errors.ConfigurationError):
        Elements([Note(body="a")]).plot()
