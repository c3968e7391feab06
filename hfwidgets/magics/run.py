"""Run a call on the background loop, show it as it arrives, and settle what came of it."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from hfwidgets.core import flow
from hfwidgets.errors import BadRequestError, HfWidgetsError
from hfwidgets.magics import media_files, outputs, render, schema
from hfwidgets.magics.build_call import Call
from hfwidgets.magics.outputs import Output
from hfwidgets.notebook import Made, Run, Session, background_loop

STEP = 0.05
"""How often the cell looks for news, in seconds."""

CLOSING = 1.0
"""How long a stopped call may take to close its connection before the cell goes on, in seconds."""


class Progress:
    """What has arrived of a call; written on the background loop, read by the cell.

    Attributes:
        stream: the open stream, None before it opens and for plain calls.
        note: why the call waits, None while it does not.
        ended: set when the connection is done with.
    """

    def __init__(self) -> None:
        self.stream: Any = None
        self.note: str | None = None
        self.ended = threading.Event()

    @property
    def text(self) -> str:
        """The text so far."""
        return self.stream.text if self.stream is not None else ""

    def partial(self) -> Any:
        """The result so far, None where nothing has arrived."""
        return self.stream.result if self.text else None

    def waits(self, reason: str, seconds: float) -> None:
        """Note why the call waits."""
        self.note = f"{reason}, about {seconds:.0f} s" if seconds >= 1 else reason


async def perform(call: Call, progress: Progress) -> Any:
    """Make the call; a stream is read to its end, and its whole result returned."""
    try:
        return await _answer(call, progress)
    finally:
        progress.ended.set()


async def _answer(call: Call, progress: Progress) -> Any:
    flow.waiting.set(progress.waits)
    answer = await _opened(call)
    progress.note = None
    if not call.stream:
        return answer
    progress.stream = answer
    async with aclosing(answer):
        async for _ in answer:
            pass
    return answer.result


async def _opened(call: Call) -> Any:
    """The answer or its open stream; servers that refuse to count tokens are asked again."""
    method = getattr(background_loop.aclient(**call.settings), call.task.method)
    try:
        return await method(**call.arguments)
    except BadRequestError as error:
        if not call.counted or "stream_options" not in str(error):
            raise
        return await method(**replace(call, counted=False).arguments)


async def explain(call: Call) -> Any:
    """What the call would send; nothing is sent."""
    return await background_loop.aclient(**call.settings).explain(call.task.name, **call.arguments)


@dataclass
class Show:
    """How an answer is shown; `streams` says whether its text is shown while it arrives."""

    output: Output
    form: str = "auto"
    verbose: bool = False
    streams: bool = True

    def live(self, call: Call, progress: Progress) -> None:
        """Show the answer so far, if it is time."""
        text, note = progress.text if self.streams else "", progress.note
        if self.output.due(text, note):
            self.output.update(text, render.running(call, text, self.form, note))

    def end(self, call: Call, result: Any) -> None:
        """Show the view that stays."""
        bundle = render.finished(call, result, self.form, verbose=self.verbose)
        if not self.output.pictures:
            saved = [f"Saved: {path}" for path in media_files.kept(result)]
            bundle["text/plain"] = "\n".join([bundle["text/plain"], *saved])
        self.output.finish(bundle, render.metadata(call, result))

    def cut(self, call: Call, result: Any, note: str) -> None:
        """Show what arrived before the call ended early, marked so."""
        plain = Call(call.task, call.inputs, call.params, call.model, call.settings)
        bundle = render.finished(plain, result, "auto", note=note)
        self.output.finish(bundle, render.metadata(call, result, stopped=True))


def foreground(call: Call, session: Session, show: Show, keep: Callable[[Any], None]) -> Any:
    """Run a call while the cell waits.

    Args:
        keep: takes the partial result when the user stops the call.

    Raises:
        KeyboardInterrupt: the user stopped it; what had arrived is shown and kept.
        HfWidgetsError: the call failed; what had arrived is shown.
    """
    progress = Progress()
    noted(call, session)
    future = background_loop.submit(perform(call, progress))
    try:
        result = follow(future, lambda: show.live(call, progress))
    except KeyboardInterrupt:
        future.cancel()
        progress.ended.wait(CLOSING)
        _stopped(call, session, show, keep, progress.partial())
        raise
    except Exception:
        if (partial := progress.partial()) is not None:
            show.cut(call, partial, "broke off")
        raise
    settle(call, session, result)
    return result


def _stopped(
    call: Call, session: Session, show: Show, keep: Callable[[Any], None], partial: Any
) -> None:
    if partial is not None:
        keep(partial)
        settle(call, session, partial)
    show.cut(call, "" if partial is None else partial, "stopped")


def follow(future: "concurrent.futures.Future[Any]", tick: Callable[[], None]) -> Any:
    """Wait for a future with a tick now and then; an interrupt gets through at once."""
    while not future.done():
        concurrent.futures.wait([future], timeout=STEP)
        tick()
    return background_loop.wait(future)


def background(call: Call, session: Session) -> Run:
    """Start a call and return its handle."""
    progress = Progress()
    noted(call, session)
    future = background_loop.submit(shortly(_finished(call, session, progress)))
    made = session.add_run(call.label(), future, progress.partial)
    if call.chat is not None:
        session.awaited[call.chat] = made
    return made


async def shortly(work: Awaitable[Any]) -> Any:
    """What some work returns; its error is shown without frames when somebody asks for it."""
    try:
        return await work
    except HfWidgetsError as error:
        outputs.shorten(error)
        raise


async def _finished(call: Call, session: Session, progress: Progress) -> Any:
    try:
        result = await perform(call, progress)
    except asyncio.CancelledError:
        if (partial := progress.partial()) is not None:
            settle(call, session, partial)
        raise
    settle(call, session, result)
    return answer_of(call, result)


def answer_of(call: Call, result: Any) -> Any:
    """What the user gets: the result, or with `--schema` the object that it describes."""
    return result if call.shape is None else schema.parsed(render.text_of(result) or "", call.shape)


def noted(call: Call, session: Session) -> None:
    """Remember that a call is made, for `%hf code` and completion."""
    call.begun = datetime.now(UTC).replace(microsecond=0)
    session.saw_model(call.model)
    session.calls.append(Made(call.task.name, call.arguments, call.settings))


def settle(call: Call, session: Session, result: Any) -> None:
    """Count what a call took and add its answer to the conversation."""
    session.count(getattr(result, "meta", None), call.begun)
    session.does(call.model, call.task.name)
    if call.chat is not None:
        answer = {"role": "assistant", "content": render.text_of(result) or ""}
        session.chats[call.chat] = [*call.inputs["messages"], answer]
