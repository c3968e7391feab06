"""Where results of several models differ: one table for every kind of result."""

import json
import resource
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hfwidgets import errors
from hfwidgets.results.comparison import Comparison, ComparisonRow
from hfwidgets.results.differences import diff_texts, find_differences, overlap
from hfwidgets.results.votes import SAME, Vote, Votes


def box(label: str, score: float, *sides: float) -> dict[str, Any]:
    names = ("xmin", "ymin", "xmax", "ymax")
    return {"label": label, "score": score, "box": dict(zip(names, sides, strict=True))}


def differ(*results: Any) -> Any:
    found = find_differences([f"model {at}" for at in range(len(results))], results)
    assert found is not None
    return found


def test_another_first_label_is_marked() -> None:
    found = differ(
        [{"label": "cat", "score": 0.9}, {"label": "dog", "score": 0.1}],
        [{"label": "dog", "score": 0.6}, {"label": "cat", "score": 0.4}],
    )
    assert found.rows == [["cat", "1. 0.900", "2. 0.400"], ["dog", "2. 0.100", "1. 0.600"]]
    assert found.differing == [True, True]
    assert found.summary == "First place: cat (model 0), dog (model 1)."


def test_boxes_are_matched_by_overlap() -> None:
    found = differ(
        [box("cat", 0.9, 0, 0, 10, 10), box("dog", 0.8, 50, 50, 80, 80)],
        [
            box("bird", 0.8, 50, 51, 80, 80),
            box("cat", 0.7, 0, 0, 10, 9),
            box("x", 0.4, 0, 90, 9, 99),
        ],
    )
    assert [row[1:] for row in found.rows] == [
        ["cat 0.900", "cat 0.700 (IoU 0.90)"],
        ["dog 0.800", "bird 0.800 (IoU 0.97)"],
        ["–", "x 0.400"],
    ]
    assert found.differing == [False, True, True]
    assert "1 of 3 objects" in found.summary


def test_overlap_is_that_of_pycocotools() -> None:
    from pycocotools import mask

    a, b = (10, 20, 60, 50), (30, 10, 70, 45)
    names = ("xmin", "ymin", "xmax", "ymax")
    sizes = [[x, y, right - x, bottom - y] for x, y, right, bottom in (a, b)]
    theirs = mask.iou(np.array(sizes[:1], float), np.array(sizes[1:], float), [0])[0][0]
    ours = overlap(dict(zip(names, a, strict=True)), dict(zip(names, b, strict=True)))
    assert ours == pytest.approx(theirs)


def test_spans_of_one_model_only() -> None:
    def span(label: str, word: str, start: int) -> dict[str, Any]:
        return {
            "entity_group": label,
            "word": word,
            "score": 0.9,
            "start": start,
            "end": start + len(word),
        }

    found = differ(
        [span("PER", "Ada", 0), span("LOC", "Rome", 10)],
        [span("PER", "Ada", 0), span("ORG", "Rome", 10)],
        [span("PER", "Ada", 0)],
    )
    assert found.rows[1] == ["Rome (10 to 14)", "LOC 0.900", "ORG 0.900", "–"]
    assert found.differing == [False, True]


def test_masks_are_compared_by_overlap() -> None:
    left, all_of_it = Image.new("L", (10, 10)), Image.new("L", (10, 10), 255)
    left.paste(255, (0, 0, 4, 10))
    found = differ([{"label": "sky", "mask": all_of_it}], [{"label": "sky", "mask": left}])
    assert found.rows == [["sky", "IoU 1.00", "IoU 0.40"]]
    assert found.differing == [True]


def test_words_that_were_changed_are_named() -> None:
    found = differ("The quick brown fox", "The slow brown fox runs")
    assert found.rows == [["from word 2", "quick", "slow"], ["from word 5", "–", "runs"]]
    assert "(1 replaced, 0 left out, 1 added)" in found.summary
    assert "(0 replaced, 2 left out, 0 added)" in differ("a very long way", "a way").summary
    assert differ("same", "same").summary == "All texts are the same."
    assert diff_texts("a b", "a c") == [("same", "a "), ("gone", "b"), ("new", "c")]


def test_numbers_and_embeddings() -> None:
    assert differ([0.5, 0.7], [0.5, 0.9]).differing == [False, True]
    found = differ(np.array([1.0, 0.0]), np.array([0.6, 0.8]))
    assert found.rows[1] == ["cosine with model 0", "1.000", "0.600"]


@pytest.mark.parametrize("results", [(None, "a"), (object(), object()), (b"RIFF", b"RIFF")])
def test_what_cannot_be_compared_has_no_table(results: Any) -> None:
    assert find_differences(["a", "b"], results) is None


def test_markup_of_models_stays_text() -> None:
    rows = [
        ComparisonRow(model=f"<i>{at}", answer=t, result=t) for at, t in enumerate(["<b>a", "<b>c"])
    ]
    html = Comparison(rows)._html_()
    assert "<del>a</del><ins>c</ins>" in html
    assert "<b>a" not in html
    assert "<i>0" not in html


def test_images_are_shown_side_by_side() -> None:
    rows = [
        ComparisonRow(model=name, result=Image.new("RGB", (9, 9), name)) for name in ("red", "blue")
    ]
    html = Comparison(rows)._html_()
    assert html.count("<img") == 2
    assert "object at 0x" not in html


def cast(winner: str, key: str, voter: str = "you") -> Vote:
    return Vote(task="x", key=key, input="", models=["a", "b"], winner=winner, voter=voter)


def test_votes_are_counted_with_a_test() -> None:
    votes = Votes()
    for at in range(9):
        votes.add(cast("a" if at < 8 else "b", str(at)))
    votes.add(cast(SAME, "9"))
    [found] = votes.tally()
    assert (found.a_better, found.b_better, found.same) == (8, 1, 1)
    assert found.p == pytest.approx(0.0390625)
    assert found.verdict.startswith("a is preferred")
    votes.add(cast("b", "0"))  # the same input again: the first vote is replaced
    assert votes.tally()[0].verdict.startswith("a and b are not distinguishable")


def test_votes_are_shown_as_a_table_and_as_text() -> None:
    votes = Votes()
    assert votes._repr_mimebundle_() == {"text/plain": "0 votes", "text/html": "<p>No votes.</p>"}
    for at in range(12):
        votes.add(cast("a", str(at)))
    sure = "a is preferred (a better 12, b better 0, same 0; sign test p below 0.001)."
    assert repr(votes) == f"12 votes\n{sure}"
    for at in range(5):
        votes.add(cast("b", str(at)))
    counts = "a better 7, b better 5, same 0; sign test p 0.774"
    unsure = f"a and b are not distinguishable by the votes ({counts})."
    bundle = votes._repr_mimebundle_()
    assert bundle["text/plain"] == f"12 votes\n{unsure}"
    for part in (">A<", ">B<", ">7<", ">5<", ">0.774<", unsure):
        assert part in bundle["text/html"]


def test_votes_on_inputs_with_odd_characters_are_read_again(tmp_path: Path) -> None:
    path = tmp_path / "votes.jsonl"
    for text in ("a\u2028b", "a\x85b", "a\x1cb", "a\nb", "a\ud800b"):
        vote = cast("a", text)
        vote["input"] = text
        Votes(path=path).add(vote)
    assert len(Votes(path=path)) == 5


def test_a_vote_that_the_disk_refuses_leaves_the_others_readable(tmp_path: Path) -> None:
    path = tmp_path / "votes.jsonl"
    Votes(path=path).add(cast("a", "1"))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, before[1]))
    try:
        with pytest.raises(errors.ConfigurationError, match="The vote was not written"):
            Votes(path=path).add(cast("b", "2"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    Votes(path=path).add(cast("b", "3"))
    assert [vote.winner for vote in Votes(path=path)] == ["a", "b"]


def test_votes_outlive_the_kernel(tmp_path: Path) -> None:
    path = tmp_path / "votes.jsonl"
    first = Votes(path=path)
    first.add(cast("a", "1"))
    first.add(cast("b", "1"))
    assert [vote.winner for vote in Votes(path=path)] == ["b"]
    assert len(path.read_text().splitlines()) == 2
    assert first.save(tmp_path / "votes.csv").read_text().startswith("task,key,input")
    assert list(first.to_pandas()["winner"]) == ["b"]


@pytest.mark.parametrize("text", ["not json", json.dumps({"a": 1})])
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(text)
    with pytest.raises(errors.ConfigurationError, match="not a file of votes"):
        Votes(path=path)


def test_an_unknown_winner_is_refused() -> None:
    with pytest.raises(errors.ConfigurationError, match="'same' or one of the models"):
        Votes().add(cast("c", "1"))
