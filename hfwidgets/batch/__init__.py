"""Many rows through one task: adaptive concurrency, progress, retries, and resuming.

    import hfwidgets as hf

    out = hf.map("text-classification", df["review"], resume="labels.jsonl")
    out.to_pandas()                       # the input table with label, score and error
    out.retry()                           # processes the failed rows again
    client.map("chat-completion", prompts, model=..., max_tokens=50)
    client.map("question-answering", df, column={"question": "q", "context": "text"})
    client.map("image-classification", Path("photos"))
    out = await aclient.map(...)          # or: async for row in aclient.map(...)

The number of concurrent calls adapts: it grows while calls succeed, falls after 429 and 503, and is
zero while a server asks for a pause. Where a server takes several texts at once, a call is for
several rows; one that is refused is split until the row to blame is alone. With `resume=` each row
is on disk as it ends (`hfwidgets.batch._journal` describes the file), and the same call processes
only the rest, after an interrupt and a crash alike. `collect=False` keeps no row in memory. The
file holds inputs and answers in clear text.

Modules: `_options` the arguments, `_row_arguments` the rows, `_batch` a run's state,
`_scheduler` its loop, `_concurrency` how many calls run, `_group_size` how many rows a call is for,
`_callers` and `_worker` how a call is
made, `_journal` and `_row_index` the file, `_progress` the display, `_result` what is returned,
`_handles` how a run is waited for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hfwidgets.batch._options import MapOptions, accepts_map_options

if TYPE_CHECKING:
    from hfwidgets.batch._handles import (
        POLL_INTERVAL,
        AsyncBatch,
        is_stop_requested,
        run_map,
        stop_signal,
    )
    from hfwidgets.batch._progress import Progress, Ticker, open_display
    from hfwidgets.batch._result import BatchResult, BatchRow, Retry
    from hfwidgets.batch._row_identity import row_key

__all__ = [
    "POLL_INTERVAL",
    "AsyncBatch",
    "BatchResult",
    "BatchRow",
    "MapOptions",
    "Progress",
    "Retry",
    "Ticker",
    "accepts_map_options",
    "is_stop_requested",
    "open_display",
    "row_key",
    "run_map",
    "stop_signal",
]

_MODULES = {
    "POLL_INTERVAL": "_handles",
    "AsyncBatch": "_handles",
    "BatchResult": "_result",
    "Progress": "_progress",
    "Retry": "_result",
    "BatchRow": "_result",
    "Ticker": "_progress",
    "is_stop_requested": "_handles",
    "open_display": "_progress",
    "row_key": "_row_identity",
    "run_map": "_handles",
    "stop_signal": "_handles",
}
"""What is imported when it is first used, since the clients import this package."""


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
