"""A panel's past results, which the page can show again."""

import dataclasses
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hfwidgets.panels.document.protocol import GalleryItem, View
from hfwidgets.panels.views import previews
from hfwidgets.panels.views.context import ViewContext
from hfwidgets.panels.views.image_view import ImageView
from hfwidgets.tasks import BaseTask

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_ITEMS = 24
"""Past results that can be shown again; all of them stay in `panel.results`."""


@dataclasses.dataclass
class HistoryItem:
    """One result with its view and what it was made from.

    Attributes:
        poster: a video's first frame, which only the page can decode; None until it has sent it.
    """

    number: int
    result: object
    view: View
    context: ViewContext
    poster: "Image | None" = None

    @property
    def inputs(self) -> Mapping[str, Any]:
        """The inputs that were sent."""
        return self.context.inputs


class History:
    """The last results of a panel."""

    def __init__(self) -> None:
        self._items: deque[HistoryItem] = deque(maxlen=MAX_ITEMS)
        self._count = 0

    def add(
        self,
        result: object,
        task: BaseTask,
        inputs: Mapping[str, Any],
        parameters: Mapping[str, Any],
    ) -> HistoryItem:
        """Build the view of a result and keep both; may block, as images are decoded."""
        # Never reset, not even by another task: a page fetches the files of each number once.
        self._count += 1
        context = ViewContext(f"r{self._count}", inputs, task.controls, parameters)
        view = context.build_view(result)
        view.n = self._count
        view.raw = context.add_raw_json(result)
        view.seed = parameters.get("seed")
        # A view with saves of its own (audio tracks, transcripts) knows better names for them.
        if view.saves is None:
            view.saves = context.add_saves(result)
        item = HistoryItem(self._count, result, view, context)
        self._items.append(item)
        return item

    @property
    def last_item(self) -> HistoryItem | None:
        """The last result with its view; None before the first."""
        return self._items[-1] if self._items else None

    def find_item(self, number: int) -> HistoryItem | None:
        """Return a past result; None if it is no longer kept."""
        return next((item for item in self._items if item.number == number), None)

    def list_gallery(self) -> list[GalleryItem]:
        """Return the images among the results, the latest first."""
        return [
            GalleryItem(n=item.number, id=item.view.thumb, seed=item.view.seed)
            for item in reversed(self._items)
            if isinstance(item.view, ImageView)
        ]

    def find_file(self, name: str) -> previews.PageFile | None:
        """Return a file of a past result; None if no result has it."""
        for item in self._items:
            if name in item.context.files:
                return item.context.files[name]()
        return None
