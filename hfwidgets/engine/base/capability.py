"""What a capability declares, and the kit of loaded models that its functions are handed.

A capability is one module with one `CAPABILITY`. Its functions have the form
`function(kit, inputs, *, parameter=default, ...)` or `function(kit, inputs, parameters: Struct)`,
plain (run in a worker thread) or async: the annotations are what the wire is checked against
(`parameters.py`), so a parameter that is not there is refused by name and one that is is honoured.
"""

import inspect
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from hfwidgets.engine.base.weights import WEIGHTS, WeightPackage

if TYPE_CHECKING:
    from hfwidgets.engine.chat.llama import Llama


class Loadable(Protocol):
    """A model that can be opened from its installed weights."""

    @classmethod
    def load(cls) -> Self:
        """Open it; MissingWeightsError when the weights are not installed."""
        ...


M = TypeVar("M", bound=Loadable)


@dataclass(frozen=True, slots=True)
class Capability:
    """What one local model does, declared once; routes, lists and status derive from it."""

    name: str
    model: str
    """The id shown to users and accepted as a model's name."""
    serves: Mapping[str, Callable[..., Any]]
    """The Hub's task name -> the function; the first is the model's own task."""
    weights: tuple[str, ...]
    license: str
    languages: tuple[str, ...]
    limits: str
    """What it does not do, in a sentence a user can act on."""
    streams: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    """The tasks that can be streamed -> an async generator function of the same form."""
    is_derived: bool = False
    """True if it builds on a model that another capability was made for; that model's name alone
    then selects the other one."""
    uses_chat_model: bool = False
    """Whether it runs on the chat model's process, which takes few requests at once."""
    why_unavailable: Callable[[], str | None] = lambda: None
    """Why it cannot work on this machine apart from missing weights; None when it can."""
    llama: "Llama | None" = None
    """The chat model that it runs on when that is not the engine's own."""

    @property
    def weight_packages(self) -> list[WeightPackage]:
        """Its weight packages."""
        return [WEIGHTS[name] for name in self.weights]

    @property
    def missing_weights(self) -> list[WeightPackage]:
        """Those of its weight packages that are not installed."""
        return [weight for weight in self.weight_packages if not weight.is_installed]

    @property
    def disk_size(self) -> int:
        """Bytes that its weights take on the disk, those it shares with other capabilities too."""
        return sum(weight.disk_size for weight in self.weight_packages)

    @property
    def main_task(self) -> str:
        """The model's own task."""
        return next(iter(self.serves))


class LoadedModels:
    """The models that are loaded now: each is opened by its first user and dropped when idle."""

    def __init__(self, llama: "Llama") -> None:
        self.llama = llama
        self._lock = threading.Lock()
        self._models: dict[type[Any], tuple[Any, float]] = {}

    def get(self, kind: type[M]) -> M:
        """The loaded model of this class; opening one blocks the thread, and other openings."""
        with self._lock:
            model = self._models[kind][0] if kind in self._models else kind.load()
            self._models[kind] = model, time.monotonic()
        return model

    def loaded_names(self) -> list[str]:
        """The names of what is in memory."""
        return sorted(kind.__name__ for kind in self._models) + ["Llama"] * self.llama.is_running

    def drop_idle(self, idle: float) -> bool:
        """Let go of the models that nobody asked for in the last `idle` seconds, if any."""
        oldest = time.monotonic() - idle
        with self._lock:
            unused = [kind for kind, kept in self._models.items() if kept[1] <= oldest]
            for kind in unused:
                del self._models[kind]
        return bool(unused)

    def with_llama(self, llama: "Llama") -> "LoadedModels":
        """The same models with another chat model."""
        other = LoadedModels(llama)
        other._lock, other._models = self._lock, self._models
        return other


def is_async(function: Callable[..., Any]) -> bool:
    """Whether a capability's function runs on the event loop rather than in a thread."""
    return inspect.iscoroutinefunction(function)
