"""Share between panels that ask several models: their names, clients, turns and votes."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from hfwidgets import errors, providers
from hfwidgets.batch import row_key
from hfwidgets.client import AsyncInferenceClient
from hfwidgets.notebook import background_loop, code_snippets, split_model
from hfwidgets.panels.base_panel import check_model
from hfwidgets.panels.call_tools import CallTools
from hfwidgets.results.comparison import Comparison
from hfwidgets.results.votes import PERSON, Vote, Votes

AskColumn = Callable[[int, str], Awaitable[None]]
"""Asks the model at a place, by its name."""

MAX_INPUT_LENGTH = 200
"""Characters of an input that a vote keeps."""


class ModelColumns(CallTools):
    """Adds several models to a panel, each with its own client, and votes on their answers.

    Attributes:
        models: the models' names.
        votes: the votes so far; with a file they outlive the kernel.
    """

    models: list[str]
    votes: Votes

    def _hfw_set_models(
        self, models: Iterable[str], votes: str | os.PathLike[str] | None = None
    ) -> None:
        """Take over the models' names.

        Raises:
            ConfigurationError: fewer than two, an address with a key in it, or a file of something
                else than votes.
        """
        is_list = isinstance(models, Iterable) and not isinstance(models, (str, Mapping))
        names = list(models) if is_list else []
        if not is_list or not all(isinstance(one, str) for one in names):
            raise errors.ConfigurationError(
                "models is a list of names, such as ['a/b', 'c/d:together']; functions compete in "
                "hf.evaluate."
            )
        # Without duplicates: columns are told apart by their names.
        self.models = list(dict.fromkeys(names))
        for name in self.models:
            check_model(name)
        if len(self.models) < 2:
            raise errors.ConfigurationError(
                "compare needs at least two models: hf.compare(models=['a/b', 'c/d:together'])."
            )
        self.votes = Votes(path=votes)

    # Calls

    async def _hfw_ask_models(self, ask: AskColumn) -> None:
        """Ask all models, those on this machine one after the other.

        At the same time each would slow down the others, and none of the times would be its own.
        """
        turn = asyncio.Lock()

        async def ask_in_turn(at: int, name: str) -> None:
            guard: AbstractAsyncContextManager[object] = contextlib.nullcontext()
            if providers.is_embedded(self._hfw_column_provider(name)):
                guard = turn
            async with guard:
                await ask(at, name)

        # Stop cancels the whole group.
        async with asyncio.TaskGroup() as group:
            for at, name in enumerate(self.models):
                group.create_task(ask_in_turn(at, name))

    def _hfw_column_target(self, name: str) -> dict[str, str]:
        """Return a column's name as `provider` or as `model`, whichever it is."""
        return {"provider": name} if name in background_loop.list_providers() else {"model": name}

    def _hfw_column_provider(self, name: str) -> str | None:
        """Return the provider that a column's name holds, else the panel's."""
        named = self._hfw_column_target(name).get("provider") or split_model(name, {})[1]
        return named or self.provider or None

    def _hfw_column_client(self, name: str) -> AsyncInferenceClient:
        token = {"token": self._hfw_secret} if self._hfw_secret else {}
        # The model of `MODEL:PROVIDER` stays whole; only a provider's name alone is a setting.
        provider = self._hfw_column_target(name).get("provider", self.provider or None)
        return background_loop.shared_client(
            provider=provider, **self._hfw_client_settings, **token
        )

    def _hfw_build_call(self) -> code_snippets.CallDraft:
        call, target = super()._hfw_build_call(), self._hfw_column_target(self.models[0])
        model = {"model": target["model"]} if "model" in target else {}
        provider = {"provider": target["provider"]} if "provider" in target else {}
        return code_snippets.CallDraft(
            self.task, {**call.arguments, **model}, {**call.settings, **provider}
        )

    # Votes

    def vote(self, winner: str) -> None:
        """Keep which model's last answer is better: its name, or "same".

        Raises:
            InputError: there is no comparison yet.
            ConfigurationError: it is neither one of the models nor "same".
        """
        comparison = self.result
        if not isinstance(comparison, Comparison):
            raise errors.InputError("There is nothing to vote on yet. Run the comparison first.")
        comparison.vote(winner)
        arguments = self._hfw_voted_arguments()
        texts = [value for value in arguments.values() if isinstance(value, str)]
        self.votes.add(
            Vote(
                task=self.task,
                key=row_key(arguments),
                input=" | ".join(texts)[:MAX_INPUT_LENGTH],
                models=self.models,
                winner=winner,
                voter=PERSON,
            )
        )

    def _hfw_voted_arguments(self) -> dict[str, Any]:
        """Return the inputs of the last run."""
        raise NotImplementedError
