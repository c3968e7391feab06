"""What a call is made through: a client's settings and the driver that performs the steps.

caller = SyncCaller.create(Settings(model="org/model"))
caller.run(task, task.flow(None, "some text"))      # the finished result, with its meta
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from hfwidgets import errors
from hfwidgets.calls.call import NO_DEADLINE, Call, Deadline
from hfwidgets.calls.settings import Settings
from hfwidgets.core.flow import Flow, StreamedReply
from hfwidgets.core.streams import AsyncStream, Stream
from hfwidgets.tasks import BaseTask

if TYPE_CHECKING:
    import httpx

    from hfwidgets.calls.async_driver import AsyncDriver
    from hfwidgets.calls.group_call import RowCall
    from hfwidgets.calls.sync_driver import SyncDriver


class SyncCaller:
    """Makes calls that block."""

    def __init__(self, settings: Settings, driver: "SyncDriver") -> None:
        self.settings = settings
        self.driver = driver

    @classmethod
    def create(cls, settings: Settings, http_client: "httpx.Client | None" = None) -> Self:
        """Return a caller with connections of its own, or with the user's HTTP client."""
        from hfwidgets.calls.sync_driver import SyncDriver  # httpx is imported with it

        return cls(settings, SyncDriver(http_client))

    def with_settings(self, settings: Settings) -> Self:
        """Return a caller with other settings and the same connections."""
        return type(self)(settings, self.driver)

    def run(self, task: BaseTask | None, flow: Flow[Any], call: Call | None = None) -> Any:
        """Return a flow's result with its meta, or its open stream.

        A `call` that is passed holds the raw answer afterwards.
        """
        call = call or Call(self.settings, task)
        timeout = call.settings.timeout
        deadline = NO_DEADLINE if timeout is None else Deadline(timeout)
        try:
            result = self.driver.run(call.drive(flow), deadline)
        except errors.HfWidgetsError as error:
            call.mask_error(error)
            raise
        if not isinstance(result, StreamedReply):
            return call.attach_meta(result)
        meta, replay = call.meta(), call.replayed_stream
        if replay is not None:
            return Stream(result, iter(replay), replay, meta, call.start_time)
        # The timeout is for the whole call, so the same deadline holds while the stream is read.
        chunks = self.driver.read_chunks(result.reply, result.decoder, deadline)
        if call.stream_recorder is not None:
            chunks = call.stream_recorder.record(chunks, meta)
        connection = self.driver.connection(result.reply)
        return Stream(result, chunks, connection, meta, call.start_time, call.mask_error)

    def run_group(self, task: BaseTask, rows: Sequence[Mapping[str, Any]]) -> "list[RowCall]":
        """Make one request for several rows' calls; each has its result or error afterwards."""
        from hfwidgets.calls.group_call import GroupCall  # only `map` needs it

        group = GroupCall(self.settings, task, rows)
        calls: list[RowCall] = self.driver.run(group.drive(), Deadline(self.settings.timeout))
        return calls


class AsyncCaller:
    """Makes calls to be awaited."""

    def __init__(self, settings: Settings, driver: "AsyncDriver") -> None:
        self.settings = settings
        self.driver = driver

    @classmethod
    def create(cls, settings: Settings, http_client: "httpx.AsyncClient | None" = None) -> Self:
        """Return a caller with connections of its own, or with the user's HTTP client."""
        from hfwidgets.calls.async_driver import AsyncDriver  # httpx is imported with it

        return cls(settings, AsyncDriver(http_client))

    def with_settings(self, settings: Settings) -> Self:
        """Return a caller with other settings and the same connections."""
        return type(self)(settings, self.driver)

    async def run(self, task: BaseTask | None, flow: Flow[Any], call: Call | None = None) -> Any:
        """Return a flow's result with its meta, or its open stream.

        A `call` that is passed holds the raw answer afterwards.
        """
        call = call or Call(self.settings, task)
        timeout = call.settings.timeout
        deadline = NO_DEADLINE if timeout is None else Deadline(timeout)
        try:
            result = await self.driver.run(call.drive(flow), deadline)
        except errors.HfWidgetsError as error:
            call.mask_error(error)
            raise
        if not isinstance(result, StreamedReply):
            return call.attach_meta(result)
        meta, replay = call.meta(), call.replayed_stream
        if replay is not None:
            return AsyncStream(result, replay.aiter(), replay.aclose, meta, call.start_time)
        chunks = self.driver.read_chunks(result.reply, result.decoder, deadline)
        if call.stream_recorder is not None:
            chunks = call.stream_recorder.arecord(chunks, meta)
        close = result.reply.source.aclose
        return AsyncStream(result, chunks, close, meta, call.start_time, call.mask_error)

    async def run_group(self, task: BaseTask, rows: Sequence[Mapping[str, Any]]) -> "list[RowCall]":
        """Make one request for several rows' calls; each has its result or error afterwards."""
        from hfwidgets.calls.group_call import GroupCall  # only `map` needs it

        group = GroupCall(self.settings, task, rows)
        calls: list[RowCall] = await self.driver.run(group.drive(), Deadline(self.settings.timeout))
        return calls


Caller = SyncCaller | AsyncCaller
