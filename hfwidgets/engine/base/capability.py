"""Declare a capability, and hold the loaded models that its functions receive.

A capability is one module with one `CAPABILITY`. Its functions have the form
`function(models, inputs, *, parameter=default, ...)` or `function(models, inputs, parameters: S)`
with a msgspec Struct `S`; plain functions run in a worker thread, async ones on the event loop.
Requests are checked against their annotations (`parameters.py`): a declared parameter is passed on,
any other is refused by name.
"""

import inspect
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, TypeVar

from hfwidgets.engine.base.llama import Llama
from hfwidgets.engine.base.weights import WEIGHTS, WeightPackage


class Loadable(Protocol):
    """A model that opens from its installed weights."""

    @classmethod
    def load(cls) -> Self:
        """Open it; MissingWeightsError when its weights are not installed."""
        ...


M = TypeVar("M", bound=Loadable)


@dataclass(frozen=True, slots=True)
class Capability:
    """One local model and what it does; routes, lists and status derive from this declaration."""

    name: str
    model: str
    """The id shown to users, also accepted as the model's name."""
    serves: Mapping[str, Callable[..., Any]]
    """The Hub's task name -> the function that runs it; the first is the model's main task."""
    weights: tuple[str, ...]
    license: str
    languages: tuple[str, ...]
    limits: str
    """What it cannot do, in a sentence a user can act on."""
    streams: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    """The tasks that can be streamed -> an async generator function of the same form."""
    is_derived: bool = False
    """True if it builds on a model that another capability was made for; that model's name alone
    then selects the other one."""
    uses_chat_model: bool = False
    """True if it uses the chat model's process, which takes few requests at once."""
    why_unavailable: Callable[[], str | None] = lambda: None
    """Return why it cannot run on this machine apart from missing weights; None if it can."""
    is_upgrade: bool = False
    """True if it answers before the others wherever its weights are installed, and never asks for
    them where they are not."""
    llama: Llama | None = None
    """Its chat model, where that is not the engine's default one."""
    measured: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Its tasks -> how many of how many held-out items it gets right: `tests/engine/quality`."""

    @property
    def weight_packages(self) -> list[WeightPackage]:
        """Return the packages that hold its weights."""
        return [WEIGHTS[name] for name in self.weights]

    @property
    def missing_weights(self) -> list[WeightPackage]:
        """Return its weight packages that are not installed."""
        return [weight for weight in self.weight_packages if not weight.is_installed]

    @property
    def disk_size(self) -> int:
        """Return the bytes its weights take on disk, those shared with other capabilities
        included."""
        return sum(weight.disk_size for weight in self.weight_packages)

    @property
    def main_task(self) -> str:
        """Return the first task that it serves."""
        return next(iter(self.serves))


class LoadedModels:
    """The models in memory: each is opened by its first user and dropped when idle."""

    def __init__(self, llama: Llama) -> None:
        self.llama = llama
        self._lock = threading.Lock()
        self._models: dict[type[Any], tuple[Any, float]] = {}

    def get(self, kind: type[M]) -> M:
        """Return the loaded model of this class.

        Opening one blocks the calling thread and all other openings.
        """
        with self._lock:
            # Opened under the lock, or two first users at once would open the model twice.
            model = self._models[kind][0] if kind in self._models else kind.load()
            self._models[kind] = model, time.monotonic()
        return model

    def loaded_names(self) -> list[str]:
        """Return the class names of the models in memory."""
        return sorted(kind.__name__ for kind in self._models) + ["Llama"] * self.llama.is_running

    def drop_idle(self, idle: float) -> bool:
        """Drop the models not used in the last `idle` seconds; return True if any was dropped."""
        oldest = time.monotonic() - idle
        with self._lock:
            unused = [kind for kind, (_, last_use) in self._models.items() if last_use <= oldest]
            for kind in unused:
                # A thread that still computes with the model holds a reference until its end.
                del self._models[kind]
        return bool(unused)

    def with_llama(self, llama: Llama) -> "LoadedModels":
        """Return the same loaded models with another chat model."""
        other = LoadedModels(llama)
        # Shared, or each chat model would open another MiniLM; the lock goes with what it guards.
        other._lock, other._models = self._lock, self._models
        return other


def is_async(function: Callable[..., Any]) -> bool:
    """Return True if a capability's function runs on the event loop rather than in a thread."""
    return inspect.iscoroutinefunction(function)
