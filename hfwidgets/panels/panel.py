"""The base of all panels: one anywidget whose form, settings, states and errors come from a task."""

import asyncio
import contextlib
import logging
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import anywidget
import traitlets as t

from hfwidgets import errors, providers, runtime, tasks
from hfwidgets.flow import waiting
from hfwidgets.panels import assets
from hfwidgets.panels.failure import failure
from hfwidgets.panels.flusher import flusher
from hfwidgets.panels.mirror import Mirror
from hfwidgets.panels.run import Run
from hfwidgets.panels.shape import served, shape
from hfwidgets.panels.slot import Slot

BUSY = frozenset({"validating", "loading", "running", "streaming"})
SETTINGS = ("token", "api_key", "base_url", "timeout", "headers", "bill_to", "max_retries", "hosts")
"""What a panel passes on to its client, as it is."""

_log = logging.getLogger(__name__)


class Panel(anywidget.AnyWidget):
    """A task as a form with a result.

    A subclass names its `task` and its front-end `view`, and says in `_work` what a run does.
    Everything that takes time happens on the background loop, so the kernel stays free; callbacks of
    observers and of `on_result` run on that loop's thread.

    Attributes:
        status: idle, validating, loading, running, streaming, done, stopped or failed.
        value: the last result in its simplest form.
        model: the model's id, None for the provider's choice.
        provider: who serves, None for the default.
        parameters: the task's parameters that are sent; none is unless it was set.
        result: the last run's typed result; `results` holds those of all runs.
    """

    task: ClassVar[str]
    view: ClassVar[str] = "form"
    starters: ClassVar[tuple[str, ...]] = ()
    extra: ClassVar[tuple[dict[str, Any], ...]] = ()
    """Fields of the panel's own, shown before the task's; each is a trait of its name."""
    more: ClassVar[frozenset[str]] = frozenset({"extra_body"})
    """Parameters that may be given in code beside those that are shown."""

    _esm = t.Unicode().tag(sync=True)
    _css = t.Unicode().tag(sync=True)
    _start = t.Dict().tag(sync=True)
    status = t.Unicode("idle", read_only=True)
    value = t.Any(None, allow_none=True, read_only=True)
    model = t.Unicode(None, allow_none=True)
    provider = t.Unicode(None, allow_none=True)
    parameters = t.Dict()

    def __init__(
        self, model: str | None = None, *, provider: str | None = None, **settings: Any
    ) -> None:
        self.declaration = tasks.find(self.task)
        client = {name: settings.pop(name) for name in SETTINGS if settings.get(name) is not None}
        own = {field["name"]: settings.pop(field["name"], None) for field in self.extra}
        own = {name: value for name, value in own.items() if value is not None}
        self._check(settings)
        self._lock = threading.RLock()
        self._client_settings, self._secret = (
            client,
            client.pop("token", None) or client.pop("api_key", None),
        )
        self._run: Run | None = None
        self._watchers: list[Callable[[Any], Any]] = []
        self._again: Callable[[], Any] | None = None
        self.results: list[Any] = []
        key = uuid.uuid4().hex[:12]
        self._slot = Slot(key)
        shown = _settings(model, provider, {**own, **settings})
        doc = {"state": _state(), "settings": shown, **self._document()}
        self._mirror = Mirror(doc, self._post, flusher.wake)
        fixed = shape(self.declaration, key, self.view, self.starters)
        fixed["fields"] = [*self.extra, *fixed["fields"]]
        fixed["served"] = served(client.get("base_url"))
        super().__init__(
            _esm=assets.text("panel.js"),
            _css=assets.text("panel-style.css"),
            _start={"shape": fixed, "doc": self._mirror.get()},
            model=model,
            provider=provider,
            parameters=settings,
            **own,
        )
        self.observe(self._mirror_settings, ["model", "provider", "parameters", *self._own])
        self.on_msg(self._heard)
        _follow_subshell(self)

    @property
    def _own(self) -> list[str]:
        return [field["name"] for field in self.extra]

    # What a task's panel says for itself

    def _document(self) -> dict[str, Any]:
        """The task's own parts of the mirrored document, at the start."""
        return {}

    async def _work(self, run: Run) -> None:
        """Do one run: put what comes into `run.result` and into the document."""
        raise NotImplementedError

    def _ended(self, run: Run) -> None:
        """Settle the task's own part of the document when a run is over."""

    def _stats(self, run: Run) -> dict[str, Any]:
        """What the status line tells after a run."""
        return {}

    def _static(self) -> tuple[str, str]:
        """The result as safe HTML and as plain text, for where no kernel answers."""
        return "", repr(self)

    # Running

    @property
    def result(self) -> Any:
        """The last result, None before the first."""
        return self.results[-1] if self.results else None

    @property
    def busy(self) -> bool:
        """True while a run is under way."""
        return self._run is not None and not self._run.settled

    def stop(self) -> None:
        """Stop the run; what has come stays."""
        run = self._run
        if run is not None and self.busy:
            self._mirror.set("state", "stopping", value=True)
            run.stop()
            flusher.now(self._mirror)

    def on_result(self, callback: Callable[[Any], Any], *, remove: bool = False) -> None:
        """Call `callback(result)` after every run that brought one, stopped ones included."""
        if remove:
            self._watchers.remove(callback)
        else:
            self._watchers.append(callback)

    def _begin(self, prepare: Callable[[], None]) -> Run:
        """Start a run after `prepare` has put the input in place.

        Raises:
            InputError: the panel is still busy.
        """
        with self._lock:
            self._require_idle()
            prepare()
            self._run = run = Run(self._run.number + 1 if self._run else 1)
            self._settle("validating", run=run.number, stats=None, failure=None, stopping=False)
        run.start(self._carry_out, self._end)
        return run

    def _require_idle(self) -> None:
        """InputError when a run is under way."""
        if self.busy:
            raise errors.InputError(
                "The panel is still answering. Wait for it, or stop it with .stop()."
            )

    def _wait(self, run: Run) -> Any:
        """Block until a run is over and return its result; an interrupt stops it, keeping what came."""
        self._mirror.set("state", "inCell", value=True)
        flusher.now(self._mirror)
        try:
            run.wait()
        except BaseException:
            run.stop()
            with contextlib.suppress(TimeoutError):
                run.wait(2.0)
            raise
        finally:
            self._mirror.set("state", "inCell", value=False)
        return _outcome(run)

    async def _wait_async(self, run: Run) -> Any:
        """The same, awaited."""
        try:
            await run.wait_async()
        except BaseException:
            run.stop()
            raise
        return _outcome(run)

    def _connect(self) -> Any:
        """The background loop's client with this panel's settings."""
        token = {"token": self._secret} if self._secret else {}
        return runtime.aclient(provider=self.provider, **self._client_settings, **token)

    def _settle(self, status: str | None = None, **state: Any) -> None:
        """Change the run's state, for Python's observers and for the page."""
        if status is not None:
            state["status"] = status
            self.set_trait("status", status)
        for name, value in state.items():
            self._mirror.set("state", name, value=value)

    async def _carry_out(self, run: Run) -> None:
        waiting.set(self._waits)
        self._settle("running", note="", eta=None)
        await self._work(run)

    def _waits(self, reason: str, seconds: float) -> None:
        self._settle("loading", note=reason[:1].upper() + reason[1:], eta=seconds or None)

    async def _end(self, run: Run) -> None:
        """A run is over: tell everybody, each of them whatever happens to the others."""
        with _logged("settling a run"):
            self._ended(run)
        status = "failed" if run.error else "stopped" if run.stopped else "done"
        stats = self._stats(run) if run.result is not None else None
        shown = failure(run.error) if run.error else None
        if run.result is not None:
            self.results.append(run.result)
        run.settled = True
        self._settle(status, stats=stats, failure=shown, stopping=False, note="", eta=None)
        flusher.now(self._mirror)
        with _logged("filling the static output"):
            await asyncio.to_thread(self._refresh)
        for callback in list(self._watchers) if run.result is not None else []:
            with _logged("an on_result callback"):
                callback(run.result)

    def _refresh(self) -> None:
        """Bring the static form beside the widget up to date."""
        self._slot.fill(*self._static())

    # Settings

    def _check(self, settings: Mapping[str, Any]) -> None:
        inputs = self.declaration.inputs
        known = {*self.declaration.controls, *self.more}.difference(inputs, ("model", "stream"))
        offered = [*known, *SETTINGS, *self._own, "provider", "model"]
        for name in settings:
            if name not in known:
                raise errors.UnknownParameterError(
                    f"{self.task} has no parameter {name!r}.{errors.near(name, offered)} "
                    f"It has: {', '.join(sorted(offered))}."
                )

    @t.validate("parameters")
    def _parameters_known(self, proposal: Any) -> Any:
        self._check(proposal["value"])
        return {name: value for name, value in proposal["value"].items() if value is not None}

    @t.validate("provider")
    def _provider_known(self, proposal: Any) -> Any:
        name = proposal["value"] or None
        if name is not None:
            providers.get(name)
        return name

    def _mirror_settings(self, _: Any) -> None:
        own = {name: getattr(self, name) for name in self._own}
        settings = _settings(self.model, self.provider, {**own, **self.parameters})
        if self._mirror.get("settings") != settings:
            self._mirror.set("settings", value=settings)

    # The page

    def _post(self, message: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        if self.comm is not None:
            super().send(message, buffers)

    def _heard(self, _: Any, message: dict[str, Any], buffers: list[Any]) -> None:
        """Take a message of the page; it may come on any thread, so nothing here waits."""
        kind = message.get("k")
        if kind == "hello":
            self._mirror.greet(int(message.get("seq", -1)))
        elif kind == "chunk" and message.get("name") in assets.CHUNKS:
            self._send_chunk(message["name"])
        elif kind == "media":
            self._send_media(str(message.get("id")))
        elif kind == "do":
            self._act(message, buffers)

    def _act(self, message: dict[str, Any], buffers: list[Any]) -> None:
        action = getattr(self, f"_do_{message.get('do')}", None)
        arguments = {name: value for name, value in message.items() if name not in ("k", "do")}
        if buffers:
            arguments["buffers"] = [bytes(buffer) for buffer in buffers]
        if action is None:
            return
        try:
            action(**arguments)
        except Exception as error:  # shown where it happened, since a handler has no cell to fail
            self._settle(failure=failure(error))
        flusher.now(self._mirror)

    def _do_stop(self, run: int) -> None:
        if self._run is not None and self._run.number == run:
            self.stop()

    def _do_set(self, **changes: Any) -> None:
        for name in {"model", "provider"} & set(changes):
            setattr(self, name, changes[name] or None)
        values = dict(changes.get("values", {}))
        for name in set(self._own) & set(values):
            setattr(self, name, values.pop(name))
        merged = {**self.parameters, **values}
        self.parameters = {name: value for name, value in merged.items() if value is not None}

    def _do_key(self, value: str) -> None:
        self._secret = value
        self._do_retry()

    def _do_retry(self) -> None:
        again = self._again
        self._do_dismiss()
        if again is not None:
            again()

    def _do_dismiss(self) -> None:
        self._settle(failure=None)

    def _send_chunk(self, name: str) -> None:
        message = {"k": "chunk", "name": name, "hash": assets.digest(name)}
        self._post(message, [assets.read(f"{name}.js")])

    def _send_media(self, name: str) -> None:
        found = self._media(name)
        if found is not None:
            content, kind = found
            self._post({"k": "media", "id": name, "type": kind}, [content])

    def _media(self, name: str) -> tuple[bytes, str] | None:
        """Bytes and MIME type of what the document names; None when there is nothing of this name."""
        return None

    # Showing

    def _ipython_display_(self, **_: Any) -> None:
        bundle = self._repr_mimebundle_()
        data = dict(bundle[0] if isinstance(bundle, tuple) else bundle or {})
        data["text/plain"] = repr(self)
        self._refresh()
        self._slot.show(data)
        self._send_chunk(
            "markdown"
        )  # nearly every answer needs it, and a cell may block the kernel

    def freeze(self) -> None:
        """Put the static result in the widget's place and close it: for notebooks to be published."""
        self._refresh()
        self._slot.freeze()
        self.close()

    def _described(self) -> dict[str, Any]:
        """What the panel's repr tells."""
        return {"model": self.model, "provider": self.provider, **self.parameters}

    def __repr__(self) -> str:
        given = {name: value for name, value in self._described().items() if value is not None}
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in given.items())})"


def _state() -> dict[str, Any]:
    empty: dict[str, Any] = {"failure": None, "stats": None, "eta": None}
    return {"status": "idle", "run": 0, "note": "", "stopping": False, "inCell": False, **empty}


def _settings(model: str | None, provider: str | None, values: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in values.items() if value not in (None, "")}
    return {"model": model or "", "provider": provider or "", "values": shown}


def _outcome(run: Run) -> Any:
    if run.error is not None:
        raise run.error
    return run.result


@contextlib.contextmanager
def _logged(doing: str) -> Any:
    """Nobody waits for what happens here, so a failure goes to the log instead of vanishing."""
    try:
        yield
    except Exception:
        _log.exception("hfwidgets: %s failed", doing)


def _follow_subshell(panel: Panel) -> None:
    """Let the page's messages arrive while a cell blocks.

    ipykernel 7.4 sends a comm's messages back to the shell that made it, which a cell may occupy; the
    page's own subshell is free. Handlers then run on the subshell's thread. Older kernels have no such
    method and do one or the other by themselves.
    """
    comm = panel.comm
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda _data, default: default  # pyright: ignore
