"""The base of all panels: a widget whose form, settings, states and errors come from a task."""

import asyncio
import contextlib
import logging
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar

import traitlets as t

from hfwidgets import errors, tasks
from hfwidgets.calls.settings import redact_model
from hfwidgets.client import AsyncInferenceClient
from hfwidgets.core.flow import wait_listener
from hfwidgets.errors.excerpt import show_value
from hfwidgets.errors.secrets import Secret, hide_url
from hfwidgets.notebook import background_loop
from hfwidgets.panels.document.flusher import flusher
from hfwidgets.panels.document.nodes import Node
from hfwidgets.panels.document.protocol import Field, RunStats, State
from hfwidgets.panels.document.widget import PanelWidget
from hfwidgets.panels.form.fields import describe_panel, describe_settings
from hfwidgets.panels.form.uploads import Uploads
from hfwidgets.panels.run import PanelRun
from hfwidgets.panels.shelf import DEFAULT_MEMORY_LIMIT, Results, Shelf
from hfwidgets.panels.views.error_card import error_card

BUSY_STATUSES = frozenset({"validating", "loading", "running", "streaming"})
CLIENT_SETTINGS = (
    "token",
    "api_key",
    "base_url",
    "timeout",
    "headers",
    "bill_to",
    "max_retries",
    "hosts",
)
"""Settings that a panel passes to its client unchanged."""

_log = logging.getLogger(__name__)


class OptionalText(t.TraitType[str, str | None]):
    """A text that may be left out: None becomes "", so that text widgets can be linked to it."""

    default_value = ""
    info_text = "a text or None"

    def validate(self, obj: t.HasTraits, value: object) -> str:
        """Return the text."""
        return check_text(str(self.name), value)


def check_text(name: str, value: object) -> str:
    """Return a text, "" for None; TraitError for anything else."""
    if value is not None and not isinstance(value, str):
        raise t.TraitError(f"{name} must be a text or None; it is {show_value(value)}.")
    return value or ""


class Panel(PanelWidget):
    """A task as a form with a result.

    A subclass names its `task` and its front-end `view`, and implements `_hfw_perform_run`.
    Everything that takes time runs on the background loop, so the kernel stays free; observers and
    `on_result` callbacks are called on that loop's thread.

    Attributes:
        status: idle, validating, loading, running, streaming, done, stopped or failed.
        value: the last result in its simplest form.
        model: the model's id on the Hub; "" (or None) leaves the choice to the provider.
        provider: the provider's name; "" (or None) for the default.
        parameters: the task's parameters that are sent, by name; others are not sent.
        completed_runs: how many runs have ended with a result; synced with the front end.
        memory_limit: bytes of past results that stay in memory; older ones are read from disk.
        result: the typed result of the last run; `results` holds those of all runs.
    """

    task: str
    view: ClassVar[str] = "form"
    panel_label: ClassVar[str] = ""
    """The panel's title, where it is not the task's."""
    panel_help: ClassVar[str] = ""
    starters: ClassVar[tuple[str, ...]] = ()
    extra_fields: ClassVar[tuple[Field, ...]] = ()
    """Fields that the panel adds before the task's; each is a trait of the same name."""
    code_only_parameters: ClassVar[frozenset[str]] = frozenset({"extra_body"})
    """Parameters that code may set although no field shows them."""

    status = t.Unicode("idle", read_only=True)
    value = t.Any(None, allow_none=True, read_only=True)
    model = OptionalText()
    provider = OptionalText()
    parameters = t.Dict()
    memory_limit = t.Int(DEFAULT_MEMORY_LIMIT, min=0)
    # Not read-only: the page sets it to the same number, which makes marimo run cells again.
    completed_runs = t.Int(0).tag(sync=True)

    def __init__(
        self, model: str | None = None, *, provider: str | None = None, **settings: Any
    ) -> None:
        self.declaration = tasks.find(self.task)
        client_settings = {
            name: settings.pop(name) for name in CLIENT_SETTINGS if settings.get(name) is not None
        }
        extra = {field.name: settings.pop(field.name, None) for field in self.extra_fields}
        extra = {name: value for name, value in extra.items() if value is not None}
        # Before the base class opens the comm: a misspelled keyword leaves no widget there.
        self._hfw_check_parameters(settings)
        # The document is built of them before the traits are set.
        check_text("model", model)
        check_text("provider", provider)
        # Reentrant: assigning a trait within it calls observers, which may take it again.
        self._hfw_lock = threading.RLock()
        # The token stays out of the settings, which snippets and reprs show.
        token, api_key = client_settings.pop("token", None), client_settings.pop("api_key", None)
        if "base_url" in client_settings:
            client_settings["base_url"] = hide_url(client_settings["base_url"])
        self._hfw_client_settings = client_settings
        self._hfw_secret = Secret(token or api_key or "")
        self._hfw_current_run: PanelRun | None = None
        self._hfw_result_callbacks: list[Callable[[Any], Any]] = []
        self._hfw_retry_action: Callable[[], object] | None = None
        self._hfw_uploads = Uploads()
        self.results = Results()
        shape = describe_panel(
            self.declaration, self.view, self.starters, client_settings.get("base_url")
        )
        shape.fields = [*self.extra_fields, *shape.fields]
        shape.label = self.panel_label or shape.label
        shape.help = self.panel_help or shape.help
        doc: dict[str, Node] = {
            "state": State(),
            "settings": describe_settings(model, provider, {**extra, **settings}),
            "models": [],
            "uploads": {},
            **self._hfw_initial_document(),
        }
        if "form" in doc:  # it describes these, and replaces them when the task changes
            shape.fields, shape.providers, shape.unserved = [], [], []
        traits = {"model": model, "provider": provider, "parameters": settings, **extra}
        super().__init__(shape, doc, **traits)
        self.observe(
            self._hfw_mirror_settings, ["model", "provider", "parameters", *self._hfw_extra_names]
        )

    @property
    def _hfw_extra_names(self) -> list[str]:
        return [field.name for field in self.extra_fields]

    # What subclasses implement

    def _hfw_initial_document(self) -> dict[str, Node]:
        """Return the task's parts of the initial document."""
        return {}

    async def _hfw_perform_run(self, run: PanelRun) -> None:
        """Perform a run: put what arrives into `run.result` and into the document."""
        raise NotImplementedError

    def _hfw_settle_document(self, run: PanelRun) -> None:
        """Finish the task's parts of the document when a run is over."""

    def _hfw_run_stats(self, run: PanelRun) -> dict[str, Any]:
        """Return what the status line shows after a run: times in seconds, cost in US dollars."""
        meta = getattr(run.result, "meta", None)
        if meta is None:
            return {}
        stats = {
            "first": meta.first_token_seconds,
            "seconds": meta.seconds,
            "server": meta.timings.get("compute"),
            "cost": meta.cost,
            "cached": meta.compute_type and meta.compute_type == "cache",
            "recorded": f"{meta.recorded:%Y-%m-%d}" if meta.recorded else None,
            "model": meta.model,
            "provider": meta.provider,
        }
        return {name: value for name, value in stats.items() if value is not None}

    # Running

    @property
    def result(self) -> Any:
        """The last result; None before the first."""
        return self.results[-1] if self.results else None

    @t.observe("memory_limit")
    def _hfw_limit_memory(self, _: object) -> None:
        for shelf in self._hfw_shelves():
            shelf.limit = self.memory_limit

    def _hfw_shelves(self) -> list[Shelf[Any]]:
        """Return all that keeps past results."""
        return [self.results.shelf]

    @property
    def busy(self) -> bool:
        """True while a run is under way."""
        return self._hfw_current_run is not None and not self._hfw_current_run.allows_next_run

    def stop(self) -> None:
        """Stop the current run; what has arrived stays."""
        run = self._hfw_current_run
        if run is not None and self.busy:
            # The page interrupts the kernel if a blocking cell does not confirm a click within a
            # second, so this leaves at once, before the run has ended.
            self._hfw_mirror.set("state", "stopping", value=True)
            run.stop()
            flusher.flush_now(self._hfw_mirror)

    def on_result(self, callback: Callable[[Any], Any], *, remove: bool = False) -> None:
        """Call `callback(result)` after every run with a result, also after stopped ones.

        In marimo, show `ui = mo.ui.anywidget(panel)` instead: cells that read `ui.value` run again
        after each result, which is `ui.result` there.

        Args:
            callback: called on the background loop's thread.
            remove: stop calling it instead.
        """
        if remove:
            self._hfw_result_callbacks.remove(callback)
        else:
            self._hfw_result_callbacks.append(callback)

    def _hfw_begin_run(self, prepare: Callable[[], None]) -> PanelRun:
        """Start a run, after calling `prepare` under the panel's lock.

        Raises:
            InputError: the panel is still busy.
        """
        with self._hfw_lock:
            self._hfw_require_idle()
            prepare()
            self._hfw_current_run = run = PanelRun(
                self._hfw_current_run.number + 1 if self._hfw_current_run else 1
            )
            self._hfw_update_state(
                "validating", run=run.number, stats=None, failure=None, stopping=False
            )
        # Outside the lock: the loop's thread may need it before this call returns.
        run.start(self._hfw_run_in_background, self._hfw_end_run)
        return run

    def _hfw_require_idle(self) -> None:
        """Raise InputError if a run is under way."""
        if self.busy:
            raise errors.InputError(
                "The panel is still running. Wait for the result, or call .stop() first."
            )

    def _hfw_wait_for_run(self, run: PanelRun) -> Any:
        """Block until a run is over and return its result; an interrupt stops the run."""
        # Tells the page that its Stop may not be heard until this cell is over, so that it
        # interrupts the kernel if no answer comes.
        self._hfw_mirror.set("state", "inCell", value=True)
        flusher.flush_now(self._hfw_mirror)
        try:
            run.wait()
        except BaseException:  # KeyboardInterrupt: give the run a moment to keep what has arrived
            run.stop()
            with contextlib.suppress(TimeoutError):
                run.wait(2.0)
            raise
        finally:
            self._hfw_mirror.set("state", "inCell", value=False)
        return _result_or_raise(run)

    async def _hfw_wait_for_run_async(self, run: PanelRun) -> Any:
        """Await a run and return its result; a cancellation stops the run."""
        try:
            await run.wait_async()
        except BaseException:
            run.stop()
            raise
        return _result_or_raise(run)

    def _hfw_get_client(self) -> AsyncInferenceClient:
        """Return the background loop's client for this panel's settings."""
        # Looked up for each use: a login drops the shared clients, the page may send a key.
        token = {"token": self._hfw_secret} if self._hfw_secret else {}
        return background_loop.shared_client(
            provider=self.provider or None, **self._hfw_client_settings, **token
        )

    def _hfw_update_state(self, status: str | None = None, **state: Any) -> None:
        """Change the run's state for observers and for the page."""
        if status is not None:
            state["status"] = status
            # Logged, because an observer's error must not keep the new status from the page.
            with _log_errors("an observer of status"):
                self.set_trait("status", status)
        for name, value in state.items():
            self._hfw_mirror.set("state", name, value=value)

    async def _hfw_run_in_background(self, run: PanelRun) -> None:
        # Weak: connections opened in this run keep its context, and must not keep a closed panel.
        show_waiting = weakref.WeakMethod(self._hfw_show_waiting)

        def report_wait(reason: str, seconds: float) -> None:
            if (show := show_waiting()) is not None:
                show(reason, seconds)

        wait_listener.set(report_wait)
        self._hfw_update_state("running", note="", eta=None)
        await self._hfw_perform_run(run)

    def _hfw_show_waiting(self, reason: str, seconds: float) -> None:
        self._hfw_update_state("loading", note=reason[:1].upper() + reason[1:], eta=seconds or None)

    async def _hfw_end_run(self, run: PanelRun) -> None:
        """Settle a run and notify all parties, each of them even if another fails."""
        with _log_errors("settling a run"):
            self._hfw_settle_document(run)
        status = "failed" if run.error else "stopped" if run.was_stopped else "done"
        stats = RunStats(**self._hfw_run_stats(run)) if run.result is not None else None
        failure = error_card(run.error) if run.error else None
        if run.result is not None:
            self.results.append(run.result)
        # Before observers are told, so that one of them may begin the next run.
        run.allows_next_run = True
        self._hfw_update_state(
            status, stats=stats, failure=failure, stopping=False, note="", eta=None
        )
        flusher.flush_now(self._hfw_mirror)
        # In threads: images are scaled and encoded, and older results written to disk.
        with _log_errors("filling the static output"):
            await asyncio.to_thread(self._hfw_refresh_static)
        for shelf in self._hfw_shelves():
            with _log_errors("storing older results"):
                await asyncio.to_thread(shelf.shrink)
        # Once result and static form are settled: marimo's cells that read the panel run again now.
        # A run without a result leaves the number, and so starts none of them.
        with _log_errors("an observer of completed_runs"):
            self.set_trait("completed_runs", len(self.results))
        # A copy: a callback may remove itself.
        for callback in list(self._hfw_result_callbacks) if run.result is not None else []:
            with _log_errors("an on_result callback"):
                callback(run.result)

    # Settings

    def _hfw_check_parameters(self, settings: Mapping[str, Any]) -> None:
        inputs = self.declaration.inputs
        # The panel passes these itself; as parameters they would be passed twice.
        known = {*self.declaration.controls, *self.code_only_parameters}.difference(
            inputs, ("model", "stream")
        )
        offered = [*known, *CLIENT_SETTINGS, *self._hfw_extra_names, "provider", "model"]
        for name in settings:
            if name not in known:
                raise errors.UnknownParameterError(
                    f"Unknown parameter {name!r} of {self.task}."
                    f"{errors.did_you_mean(name, [*inputs, *offered])} Its inputs are: "
                    f"{', '.join(inputs)}; its parameters: {', '.join(sorted(offered))}."
                )

    @t.validate("model")
    def _hfw_validate_model(self, proposal: Mapping[str, Any]) -> str:
        return check_model(proposal["value"])

    @t.validate("parameters")
    def _hfw_validate_parameters(self, proposal: Mapping[str, Any]) -> dict[str, Any]:
        self._hfw_check_parameters(proposal["value"])
        return {name: value for name, value in proposal["value"].items() if value is not None}

    @t.validate("provider")
    def _hfw_validate_provider(self, proposal: Mapping[str, Any]) -> str:
        name: str = proposal["value"]
        known = background_loop.list_providers()
        if name and name not in known:
            raise errors.UnknownProviderError(
                f"Unknown provider {name!r}.{errors.did_you_mean(name, known)} "
                f"The providers are: {', '.join(known)}."
            )
        return name

    def _hfw_mirror_settings(self, _: object) -> None:
        extra = {name: getattr(self, name) for name in self._hfw_extra_names}
        self._hfw_mirror.set(
            "settings",
            value=describe_settings(self.model, self.provider, {**extra, **self.parameters}),
        )

    # Actions of the page

    def _hfw_show_error(self, error: Exception) -> None:
        self._hfw_update_state(failure=error_card(error))

    def _hfw_do_stop(self, run: int) -> None:
        # The number keeps a late click from stopping the run after the one that was meant.
        if self._hfw_current_run is not None and self._hfw_current_run.number == run:
            self.stop()

    def _hfw_do_set(
        self,
        model: str | None = None,
        provider: str | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> None:
        """Change settings; "" resets the model or the provider, None a parameter."""
        if model is not None:
            self.model = model
        if provider is not None:
            self.provider = provider
        changes = dict(values or {})
        for name in set(self._hfw_extra_names) & set(changes):
            setattr(self, name, changes.pop(name))
        # A new dict: traitlets does not notice a change within the old one.
        self.parameters = {**self.parameters, **changes}

    def _hfw_do_upload(
        self,
        *,
        name: str,
        id: str,  # noqa: A002 - the page's name for it
        at: int,
        total: int,
        file: str = "",
        buffers: Iterable[bytes] = (),
    ) -> None:
        """Add a piece of a file and acknowledge it, upon which the page sends the next one."""
        piece = b"".join(buffers)
        data = self._hfw_uploads.add_piece(piece, name=name, upload=id, at=at, total=total)
        # Before the file is used: after an error there the page would wait in vain.
        self._hfw_mirror.set("uploads", name, value=self._hfw_uploads.upload_progress(name))
        if data is not None:
            self._hfw_take_upload(name, data, file)

    def _hfw_take_upload(self, name: str, data: bytes, file: str) -> None:
        """Take over a complete file; `file` is its name on the user's machine."""

    def _hfw_do_key(self, value: str) -> None:
        self._hfw_secret = Secret(value)
        self._hfw_do_retry()

    def _hfw_do_retry(self) -> None:
        # The old error goes first: if the retry is refused right away, its error takes that place.
        retry = self._hfw_retry_action
        self._hfw_do_dismiss()
        if retry is not None:
            retry()

    def _hfw_do_dismiss(self) -> None:
        self._hfw_update_state(failure=None)

    # Representation

    def _hfw_repr_fields(self) -> dict[str, Any]:
        """Return what the repr shows, by name; what is not set is left out."""
        return {"model": self.model, "provider": self.provider, **self.parameters}

    def __repr__(self) -> str:
        fields = {
            name: value
            for name, value in self._hfw_repr_fields().items()
            if value not in (None, "")
        }
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in fields.items())})"


def check_model(model: str) -> str:
    """Return the model, which is saved in the notebook.

    Raises:
        ConfigurationError: it is an address with a key in it.
    """
    if model and redact_model(model) != model:
        raise errors.ConfigurationError(
            f"{redact_model(model)} contains a key, which would be saved in the notebook. Pass the "
            "key as token=, or the whole address as base_url=, which is not saved."
        )
    return model


def _result_or_raise(run: PanelRun) -> Any:
    if run.error is not None:
        raise run.error
    return run.result


@contextlib.contextmanager
def _log_errors(action: str) -> Iterator[None]:
    """Log an error: no one awaits what happens here, so it would vanish otherwise."""
    try:
        yield
    except Exception:
        # Once the main thread has ended, Python accepts no more work for threads. A run that is
        # still going must not end a user's script with a traceback of ours.
        if threading.main_thread().is_alive():
            _log.exception("hfwidgets: %s failed", action)
