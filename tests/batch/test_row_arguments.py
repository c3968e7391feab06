"""What holds rows, and the arguments that each row becomes."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from PIL import Image

from hfwidgets import errors
from hfwidgets.batch._row_arguments import RowSource
from hfwidgets.tasks import find


def arguments(
    task: str, rows: Any, column: Any = None, limit: Any = None, **parameters: Any
) -> Any:
    return list(RowSource(find(task), rows, column, parameters, limit))


def test_lists_and_series_hold_the_first_input() -> None:
    expected = [{"text": "a", "top_k": 1}, {"text": "b", "top_k": 1}]
    assert arguments("text-classification", ["a", "b"], top_k=1) == expected
    assert arguments("text-classification", pd.Series(["a", "b"]), top_k=1) == expected
    assert arguments("text_classification", iter("ab"), top_k=1) == expected


def test_a_table_s_columns_are_named_or_found() -> None:
    frame = pd.DataFrame({"q": ["why?"], "text": ["because"], "context": ["it is so"]})
    assert arguments("text-classification", frame, "q") == [{"text": "why?"}]
    assert arguments("text-classification", frame) == [{"text": "because"}]
    named = {"question": "q", "context": "context"}
    assert arguments("question-answering", frame, named) == [
        {"question": "why?", "context": "it is so"}
    ]
    assert arguments("summarization", frame[["q"]]) == [{"text": "why?"}]


def test_a_missing_column_is_an_error_with_the_nearest_name() -> None:
    frame = pd.DataFrame({"review": ["a"], "stars": [1]})
    with pytest.raises(errors.ConfigurationError, match="Did you mean 'review'"):
        arguments("text-classification", frame, "reviews")
    with pytest.raises(errors.ConfigurationError, match=r"no column 'text'.*review, stars"):
        arguments("text-classification", frame)


def test_dicts_give_parameters_or_columns() -> None:
    row = {"question": "why?", "context": "so"}
    assert arguments("question-answering", [row]) == [row]
    assert arguments("text-classification", [{"review": "x", "n": 1}], "review") == [{"text": "x"}]
    [wrong] = arguments("text-classification", [{"review": "x"}])
    assert isinstance(wrong, errors.InputError)
    assert "column=" in str(wrong)
    table = {"a": [1], "b": [2]}
    assert arguments("tabular-classification", [table]) == [{"table": table}]


def test_a_text_is_a_conversation() -> None:
    [row] = arguments("chat-completion", ["Hello"], max_tokens=3)
    assert row == {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 3}
    messages = [{"role": "system", "content": "Be brief."}]
    assert arguments("chat-completion", [messages]) == [{"messages": messages}]


def test_a_folder_gives_its_files_in_order(tmp_path: Path) -> None:
    for name in ("b.png", "a.png", ".hidden.png"):
        Image.new("RGB", (2, 2)).save(tmp_path / name)
    (tmp_path / "inner").mkdir()
    rows = arguments("image-classification", tmp_path)
    assert rows == [{"image": tmp_path / "a.png"}, {"image": tmp_path / "b.png"}]


def test_a_folder_of_texts_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Ä text")
    (tmp_path / "b.txt").write_bytes(b"\xff\xfe\x00")
    good, bad = arguments("summarization", tmp_path)
    assert good == {"text": "Ä text"}
    assert isinstance(bad, errors.InputError)
    with pytest.raises(errors.MissingFileError):
        arguments("summarization", tmp_path / "nowhere")


@pytest.mark.parametrize("empty", [None, float("nan"), pd.NA, pd.NaT])
def test_an_empty_cell_is_the_row_s_error(empty: Any) -> None:
    good, bad = arguments("text-classification", ["a", empty])
    assert good == {"text": "a"}
    assert isinstance(bad, errors.InputError)


@pytest.mark.parametrize(
    "rows", ["text", b"bytes", {"text": "a"}, {"text": {0: "a"}}, {}, 3, pd.DataFrame]
)
def test_objects_without_rows_are_refused(rows: Any) -> None:
    with pytest.raises(errors.InputTypeError, match="rows is a"):
        arguments("text-classification", rows)


def test_parameters_are_checked_before_the_first_row() -> None:
    with pytest.raises(errors.UnknownParameterError, match="top_k"):
        arguments("text-classification", ["a"], topk=1)
    with pytest.raises(errors.ConfigurationError, match="stream"):
        arguments("chat-completion", ["a"], stream=True)
    with pytest.raises(errors.ConfigurationError, match="passed twice"):
        arguments("question-answering", [{}], {"question": "q"}, question="why?")


def test_a_limit_leaves_the_rest_of_an_iterator() -> None:
    rows = iter(range(10))
    assert len(arguments("text-classification", (str(n) for n in rows), limit=3)) == 3
    assert next(rows) == 3
    assert RowSource(find("text-classification"), ["a", "b"], None, {}, 5).total == 2


def test_columns_with_names_other_than_text_are_found() -> None:
    plain = pd.DataFrame([["good", 1], ["bad", 2]])
    expected = [{"text": "good"}, {"text": "bad"}]
    assert arguments("text-classification", plain, 0) == expected
    assert arguments("text-classification", plain, "0") == expected
    assert arguments("text-classification", plain[[0]]) == expected
    deep = pd.DataFrame([["good"], ["bad"]], columns=pd.MultiIndex.from_tuples([("a", "b")]))
    assert arguments("text-classification", deep) == expected
    assert arguments("text-classification", [("good", 1), ("bad", 2)], 0) == expected


def test_two_columns_of_one_name_are_an_error() -> None:
    frame = pd.DataFrame([["good", "x"], ["bad", "y"]], columns=["a", "a"])
    with pytest.raises(errors.ConfigurationError, match="2 columns 'a'"):
        arguments("text-classification", frame, "a")


def test_a_missing_argument_is_named_unless_all_rows_share_it() -> None:
    whole, lacking = arguments(
        "question-answering", [{"question": "who?", "context": "she"}, {"question": "why?"}]
    )
    assert whole == {"question": "who?", "context": "she"}
    assert isinstance(lacking, errors.InputError)
    assert "no 'context'" in str(lacking)
    [shared] = arguments("question-answering", ["who?"], context="she")
    assert shared == whole


@dataclasses.dataclass
class Review:
    text: str | None
    stars: int


TABLES = {
    "pandas": lambda: pd.DataFrame({"text": ["a", None], "stars": [1, 2]}),
    "polars": lambda: pl.DataFrame({"text": ["a", None], "stars": [1, 2]}),
    "pyarrow": lambda: pa.table({"text": ["a", None], "stars": [1, 2]}),
    "a record batch": lambda: pa.record_batch({"text": ["a", None], "stars": [1, 2]}),
    "dicts": lambda: [{"text": "a", "stars": 1}, {"text": None, "stars": 2}],
    "a dict of columns": lambda: {"text": ["a", None], "stars": [1, 2]},
    "dataclasses": lambda: [Review("a", 1), Review(None, 2)],
    "a structured array": lambda: np.array(
        [("a", 1), (None, 2)], [("text", object), ("stars", int)]
    ),
    "an iterator of dicts": lambda: iter([{"text": "a", "stars": 1}, {"text": None, "stars": 2}]),
}


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("column", [None, "text", {"text": "text"}])
def test_tables_of_any_library_give_the_same_rows(kind: str, column: Any) -> None:
    good, empty = arguments("text-classification", TABLES[kind](), column, top_k=1)
    assert good == {"text": "a", "top_k": 1}
    assert type(good["text"]) is str
    assert isinstance(empty, errors.InputError)
    assert "empty" in str(empty)


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "a record batch"])
def test_tables_of_any_library_have_a_length_and_repeat(kind: str) -> None:
    source = RowSource(find("text-classification"), TABLES[kind](), "text", {})
    assert source.total == 2
    assert source.is_repeatable
    assert len(list(source)) == 2
    source.rewind(1)
    assert len(list(source)) == 1
    assert arguments("text-classification", TABLES[kind](), "text", 1) == [{"text": "a"}]
    with pytest.raises(errors.ConfigurationError, match="Did you mean 'text'"):
        arguments("text-classification", TABLES[kind](), "txet")


COLUMNS = {
    "pandas": lambda: pd.Series(["a", None]),
    "polars": lambda: pl.Series(["a", None]),
    "a chunked array": lambda: pa.chunked_array([["a"], [None]]),
    "an array": lambda: pa.array(["a", None]),
    "numpy": lambda: np.array(["a", None], object),
    "a tuple": lambda: ("a", None),
    "a dict's values": lambda: {1: "a", 2: None}.values(),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_columns_of_any_library_give_the_same_rows(kind: str) -> None:
    good, empty = arguments("text-classification", COLUMNS[kind]())
    assert good == {"text": "a"}
    assert type(good["text"]) is str
    assert isinstance(empty, errors.InputError)
    assert RowSource(find("text-classification"), COLUMNS[kind](), None, {}).total == 2


def test_numbers_of_arrow_are_plain() -> None:
    rows = pa.table({"table": [{"a": 1}], "n": [1]}).to_batches()[0]
    [row] = arguments("tabular-classification", rows, "table")
    assert row == {"table": {"a": 1}}


def test_several_columns_of_a_polars_table() -> None:
    table = pl.DataFrame({"q": ["why?"], "c": ["so"], "more": [1]})
    named = {"question": "q", "context": "c"}
    expected = [{"question": "why?", "context": "so"}]
    assert arguments("question-answering", table, named) == expected
    same = {"question": "q", "context": "q"}
    assert arguments("question-answering", table, same) == [{"question": "why?", "context": "why?"}]
    assert arguments("text-classification", table.select("q")) == [{"text": "why?"}]
    with pytest.raises(errors.ConfigurationError, match="collect"):
        arguments("question-answering", table.lazy(), named)


def test_a_dict_with_a_misspelled_parameter_is_that_row_s_error() -> None:
    [wrong] = arguments("text-classification", [{"text": "a", "topk": 1}])
    assert isinstance(wrong, errors.InputError)
    assert "Did you mean 'top_k'" in str(wrong)
    [ignored] = arguments("text-classification", [{"text": "a", "stars": 1, "id": 7}])
    assert ignored == {"text": "a"}
