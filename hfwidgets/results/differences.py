"""Where the results of several models for one input differ: words, labels, boxes, spans, numbers.

Each kind of result becomes a table with a column per model and a row for each thing that any model
found, so that every surface shows all kinds the same way.
"""

import difflib
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from hfwidgets.results import html_table, show
from hfwidgets.results.item_fields import item_label, item_score

MIN_OVERLAP = 0.5
"""The overlap (IoU) from which two boxes are the same object."""

MIN_SCORE_GAP = 0.1
"""A difference of scores that is marked although the labels agree."""

MAX_ROWS = 50
MAX_WORDS = 4_000
"""Texts with more words are compared by line: comparing words takes quadratic time."""

NOT_FOUND = "–"

Cells: TypeAlias = list[str]
Items: TypeAlias = Sequence[Mapping[str, Any]]


Change: TypeAlias = Literal["same", "gone", "new"]


@dataclass(frozen=True)
class MarkedText:
    """A text, compared with another one word by word.

    Attributes:
        title: whose texts they are.
        pieces: in order, what both have, what only the other text has, and what only this one has.
    """

    title: str
    pieces: list[tuple[Change, str]]

    def to_html(self) -> str:
        """Return the text as safe HTML, with what it lacks struck out and what it adds underlined.

        Neither mark depends on a color.
        """
        tags = {"same": "{}", "gone": "<del>{}</del>", "new": "<ins>{}</ins>"}
        marked = (tags[kind].format(show.escape_html(text)) for kind, text in self.pieces)
        return f'<p dir="auto" style="white-space:pre-wrap">{"".join(marked)}</p>'


@dataclass(frozen=True)
class Differences:
    """A table of what models found.

    Attributes:
        titles: what a row is, then the models' names.
        rows: texts; `–` where a model did not find it.
        differing: for each row whether the models differ on it.
        summary: the differences in one sentence.
        texts: where results are texts that differ, each one compared with the first.
    """

    titles: Cells
    rows: list[Cells]
    differing: list[bool]
    summary: str
    texts: list[MarkedText] = field(default_factory=list)

    def to_html(self) -> str:
        """Return texts as a whole with their changes marked, and anything else as a table.

        It is safe HTML; rows of the table that differ are marked by a sign and by color.
        """
        summary = f"<p>{show.escape_html(self.summary)}</p>"
        if self.texts:
            titles = [text.title for text in self.texts]
            cells = [html_table.SafeHtml(text.to_html()) for text in self.texts]
            return summary + html_table.to_html_table(titles, [cells])
        marks = {
            (at, column)
            for at, differs in enumerate(self.differing)
            for column in range(1, len(self.titles))
            if differs
        }
        lines = [
            [f"{'≠ ' if differs else ''}{row[0]}", *row[1:]]
            for row, differs in zip(self.rows, self.differing, strict=True)
        ]
        table = html_table.to_html_table(self.titles, lines, marked=marks, has_row_titles=True)
        return summary + (table if lines else "")


def find_differences(names: Sequence[str], results: Sequence[Any]) -> Differences | None:
    """Return where results differ; None for fewer than two, and for what has no comparison.

    Args:
        names: the models' names.
        results: a result per model; None where the model failed.
    """
    known = [at for at, result in enumerate(results) if result is not None]
    if len(known) < 2:
        return None
    names, results = [names[at] for at in known], [results[at] for at in known]
    for compare in _COMPARERS:
        # Models answer in odd ways too: what one comparison cannot read, a later one may.
        try:
            found = compare(names, results)
        except (TypeError, ValueError, KeyError, AttributeError):
            continue
        if found is not None:
            return found
    return None


def _to_table(
    what: str, names: Sequence[str], rows: list[Cells], differing: list[bool], summary: str
) -> Differences:
    return Differences([what, *names], rows[:MAX_ROWS], differing[:MAX_ROWS], summary)


# Records


def _read_items(result: object) -> Items | None:
    """Return a result's records; None for anything else."""
    if isinstance(result, Mapping):
        is_item = read_text(result) is None and item_label(result) is not None
        return [result] if is_item else None
    if isinstance(result, list) and all(isinstance(item, Mapping) for item in result):
        return result
    return None


def _all_items(results: Sequence[Any], field: str | None = None) -> list[Items] | None:
    """Return each result's records, if all are such, and all that are there have the field."""
    found = [_read_items(result) for result in results]
    whole = [items for items in found if items is not None]
    if len(whole) < len(results) or not any(whole):
        return None
    if field and any(item.get(field) is None for items in whole for item in items):
        return None
    return whole


def _scored(item: Mapping[str, Any]) -> str:
    score = item_score(item)
    return f"{score:.3f}" if score is not None else "✓"


def _compare_labels(names: Sequence[str], results: Sequence[Any]) -> Differences | None:
    found = _all_items(results)
    if found is None or any(item_label(item) is None for items in found for item in items):
        return None
    ranked = [sorted(items, key=lambda item: -(item_score(item) or 0.0)) for items in found]
    places = [{item_label(item): at for at, item in enumerate(items)} for items in ranked]
    labels = list(dict.fromkeys(label for place in places for label in place))
    rows, differing = [], []
    for label in labels:
        own = [
            items[place[label]] if label in place else None
            for items, place in zip(ranked, places, strict=True)
        ]
        cells = [
            NOT_FOUND if item is None else f"{place[label] + 1}. {_scored(item)}"
            for item, place in zip(own, places, strict=True)
        ]
        scores = [score for item in own if item and (score := item_score(item)) is not None]
        gap = max(scores) - min(scores) if scores else 0.0
        first = {place.get(label) == 0 for place in places}
        rows.append([str(label), *cells])
        differing.append(None in own or len(first) > 1 or gap >= MIN_SCORE_GAP)
    tops = [str(item_label(items[0])) if items else "nothing" for items in ranked]
    return _to_table("label", names, rows, differing, _describe_tops(names, tops))


def _describe_tops(names: Sequence[str], tops: Sequence[str]) -> str:
    if len(set(tops)) == 1:
        return f"{'Both' if len(tops) == 2 else 'All'} rank {tops[0]} first."
    pairs = zip(names, tops, strict=True)
    return f"First place: {', '.join(f'{top} ({name})' for name, top in pairs)}."


# Boxes, spans and masks


def _compare_boxes(names: Sequence[str], results: Sequence[Any]) -> Differences | None:
    found = _all_items(results, "box")
    if found is None:
        return None
    objects = _match_boxes(found)
    rows, differing = [], []
    for members in objects:
        first = next(item for item in members if item is not None)
        cells = [
            NOT_FOUND
            if item is None
            else f"{item_label(item)} {_scored(item)}"
            + ("" if item is first else f" (IoU {overlap(first['box'], item['box']):.2f})")
            for item in members
        ]
        rows.append([_describe_box(first["box"]), *cells])
        differing.append(len({None if one is None else item_label(one) for one in members}) > 1)
    shared = differing.count(False)
    summary = (
        f"{shared} of {len(objects)} objects are found by all models with the same label "
        f"(IoU at least {MIN_OVERLAP})."
    )
    return _to_table("object", names, rows, differing, summary)


def _match_boxes(found: Sequence[Items]) -> list[list[Mapping[str, Any] | None]]:
    """Return the objects, each with its item of every model; the largest overlaps first."""
    objects: list[list[Mapping[str, Any] | None]] = []
    for at, items in enumerate(found):
        overlaps = sorted(
            (
                (-share, place, which)
                for place, members in enumerate(objects)
                for which, item in enumerate(items)
                if (share := _best_overlap(members, item)) >= MIN_OVERLAP
            ),
        )
        taken = dict[int, int]()
        for _, place, which in overlaps:
            if place not in taken.values() and which not in taken:
                taken[which] = place
        for which, item in enumerate(items):
            if which in taken:
                objects[taken[which]][at] = item
            else:
                objects.append([item if model == at else None for model in range(len(found))])
    return objects


def _best_overlap(members: Sequence[Mapping[str, Any] | None], item: Mapping[str, Any]) -> float:
    return max(overlap(member["box"], item["box"]) for member in members if member is not None)


def _sides(box: Mapping[str, Any]) -> tuple[float, float, float, float]:
    return float(box["xmin"]), float(box["ymin"]), float(box["xmax"]), float(box["ymax"])


def overlap(a: Mapping[str, Any], b: Mapping[str, Any]) -> float:
    """Return the intersection of two boxes over their union, 0 to 1."""
    left, top, right, bottom = _sides(a)
    left_b, top_b, right_b, bottom_b = _sides(b)
    width = min(right, right_b) - max(left, left_b)
    height = min(bottom, bottom_b) - max(top, top_b)
    if width <= 0 or height <= 0:
        return 0.0
    whole = (right - left) * (bottom - top) + (right_b - left_b) * (bottom_b - top_b)
    return width * height / (whole - width * height)


def _describe_box(box: Mapping[str, Any]) -> str:
    left, top, right, bottom = _sides(box)
    return f"{left:.0f}, {top:.0f} to {right:.0f}, {bottom:.0f}"


def _compare_spans(names: Sequence[str], results: Sequence[Any]) -> Differences | None:
    found = _all_items(results, "start")
    if found is None or any("word" not in item for items in found for item in items):
        return None
    spans = [{(item["start"], item.get("end")): item for item in items} for items in found]
    places = sorted({place for own in spans for place in own})
    rows, differing = [], []
    for start, end in places:
        own = [one.get((start, end)) for one in spans]
        word = next(item["word"] for item in own if item is not None)
        labels = [None if item is None else _span_label(item) for item in own]
        cells = [
            NOT_FOUND if item is None else f"{_span_label(item)} {_scored(item)}" for item in own
        ]
        rows.append([f"{word} ({start} to {end})", *cells])
        differing.append(len(set(labels)) > 1)
    summary = f"{differing.count(False)} of {len(places)} spans are the same for all models."
    return _to_table("span", names, rows, differing, summary)


def _span_label(item: Mapping[str, Any]) -> str:
    return str(item.get("entity_group") or item.get("entity") or item.get("label") or "")


def _compare_masks(names: Sequence[str], results: Sequence[Any]) -> Differences | None:
    found = _all_items(results, "mask")
    if found is None:
        return None
    masks = [{str(item_label(item)): item["mask"].convert("1") for item in i} for i in found]
    rows, differing = [], []
    for label in dict.fromkeys(label for own in masks for label in own):
        first = next(own[label] for own in masks if label in own)
        shares = [_mask_overlap(first, own[label]) if label in own else None for own in masks]
        cells = [NOT_FOUND if share is None else f"IoU {share:.2f}" for share in shares]
        rows.append([label, *cells])
        differing.append(any(share is None or share < MIN_OVERLAP for share in shares))
    summary = f"{differing.count(False)} of {len(rows)} labels have masks that overlap in all."
    return _to_table("label", names, rows, differing, summary)


def _mask_overlap(a: Any, b: Any) -> float:
    from PIL import ImageChops

    b = b if b.size == a.size else b.resize(a.size)
    shared, union = ImageChops.logical_and(a, b), ImageChops.logical_or(a, b)
    pixels = union.histogram()[255]
    return shared.histogram()[255] / pixels if pixels else 1.0


# Numbers


def _compare_values(names: Sequence[str], results: Sequence[Any]) -> Differences | None:
    """Compare lists of numbers or of words: similarities, predictions of a table's rows."""
    if not all(isinstance(one, list) and one for one in results):
        return None
    if any(not isinstance(value, int | float | str) for one in results for value in one):
        return None
    rows, differing = [], []
    for at in range(max(map(len, results))):
        values = [one[at] if at < len(one) else None for one in results]
        rows.append([str(at + 1), *map(_show_value, values)])
        differing.append(_values_differ(values))
    count = differing.count(True)
    return _to_table("row", names, rows, differing, f"{count} of {len(rows)} values differ.")


def _show_value(value: object) -> str:
    if value is None:
        return NOT_FOUND
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _values_differ(values: Sequence[Any]) -> bool:
    if any(isinstance(value, str | None) for value in values):
        return len(set(values)) > 1
    # One percent: servers round, and other precisions of one model differ by less.
    return bool(max(values) - min(values) > 0.01 * max(map(abs, values)))


def _compare_arrays(names: Sequence[str], results: Sequence[Any]) -> Differences | None:
    """Compare embeddings by their direction."""
    if any(hasattr(one, "getbbox") or not hasattr(one, "ndim") for one in results):
        return None
    import numpy as np

    arrays = [np.asarray(one, dtype=float) for one in results]
    shapes = [" x ".join(map(str, one.shape)) for one in arrays]
    rows, differing = [["shape", *shapes]], [len(set(shapes)) > 1]
    if differing[0]:
        return _to_table("", names, rows, differing, "The embeddings have different shapes.")
    first = arrays[0].reshape(-1)
    cosines = [_cosine(first, one.reshape(-1)) for one in arrays]
    rows.append([f"cosine with {names[0]}", *(f"{value:.3f}" for value in cosines)])
    differing.append(min(cosines) < 0.99)
    summary = f"Cosine similarity with {names[0]}: {min(cosines[1:]):.3f} or more."
    return _to_table("", names, rows, differing, summary)


def _cosine(a: Any, b: Any) -> float:
    import numpy as np

    return float(a @ b / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-12))


# Texts


def read_text(result: object) -> str | None:
    """Return the text that a result is or stands for; None for anything else."""
    text = result if isinstance(result, str) else getattr(result, "text", None)
    return str(text) if isinstance(text, str) else None


def diff_texts(first: str, other: str) -> list[tuple[Change, str]]:
    """Return the pieces of two texts in order: what both have, only the first, only the other."""
    a, b = _split_words(first), _split_words(other)
    if max(len(a), len(b)) > MAX_WORDS:
        a, b = first.splitlines(keepends=True), other.splitlines(keepends=True)
    pieces: list[tuple[Change, str]] = []
    for kind, start, end, start_b, end_b in difflib.SequenceMatcher(
        None, a, b, autojunk=False
    ).get_opcodes():
        if kind == "equal":
            pieces.append(("same", "".join(a[start:end])))
            continue
        if end > start:
            pieces.append(("gone", "".join(a[start:end])))
        if end_b > start_b:
            pieces.append(("new", "".join(b[start_b:end_b])))
    return pieces


def _split_words(text: str) -> list[str]:
    return re.findall(r"\s+|\w+|[^\w\s]", text)


def _compare_texts(names: Sequence[str], results: Sequence[Any]) -> Differences | None:
    texts = [read_text(result) for result in results]
    whole = [text for text in texts if text is not None]
    if len(whole) < len(results):
        return None
    rows: list[Cells] = []
    shares, marked = [], []
    for at, text in enumerate(whole[1:], 1):
        pieces = diff_texts(whole[0], text)
        rows += _change_rows(pieces, at, len(names))
        marked.append(MarkedText(f"{names[at]}, compared with {names[0]}", pieces))
        shares.append(f"{names[at]} {_changed_share(pieces):.0%} ({_count_changes(pieces)})")
    if not rows:
        return _to_table("words", names, [], [], "All texts are the same.")
    summary = f"Words that differ from {names[0]}: {', '.join(shares)}."
    return replace(_to_table("words", names, rows, [True] * len(rows), summary), texts=marked)


def _changed_share(pieces: Sequence[tuple[Change, str]]) -> float:
    """Return the share of the words of both texts that only one of them has."""
    counts = [(kind, _count_words(text)) for kind, text in pieces]
    # What is the same stands in both.
    total = sum(count * (2 if kind == "same" else 1) for kind, count in counts)
    return sum(count for kind, count in counts if kind != "same") / total if total else 0.0


def _count_changes(pieces: Sequence[tuple[Change, str]]) -> str:
    """Return how many words were replaced, left out and added, as text."""
    replaced = left_out = added = 0
    for is_same, group in itertools.groupby(pieces, lambda piece: piece[0] == "same"):
        if not is_same:
            words = {kind: _count_words(text) for kind, text in group}
            gone, new = words.get("gone", 0), words.get("new", 0)
            replaced += min(gone, new)
            left_out += max(gone - new, 0)
            added += max(new - gone, 0)
    return f"{replaced} replaced, {left_out} left out, {added} added"


def _count_words(text: str) -> int:
    return len(text.split())


def _change_rows(pieces: Sequence[tuple[Change, str]], at: int, count: int) -> list[Cells]:
    """Return a row for each change, with the first model's words and those of the model `at`."""
    rows: list[Cells] = []
    words, is_open = 0, False
    for kind, text in pieces:
        if kind == "same":
            is_open = False
        # A change of white space alone is not worth a row.
        elif text.strip():
            if not is_open:
                rows.append([f"from word {words + 1}", *([""] * count)])
                rows[-1][1] = rows[-1][at + 1] = NOT_FOUND
            # What replaces other words shares their row.
            is_open = True
            rows[-1][1 if kind == "gone" else at + 1] = text.strip()
        words += _count_words(text) if kind != "new" else 0
    return rows


_COMPARERS: tuple[Callable[[Sequence[str], Sequence[Any]], Differences | None], ...] = (
    _compare_masks,
    _compare_boxes,
    _compare_spans,
    _compare_labels,
    _compare_values,
    _compare_texts,
    _compare_arrays,
)
