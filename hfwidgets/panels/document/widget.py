"""A widget that shows a mirrored document, talks to its pages and has a static form."""

import uuid
from collections.abc import Iterable
from typing import Any, ClassVar

import anywidget
import msgspec
import traitlets as t

from hfwidgets.panels.document import assets
from hfwidgets.panels.document.flusher import flusher
from hfwidgets.panels.document.mirror import Mirror
from hfwidgets.panels.document.nodes import Message, Node, to_json
from hfwidgets.panels.document.outputs import DisplayOutputs, StaticForm
from hfwidgets.panels.document.page_messages import ChunkRequest, Hello, MediaRequest, PageMessage
from hfwidgets.panels.document.protocol import PanelShape
from hfwidgets.panels.document.shiny_session import ShinySession, find_shiny_session


class PanelWidget(anywidget.AnyWidget):
    """The part of a panel that knows notebooks: one anywidget, its messages, its two outputs.

    Only what never changes is a synced trait, so a saved notebook holds neither the conversation
    twice nor anything that was typed, and of the code only the loader. Private names of all panels
    begin with `_hfw_`: hosts keep marks of their own on widgets (holoviz Panel sets `_document`),
    and a clash breaks both.

    Args:
        shape: what does not change; its key is filled in.
        doc: the initial document.
        traits: values of a subclass's traits.
    """

    needed_chunks: ClassVar[tuple[str, ...]] = ("ui", "markdown")
    """Chunks that nearly every result of the panel needs."""

    _anywidget_id = t.Unicode().tag(sync=True)
    _esm = t.Unicode().tag(sync=True)
    _hfw_start = t.Dict().tag(sync=True)

    _hfw_shiny_session: ShinySession | None = None
    """Set after the comm was opened, which happens within the session."""

    def __init__(self, shape: PanelShape, doc: dict[str, Node], **traits: Any) -> None:
        # The page holds one link per key, which all views of the panel share.
        shape.key = uuid.uuid4().hex[:12]
        self._hfw_display_outputs = DisplayOutputs()
        # Before the base class, which opens the comm with the document at its start.
        self._hfw_mirror = Mirror(doc, self._hfw_post_message, flusher.schedule)
        super().__init__(
            _esm=assets.read_asset_text("panel.js"),
            _hfw_start={"shape": to_json(shape), "doc": self._hfw_mirror.get()},
            **traits,
        )
        self._hfw_shiny_session = find_shiny_session(self.comm)
        self.on_msg(self._hfw_on_page_message)
        _allow_any_subshell(self)

    @t.default("_anywidget_id")
    def _hfw_name_class(self) -> str:
        return f"{type(self).__module__}.{type(self).__name__}"

    def add_traits(self, **traits: Any) -> None:
        """Add the traits that the class does not declare.

        anywidget adds `_anywidget_id` to each widget, and traitlets makes a class for it each time.
        """
        if missing := {name: trait for name, trait in traits.items() if not self.has_trait(name)}:
            super().add_traits(**missing)

    def get_state(
        self, key: str | Iterable[str] | None = None, drop_defaults: bool = False
    ) -> dict[str, Any]:
        """Return the synced traits; see `ipywidgets.Widget.get_state`."""
        state: dict[str, Any] = super().get_state(key, drop_defaults)
        # This state is the value of `mo.ui.anywidget(panel)`, whose readers need no description of
        # the form. The page has it from the opening of the comm, which precedes the comm itself.
        if key is None and type(self.comm).__name__ == "MarimoComm":
            state.pop("_hfw_start", None)
        return state

    def _hfw_render_static(self) -> StaticForm:
        """Return the result for where no kernel answers."""
        return StaticForm("", repr(self))

    def _hfw_find_media(self, name: str) -> tuple[bytes, str] | None:
        """Return bytes and MIME type of a file that the document names; None if it is unknown."""
        return None

    def _hfw_show_error(self, error: Exception) -> None:
        """Show an error of an action that the page asked for."""
        raise error

    def _send(self, msg: Message, buffers: list[bytes] | None = None) -> None:
        # ipywidgets sends everything through this method: messages and synced traits.
        send = super()._send
        if (session := self._hfw_shiny_session) is not None:
            session.send(lambda: send(msg, buffers))
        else:
            send(msg, buffers)

    def _hfw_post_message(self, message: Message, buffers: list[bytes] | None = None) -> None:
        if self.comm is not None:  # None once the panel is closed
            # `super()`, because the `send` of a chat panel sends prompts.
            super().send(message, buffers)

    def _hfw_on_page_message(self, _: object, content: Message, buffers: list[Any]) -> None:
        """Handle a message of the page. It may arrive on any thread, so nothing here waits."""
        if content.get("k") == "do":
            self._hfw_run_action(content, buffers)
            return
        try:
            message = msgspec.convert(content, PageMessage)
        except msgspec.ValidationError:  # a page of another version; it has nothing to be told
            return
        match message:
            case Hello(seq):
                self._hfw_mirror.resync(seq)
            case ChunkRequest(name):
                if name in assets.CHUNKS:
                    self._hfw_send_chunk(name)
            case MediaRequest(id):
                self._hfw_send_media(id)

    def _hfw_run_action(self, message: Message, buffers: list[Any]) -> None:
        """Run an action: `{"k": "do", "do": "send", ...}` calls `_hfw_do_send(...)`."""
        # Only names with this prefix are actions, so a page can call nothing else.
        action = getattr(self, f"_hfw_do_{message.get('do')}", None)
        if action is None:
            return
        arguments = {name: value for name, value in message.items() if name not in ("k", "do")}
        if buffers:
            arguments["buffers"] = [bytes(buffer) for buffer in buffers]
        try:
            action(**arguments)
        except Exception as error:  # shown in the panel, since a message handler has no cell
            self._hfw_show_error(error)
        # An answer to a click is not delayed by the limit on patches.
        flusher.flush_now(self._hfw_mirror)

    def _hfw_send_chunk(self, name: str) -> None:
        message: Message = {"k": "chunk", "name": name, "hash": assets.chunk_digest(name)}
        self._hfw_post_message(message, [assets.read_asset(f"{name}.js")])

    def _hfw_send_media(self, name: str) -> None:
        found = self._hfw_find_media(name)
        if found is not None:
            content, mime = found
            self._hfw_post_message({"k": "media", "id": name, "type": mime}, [content])

    def _hfw_refresh_static(self) -> None:
        """Update the static form next to the widget."""
        self._hfw_display_outputs.update_static(self._hfw_render_static())

    def _ipython_display_(self, **_: Any) -> None:
        # IPython prefers this method to `_repr_mimebundle_`, which stands for one output.
        bundle = self._repr_mimebundle_()
        data = dict(bundle[0] if isinstance(bundle, tuple) else bundle or {})
        data["text/plain"] = repr(self)
        self._hfw_refresh_static()
        self._hfw_display_outputs.show(data)
        # Sent without a request: a cell may block the kernel by the time the page asks for them.
        for name in self.needed_chunks:
            self._hfw_send_chunk(name)

    def freeze(self) -> None:
        """Replace the widget with its static result and close it, to publish the notebook."""
        self._hfw_refresh_static()
        self._hfw_display_outputs.freeze()
        self.close()

    def close(self) -> None:
        """Close the widget; its pages show the static result."""
        # The finalizer calls this again, in any thread at any allocation, even where the flusher's
        # lock is held: what was closed, or never opened, must not take it.
        was_open = self.comm is not None
        super().close()
        if was_open:
            flusher.forget(self._hfw_mirror)


def _allow_any_subshell(widget: PanelWidget) -> None:
    """Let the page's messages arrive while a cell blocks.

    ipykernel 7.4 sends a comm's messages back to the shell that made it, which a cell may occupy;
    the page's own subshell is free. Handlers then run on the subshell's thread. Older kernels lack
    this method and behave one way or the other.
    """
    comm: Any = widget.comm
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda _data, default: default
