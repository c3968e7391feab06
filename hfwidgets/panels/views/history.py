"""A panel's past results, which the page can show again."""

import dataclasses
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hfwidgets.panels.document.protocol import GalleryItem, View
from hfwidgets.panels.shelf import Shelf, Shelved
from hfwidgets.panels.views import previews
from hfwidgets.panels.views.context import ViewContext
from hfwidgets.panels.views.image_view import ImageView
from hfwidgets.tasks import BaseTask

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_ITEMS = 24
"""Past results that can be shown again; all of them stay in `panel.results`."""


@dataclasses.dataclass
class HistorySource:
    """What a view was built from.

    Attributes:
        result: the result.
        inputs: the inputs that were sent.
        parameters: the other parameters that were sent.
        poster: a video's first frame, which only the page can decode; None until it has sent it.
    """

    result: object
    inputs: Mapping[str, Any]
    parameters: Mapping[str, Any]
    poster: "Image | None" = None


@dataclasses.dataclass
class HistoryItem:
    """One result's view and, in memory or on disk, what it was built from."""

    number: int
    view: View
    source: Shelved[HistorySource]
    task: BaseTask


class History:
    """The last results of a panel."""

    def __init__(self) -> None:
        self._items: deque[HistoryItem] = deque()
        self._count = 0
        self.shelf = Shelf[HistorySource]()
        # The makers of the last result's files, which hold what they need in memory.
        self._last_context: ViewContext | None = None

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
        source = HistorySource(result, inputs, parameters)
        view, self._last_context = _build_view(self._count, source, task)
        item = HistoryItem(self._count, view, self.shelf.add(source), task)
        self._items.append(item)
        if len(self._items) > MAX_ITEMS:
            self.shelf.discard(self._items.popleft().source)
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
        """Return a file of a past result; None if no result has it. May read it from disk."""
        if self._last_context is not None and name in self._last_context.files:
            return self._last_context.files[name]()
        prefix, dot, _ = name.partition(".")
        item = self.find_item(int(prefix[1:])) if dot and prefix[1:].isdigit() else None
        if item is None:
            return None
        # The makers of files are functions, which cannot be stored: they are made again.
        source = item.source.get()
        for part in ("", name.split(".")[1]):
            _, context = _build_view(item.number, source, item.task, part)
            if name in context.files:
                return context.files[name]()
        return None

    def rebuild_last(self, part: str) -> None:
        """Build the last result's view again; `part` names its files, as a page fetches each once.

        For a result that has changed.
        """
        item = self._items[-1]
        item.view, context = _build_view(item.number, item.source.get(), item.task, part)
        if self._last_context is not None:
            self._last_context.files |= context.files


def _build_view(
    number: int, source: HistorySource, task: BaseTask, part: str = ""
) -> tuple[View, ViewContext]:
    """Build the view of a result, and the makers of its files."""
    result, parameters = source.result, source.parameters
    context = ViewContext(f"r{number}", source.inputs, task.controls, parameters)
    context = context.make_part(part) if part else context
    view = context.build_view(result)
    view.n = number
    view.raw = context.add_raw_json(result)
    view.seed = parameters.get("seed")
    # A view with saves of its own (audio tracks, transcripts) knows better names for them.
    if view.saves is None:
        view.saves = context.add_saves(result)
    return view, context
