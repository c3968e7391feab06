"""hfwidgets: the interactive inference toolkit for Jupyter and IPython.

    import hfwidgets as hf

    hf.InferenceClient(provider="local").chat_completion([{"role": "user", "content": "Hello"}])
    hf.chat()                       # a chat panel
    %load_ext hfwidgets             # %%infer, %infer, %hf

CONTRIBUTING.md describes the package's folders and the order of their imports.

Names are loaded on first use: importing this package loads no widget, IPython, numpy or PIL module.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hfwidgets._version import __version__ as __version__

if TYPE_CHECKING:
    from hfwidgets.batch import AsyncBatch, BatchResult, BatchRow, Progress
    from hfwidgets.calls.dry_run import Explanation
    from hfwidgets.client import AsyncInferenceClient, InferenceClient
    from hfwidgets.client.hf_map import map  # noqa: A004 - the name that users know
    from hfwidgets.client.inference_api import InferenceApi
    from hfwidgets.core.meta import Meta
    from hfwidgets.core.streams import AsyncStream, Stream
    from hfwidgets.endpoints import (
        AsyncEndpoints,
        Endpoints,
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
        AuthenticationError,
        BadRequestError,
        ConfigurationError,
        ConnectError,
        DisabledRepoError,
        EndpointPausedError,
        EngineError,
        EntryNotFoundError,
        GatedRepoError,
        GenerationError,
        HfHubHTTPError,
        HfWidgetsError,
        IncompleteGenerationError,
        InferenceEndpointError,
        InferenceEndpointTimeoutError,
        InferenceTimeoutError,
        InputError,
        InputTypeError,
        MissingFileError,
        MissingTokenError,
        ModelLoadingError,
        NotFoundError,
        NotRecordedError,
        NotServedError,
        OfflineModeIsEnabled,
        OutputError,
        OverloadedError,
        PaymentRequiredError,
        PermissionDeniedError,
        ProviderJobError,
        RateLimitError,
        RepositoryNotFoundError,
        RetiredHostError,
        RevisionNotFoundError,
        ServerError,
        StreamBrokenError,
        TaskNotServedError,
        TextGenerationError,
        UnknownError,
        UnknownParameterError,
        UnknownProviderError,
        UnknownTaskError,
        ValidationError,
    )
    from hfwidgets.evaluation import Candidate, Evaluation, Judge, aevaluate, evaluate
    from hfwidgets.mcp import Agent, MCPClient, MCPServerError, ToolMessage
    from hfwidgets.panels import (
        audio,
        browse,
        chat,
        compare,
        multimodal,
        panel,
        playground,
        tabular,
        text,
        vision,
    )
    from hfwidgets.panels.chat_panel import ChatPanel
    from hfwidgets.panels.compare_panel import ComparePanel
    from hfwidgets.panels.compare_task_panel import CompareTaskPanel
    from hfwidgets.panels.rows_panel import RowsPanel
    from hfwidgets.panels.task_panel import TaskPanel
    from hfwidgets.recorder import Recorder, Recording, recordings
    from hfwidgets.results.audio import Audio
    from hfwidgets.results.catalogue import Catalog, CatalogModel
    from hfwidgets.results.comparison import Comparison, ComparisonRow
    from hfwidgets.results.differences import Differences
    from hfwidgets.results.votes import Vote, Votes

_NAMES = {
    "batch": "AsyncBatch BatchResult BatchRow Progress",
    "calls.dry_run": "Explanation",
    "client": "AsyncInferenceClient InferenceClient",
    "client.inference_api": "InferenceApi",
    "client.hf_map": "map",
    "core.meta": "Meta",
    "core.streams": "AsyncStream Stream",
    "endpoints": (
        "AsyncEndpoints Endpoints InferenceEndpoint InferenceEndpointStatus "
        "InferenceEndpointType create_inference_endpoint delete_inference_endpoint "
        "get_inference_endpoint list_inference_endpoints pause_inference_endpoint "
        "resume_inference_endpoint scale_to_zero_inference_endpoint update_inference_endpoint"
    ),
    "errors": (
        "AuthenticationError BadRequestError ConfigurationError ConnectError "
        "DisabledRepoError EndpointPausedError EngineError EntryNotFoundError GatedRepoError "
        "GenerationError HfHubHTTPError HfWidgetsError IncompleteGenerationError "
        "InferenceEndpointError InferenceEndpointTimeoutError InferenceTimeoutError "
        "InputError InputTypeError MissingFileError MissingTokenError ModelLoadingError "
        "NotFoundError NotRecordedError NotServedError OfflineModeIsEnabled OutputError "
        "OverloadedError PaymentRequiredError PermissionDeniedError ProviderJobError "
        "RateLimitError RepositoryNotFoundError RetiredHostError RevisionNotFoundError "
        "ServerError StreamBrokenError TaskNotServedError TextGenerationError UnknownError "
        "UnknownParameterError UnknownProviderError UnknownTaskError ValidationError"
    ),
    "evaluation": "Candidate Evaluation Judge aevaluate evaluate",
    "mcp": "Agent MCPClient MCPServerError ToolMessage",
    "panels": "audio browse chat compare multimodal panel playground tabular text vision",
    "panels.chat_panel": "ChatPanel",
    "panels.compare_panel": "ComparePanel",
    "panels.compare_task_panel": "CompareTaskPanel",
    "panels.rows_panel": "RowsPanel",
    "panels.task_panel": "TaskPanel",
    "recorder": "Recorder Recording recordings",
    "results.audio": "Audio",
    "results.catalogue": "Catalog CatalogModel",
    "results.comparison": "Comparison ComparisonRow",
    "results.differences": "Differences",
    "results.votes": "Vote Votes",
}
"""The public names of each module."""

_MODULES = {name: module for module, names in _NAMES.items() for name in names.split()}

# fmt: off
__all__ = [  # for type checkers, which read a literal list only
    "Agent", "AsyncBatch", "AsyncEndpoints", "AsyncInferenceClient", "AsyncStream", "Audio",
    "AuthenticationError", "BadRequestError", "BatchResult", "BatchRow", "Candidate", "Catalog",
    "CatalogModel", "ChatPanel", "ComparePanel", "CompareTaskPanel", "Comparison", "ComparisonRow",
    "ConfigurationError", "ConnectError", "Differences", "DisabledRepoError", "EndpointPausedError",
    "Endpoints", "EngineError", "EntryNotFoundError", "Evaluation", "Explanation", "GatedRepoError",
    "GenerationError", "HfHubHTTPError", "HfWidgetsError", "IncompleteGenerationError",
    "InferenceApi", "InferenceClient", "InferenceEndpoint", "InferenceEndpointError",
    "InferenceEndpointStatus", "InferenceEndpointTimeoutError", "InferenceEndpointType",
    "InferenceTimeoutError", "InputError", "InputTypeError", "Judge", "MCPClient", "MCPServerError",
    "Meta", "MissingFileError", "MissingTokenError", "ModelLoadingError", "NotFoundError",
    "NotRecordedError", "NotServedError", "OfflineModeIsEnabled", "OutputError", "OverloadedError",
    "PaymentRequiredError", "PermissionDeniedError", "Progress", "ProviderJobError",
    "RateLimitError", "Recorder", "Recording", "RepositoryNotFoundError", "RetiredHostError",
    "RevisionNotFoundError", "RowsPanel", "ServerError", "Stream", "StreamBrokenError",
    "TaskNotServedError", "TaskPanel", "TextGenerationError", "ToolMessage", "UnknownError",
    "UnknownParameterError", "UnknownProviderError", "UnknownTaskError", "ValidationError", "Vote",
    "Votes", "aevaluate", "audio", "browse", "chat", "compare", "create_inference_endpoint",
    "delete_inference_endpoint", "evaluate", "get_inference_endpoint", "list_inference_endpoints",
    "map", "multimodal", "panel", "pause_inference_endpoint", "playground", "recordings",
    "resume_inference_endpoint", "scale_to_zero_inference_endpoint", "tabular", "text",
    "update_inference_endpoint", "vision",
]
# fmt: on


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
