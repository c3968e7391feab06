"""hfwidgets: the interactive inference toolkit for Jupyter and IPython.

    import hfwidgets as hf

    hf.InferenceClient(provider="local").chat_completion([{"role": "user", "content": "Hello"}])
    hf.chat()                       # a chat panel
    %load_ext hfwidgets             # %%infer, %infer, %hf

The rooms, each of which imports from those below it only (`tests/test_layers.py` holds them to it):

    cli                     the command `hfwidgets`
    magics                  %infer, %%infer, %hf: they parse, and call
    session                 the words of %hf as functions
    panels, frontend/       the widgets: their Python half and their TypeScript half
    runtime, snippets       the background loop; calls written down as code
    client/                 the two clients, how a call is made, and the only outgoing HTTP. Beside
                            it, on top of it: batch, recorder, endpoints, mcp, testing
    providers               a service is the module of its name
    tasks                   a task is the method of its name in its domain's module
    flow, streams, decode   the steps of a call, streams as objects, event streams
    media, examples         pictures and sounds on their way in and out; inputs to try
    results                 what comes back
    errors, auth            what goes wrong (failures, hints, refused and warned say it); tokens
    controls, markdown      how parameters are asked for; safe static HTML
    local, engine           the embedded engine (sees tasks and below), and how it is started

Names are loaded when they are first used: importing this package loads no widget, IPython, numpy or
PIL module.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hfwidgets._version import __version__ as __version__

if TYPE_CHECKING:
    from hfwidgets.client import AsyncInferenceClient, InferenceClient
    from hfwidgets.client.inference_api import InferenceApi
    from hfwidgets.client.map_rows import map  # noqa: A004 - the name that users know
    from hfwidgets.core.streams import AsyncStream, Stream
    from hfwidgets.endpoints import (
        InferenceEndpoint,
        InferenceEndpointStatus,
        InferenceEndpointType,
        create_inference_endpoint,
        delete_inference_endpoint,
        get_inference_endpoint,
        list_inference_endpoints,
        pause_inference_endpoint,
        resume_inference_endpoint,
        scale_to_zero_inference_endpoint,
        update_inference_endpoint,
    )
    from hfwidgets.errors import (
        ConfigurationError,
        HfHubHTTPError,
        HfWidgetsError,
        InferenceEndpointError,
        InferenceEndpointTimeoutError,
        InferenceTimeoutError,
        InputError,
    )
    from hfwidgets.evaluation import Candidate, Evaluation, aevaluate, evaluate
    from hfwidgets.mcp import Agent, MCPClient
    from hfwidgets.panels import (
        audio,
        chat,
        compare,
        multimodal,
        panel,
        playground,
        tabular,
        text,
        vision,
    )
    from hfwidgets.recorder import recordings

_MODULES = {
    "AsyncInferenceClient": "client",
    "InferenceClient": "client",
    "InferenceEndpoint": "endpoints",
    "InferenceEndpointStatus": "endpoints",
    "InferenceEndpointType": "endpoints",
    "create_inference_endpoint": "endpoints",
    "delete_inference_endpoint": "endpoints",
    "get_inference_endpoint": "endpoints",
    "list_inference_endpoints": "endpoints",
    "pause_inference_endpoint": "endpoints",
    "resume_inference_endpoint": "endpoints",
    "scale_to_zero_inference_endpoint": "endpoints",
    "update_inference_endpoint": "endpoints",
    "InferenceEndpointError": "errors",
    "InferenceEndpointTimeoutError": "errors",
    "Agent": "mcp",
    "InferenceApi": "client.inference_api",
    "MCPClient": "mcp",
    "ConfigurationError": "errors",
    "HfHubHTTPError": "errors",
    "HfWidgetsError": "errors",
    "InferenceTimeoutError": "errors",
    "InputError": "errors",
    "AsyncStream": "core.streams",
    "Stream": "core.streams",
    "chat": "panels",
    "compare": "panels",
    "vision": "panels",
    "text": "panels",
    "tabular": "panels",
    "playground": "panels",
    "multimodal": "panels",
    "audio": "panels",
    "Candidate": "evaluation",
    "Evaluation": "evaluation",
    "aevaluate": "evaluation",
    "evaluate": "evaluation",
    "map": "client.map_rows",
    "panel": "panels",
    "recordings": "recorder",
}

__all__ = [
    "Agent",
    "AsyncInferenceClient",
    "AsyncStream",
    "Candidate",
    "ConfigurationError",
    "Evaluation",
    "HfHubHTTPError",
    "HfWidgetsError",
    "InferenceApi",
    "InferenceClient",
    "InferenceEndpoint",
    "InferenceEndpointError",
    "InferenceEndpointStatus",
    "InferenceEndpointTimeoutError",
    "InferenceEndpointType",
    "InferenceTimeoutError",
    "InputError",
    "MCPClient",
    "Stream",
    "aevaluate",
    "audio",
    "chat",
    "compare",
    "create_inference_endpoint",
    "delete_inference_endpoint",
    "evaluate",
    "get_inference_endpoint",
    "list_inference_endpoints",
    "map",
    "multimodal",
    "panel",
    "pause_inference_endpoint",
    "playground",
    "recordings",
    "resume_inference_endpoint",
    "scale_to_zero_inference_endpoint",
    "tabular",
    "text",
    "update_inference_endpoint",
    "vision",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
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
