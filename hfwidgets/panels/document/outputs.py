"""The two outputs of a displayed panel: the widget, and a static form next to it.

The live widget hides the static form, which is what is read wherever no kernel answers: in a
reopened or untrusted notebook, an exported page, a file on GitHub. The page finds it by its place,
right after the widget, so that it needs no name of its own and is the same for the same answer.
"""

import asyncio
import base64
import threading
import time
import uuid
from typing import Any, NamedTuple

from hfwidgets.notebook import background_loop
from hfwidgets.results.show import NO_MATH_CLASSES, escape_html

MimeBundle = dict[str, Any]

LARGE_STATIC = 200_000
"""The characters from which a static form is not sent with every change."""

LARGE_INTERVAL = 5.0
"""Seconds between two updates of such a form."""


class StaticForm(NamedTuple):
    """What is read where no kernel answers.

    Attributes:
        html: Safe HTML.
        text: Plain text, for terminals, LaTeX and documents that take no HTML.
        png: The result as an image, None where it is not one.
    """

    html: str
    text: str
    png: bytes | None = None


HIDE_ERROR = (
    "<style>.jp-OutputArea-child:has(.jupyter-widgets):not(:has(.jupyter-widgets *))"
    ":has(+ .jp-OutputArea-child .hfw-copy) { display: none }</style>"
)
"""Hides the error that JupyterLab shows for the widget of a reopened notebook.

It finds the output before a static form, while its widget has nothing but a text. Untrusted
notebooks lose the style, and so show the error.
"""


def empty_form(name: str) -> StaticForm:
    """Return the static form of a panel without a result; also read where a widget cannot start."""
    return StaticForm(
        f"<p>{escape_html(name)}: run this cell for a live panel. If this stays after a run, the "
        "page's Content Security Policy blocks widgets: it must allow scripts from "
        "<code>blob:</code>.</p>",
        name,
    )


class DisplayOutputs:
    """The outputs of one panel; without IPython nothing happens."""

    def __init__(self) -> None:
        # Random, but display ids are not saved.
        self._widget_id = uuid.uuid4().hex
        self._static_id = uuid.uuid4().hex
        self._static = StaticForm("", "")
        self.is_displayed = False
        self._lock = threading.Lock()
        self._last_update = 0.0
        self._is_waiting = False

    def show(self, bundle: MimeBundle) -> None:
        """Display the widget and, right after it, its static form."""
        from IPython.display import display

        self.is_displayed = True
        # Readers that do not know widgets show this output empty; the static form follows.
        widget = {**bundle, "text/html": ""}
        display(widget, raw=True, display_id=self._widget_id)  # type: ignore[no-untyped-call]
        display(self._static_bundle(), raw=True, display_id=self._static_id)  # type: ignore[no-untyped-call]

    def update_static(self, form: StaticForm) -> None:
        """Replace the static form."""
        self._static = form
        if not self.is_displayed:
            return
        # An update holds the whole form: with every turn of a long conversation, it would cost more
        # than the turn.
        with self._lock:
            wait = self._last_update + LARGE_INTERVAL - time.monotonic()
            is_early = len(form.html) > LARGE_STATIC and wait > 0
            if not is_early:
                self._last_update = time.monotonic()
            elif not self._is_waiting:
                self._is_waiting = True
                background_loop.submit(self._update_later(wait))
        if not is_early:
            _update_output(self._static_bundle(), self._static_id)

    async def _update_later(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        with self._lock:
            self._is_waiting = False
            self._last_update = time.monotonic()
        if self.is_displayed:
            await asyncio.to_thread(_update_output, self._static_bundle(), self._static_id)

    def freeze(self) -> None:
        """Put the static form in the widget's place, permanently."""
        if self.is_displayed:
            _update_output(self._wrap_static("hfw-static"), self._widget_id)
            # An output cannot be removed by its display id, only emptied.
            _update_output({"text/html": "", "text/plain": ""}, self._static_id)
            self.is_displayed = False

    def _static_bundle(self) -> MimeBundle:
        bundle = self._wrap_static("hfw-static hfw-copy")
        return {**bundle, "text/html": bundle["text/html"] + HIDE_ERROR}

    def _wrap_static(self, classes: str) -> MimeBundle:
        marked = f'<div class="{classes} {NO_MATH_CLASSES}">{self._static.html}</div>'
        bundle: MimeBundle = {"text/html": marked, "text/plain": self._static.text}
        if self._static.png is not None:
            bundle["image/png"] = base64.b64encode(self._static.png).decode()
        return bundle


def _update_output(bundle: MimeBundle, name: str) -> None:
    from IPython.display import update_display

    update_display(bundle, raw=True, display_id=name)  # type: ignore[no-untyped-call]
