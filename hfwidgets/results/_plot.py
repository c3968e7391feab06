"""Results as matplotlib figures, which show themselves without pyplot and keep no global state."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from hfwidgets import errors


class Shown(Figure):
    """A figure that a notebook shows, whichever backend is on."""

    def _repr_png_(self) -> bytes:
        out = io.BytesIO()
        self.savefig(out, format="png", bbox_inches="tight")
        return out.getvalue()


NAMES = ("label", "answer", "token_str", "word", "entity_group", "entity")


def chart(items: Sequence[Any]) -> Figure:
    """Scored labels or answers as horizontal bars, plain numbers as upright ones.

    Raises:
        ConfigurationError: the items have neither scores nor are they numbers.
    """
    if items and all(isinstance(item, (int, float)) for item in items):
        return numbers(items)
    pairs = [(_name(item), item["score"]) for item in items if _scored(item)]
    if not pairs:
        raise errors.ConfigurationError("There is nothing to plot: these results have no scores.")
    figure = Shown(figsize=(6, 0.6 + 0.32 * len(pairs)), layout="constrained")
    axes = figure.subplots()
    places = range(len(pairs))
    bars = axes.barh(places, [score for _, score in pairs])
    axes.bar_label(bars, fmt="%.3f", padding=3)
    axes.set_yticks(places, [name[:60] for name, _ in pairs], parse_math=False)
    axes.set(xlim=(0, max(1.0, *(score for _, score in pairs))), xlabel="score")
    axes.invert_yaxis()
    return figure


def _scored(item: Any) -> bool:
    return isinstance(item, Mapping) and isinstance(item.get("score"), (int, float))


def _name(item: Mapping[str, Any]) -> str:
    return next((str(item[name]) for name in NAMES if item.get(name) is not None), "")


def numbers(items: Sequence[float]) -> Figure:
    """One bar a number, in their order."""
    figure = Shown(figsize=(6, 3), layout="constrained")
    axes = figure.subplots()
    axes.bar(range(len(items)), items)
    axes.set(xlabel="row", ylabel="value")
    return figure


def picture(image: Any, title: str = "") -> Figure:
    """A picture without axes."""
    height = 6 * image.height / image.width
    figure = Shown(figsize=(6, min(max(height, 1.5), 12)), layout="constrained")
    axes = figure.subplots()
    axes.imshow(image)
    axes.set_axis_off()
    axes.set_title(title, parse_math=False)
    return figure


def waveform(samples: Any, rate: int) -> Figure:
    """Samples over time, one row a channel; long ones as their extremes."""
    import numpy as np

    array = samples.reshape(len(samples), -1)
    step = max(1, len(array) // 4000)
    cut = array[: len(array) // step * step].reshape(-1, step, array.shape[1])
    times = np.arange(len(cut)) * step / rate
    figure = Shown(figsize=(7, 1.6 * array.shape[1] + 0.6), layout="constrained")
    grid = figure.subplots(array.shape[1], sharex=True, squeeze=False)
    for channel, axes in enumerate(grid[:, 0]):
        axes.fill_between(times, cut[:, :, channel].min(1), cut[:, :, channel].max(1))
        axes.set(ylim=(-1.05, 1.05), ylabel="amplitude")
    grid[-1, 0].set_xlabel("seconds")
    return figure
