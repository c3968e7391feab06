"""Run a flow to its end: the one interpreter of flows. How a step is performed is the caller's."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from hfwidgets.core.flow import Blocking, Flow

T = TypeVar("T")


def run_flow(flow: Flow[T], perform: Callable[[Any], Any]) -> T:
    """Return a flow's result; `perform` does each step and returns its outcome.

    An `Exception` of `perform` is thrown into the flow, which may handle it. Any other
    `BaseException` (an interrupt, a cancellation) closes the flow and is raised.
    """
    outcome: Any = None
    error: Exception | None = None
    try:
        while True:
            # A step's error goes back into the flow, which may handle it: by a retry, or by a
            # better message.
            step = flow.send(outcome) if error is None else flow.throw(error)
            # An error that stayed here would be thrown again after the next step.
            outcome = error = None
            try:
                outcome = perform(step)
            # Interrupts and cancellations are not an `Exception`: they close the flow, below.
            except Exception as failure:
                error = failure
    except StopIteration as done:
        result: T = done.value
        return result
    finally:
        # After an interrupt this runs the flow's own `finally` blocks; a flow that has ended
        # ignores it.
        flow.close()


async def arun_flow(flow: Flow[T], perform: Callable[[Any], Awaitable[Any]]) -> T:
    """Return a flow's result; `perform` is awaited for each step. See `run_flow`."""
    outcome: Any = None
    error: Exception | None = None
    try:
        while True:
            step = flow.send(outcome) if error is None else flow.throw(error)
            outcome = error = None
            try:
                outcome = await perform(step)
            # `CancelledError` is a BaseException: a flow must not handle it as a failed step.
            except Exception as failure:
                error = failure
    except StopIteration as done:
        result: T = done.value
        return result
    finally:
        flow.close()


def perform_blocking(step: Any) -> Any:
    """Perform a step of a flow that consists of blocking work only, such as loading media."""
    assert isinstance(step, Blocking), f"{type(step).__name__} needs a client"
    return step.call()
