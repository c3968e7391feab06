"""`hfwidgets.map`: a task over many rows, with a client that is made for it."""

import os
from collections.abc import Callable
from typing import Any

from hfwidgets.batch import BatchResult, Columns, Progress
from hfwidgets.client.clients import InferenceClient


def map(  # noqa: A001 - the name that users know
    task: str,
    rows: Any,
    *,
    client: InferenceClient | None = None,
    provider: str | None = None,
    column: Columns = None,
    resume: str | os.PathLike[str] | None = None,
    concurrency: int | None = None,
    executor: Any = None,
    on_error: str = "keep",
    progress: bool | Callable[[Progress], object] = True,
    limit: int | None = None,
    collect: bool = True,
    **parameters: Any,
) -> BatchResult:
    """Ask a task about each of many rows.

    Args:
        task: The task's name.
        rows: A DataFrame, a Series, a list or another iterable, or the `Path` of a folder of files.
            A row that is a dict with the task's parameters gives them all; any other is its first
            input, and a text is a whole conversation.
        client: Who asks; left out, a client with `provider`.
        provider: Who is asked; as for `InferenceClient`.
        column: A table's column with the task's first input, or a dict of parameter to column.
        resume: A file that rows are kept in as they end; the same call later does only the rest.
        concurrency: How many calls at once at most; left out, up to 64, as the server bears.
        executor: Whose workers make the calls: a `concurrent.futures.Executor`, such as
            `dask.distributed.Client(...).get_executor()`, or a pool, such as
            `ray.util.multiprocessing.Pool()`; see `hfwidgets.batch._worker`.
        on_error: `keep` goes on when a row fails; `raise` ends the run with the first error.
        progress: Whether to show it; or a function that is shown a `Progress` a few times a second.
        limit: Only so many rows, from the first.
        collect: False keeps no row in memory but reads them from `resume` when they are looked at.
        parameters: The task's own, for all rows.

    An interrupt (Stop) ends the run and returns what is done; with `on_error="raise"` it is raised.

    Raises:
        ConfigurationError: arguments that exclude each other, or a `resume` file of something else.
        AuthenticationError, PaymentRequiredError: at once, where no row is done yet; later they end
            the run with a warning.
    """
    asking = client or InferenceClient(provider=provider)
    return asking.map(
        task,
        rows,
        column=column,
        resume=resume,
        concurrency=concurrency,
        executor=executor,
        on_error=on_error,
        progress=progress,
        limit=limit,
        collect=collect,
        **parameters,
    )
