"""Plot results as matplotlib figures that need neither pyplot nor its global state."""

import io
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hfwidgets import errors
from hfwidgets.media import mix_channels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    Samples: TypeAlias = NDArray[np.floating[Any]]


class NotebookFigure(Figure):
    """A figure that displays in a notebook with every backend."""

    def _repr_png_(self) -> bytes:
        out = io.BytesIO()
        self.savefig(out, format="png", bbox_inches="tight")
        return out.getvalue()


NAME_FIELDS = ("label", "answer", "token_str", "word", "entity_group", "entity")


def plot_chart(items: Sequence[Any]) -> Figure:
    """Plot scored labels or answers as horizontal bars, numbers as upright ones, and strings by
    how often they occur.

    Raises:
        ConfigurationError: the items have neither scores nor are they numbers.
    """
    if items and all(isinstance(item, (int, float)) for item in items):
        return plot_numbers(items)
    if items and all(isinstance(item, str) for item in items):
        return plot_class_counts(items)
    pairs = [(_item_name(item), item["score"]) for item in items if _has_score(item)]
    if not pairs:
        raise errors.ConfigurationError("These results cannot be plotted: they have no scores.")
    names, scores = zip(*pairs, strict=True)
    figure = _plot_bars(names, scores, "%.3f")
    figure.axes[0].set(xlim=(0, max(1.0, *scores)), xlabel="score")
    return figure


def _plot_bars(names: Sequence[str], values: Sequence[float], number_format: str) -> Figure:
    """Plot named values as horizontal bars, the first on top."""
    figure = NotebookFigure(figsize=(6, 0.6 + 0.32 * len(names)), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh(range(len(names)), values)
    axes.bar_label(bars, fmt=number_format, padding=3)
    # A dollar sign in a label would start matplotlib's parser of formulas, which may raise.
    axes.set_yticks(range(len(names)), [name[:60] for name in names], parse_math=False)
    axes.invert_yaxis()
    return figure


def _has_score(item: object) -> bool:
    return isinstance(item, Mapping) and isinstance(item.get("score"), (int, float))


def _item_name(item: Mapping[str, Any]) -> str:
    return next((str(item[name]) for name in NAME_FIELDS if item.get(name) is not None), "")


def plot_similarity(vectors: "NDArray[np.floating[Any]]") -> Figure:
    """Plot the cosine similarity of each vector with each as a color, -1 to 1."""
    import numpy as np

    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.maximum(lengths, 1e-12)
    figure = NotebookFigure(figsize=(5, 4.2), layout="constrained")
    axes = figure.subplots()
    cells = axes.imshow(unit @ unit.T, cmap="RdBu_r", vmin=-1, vmax=1)
    axes.set(xlabel="row", ylabel="row")
    figure.colorbar(cells, label="cosine similarity")
    return figure


def plot_class_counts(items: Sequence[str]) -> Figure:
    """Plot how often each class was predicted."""
    names = list(dict.fromkeys(items))
    figure = _plot_bars(names, [items.count(name) for name in names], "%d")
    figure.axes[0].set(xlabel="rows")
    return figure


def plot_numbers(items: Sequence[float], noun: str = "row") -> Figure:
    """Plot one bar per number, in their order, with the noun below the axis."""
    figure = NotebookFigure(figsize=(6, 3), layout="constrained")
    axes = figure.subplots()
    axes.bar(range(len(items)), items)
    axes.set(xlabel=noun, ylabel="value")
    return figure


def plot_image(image: "Image", title: str = "") -> Figure:
    """Plot an image without axes."""
    height = 6 * image.height / image.width
    figure = NotebookFigure(figsize=(6, min(max(height, 1.5), 12)), layout="constrained")
    axes = figure.subplots()
    axes.imshow(image)
    axes.set_axis_off()
    axes.set_title(title, parse_math=False)
    return figure


def plot_waveform(samples: "Samples", rate: int) -> Figure:
    """Plot samples over time, one row per channel; long ones by their extremes."""
    array = samples.reshape(len(samples), -1)
    return plot_waveforms([("", channel, rate) for channel in array.T])


def plot_waveforms(tracks: Sequence[tuple[str, "Samples", int]]) -> Figure:
    """Plot tracks below each other on one time axis; each is a title, samples and their rate."""
    figure = NotebookFigure(figsize=(7, 1.6 * len(tracks) + 0.6), layout="constrained")
    grid = figure.subplots(len(tracks), sharex=True, squeeze=False)
    for (title, samples, rate), axes in zip(tracks, grid[:, 0], strict=True):
        _draw_wave(axes, mix_channels(samples), rate)
        axes.set_title(title, parse_math=False)
    grid[-1, 0].set_xlabel("seconds")
    return figure


def plot_transcript(
    samples: "Samples", rate: int, cues: Sequence[tuple[float, float, str]]
) -> Figure:
    """Plot a waveform with the text of each of its parts; a cue is start, end (seconds), text."""
    figure = plot_waveforms([("", samples, rate)])
    figure.set_size_inches(9, 3)
    axes = figure.axes[0]
    for at, (start, end, text) in enumerate(cues):
        axes.axvspan(start, end, color="C1", alpha=0.12 if at % 2 else 0.24)
        lines = textwrap.fill(text.strip(), 18)
        axes.text(start, 1.1, lines, fontsize=8, va="bottom", parse_math=False)
    return figure


def _draw_wave(axes: Axes, samples: "Samples", rate: int) -> None:
    """Draw samples over time, long ones by their extremes."""
    import numpy as np

    # A figure is about 700 pixels wide: more than 4,000 steps cannot be seen.
    step = max(1, len(samples) // 4000)
    cut = samples[: len(samples) // step * step].reshape(-1, step)
    axes.fill_between(np.arange(len(cut)) * step / rate, cut.min(1), cut.max(1))
    axes.set(ylim=(-1.05, 1.05), ylabel="amplitude")
