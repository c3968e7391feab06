"""The base of all panels: a widget whose form, settings, states and errors come from a task."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import traitlets as t

from hfwidgets import errors, tasks
from hfwidgets.calls.settings import redact_model
from hfwidgets.core import environment
from hfwidgets.core.flow import wait_listener
from hfwidgets.notebook import background_loop
from hfwidgets.panels.document.flusher import flusher
from hfwidgets.panels.document.widget import PanelWidget
from hfwidgets.panels.form.fields import describe_panel
from hfwidgets.panels.run import PanelRun
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
"""What a panel passes on to its client, as it is."""

MAX_SUGGESTED_MODELS = 200
"""How many models are offered for completion."""

_log = logging.getLogger(__name__)


class Panel(PanelWidget):
    """A task as a form with a result.

    A subclass names its `task` and its front-end `view`, and says in `_work` what a run does.
    Everything that takes time happens on the background loop, so the kernel stays free; callbacks
    of observers and of `on_result` run on that loop's thread.

    Attributes:
        status: idle, validating, loading, running, streaming, done, stopped or failed.
        value: the last result in its simplest form.
        model: the model's id, None for the provider's choice.
        provider: who serves, None for the default.
        parameters: the task's parameters that are sent; none is unless it was set.
        result: the last run's typed result; `results` holds those of all runs.
    """

    task: str
    view: ClassVar[str] = "form"
    starters: ClassVar[tuple[str, ...]] = ()
    extra_fields: ClassVar[tuple[dict[str, Any], ...]] = ()
    """Fields of the panel's own, shown before the task's; each is a trait of its name."""
    code_only_parameters: ClassVar[frozenset[str]] = frozenset({"extra_body"})
    """Parameters that may be given in code beside those that are shown."""

    status = t.Unicode("idle", read_only=True)
    value = t.Any(None, allow_none=True, read_only=True)
    model = t.Unicode(None, allow_none=True)
    provider = t.Unicode(None, allow_none=True)
    parameters = t.Dict()

    def __init__(
        self, model: str | None = None, *, provider: str | None = None, **settings: Any
    ) -> None:
        self.declaration = tasks.find(self.task)
        client = {
            name: settings.pop(name) for name in CLIENT_SETTINGS if settings.get(name) is not None
        }
        own = {field["name"]: settings.pop(field["name"], None) for field in self.extra_fields}
        own = {name: value for name, value in own.items() if value is not None}
        self._check_parameters(settings)
        self._lock = threading.RLock()
        token, key = client.pop("token", None), client.pop("api_key", None)
        self._client_settings, self._secret = client, token or key
        self._current_run: PanelRun | None = None
        self._result_callbacks: list[Callable[[Any], Any]] = []
        self._retry_action: Callable[[], Any] | None = None
        self.results: list[Any] = []
        shown = _settings_document(model, provider, {**own, **settings})
        fixed = describe_panel(self.declaration, self.view, self.starters, client.get("base_url"))
        fixed["fields"] = [*self.extra_fields, *fixed["fields"]]
        doc = {
            "state": _initial_state(),
            "settings": shown,
            "models": [],
            **self._initial_document(),
        }
        given = {"model": model, "provider": provider, "parameters": settings, **own}
        super().__init__(fixed, doc, **given)
        self.observe(self._mirror_settings, ["model", "provider", "parameters", *self._extra_names])

    @property
    def _extra_names(self) -> list[str]:
        return [field["name"] for field in self.extra_fields]

    # What a task's panel says for itself

    def _initial_document(self) -> dict[str, Any]:
        """The task's own parts of the mirrored document, at the start."""
        return {}

    async def _perform_run(self, run: PanelRun) -> None:
        """Do one run: put what comes into `run.result` and into the document."""
        raise NotImplementedError

    def _settle_document(self, run: PanelRun) -> None:
        """Settle the task's own part of the document when a run is over."""

    def _run_stats(self, run: PanelRun) -> dict[str, Any]:
        """What the status line tells after a run."""
        meta = getattr(run.result, "meta", None)
        if meta is None:
            return {}
        found = {
            "first": meta.first_token_seconds,
            "seconds": meta.seconds,
            "server": meta.timings.get("compute"),
            "cost": meta.cost,
            "cached": meta.compute_type and meta.compute_type == "cache",
            "recorded": f"{meta.recorded:%Y-%m-%d}" if meta.recorded else None,
            "model": meta.model,
            "provider": meta.provider,
        }
        return {name: value for name, value in found.items() if value is not None}

    # Running

    @property
    def result(self) -> Any:
        """The last result, None before the first."""
        return self.results[-1] if self.results else None

    @property
    def busy(self) -> bool:
        """True while a run is under way."""
        return self._current_run is not None and not self._current_run.allows_next_run

    def stop(self) -> None:
        """Stop the run; what has come stays."""
        run = self._current_run
        if run is not None and self.busy:
            self._mirror.set("state", "stopping", value=True)
            run.stop()
            flusher.flush_now(self._mirror)

    def on_result(self, callback: Callable[[Any], Any], *, remove: bool = False) -> None:
        """Call `callback(result)` after every run that brought one, stopped ones included."""
        if remove:
            self._result_callbacks.remove(callback)
        else:
            self._result_callbacks.append(callback)

    def _begin_run(self, prepare: Callable[[], None]) -> PanelRun:
        """Start a run after `prepare` has put the input in place.

        Raises:
            InputError: the panel is still busy.
        """
        with self._lock:
            self._require_idle()
            prepare()
            self._current_run = run = PanelRun(
                self._current_run.number + 1 if self._current_run else 1
            )
            self._update_state(
                "validating", run=run.number, stats=None, failure=None, stopping=False
            )
        run.start(self._run_in_background, self._end_run)
        return run

    def _require_idle(self) -> None:
        """InputError when a run is under way."""
        if self.busy:
            raise errors.InputError(
                "The panel is still answering. Wait for it, or stop it with .stop()."
            )

    def _wait_for_run(self, run: PanelRun) -> Any:
        """Block until a run is over and return its result; an interrupt stops it and is raised."""
        self._mirror.set("state", "inCell", value=True)
        flusher.flush_now(self._mirror)
        try:
            run.wait()
        except BaseException:
            run.stop()
            with contextlib.suppress(TimeoutError):
                run.wait(2.0)
            raise
        finally:
            self._mirror.set("state", "inCell", value=False)
        return _result_or_raise(run)

    async def _wait_for_run_async(self, run: PanelRun) -> Any:
        """The same, awaited."""
        try:
            await run.wait_async()
        except BaseException:
            run.stop()
            raise
        return _result_or_raise(run)

    def _get_client(self) -> Any:
        """The background loop's client with this panel's settings."""
        token = {"token": self._secret} if self._secret else {}
        return background_loop.shared_client(
            provider=self.provider, **self._client_settings, **token
        )

    def _update_state(self, status: str | None = None, **state: Any) -> None:
        """Change the run's state, for Python's observers and for the page."""
        if status is not None:
            state["status"] = status
            with _log_errors("an observer of status"):
                self.set_trait("status", status)
        for name, value in state.items():
            self._mirror.set("state", name, value=value)

    async def _run_in_background(self, run: PanelRun) -> None:
        wait_listener.set(self._show_waiting)
        self._update_state("running", note="", eta=None)
        await self._perform_run(run)

    def _show_waiting(self, reason: str, seconds: float) -> None:
        self._update_state("loading", note=reason[:1].upper() + reason[1:], eta=seconds or None)

    async def _end_run(self, run: PanelRun) -> None:
        """A run is over: tell everybody, each of them whatever happens to the others."""
        with _log_errors("settling a run"):
            self._settle_document(run)
        status = "failed" if run.error else "stopped" if run.was_stopped else "done"
        stats = self._run_stats(run) if run.result is not None else None
        shown = error_card(run.error) if run.error else None
        if run.result is not None:
            self.results.append(run.result)
        run.allows_next_run = True
        self._update_state(status, stats=stats, failure=shown, stopping=False, note="", eta=None)
        flusher.flush_now(self._mirror)
        with _log_errors("filling the static output"):
            await asyncio.to_thread(self._refresh_static)
        for callback in list(self._result_callbacks) if run.result is not None else []:
            with _log_errors("an on_result callback"):
                callback(run.result)

    # Settings

    def _check_parameters(self, settings: Mapping[str, Any]) -> None:
        inputs = self.declaration.inputs
        known = {*self.declaration.controls, *self.code_only_parameters}.difference(
            inputs, ("model", "stream")
        )
        offered = [*known, *CLIENT_SETTINGS, *self._extra_names, "provider", "model"]
        for name in settings:
            if name not in known:
                raise errors.UnknownParameterError(
                    f"{self.task} has no parameter {name!r}.{errors.did_you_mean(name, offered)} "
                    f"It has: {', '.join(sorted(offered))}."
                )

    @t.validate("model")
    def _validate_model(self, proposal: Any) -> Any:
        return storable(proposal["value"])

    @t.validate("parameters")
    def _validate_parameters(self, proposal: Any) -> Any:
        self._check_parameters(proposal["value"])
        return {name: value for name, value in proposal["value"].items() if value is not None}

    @t.validate("provider")
    def _validate_provider(self, proposal: Any) -> Any:
        name = proposal["value"] or None
        known = background_loop.list_providers()
        if name is not None and name not in known:
            raise errors.UnknownProviderError(
                f"There is no provider {name!r}.{errors.did_you_mean(name, known)} "
                f"There are: {', '.join(known)}."
            )
        return name

    def _mirror_settings(self, _: Any) -> None:
        own = {name: getattr(self, name) for name in self._extra_names}
        settings = _settings_document(self.model, self.provider, {**own, **self.parameters})
        if self._mirror.get("settings") != settings:
            self._mirror.set("settings", value=settings)

    # What the page asks for

    def _show_error(self, error: Exception) -> None:
        self._update_state(failure=error_card(error))

    def _do_stop(self, run: int) -> None:
        if self._current_run is not None and self._current_run.number == run:
            self.stop()

    def _do_set(self, **changes: Any) -> None:
        for name in {"model", "provider"} & set(changes):
            setattr(self, name, changes[name] or None)
        values = dict(changes.get("values", {}))
        for name in set(self._extra_names) & set(values):
            setattr(self, name, values.pop(name))
        merged = {**self.parameters, **values}
        self.parameters = {name: value for name, value in merged.items() if value is not None}

    def _do_models(self) -> None:
        """Look up names for the model field; there is no need of them, so a failure is no news."""
        if "base_url" not in self._client_settings:
            background_loop.submit(self._suggest_models())

    async def _suggest_models(self) -> None:
        provider = self.provider or environment.default_provider()
        with contextlib.suppress(errors.HfWidgetsError):
            found = await self._get_client().models(self.task, provider)
            self._mirror.set("models", value=[row["id"] for row in found][:MAX_SUGGESTED_MODELS])

    def _do_key(self, value: str) -> None:
        self._secret = value
        self._do_retry()

    def _do_retry(self) -> None:
        again = self._retry_action
        self._do_dismiss()
        if again is not None:
            again()

    def _do_dismiss(self) -> None:
        self._update_state(failure=None)

    # Showing

    def _repr_fields(self) -> dict[str, Any]:
        """What the panel's repr tells."""
        return {"model": self.model, "provider": self.provider, **self.parameters}

    def __repr__(self) -> str:
        given = {name: value for name, value in self._repr_fields().items() if value is not None}
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in given.items())})"


def storable(model: str | None) -> str | None:
    """The model, which the notebook keeps; ConfigurationError for an address with a key in it."""
    if model and redact_model(model) != model:
        raise errors.ConfigurationError(
            f"{redact_model(model)} holds a key, and the notebook would keep it. Give the key as "
            "token=, or in code the whole address as base_url=, which is not kept."
        )
    return model


def _initial_state() -> dict[str, Any]:
    empty: dict[str, Any] = {"failure": None, "stats": None, "eta": None}
    return {"status": "idle", "run": 0, "note": "", "stopping": False, "inCell": False, **empty}


def _settings_document(
    model: str | None, provider: str | None, values: Mapping[str, Any]
) -> dict[str, Any]:
    shown = {name: value for name, value in values.items() if value not in (None, "")}
    return {"model": model or "", "provider": provider or "", "values": shown}


def _result_or_raise(run: PanelRun) -> Any:
    if run.error is not None:
        raise run.error
    return run.result


@contextlib.contextmanager
def _log_errors(doing: str) -> Any:
    """Nobody waits for what happens here, so a failure goes to the log instead of vanishing."""
    try:
        yield
    except Exception:
        _log.exception("hfwidgets: %s failed", doing)
