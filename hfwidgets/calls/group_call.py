"""Calls of one task for several rows, of which one request asks the provider. No I/O.

Each row's call runs as if it were alone, interceptors included, up to its request to the provider.
The inputs of these requests are sent as one list, and each call goes on with its own answer. So a
row's result, recording and raw answer do not depend on the rows that it was sent with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hfwidgets import errors
from hfwidgets.calls.call import Call
from hfwidgets.calls.settings import Settings
from hfwidgets.core.flow import Flow, Infer
from hfwidgets.providers import RouteHandler
from hfwidgets.tasks import BaseTask
from hfwidgets.tasks.list_answers import ListAnswers, nesting_depth


class NoListsError(errors.HfWidgetsError):
    """The provider's route takes one input at a time; nothing was sent."""


@dataclass(slots=True, eq=False)
class _SharedAsk:
    """The step at which a row's call waits for the group's answer."""

    ask: Infer


class RowCall(Call):
    """The call of one row, whose request to the provider is the group's.

    Attributes:
        ask: The request, while the row waits for its answer.
        result: The task's result, once the call has ended.
        error: Why the call ended without a result.
    """

    def __init__(self, settings: Settings, task: BaseTask, arguments: Mapping[str, Any]) -> None:
        super().__init__(settings, task)
        self.ask: Infer | None = None
        self.result: Any = None
        self.error: Exception | None = None
        try:
            self._steps = self.drive(task.flow(None, **arguments))
        except Exception as error:  # arguments that do not fit are the row's error
            self.error = error

    def prepare_provider(self, ask: Infer) -> Flow[RouteHandler]:
        """Return a handler that leaves the request to the group."""
        yield from ()
        return _leave_to_group

    def advance(self, answer: Any = None) -> Flow[None]:
        """Run up to the request to the provider; with its answer, to the end."""
        self.ask = None
        error: Exception | None = None
        try:
            while True:
                step = self._steps.send(answer) if error is None else self._steps.throw(error)
                answer = error = None
                if type(step) is _SharedAsk:
                    self.ask = step.ask
                    return
                try:
                    answer = yield step
                except Exception as failure:
                    error = failure
        except StopIteration as done:
            self.result = self.attach_meta(done.value)
        except Exception as failure:
            if isinstance(failure, errors.HfWidgetsError):
                self.mask_error(failure)
            self.error = failure

    def copy_origin(self, other: Call) -> None:
        """Note that the answer came to another call's request."""
        self.provider, self.model = other.provider, other.model
        self.address, self.reply = other.address, other.reply


def _leave_to_group(ask: Infer) -> Flow[Any]:
    return (yield _SharedAsk(ask))


class _ListCall(Call):
    """The call that asks the provider for several rows."""

    def __init__(self, settings: Settings, task: BaseTask) -> None:
        super().__init__(settings, task)
        # The rows' own calls have passed the interceptor.
        self.interceptor = None

    def prepare_provider(self, ask: Infer) -> Flow[RouteHandler]:
        """Fill in who serves the task; NoListsError where that is one input at a time."""
        handler = yield from super().prepare_provider(ask)
        assert self.provider is not None
        if not self.provider.takes_lists(ask.task):
            raise NoListsError(f"{self.provider.name} takes one input of {ask.task} at a time.")
        return handler


class GroupCall:
    """The calls of several rows, which differ in the task's first input alone.

    Args:
        settings: The client's settings.
        task: A task with `list_answers`.
        rows: The arguments of each row.
    """

    def __init__(
        self, settings: Settings, task: BaseTask, rows: Sequence[Mapping[str, Any]]
    ) -> None:
        assert task.list_answers is not None
        self._settings, self._task = settings, task
        self._form: ListAnswers = task.list_answers
        # How deep the answer to a single input is nested, by model; learned once per client.
        self._depths: dict[tuple[str, str | None], int] = settings.memory.setdefault("depths", {})
        self._calls = [RowCall(settings, task, row) for row in rows]

    def drive(self) -> Flow[list[RowCall]]:
        """Make the calls and return them; those that one request failed for share its error."""
        for call in self._calls:
            if call.error is None:
                yield from call.advance()
        waiting = [call for call in self._calls if call.ask is not None]
        while waiting:
            taken = waiting[: self._count_together(waiting[0])]
            shared = _ListCall(self._settings, self._task)
            try:
                answers = yield from shared.drive(self._ask_provider(taken))
            except Exception as error:
                if isinstance(error, errors.HfWidgetsError):
                    shared.mask_error(error)
                for call in waiting:
                    call.error = error
                break
            for call, answer in zip(taken, answers, strict=True):
                call.copy_origin(shared)
                yield from call.advance(answer)
            waiting = waiting[len(taken) :]
        return self._calls

    def _count_together(self, first: RowCall) -> int | None:
        """Return how many rows the next request is for; None for all."""
        assert first.ask is not None
        # Servers nest the vectors of a single text in different ways, and the rows' results must
        # have the shape that they would have alone.
        unknown = self._form.keeps_depth and self._depth_key(first.ask) not in self._depths
        return 1 if unknown else None

    def _ask_provider(self, taken: Sequence[RowCall]) -> Flow[list[Any]]:
        """Return the answer to each row, as it would be alone."""
        asks = [call.ask for call in taken if call.ask is not None]
        first = asks[0]
        key = self._depth_key(first)
        inputs = first.inputs if len(asks) == 1 else [ask.inputs for ask in asks]
        raw = yield Infer(inputs, first.model, first.options)
        if len(asks) == 1:
            self._depths[key] = self._form.depth(raw)
            return [raw]
        answers = self._form.split(raw, len(asks))
        if answers is None:
            raise errors.OutputError(f"The answer to {len(asks)} inputs is not a list of as many.")
        depth = self._depths[key] if self._form.keeps_depth else 0
        return [_nest(answer, depth) for answer in answers]

    def _depth_key(self, ask: Infer) -> tuple[str, str | None]:
        return self._task.name, ask.model


def _nest(answer: Any, depth: int) -> Any:
    """Return an answer inside as many lists as are missing."""
    for _ in range(depth - nesting_depth(answer)):
        answer = [answer]
    return answer
