"""Tables as HTML and as text: one writer, numbers aligned right, nothing unescaped."""

import re
from pathlib import Path

import pytest

import hfwidgets
from hfwidgets.notebook import Listing
from hfwidgets.results import Elements
from hfwidgets.results.catalogue import Catalog, CatalogModel
from hfwidgets.results.comparison import Comparison, ComparisonRow
from hfwidgets.results.html_table import (
    FormattedNumber,
    SafeHtml,
    fields_to_html,
    records_to_html,
    to_html_table,
    to_text_table,
)
from hfwidgets.results.tabular import Predictions
from hfwidgets.results.text import TextClassificationOutputElement


def alignments(html: str) -> list[str]:
    return re.findall(r"<t[hd][^>]*text-align:(\w+)", html)


def test_a_column_of_numbers_is_aligned_right_with_its_title() -> None:
    html = to_html_table(("name", "count", "price"), [("a", 1, FormattedNumber("0.10"))])
    assert alignments(html) == ["left", "right", "right"] * 2
    assert to_text_table(("name", "n"), [("a", 5), ("long", 1234)]) == (
        "name     n\na        5\nlong  1234"
    )


def test_a_column_with_a_text_in_it_is_aligned_left() -> None:
    assert alignments(to_html_table(("a",), [(1,), ("x",)])) == ["left"] * 3
    assert alignments(to_html_table(("a",), [(True,)])) == ["left"] * 2


def test_missing_values_leave_a_cell_empty_and_a_column_numeric() -> None:
    html = to_html_table(("a", "b"), [(None, float("nan")), (1, 2.5)])
    assert alignments(html) == ["right"] * 6
    assert html.count("></td>") == 2
    assert "nan" not in html


def test_every_cell_and_title_is_escaped_but_for_safe_html() -> None:
    html = to_html_table(("<i>",), [("<b>",), ({"<s>": "<u>"},), (SafeHtml("<p>x</p>"),)])
    assert {"<i>", "<b>", "<s>", "<u>"}.isdisjoint(re.findall(r"<\w>", html))
    assert "<p>x</p>" in html


def test_text_tables_hold_no_control_characters() -> None:
    assert to_text_table(("a\x1b[2J",), [("line\nbreak\x07",)]).splitlines() == [
        "a [2J",
        "line break",
    ]


def test_rows_beyond_the_limit_are_counted() -> None:
    assert "… and 1,234 more" in to_html_table(("n",), [(n,) for n in range(1236)], limit=2)
    assert to_text_table(("n",), [(1,), (2,)], limit=1).endswith("… and 1 more")
    assert "… and 3 more" in records_to_html(range(53))


def test_floats_have_three_decimals_and_small_ones_keep_their_size() -> None:
    assert to_text_table(("n",), [(1234.5,), (0.00012,), (0.5,)]).split() == [
        *("n", "1,234.500", "0.00012", "0.500")
    ]


@pytest.mark.parametrize("rows", [[], [("a", 1)]])
def test_a_table_may_have_no_rows(rows: list[tuple[str, int]]) -> None:
    assert "<thead>" in to_html_table(("name", "n"), rows)
    assert to_text_table(("name", "n"), rows).startswith("name  n")


def test_records_of_different_fields_share_one_table() -> None:
    html = records_to_html([{"a": 1}, {"b": [1, 2], 3: "x"}])
    assert [*re.findall(r"<th[^>]*>(\w+)", html)] == ["a", "b", "3"]
    assert records_to_html([{"a": 1}, "text"]).startswith("<ol>")
    assert "Nothing" in records_to_html([])
    assert 'scope="row"' in fields_to_html({"label": "x"})


def test_all_tables_of_the_package_look_alike() -> None:
    label = TextClassificationOutputElement(label="x", score=0.5)
    tables = [
        Elements([label]),
        Predictions([1.0]),
        Catalog([CatalogModel(id="m")]),
        Comparison([ComparisonRow(model="m", tokens=3)]),
        Listing([{"a": 1}]),
    ]
    html = "".join(table._repr_mimebundle_()["text/html"] for table in tables)
    styles = set(re.findall(r'<t[hd][^>]*style="([^"]*)', re.sub(r";width:\d+%", "", html)))
    assert len(styles) == 2


def test_no_other_module_writes_tables() -> None:
    package = Path(hfwidgets.__file__).parent
    owners = {package / "results" / name for name in ("html_table.py", "markdown.py")}
    owners.add(package / "batch" / "_progress.py")  # pads a line of a terminal, not a column
    pattern = re.compile(r"</?t[rdh]\b|\.[lr]just\b")
    copies = [p for p in package.rglob("*.py") if p not in owners and pattern.search(p.read_text())]
    assert copies == []
