"""A widget that shows a mirrored document, speaks with its pages and leaves a static form."""

import uuid
from typing import Any, ClassVar

import anywidget
import traitlets as t

from hfwidgets.panels.document import assets
from hfwidgets.panels.document.flusher import flusher
from hfwidgets.panels.document.mirror import Mirror
from hfwidgets.panels.document.outputs import DisplayOutputs


class PanelWidget(anywidget.AnyWidget):
    """The part of a panel that knows notebooks: one anywidget, its messages, its two outputs.

    Only what never changes is a trait that is synced, so a saved notebook holds neither the
    conversation twice nor anything that was typed.

    Args:
        shape: what does not change; see `shape.shape`.
        doc: the document at its start.
        traits: values of a subclass's own traits.
    """

    needed_chunks: ClassVar[tuple[str, ...]] = ("markdown",)
    """Chunks that nearly every result of the panel needs."""

    _esm = t.Unicode().tag(sync=True)
    _css = t.Unicode().tag(sync=True)
    _start = t.Dict().tag(sync=True)

    def __init__(self, shape: dict[str, Any], doc: dict[str, Any], **traits: Any) -> None:
        key = uuid.uuid4().hex[:12]
        self._display_outputs = DisplayOutputs(key)
        self._mirror = Mirror(doc, self._post_message, flusher.schedule)
        super().__init__(
            _esm=assets.read_asset_text("panel.js"),
            _css=assets.read_asset_text("panel-style.css"),
            _start={"shape": {**shape, "key": key}, "doc": self._mirror.get()},
            **traits,
        )
        self.on_msg(self._on_page_message)
        _allow_any_subshell(self)

    def _render_static(self) -> tuple[str, str]:
        """The result as safe HTML and as plain text, for where no kernel answers."""
        return "", repr(self)

    def _find_media(self, name: str) -> tuple[bytes, str] | None:
        """Bytes and MIME type of what the document names; None when nothing has this name."""
        return None

    def _show_error(self, error: Exception) -> None:
        """Show an error that an action of the page met."""
        raise error

    def _post_message(self, message: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        if self.comm is not None:
            super().send(message, buffers)

    def _on_page_message(self, _: Any, message: dict[str, Any], buffers: list[Any]) -> None:
        """Take a message of the page; it may come on any thread, so nothing here waits."""
        kind = message.get("k")
        if kind == "hello":
            self._mirror.resync(int(message.get("seq", -1)))
        elif kind == "chunk" and message.get("name") in assets.CHUNKS:
            self._send_chunk(message["name"])
        elif kind == "media":
            self._send_media(str(message.get("id")))
        elif kind == "do":
            self._run_action(message, buffers)

    def _run_action(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Do what the page asks: `{"do": "send", ...}` calls `_do_send(...)`."""
        action = getattr(self, f"_do_{message.get('do')}", None)
        if action is None:
            return
        arguments = {name: value for name, value in message.items() if name not in ("k", "do")}
        if buffers:
            arguments["buffers"] = [bytes(buffer) for buffer in buffers]
        try:
            action(**arguments)
        except Exception as error:  # shown in the panel, since a handler has no cell to fail
            self._show_error(error)
        flusher.flush_now(self._mirror)

    def _send_chunk(self, name: str) -> None:
        message = {"k": "chunk", "name": name, "hash": assets.chunk_digest(name)}
        self._post_message(message, [assets.read_asset(f"{name}.js")])

    def _send_media(self, name: str) -> None:
        found = self._find_media(name)
        if found is not None:
            content, kind = found
            self._post_message({"k": "media", "id": name, "type": kind}, [content])

    def _refresh_static(self) -> None:
        """Bring the static form beside the widget up to date."""
        self._display_outputs.update_static(*self._render_static())

    def _ipython_display_(self, **_: Any) -> None:
        bundle = self._repr_mimebundle_()
        data = dict(bundle[0] if isinstance(bundle, tuple) else bundle or {})
        data["text/plain"] = repr(self)
        self._refresh_static()
        self._display_outputs.show(data)
        for name in self.needed_chunks:  # a cell may block the kernel when the page asks for them
            self._send_chunk(name)

    def freeze(self) -> None:
        """Put the static result in the widget's place and close it, for publishing the notebook."""
        self._refresh_static()
        self._display_outputs.freeze()
        self.close()


def _allow_any_subshell(widget: PanelWidget) -> None:
    """Let the page's messages arrive while a cell blocks.

    ipykernel 7.4 sends a comm's messages back to the shell that made it, which a cell may occupy;
    the page's own subshell is free. Handlers then run on the subshell's thread. Older kernels have
    no such method and do one or the other by themselves.
    """
    comm: Any = widget.comm
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda _data, default: default
