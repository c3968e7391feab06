"""The base of all panels: a widget whose form, settings, states and errors come from a task."""

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import traitlets as t

from hfwidgets import errors, tasks
from hfwidgets.calls.settings import without_key
from hfwidgets.core.flow import waiting
from hfwidgets.notebook import background_loop
from hfwidgets.panels.document.flusher import flusher
from hfwidgets.panels.document.widget import Live
from hfwidgets.panels.form.fields import shape
from hfwidgets.panels.run import Run
from hfwidgets.panels.views.error_card import failure

BUSY = frozenset({"validating", "loading", "running", "streaming"})
SETTINGS = ("token", "api_key", "base_url", "timeout", "headers", "bill_to", "max_retries", "hosts")
"""What a panel passes on to its client, as it is."""

SUGGESTED = 200
"""How many models are offered for completion."""

_log = logging.getLogger(__name__)


class Panel(Live):
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
    extra: ClassVar[tuple[dict[str, Any], ...]] = ()
    """Fields of the panel's own, shown before the task's; each is a trait of its name."""
    more: ClassVar[frozenset[str]] = frozenset({"extra_body"})
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
        client = {name: settings.pop(name) for name in SETTINGS if settings.get(name) is not None}
        own = {field["name"]: settings.pop(field["name"], None) for field in self.extra}
        own = {name: value for name, value in own.items() if value is not None}
        self._check(settings)
        self._lock = threading.RLock()
        token, key = client.pop("token", None), client.pop("api_key", None)
        self._client_settings, self._secret = client, token or key
        self._run: Run | None = None
        self._watchers: list[Callable[[Any], Any]] = []
        self._again: Callable[[], Any] | None = None
        self.results: list[Any] = []
        shown = _settings(model, provider, {**own, **settings})
        fixed = shape(self.declaration, self.view, self.starters, client.get("base_url"))
        fixed["fields"] = [*self.extra, *fixed["fields"]]
        doc = {"state": _state(), "settings": shown, "models": [], **self._document()}
        given = {"model": model, "provider": provider, "parameters": settings, **own}
        super().__init__(fixed, doc, **given)
        self.observe(self._mirror_settings, ["model", "provider", "parameters", *self._own])

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
        """Block until a run is over and return its result; an interrupt stops it and is raised."""
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
        return background_loop.aclient(provider=self.provider, **self._client_settings, **token)

    def _settle(self, status: str | None = None, **state: Any) -> None:
        """Change the run's state, for Python's observers and for the page."""
        if status is not None:
            state["status"] = status
            with _logged("an observer of status"):
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

    @t.validate("model")
    def _model_kept(self, proposal: Any) -> Any:
        return keepable(proposal["value"])

    @t.validate("parameters")
    def _parameters_known(self, proposal: Any) -> Any:
        self._check(proposal["value"])
        return {name: value for name, value in proposal["value"].items() if value is not None}

    @t.validate("provider")
    def _provider_known(self, proposal: Any) -> Any:
        name = proposal["value"] or None
        known = background_loop.provider_names()
        if name is not None and name not in known:
            raise errors.UnknownProviderError(
                f"There is no provider {name!r}.{errors.near(name, known)} "
                f"There are: {', '.join(known)}."
            )
        return name

    def _mirror_settings(self, _: Any) -> None:
        own = {name: getattr(self, name) for name in self._own}
        settings = _settings(self.model, self.provider, {**own, **self.parameters})
        if self._mirror.get("settings") != settings:
            self._mirror.set("settings", value=settings)

    # What the page asks for

    def _failed(self, error: Exception) -> None:
        self._settle(failure=failure(error))

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

    def _do_models(self) -> None:
        """Look up names for the model field; there is no need of them, so a failure is no news."""
        if "base_url" not in self._client_settings:
            background_loop.submit(self._suggest())

    async def _suggest(self) -> None:
        provider = self.provider or os.environ.get("HFWIDGETS_PROVIDER")
        with contextlib.suppress(errors.HfWidgetsError):
            found = await self._connect().models(self.task, provider)
            self._mirror.set("models", value=[row["id"] for row in found][:SUGGESTED])

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

    # Showing

    def _described(self) -> dict[str, Any]:
        """What the panel's repr tells."""
        return {"model": self.model, "provider": self.provider, **self.parameters}

    def __repr__(self) -> str:
        given = {name: value for name, value in self._described().items() if value is not None}
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in given.items())})"


def keepable(model: str | None) -> str | None:
    """The model, which the notebook keeps; ConfigurationError for an address with a key in it."""
    if model and without_key(model) != model:
        raise errors.ConfigurationError(
            f"{without_key(model)} holds a key, and the notebook would keep it. Give the key as "
            "token=, or in code the whole address as base_url=, which is not kept."
        )
    return model


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
