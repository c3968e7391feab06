"""Declares and checks the arguments of `map`, once for `hf.map` and both clients.

The clients import this module for their signatures, so it stays light: rows are read elsewhere.
"""

import functools
import inspect
import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Concatenate, Generic, Literal, ParamSpec, TypeVar

from hfwidgets import errors
from hfwidgets.core.counts import check_count
from hfwidgets.core.paths import to_path
from hfwidgets.errors.excerpt import show_value
from hfwidgets.tasks import find

if TYPE_CHECKING:
    from hfwidgets.batch._progress import Progress

Columns = str | int | Mapping[str, str | int] | None
"""The column of the first input, or a dict of parameter to column."""

Rows = Iterable[Any] | os.PathLike[str]
"""A table or a column of any library, a list or another iterable, or a folder of files."""

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")


class MapOptions:
    """The arguments of `map`, checked.

    Args:
        task: The task's name.
        rows: A DataFrame or a Series (pandas, polars, pyarrow), a list or another iterable, or the
            `Path` of a folder of files. A row that is a dict with the task's parameters gives them
            all; any other row is the task's first input. A text is a whole conversation.
        column: The table column of the task's first input, by name or position, or a dict of
            parameter to column.
        resume: A file that stores each row as it ends; the same call later processes only the rest.
        concurrency: The maximum number of concurrent calls; by default up to 64, adapted to what
            the server accepts.
        batch_size: The maximum number of rows per request, for tasks whose servers take several
            texts at once; by default 32 to 64, adapted to what the server accepts. 1 sends every
            row alone. A row's result, error and file line do not depend on it.
        executor: Whose workers make the calls: a `concurrent.futures.Executor`, such as
            `dask.distributed.Client(...).get_executor()`, or a pool, such as
            `ray.util.multiprocessing.Pool()`; see `hfwidgets.batch._worker`.
        on_error: `keep` continues when a row fails; `raise` ends the run with the first error.
        progress: False shows nothing; a function receives a `Progress` a few times per second.
        limit: Process only the first so many rows.
        collect: False keeps no row in memory but reads rows from `resume` when they are accessed.
        parameters: The task's own parameters, for all rows.

    Raises:
        ConfigurationError: an argument has a wrong value, or two exclude each other.
        UnknownParameterError: neither `map` nor the task has such an argument.
    """

    def __init__(
        self,
        task: str,
        rows: Rows,
        *,
        column: Columns = None,
        resume: str | os.PathLike[str] | None = None,
        concurrency: int | None = None,
        batch_size: int | None = None,
        executor: Any = None,  # any library's executor or pool: duck-typed, see _callers
        on_error: Literal["keep", "raise"] = "keep",
        progress: "bool | Callable[[Progress], object]" = True,
        limit: int | None = None,
        collect: bool = True,
        **parameters: Any,
    ) -> None:
        if not isinstance(on_error, str) or on_error not in ("keep", "raise"):
            raise errors.ConfigurationError(
                f"on_error must be 'keep' or 'raise'; it is {show_value(on_error)}."
            )
        if not collect and resume is None:
            raise errors.ConfigurationError(
                "collect=False keeps no row in memory: pass resume= with the file to store them "
                "in, or iterate over the rows of the async client with 'async for'."
            )
        self.task = find(task)
        _check_names(parameters, self.task.signature.parameters)
        self.parameters = parameters
        self.concurrency = (
            None if concurrency is None else check_count("concurrency", concurrency, least=1)
        )
        self.batch_size = (
            None if batch_size is None else check_count("batch_size", batch_size, least=1)
        )
        if self.task.list_answers is None:
            if (batch_size or 1) > 1:
                raise errors.ConfigurationError(
                    f"{self.task.name} takes one input per request: leave batch_size= out."
                )
            self.batch_size = 1
        self.resume = None if resume is None else to_path("resume", resume)
        self.executor = executor
        self.on_error = on_error
        self.progress = progress
        self.collect = collect
        self.limit = None if limit is None else check_count("limit", limit)
        self.rows, self.column = rows, column


def _check_names(parameters: dict[str, Any], known: Any) -> None:
    """Raise UnknownParameterError where a parameter looks like a misspelled argument of `map`.

    Other unknown names are left to the task, whose error lists what it accepts.
    """
    own = [name for name in MAP_SIGNATURE.parameters if name != "parameters"]
    for name in parameters:
        # A name near both is the task's: its parameters outnumber the arguments of `map`.
        if name not in known and (hint := errors.did_you_mean(name, own)):
            if errors.did_you_mean(name, known):
                continue
            raise errors.UnknownParameterError(f"map() has no argument {name!r}.{hint}")


class _Accepts(Generic[P]):
    """A decorator that gives a function the signature of `MapOptions`.

    ParamSpec carries that signature to type checkers and editors, `__signature__` to `help` and to
    completion in notebooks; so a new argument is declared in `MapOptions` alone.
    """

    def __init__(self, declared: Callable[P, MapOptions]) -> None:
        self._declared = declared

    def method(self, accept: Callable[[S, MapOptions], R]) -> Callable[Concatenate[S, P], R]:
        """Wrap a method that takes `MapOptions`."""

        @functools.wraps(accept)
        def wrapper(client: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
            return accept(client, self._declared(*args, **kwargs))

        return _sign(wrapper, accept, skipped=1)

    def function(self, accept: Callable[..., R]) -> Callable[P, R]:
        """Wrap a function that takes `MapOptions` and keyword arguments of its own."""
        own = list(inspect.signature(accept).parameters)[1:]

        @functools.wraps(accept)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            mine = {name: kwargs.pop(name) for name in own if name in kwargs}
            return accept(self._declared(*args, **kwargs), **mine)

        return _sign(wrapper, accept, skipped=0)


F = TypeVar("F", bound=Callable[..., Any])


def _sign(wrapper: F, accept: Callable[..., Any], skipped: int) -> F:
    """Set the signature: the arguments of `map`, with those that `accept` adds before them."""
    own = inspect.signature(accept)
    # Order: self, task and rows, what `accept` adds, then the rest of `map`'s.
    first = list(own.parameters.values())
    positional = [p for p in MAP_SIGNATURE.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    named = [p for p in MAP_SIGNATURE.parameters.values() if p.kind is not p.POSITIONAL_OR_KEYWORD]
    added = [p.replace(kind=p.KEYWORD_ONLY) for p in first[skipped + 1 :]]
    parameters = [*first[:skipped], *positional, *added, *named]
    wrapper.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    described = inspect.cleandoc(MapOptions.__doc__ or "").partition("\n\n")[2]
    wrapper.__doc__ = f"{inspect.cleandoc(accept.__doc__ or '')}\n\n{described}"
    return wrapper


MAP_SIGNATURE = inspect.signature(MapOptions)

accepts_map_options = _Accepts(MapOptions)
"""Gives a function the arguments of `map`."""
