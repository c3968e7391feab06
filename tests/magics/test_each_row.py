"""--each: one call per row."""

import pandas as pd
import PIL.Image
import polars as pl
import pyarrow as pa
import pytest
from IPython.core.error import UsageError
from IPython.utils.io import capture_output

from hfwidgets import notebook
from hfwidgets.errors import ConfigurationError, NotRecordedError
from tests.plugins.waiting import until


@pytest.fixture
def each(shell, loopback):
    """Run a cell with --each and return the result."""

    def run(line, prompt=None, **names):
        shell.push(names)
        with capture_output():
            if prompt is None:
                shell.run_line_magic("infer", f"-o out -m {loopback.url} {line}")
            else:
                shell.run_cell_magic("infer", f"out << {loopback.url} {line}", prompt)
        return shell.user_ns["out"]

    return run


def asked(loopback):
    return [body["messages"][-1]["content"] for body in loopback.bodies]


TABLE = pd.DataFrame({"word": ["dog", "cat", None], "n": [1, 2, 3]}, index=["x", "y", "z"])


def test_a_table_fills_the_text_and_joins_the_answers(each, loopback):
    out = each("--each $df", "Say {{ row.word }} {{ row['n'] }} times.", df=TABLE)
    assert sorted(asked(loopback)) == ["Say cat 2 times.", "Say dog 1 times."]
    assert [row.state for row in out] == ["done", "done", "failed"]
    assert "word is empty" in str(out.errors[2])
    frame = out.to_pandas()
    assert list(frame.columns) == ["word", "n", "result", "error"]
    assert list(frame.index) == ["x", "y", "z"]
    assert frame["result"]["x"] == loopback.text
    assert all("stream" not in body or not body["stream"] for body in loopback.bodies)


def test_a_column_is_the_prompt_without_another(each, loopback):
    each("--each $df:word", df=TABLE)
    assert sorted(asked(loopback)) == ["cat", "dog"]


TABLES = {
    "polars": lambda: pl.DataFrame({"word": ["dog", "cat", None], "n": [1, 2, 3]}),
    "pyarrow": lambda: pa.table({"word": ["dog", "cat", None], "n": [1, 2, 3]}),
    "a record batch": lambda: pa.record_batch({"word": ["dog", "cat", None], "n": [1, 2, 3]}),
    "dicts": lambda: TABLE.where(TABLE.notna(), None).to_dict("records"),
}


@pytest.mark.parametrize("kind", TABLES)
def test_tables_of_any_library_fill_the_text_and_join_the_answers(each, loopback, kind):
    out = each("--each $table", "Say {{ row.word }} {{ row['n'] }} times.", table=TABLES[kind]())
    assert sorted(asked(loopback)) == ["Say cat 2 times.", "Say dog 1 times."]
    assert [row.state for row in out] == ["done", "done", "failed"]
    assert "word is empty" in str(out.errors[2])
    each("--each $table:word", table=TABLES[kind]())
    assert sorted(asked(loopback)[2:]) == ["cat", "dog"]
    if kind != "dicts":
        frame = out.to_pandas()
        assert list(frame.columns) == ["word", "n", "result", "error"]
        assert list(frame["n"]) == [1, 2, 3]


@pytest.mark.parametrize(
    "column", [pl.Series("w", ["a", "b"]), pa.chunked_array([["a", "b"]]), pa.array(["a", "b"])]
)
def test_columns_of_any_library_are_rows(each, loopback, column):
    out = each("--each $column", "Say {{ row }}", column=column)
    assert sorted(asked(loopback)) == ["Say a", "Say b"]
    assert out.counts["done"] == 2


def test_a_missing_column_of_a_polars_table_suggests_the_nearest(each):
    with pytest.raises(UsageError, match="Did you mean 'word'"):
        each("--each $table:wrod", table=TABLES["polars"]())
    with pytest.raises(ConfigurationError, match="collect"):
        each("--each $table:word", table=TABLES["polars"]().lazy())


@pytest.mark.parametrize(
    "changed",
    ["--temperature 0.9", "-P temperature=0.9", "--params $options", "--seed 3", "--schema $shape"],
)
def test_resume_with_other_parameters_is_refused(each, loopback, tmp_path, changed):
    loopback.pieces = ["{}"]
    path, names = tmp_path / "rows.jsonl", {"options": {"seed": 3}, "shape": {"title": "x"}}
    line = f"--each $words --resume {path}"
    each(f"{line} --temperature 0.5", words=["a", "b"])
    before = len(loopback.requests)
    with pytest.raises(ConfigurationError, match="parameters"):
        each(f"{line} {changed}", words=["a", "b"], **names)
    assert len(loopback.requests) == before
    out = each(f"{line} --temperature 0.5", words=["a", "b"])
    assert out.counts["done"] == 2
    assert len(loopback.requests) == before


def test_parameters_of_the_row_may_differ(each, loopback, tmp_path):
    line = f"--each $rows -P seed=$row.n -P stop=END --resume {tmp_path / 'rows.jsonl'}"
    rows = [{"text": "a", "n": 1}, {"text": "b", "n": 2}]
    for _ in range(2):
        out = each(line, "{{ row.text }}", rows=rows)
        assert out.counts["done"] == 2
    assert sorted(body["seed"] for body in loopback.bodies) == [1, 2]
    assert [body["stop"] for body in loopback.bodies] == ["END", "END"]


def test_a_list_and_an_iterator_and_a_limit(each, loopback):
    each("--each $words --limit 2 --concurrency 1", words=["a", "b", "c"])
    assert asked(loopback) == ["a", "b"]
    out = each("--each $words", "about {{ row }}", words=(word for word in "de"))
    assert sorted(asked(loopback)[2:]) == ["about d", "about e"]  # asked at once
    assert len(out) == 2


def test_dicts_provide_fields_and_images_are_attached(each, loopback):
    each("--each $rows", "{{ row.a }}-{{ row.b }}", rows=[{"a": 1, "b": "x"}])
    assert asked(loopback) == ["1-x"]
    each("--each $pictures", "What is it?", pictures=[PIL.Image.new("RGB", (2, 2))])
    kinds = [part["type"] for part in asked(loopback)[-1]]
    assert kinds == ["text", "image_url"]


def test_the_row_becomes_the_first_free_input(each, loopback):
    loopback.answer = [{"label": "good", "score": 0.9}]
    out = each("-t text-classification --each $df:word", df=TABLE)
    assert list(out.to_pandas()["label"])[:2] == ["good", "good"]
    assert loopback.bodies[0]["inputs"] == ["dog", "cat"]
    # This server answers a list as if it were one text, so each row is sent alone after it.
    assert sorted(body["inputs"] for body in loopback.bodies[1:]) == ["cat", "dog"]
    each("-t text-classification --each $df:word --batch-size 1", df=TABLE)
    assert sorted(body["inputs"] for body in loopback.bodies[3:]) == ["cat", "dog"]
    loopback.answer = {"answer": "a", "score": 1.0, "start": 0, "end": 1}
    questions = pd.DataFrame({"question": ["who?"], "context": ["she"], "more": [0]})
    each("-t question-answering --each $df", df=questions)
    assert loopback.bodies[-1]["inputs"] == {"question": "who?", "context": "she"}
    each("-t question-answering --each $df:question", "context: she", df=questions)
    assert loopback.bodies[-1]["inputs"] == {"question": "who?", "context": "she"}


@pytest.mark.parametrize(
    ("line", "prompt", "message"),
    [
        ("--each $df", "the same each time", "write {{ row }}"),
        ("--each $df:wrod", None, "Did you mean 'word'"),
        ("--each df", "{{ row }}", "--each accepts"),
        ("--each $df:word", "{{ row.wrod }}", "Did you mean 'word'"),
        ("--each $number", "{{ row }}", "not an int"),
        ("--each $none", "{{ row }}", "no rows"),
        ("--each $df:word -t text-classification", "one text", "has all its inputs"),
        ("--each $df -t text-classification", None, "name one of them"),
        ("--each $df:word --compare a,b", "{{ row }}", "Pass either"),
        ("--limit 3", "hi", "needs --each"),
    ],
)
def test_errors_are_reported_before_anything_is_sent(each, loopback, line, prompt, message):
    with pytest.raises(UsageError) as caught:
        each(line, prompt, df=TABLE, number=1, none=[])
    assert message in str(caught.value)
    assert loopback.requests == []


def test_rows_with_tokens_are_not_sent(each, loopback):
    words = ["fine", "hf_" + "a" * 34]
    out = each("--each $words", words=words)
    assert asked(loopback) == ["fine"]
    assert "token" in str(out.errors[1])
    assert words[1] not in str(out.errors[1])


def test_finished_rows_are_not_processed_again(each, loopback, tmp_path):
    path = tmp_path / "rows.jsonl"
    each(f"--each $words --limit 2 --resume {path}", words=["a", "b", "c"])
    out = each(f"--each $words --resume {path}", words=["a", "b", "c"])
    assert sorted(asked(loopback)) == ["a", "b", "c"]
    assert [row.state for row in out] == ["done"] * 3


def test_replies_become_objects(each, loopback):
    loopback.pieces = ['{"name": "Ada"}']
    out = each("--each $words --schema $shape", words=["a"], shape={"type": "object"})
    assert out.results == [{"name": "Ada"}]
    loopback.pieces = ["no JSON"]
    out = each("--each $words --schema $shape", words=["a"], shape={"type": "object"})
    assert out[0].state == "failed"


def test_the_usage_counts_every_row_once(each, loopback):
    each("--each $words", words=["a", "b"])
    [used] = notebook.usage()
    assert (used["calls"], used["completion_tokens"]) == (2, 10)


def test_the_background_handle_shows_progress(each, loopback):
    run = each("--each $words --bg", words=["a", "b"])
    assert [row.state for row in run.result(20)] == ["done", "done"]
    assert "done 2 of 2" in run.label


def test_a_stopped_background_run_keeps_finished_rows(each, loopback):
    loopback.most = 2
    table = pd.DataFrame({"word": ["a", "b", "c", "d"], "n": 0})
    run = each("--each $df:word --bg --concurrency 1", df=table)
    until(lambda: len(loopback.requests) == 3)
    run.stop()
    rows = run.result(20)
    assert list(rows.to_pandas().columns) == ["word", "n", "result", "error"]
    assert run.result(20) is rows
    assert [used["calls"] for used in notebook.usage()] == [2]
    assert run.state == "stopped"
    assert [row.state for row in rows][:2] == ["done", "done"]
    assert rows.counts == {"done": 2, "failed": 0, "pending": 2}


def test_a_retry_keeps_the_table_and_counts_each_row_once(each, loopback):
    loopback.answer = [{"label": "good", "score": 0.9}]
    loopback.refuses = "parameters"
    first = each("-t text-classification --each $df:word -P top_k=1", df=TABLE)
    assert first.counts["failed"] == 3
    loopback.refuses = None
    with capture_output():
        again = first.retry()
    frame = again.to_pandas()
    assert list(frame.columns) == ["word", "n", "label", "score", "error"]
    assert list(frame["label"])[:2] == ["good", "good"]
    with capture_output():
        assert again.retry().counts == {"done": 2, "failed": 1, "pending": 0}
    assert [used["calls"] for used in notebook.usage()] == [2]


def test_a_retry_builds_the_objects_of_a_schema(each, loopback):
    loopback.pieces = ["no JSON"]
    shape = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    first = each("--each $words --schema $shape", words=["a", "b"], shape=shape)
    assert first.counts["failed"] == 2
    loopback.pieces = ['{"n": 1}']
    with capture_output():
        assert first.retry().results == [{"n": 1}, {"n": 1}]


def test_a_folder_s_files_are_read_as_text_or_attached_as_images(each, loopback, tmp_path):
    texts, pictures = tmp_path / "texts", tmp_path / "pictures"
    for folder in (texts, pictures):
        folder.mkdir()
    (texts / "a.txt").write_text("first words")
    (texts / "b.txt").write_bytes(b"\xff\xfe\x00")
    PIL.Image.new("RGB", (2, 2)).save(pictures / "a.png")
    out = each("--each $folder", "Sum up: {{ row }}", folder=texts)
    assert asked(loopback) == ["Sum up: first words"]
    assert "b.txt cannot be read as text" in str(out.errors[1])
    each("--each $folder", "What is it?", folder=pictures)
    assert [part["type"] for part in asked(loopback)[-1]] == ["text", "image_url"]
    loopback.answer = [{"label": "good", "score": 0.9}]
    each("-t text-classification --each $folder", folder=texts)
    assert loopback.bodies[-1]["inputs"] == "first words"


def test_a_dry_run_shows_the_first_row(each, loopback):
    shown = each("--each $words -n", "Say {{ row }}", words=["a", "b"])
    assert "Say a" in repr(shown)
    assert loopback.requests == []


def test_replay_sends_nothing(each, loopback, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    each("--each $words --cache", words=["a"])
    out = each("--each $words --replay", words=["a", "b"])
    assert asked(loopback) == ["a"]
    assert out[0].state == "done"
    assert isinstance(out.errors[1], NotRecordedError)
