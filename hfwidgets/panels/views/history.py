"""A panel's past results, as the page shows them again."""

import dataclasses
from collections import deque
from collections.abc import Mapping
from typing import Any

from hfwidgets.panels.views import previews
from hfwidgets.panels.views.build import View, ViewBuilder
from hfwidgets.tasks import BaseTask

MAX_ITEMS = 24
"""So many past results can be shown again; all stay in `panel.results`."""


@dataclasses.dataclass
class HistoryItem:
    """One result with its view and with what it was made from.

    Attributes:
        poster: the first picture of a film, which only the page can decode; None until it did.
    """

    number: int
    result: Any
    view: View
    builder: ViewBuilder
    seed: int | None
    poster: Any = None

    @property
    def inputs(self) -> Mapping[str, Any]:
        return self.builder.inputs


class History:
    """The last results of a panel."""

    def __init__(self) -> None:
        self._items: deque[HistoryItem] = deque(maxlen=MAX_ITEMS)
        self._count = 0

    def add(
        self,
        result: Any,
        task: BaseTask,
        inputs: Mapping[str, Any],
        parameters: Mapping[str, Any],
    ) -> HistoryItem:
        """Draw a result and keep it; may block."""
        self._count += 1
        drawing = ViewBuilder(f"r{self._count}", inputs, task.controls, parameters)
        view = {**drawing.build_view(result), "n": self._count, "raw": drawing.add_raw_json(result)}
        item = HistoryItem(self._count, result, view, drawing, parameters.get("seed"))
        if item.seed is not None:
            item.view["seed"] = item.seed
        item.view.setdefault("saves", drawing.add_saves(result))
        self._items.append(item)
        return item

    @property
    def last_item(self) -> HistoryItem | None:
        return self._items[-1] if self._items else None

    @property
    def last_result(self) -> Any:
        """The last result."""
        return self._items[-1].result if self._items else None

    def find_view(self, number: int) -> View | None:
        """A past result's view."""
        item = self.find_item(number)
        return item.view if item else None

    def find_item(self, number: int) -> HistoryItem | None:
        """A past result; None when it is too long ago."""
        return next((item for item in self._items if item.number == number), None)

    def list_gallery(self) -> list[dict[str, Any]]:
        """The pictures among the results, the latest first."""
        pictures = [item for item in self._items if item.view["kind"] == "picture"]
        shown = ({"n": i.number, "id": i.view["thumb"], "seed": i.seed} for i in pictures)
        return list(shown)[::-1]

    def find_file(self, name: str) -> previews.PageFile | None:
        """What the page may fetch of a result."""
        for item in self._items:
            if name in item.builder.files:
                return item.builder.files[name]()
        return None
