"""Find how far a page is turned, by the shapes of its lines, and turn it back."""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

_MIN_STRETCH = 2.5
"""How many times longer than high a region must be for its direction to say something."""

_LEVEL = 1.0
"""Degrees below which lines count as level: the recognizer reads those, and turning blurs."""


class Region(NamedTuple):
    """The pixels of a connected region."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]


def find_tilt(regions: Iterable[Region]) -> float:
    """Return the direction of the lines in degrees, -90 to 90, clockwise; 0 for level ones."""
    total = 0j
    for region in regions:
        direction, stretch = _measure_region(region)
        if stretch >= _MIN_STRETCH:
            # A line has no front and no back: with doubled angles, 89 and -89 degrees are alike.
            total += len(region.rows) * np.exp(2j * direction)
    tilt = math.degrees(np.angle(total) / 2) if total else 0.0
    return tilt if abs(tilt) >= _LEVEL else 0.0


def _measure_region(region: Region) -> tuple[float, float]:
    """Return a region's direction, in radians, and how many times longer than wide it is."""
    if len(region.rows) < 2:
        return 0.0, 0.0
    (xx, xy), (_, yy) = np.cov(region.columns, region.rows)
    direction = math.atan2(2 * xy, xx - yy) / 2
    spread = math.hypot(xx - yy, 2 * xy)
    # The variances along and across the direction; a region of one row has none across.
    along, across = (xx + yy + spread) / 2, max((xx + yy - spread) / 2, 1e-9)
    return direction, math.sqrt(along / across)


def turn_image(image: "Image", degrees: float) -> "Image":
    """Return the image turned counterclockwise, enlarged to its new corners."""
    from PIL import Image

    if degrees % 90 == 0:
        return image.rotate(degrees, expand=True)
    # The new corners get the color of the page, so that no edge looks like a line of text.
    edge = np.concatenate([np.asarray(image)[part].reshape(-1, 3) for part in (0, -1)])
    color = tuple(int(value) for value in np.median(edge, axis=0))
    return image.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=color)
