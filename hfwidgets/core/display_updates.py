"""Finds out whether what a cell shows can still be updated where it goes.

`update_display_data` replaces an output of the notebook. Where outputs are collected instead, an
update is not applied (JupyterLab's Output widget ignores it) or is one more output (`%%capture`
keeps every step), so there only the final form may be published.

IPython and ipywidgets are looked up, never imported: where they are in use, they are loaded.
"""

import sys
from typing import Any


def can_update_displays(shell: Any) -> bool:
    """True if a display of this IPython shell can be replaced after it was published."""
    return not (_is_captured(shell) or _is_in_output_widget(shell))


def _is_captured(shell: Any) -> bool:
    """True inside `%%capture` and `capture_output`, which put their own publisher in place."""
    display = sys.modules.get("IPython.core.displaypub")
    publisher = getattr(shell, "display_pub", None)
    return display is not None and isinstance(publisher, display.CapturingDisplayPublisher)


def _is_in_output_widget(shell: Any) -> bool:
    """True inside `with output:`, `@output.capture()`, `interact` and the like.

    An Output widget takes the outputs of the message that it names in `msg_id`: it sets that on
    entry and clears it on exit, so the current message tells whether a widget takes them.
    """
    output = sys.modules.get("ipywidgets.widgets.widget_output")
    kernel = getattr(shell, "kernel", None)
    if output is None or kernel is None:
        return False
    parents = [place.get_parent() for place in (shell, kernel) if hasattr(place, "get_parent")]
    message_ids = {parent["header"]["msg_id"] for parent in parents if parent.get("header")}
    instances = getattr(sys.modules["ipywidgets.widgets.widget"], "_instances", {})
    return any(
        isinstance(widget, output.Output) and widget.msg_id in message_ids
        for widget in list(instances.values())
    )
