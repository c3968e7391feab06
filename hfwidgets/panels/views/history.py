"""A panel's past results, as the page shows them again."""

import dataclasses
from collections import deque
from collections.abc import Mapping
from typing import Any

from hfwidgets.panels.views import previews
from hfwidgets.panels.views.build import Drawing, View
from hfwidgets.tasks import BaseTask

MOST = 24
"""So many past results can be shown again; all stay in `panel.results`."""


@dataclasses.dataclass
class Item:
    """One result with its view and with what it was made from.

    Attributes:
        poster: the first picture of a film, which only the page can decode; None until it did.
    """

    number: int
    result: Any
    view: View
    drawing: Drawing
    seed: int | None
    poster: Any = None

    @property
    def inputs(self) -> Mapping[str, Any]:
        return self.drawing.inputs


class History:
    """The last results of a panel."""

    def __init__(self) -> None:
        self._items: deque[Item] = deque(maxlen=MOST)
        self._count = 0

    def add(
        self,
        result: Any,
        task: BaseTask,
        inputs: Mapping[str, Any],
        parameters: Mapping[str, Any],
    ) -> Item:
        """Draw a result and keep it; may block."""
        self._count += 1
        drawing = Drawing(f"r{self._count}", inputs, task.controls, parameters)
        view = {**drawing.view(result), "n": self._count, "raw": drawing.keep_raw(result)}
        item = Item(self._count, result, view, drawing, parameters.get("seed"))
        if item.seed is not None:
            item.view["seed"] = item.seed
        item.view.setdefault("saves", drawing.saves(result))
        self._items.append(item)
        return item

    @property
    def last(self) -> Item | None:
        return self._items[-1] if self._items else None

    @property
    def latest(self) -> Any:
        """The last result."""
        return self._items[-1].result if self._items else None

    def view(self, number: int) -> View | None:
        """A past result's view."""
        item = self.item(number)
        return item.view if item else None

    def item(self, number: int) -> Item | None:
        """A past result; None when it is too long ago."""
        return next((item for item in self._items if item.number == number), None)

    def gallery(self) -> list[dict[str, Any]]:
        """The pictures among the results, the latest first."""
        pictures = [item for item in self._items if item.view["kind"] == "picture"]
        shown = ({"n": i.number, "id": i.view["thumb"], "seed": i.seed} for i in pictures)
        return list(shown)[::-1]

    def file(self, name: str) -> previews.File | None:
        """What the page may fetch of a result."""
        for item in self._items:
            if name in item.drawing.files:
                return item.drawing.files[name]()
        return None
