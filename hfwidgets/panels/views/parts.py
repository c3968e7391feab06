"""The parts that views are made of, as plain data."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from hfwidgets.core.missing import is_missing
from hfwidgets.panels.form.inputs import to_text_columns
from hfwidgets.panels.views import previews
from hfwidgets.results.audio import Audio
from hfwidgets.results.record import fields_beyond
from hfwidgets.results.vision import Video

View = dict[str, Any]

STRIP_LENGTH = 256
"""How many numbers of an embedding are drawn."""

MAX_MATRIX_ROWS = 24
"""The most embeddings whose likeness is drawn."""

LABEL_FIELDS = ("label", "answer", "token_str", "entity_group", "entity", "word", "name", "text")
"""The fields that name an item, the best first."""


def item_label(item: Mapping[str, Any]) -> str | None:
    name = label_field(item)
    return None if name is None else str(item[name])


def label_field(item: Mapping[str, Any]) -> str | None:
    """Return the field that names an item; None without one."""
    return next((name for name in LABEL_FIELDS if item.get(name) is not None), None)


def add_rest(view: View, items: Sequence[Mapping[str, Any]], drawn: Collection[str]) -> View:
    """Return a view with a table of the fields that it leaves out.

    Args:
        view: The view, which shows each item's label and score.
        items: The results that it shows.
        drawn: The other fields that it shows.
    """
    rest = [fields_beyond(item, {*drawn, "score", label_field(item) or ""}) for item in items]
    if not any(rest):
        return view
    labels = [item_label(item) or str(at + 1) for at, item in enumerate(items)]
    rows = [{"": label, **fields} for label, fields in zip(labels, rest, strict=True)]
    return {**view, "rest": {"kind": "table", **columns_by_field(rows)}}


def rest_of_text(record: Mapping[str, Any]) -> View:
    """Return, as a view's `rest`, the fields of a text's record beyond the text."""
    beyond = getattr(record, "fields_beyond_text", None)
    fields = beyond() if callable(beyond) else fields_beyond(record, {"text"})
    return {"rest": {"kind": "table", **columns_by_field([fields])}} if fields else {}


def item_score(item: Mapping[str, Any]) -> float | None:
    score = item.get("score")
    return float(score) if isinstance(score, int | float) else None


def record_text(record: Mapping[str, Any]) -> str | None:
    """The text that a record stands for: a summary, a translation, a chat answer."""
    text = getattr(record, "text", None)
    return text if isinstance(text, str) else None


def find_span(text: str, item: Mapping[str, Any]) -> View | None:
    """Where an item is in the text: as the server says where that fits, else where it is found."""
    word = next((item[n] for n in ("word", "answer") if isinstance(item.get(n), str)), None)
    start, end = item.get("start"), item.get("end")
    if not word:
        return None
    placed = isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= len(text)
    said = placed and text[start:end].strip().casefold() == word.strip().casefold()
    if said or (placed and "word" in item):
        return {"start": start, "end": end}
    at = text.casefold().find(word.strip().casefold())
    return {"start": at, "end": at + len(word.strip())} if at >= 0 else None


def threshold_note(items: Sequence[Any], parameters: Mapping[str, Any]) -> str:
    """What an empty list says where a threshold may be the reason; "" where there is none."""
    threshold = parameters.get("threshold")
    what = getattr(items, "noun", "results")
    return f"No {what} above the threshold of {threshold:g}." if threshold else ""


def answer_box(words: Sequence[Any], item: Mapping[str, Any]) -> list[float] | None:
    """The box around an answer's words; None when the words are not given as [word, box]."""
    start, end = item.get("start"), item.get("end")
    if not isinstance(start, int) or not isinstance(end, int):
        return None
    try:
        boxes = [list(map(float, box)) for _, box in words[start : end + 1]]
        left, top, right, bottom = zip(*boxes, strict=True)
        return [min(left), min(top), max(right), max(bottom)]
    except (TypeError, ValueError):
        return None


def mask_file(mask: Any) -> previews.PageFile:
    shape = mask.convert("L")
    if max(shape.size) > previews.MAX_IMAGE_SIDE:
        shape = shape.copy()
        shape.thumbnail((previews.MAX_IMAGE_SIDE, previews.MAX_IMAGE_SIDE))
    return previews.encode_png(shape)


def text_file(text: str) -> previews.PageFile:
    return text.encode(), "text/plain"


def cells_view(record: Mapping[str, Any], table: Any) -> View:
    view = {
        "kind": "cells",
        "answer": str(record.get("answer") or ""),
        "columns": to_text_columns(table),
    }
    cells = [list(pair) for pair in record.get("coordinates") or ()]
    aggregator = record.get("aggregator")
    shown = aggregator if aggregator and aggregator != "NONE" else ""
    return {**view, "cells": cells, "aggregator": shown}


def columns_by_field(items: Sequence[Mapping[str, Any]]) -> View:
    names = list(dict.fromkeys(name for item in items for name in item))
    cells = {name: [_cell_text(item.get(name)) for item in items] for name in names}
    return {"columns": cells}


def _cell_text(value: Any) -> str:
    return "" if is_missing(value) else shorten_value(value)


def embedding_view(array: Any) -> View:
    import numpy as np

    numbers = np.asarray(array, dtype=np.float32)
    rows = numbers.reshape(-1, numbers.shape[-1]) if numbers.ndim else numbers.reshape(1, 1)
    view = {
        "kind": "embedding",
        "shape": list(numbers.shape),
        "dtype": str(numbers.dtype),
        "norm": float(np.linalg.norm(numbers)),
        "strip": [round(float(value), 4) for value in rows[0][:STRIP_LENGTH]],
        "low": float(numbers.min()) if numbers.size else 0.0,
        "high": float(numbers.max()) if numbers.size else 0.0,
    }
    if 1 < len(rows) <= MAX_MATRIX_ROWS:
        unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        view["matrix"] = [[round(float(value), 3) for value in row] for row in unit @ unit.T]
    return view


def is_media(value: Any) -> bool:
    return isinstance(value, Audio | Video) or hasattr(value, "getbbox") or _is_array(value)


def _is_array(value: Any) -> bool:
    return hasattr(value, "__array__") and hasattr(value, "ndim")


def shorten_value(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 500 else f"{text[:500]}… ({len(text):,} characters)"
