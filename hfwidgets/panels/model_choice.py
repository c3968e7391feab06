"""The model that answers: names to choose from, and what is known of it before the first run."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import ClassVar

from hfwidgets import engine_process, errors, providers
from hfwidgets.calls.settings import is_url
from hfwidgets.core import environment
from hfwidgets.notebook import background_loop
from hfwidgets.panels.base_panel import Panel
from hfwidgets.panels.document.nodes import Node
from hfwidgets.panels.document.protocol import ExpectedModel
from hfwidgets.panels.run import PanelRun
from hfwidgets.results.catalogue import CatalogModel

MAX_SUGGESTED_MODELS = 200
"""Models that the model field offers for completion."""

_engine_models: dict[engine_process.EngineState | None, Sequence[CatalogModel]] = {}
"""What the running engine serves, asked once for all panels; another engine is another key, and
None stands for the engine that a run would start."""

_engine_turn = asyncio.Lock()
"""Held while the engine is asked: panels that are made together wait for one answer."""


class ModelChoice(Panel):
    """Adds completions of the model field, and the model of a call that names none."""

    MODEL_DOCUMENT: ClassVar[dict[str, Node]] = {"expected": None}
    """The part of the document that this keeps."""

    _hfw_known_models: Sequence[CatalogModel] = ()

    @property
    def _hfw_effective_provider(self) -> str | None:
        return self.provider or environment.default_provider()

    def _hfw_do_models(self) -> None:
        """Look up models for completion."""
        if "base_url" not in self._hfw_client_settings:
            background_loop.submit(self._hfw_suggest_models())

    async def _hfw_suggest_models(self) -> None:
        # Completion is optional, so a failed look-up is not reported.
        with contextlib.suppress(errors.HfWidgetsError):
            found = await self._hfw_get_client().models(self.task, self._hfw_effective_provider)
            self._hfw_known_models = found
            self._hfw_mirror.set(
                "models", value=[row["id"] for row in found][:MAX_SUGGESTED_MODELS]
            )
            self._hfw_show_expected_model()

    def _hfw_update_expected_model(self) -> None:
        """Show the model that will answer, if no request to a service is needed to know it."""
        if "base_url" not in self._hfw_client_settings:
            background_loop.submit(self._hfw_look_up_expected_model())

    async def _hfw_look_up_expected_model(self) -> None:
        # A wrong setting is reported by the run that needs it.
        with contextlib.suppress(errors.HfWidgetsError):
            name = self._hfw_effective_provider
            if name in providers.names() and providers.get(name).is_embedded:
                await self._hfw_ask_engine()
            self._hfw_show_expected_model()

    async def _hfw_ask_engine(self) -> None:
        """List the running engine's models, or those it would answer with; none is started."""
        engine = await asyncio.to_thread(engine_process.find_running)
        async with _engine_turn:
            if engine not in _engine_models:
                embedded = providers.embedded().name
                _engine_models[engine] = (
                    await self._hfw_get_client().models(provider=embedded)
                    if engine
                    else await asyncio.to_thread(_list_installed_defaults)
                )
        self._hfw_known_models = _engine_models[engine]

    def _hfw_show_expected_model(self) -> None:
        model = self.model or self._hfw_find_default_model()
        names = {model, model.partition(":")[0]}
        rows = (row for row in self._hfw_known_models if {row.id, row.id.split("/")[-1]} & names)
        read = next((row.input_modalities for row in rows if row.input_modalities), None)
        self._hfw_mirror.set(
            "expected",
            value=ExpectedModel(
                model="" if is_url(model) else model,
                reads_images=None if read is None else "image" in read,
            ),
        )

    def _hfw_find_default_model(self) -> str:
        """Return the model of a call that names none; "" if only a request would tell."""
        default = self._hfw_get_client().default_model(self.task)
        rows = (row for row in self._hfw_known_models if self.task in (row.default_for or ()))
        return default or next((row.id for row in rows), "")

    async def _hfw_end_run(self, run: PanelRun) -> None:
        await super()._hfw_end_run(run)
        # The run may have started the engine, or looked up the Hub's recommendation.
        self._hfw_update_expected_model()


def _list_installed_defaults() -> Sequence[CatalogModel]:
    defaults = engine_process.read_default_models()
    return [
        CatalogModel(id=model, task=task, offers=[], default_for=[task])
        for task, model in defaults.items()
    ]
