"""hfwidgets: the interactive inference toolkit for Jupyter and IPython.

    import hfwidgets as hf

    hf.InferenceClient(provider="local").chat_completion([{"role": "user", "content": "Hello"}])
    hf.chat()                       # a chat panel
    %load_ext hfwidgets             # %%infer, %infer, %hf

Names are loaded when they are first used: importing this package loads no widget, IPython, numpy or
PIL module.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from hfwidgets.client import AsyncInferenceClient, InferenceClient
    from hfwidgets.errors import (
        ConfigurationError,
        HfHubHTTPError,
        HfWidgetsError,
        InferenceTimeoutError,
        InputError,
    )
    from hfwidgets.panels import chat, panel
    from hfwidgets.recorder import recordings
    from hfwidgets.streams import AsyncStream, Stream

_HOMES = {
    "AsyncInferenceClient": "client",
    "InferenceClient": "client",
    "ConfigurationError": "errors",
    "HfHubHTTPError": "errors",
    "HfWidgetsError": "errors",
    "InferenceTimeoutError": "errors",
    "InputError": "errors",
    "AsyncStream": "streams",
    "Stream": "streams",
    "chat": "panels",
    "panel": "panels",
    "recordings": "recorder",
}

__all__ = [
    "AsyncInferenceClient",
    "AsyncStream",
    "ConfigurationError",
    "HfHubHTTPError",
    "HfWidgetsError",
    "InferenceClient",
    "InferenceTimeoutError",
    "InputError",
    "Stream",
    "chat",
    "panel",
    "recordings",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load_ipython_extension(shell: Any) -> None:
    """Add the magics to a running IPython: `%load_ext hfwidgets`."""
    from hfwidgets import magics

    magics.load_ipython_extension(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Take the magics away again: `%unload_ext hfwidgets`."""
    from hfwidgets import magics

    magics.unload_ipython_extension(shell)
