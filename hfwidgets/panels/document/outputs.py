"""The outputs a displayed panel has in its notebook: the widget, and a static form beside it.

The static form is hidden by the widget while that lives, and is what is read wherever no kernel
answers: a reopened or untrusted notebook, an exported page, a file on GitHub.
"""

import html
import uuid
from typing import Any


class Slot:
    """A panel's two outputs; nothing happens where there is no IPython.

    Args:
        key: the panel's key; the page hides `.hfw-of-<key>` while the panel is live.
    """

    def __init__(self, key: str) -> None:
        self._key = key
        self._widget_id = uuid.uuid4().hex
        self._static_id = uuid.uuid4().hex
        self._body = ""
        self._plain = ""
        self.shown = False

    def show(self, bundle: dict[str, Any]) -> None:
        """Display the widget and, right after it, its static form."""
        from IPython.display import display

        self.shown = True
        # Without the widget its own output is empty: the static form stands for it.
        own = {**bundle, "text/html": ""}
        display(own, raw=True, display_id=self._widget_id)  # type: ignore[no-untyped-call]
        display(self._static(), raw=True, display_id=self._static_id)  # type: ignore[no-untyped-call]

    def fill(self, body: str, plain: str) -> None:
        """Replace the static form; `body` is safe HTML."""
        self._body, self._plain = body, plain
        if self.shown:
            self._update(self._static(), self._static_id)

    def freeze(self) -> None:
        """Put the static form in the widget's place, for good."""
        if self.shown:
            bundle = {"text/html": f'<div class="hfw-static">{self._body}</div>'}
            self._update({**bundle, "text/plain": self._plain}, self._widget_id)
            self._update({"text/html": "", "text/plain": ""}, self._static_id)
            self.shown = False

    def _static(self) -> dict[str, Any]:
        name = html.escape(self._key)
        marked = f'<div class="hfw-static hfw-of-{name}">{self._body}</div>'
        return {"text/html": marked, "text/plain": self._plain}

    @staticmethod
    def _update(bundle: dict[str, Any], name: str) -> None:
        from IPython.display import update_display

        update_display(bundle, raw=True, display_id=name)  # type: ignore[no-untyped-call]
