"""Images of answers, which keep where they came from when they are copied or pickled."""

from typing import Any

from PIL.Image import Image

from hfwidgets.core.meta import Meta


class GeneratedImage(Image):
    """A decoded image of an answer: a Pillow image with the origin in its `meta`."""

    meta: Meta | None = None

    def copy(self) -> "GeneratedImage":
        """Return a copy with the same origin."""
        found = super().copy()
        found.__class__ = GeneratedImage
        assert isinstance(found, GeneratedImage)
        found.format, found.meta = self.format, self.meta
        return found

    __copy__ = copy

    def __getstate__(self) -> list[Any]:
        return [super().__getstate__(), self.format, self.meta]

    def __setstate__(self, state: list[Any]) -> None:
        pixels, self.format, self.meta = state
        super().__setstate__(pixels)
