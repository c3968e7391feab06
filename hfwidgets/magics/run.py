"""Runs a call on the background loop, shows it while it arrives, and stores its result."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from hfwidgets.calls.counted_stream import open_counted_stream
from hfwidgets.core import flow
from hfwidgets.errors import HfWidgetsError
from hfwidgets.magics import media_files, outputs, render, schema
from hfwidgets.magics.build_call import MagicCall
from hfwidgets.magics.outputs import Output
from hfwidgets.notebook import BackgroundRun, CallRecord, Session, background_loop
from hfwidgets.results.differences import read_text

POLL_INTERVAL = 0.05
"""The time between two looks of the cell at its call, in seconds."""

CLOSE_TIMEOUT = 1.0
"""How long the cell waits for a stopped call to close its connection, in seconds."""


class CallProgress:
    """The state of a call, written on the background loop and read by the cell.

    Attributes:
        stream: The open stream, None before it opens and for plain calls.
        note: Why the call waits, None while it does not wait.
        closed: Set when the connection is closed.
    """

    def __init__(self) -> None:
        # Without a lock: one thread sets whole attributes and the other only reads them, so the
        # cell sees at worst a state that is one update old.
        self.stream: Any = None
        self.note: str | None = None
        self.closed = threading.Event()

    @property
    def text(self) -> str:
        """Return the text so far."""
        return self.stream.text if self.stream is not None else ""

    def partial_result(self) -> Any:
        """Return the result so far, None where nothing has arrived."""
        return self.stream.result if self.text else None

    def note_wait(self, reason: str, seconds: float) -> None:
        """Note why the call waits."""
        self.note = f"{reason}, about {seconds:.0f} s" if seconds >= 1 else reason


async def perform_call(call: MagicCall, progress: CallProgress) -> Any:
    """Make the call; read a stream to its end and return its whole result."""
    try:
        return await _read_answer(call, progress)
    finally:
        progress.closed.set()


async def _read_answer(call: MagicCall, progress: CallProgress) -> Any:
    # Never reset: each task has a copy of the context, so calls that run at the same time do not
    # hear of each other's waits.
    flow.wait_listener.set(progress.note_wait)
    answer = await _open_answer(call)
    progress.note = None
    if not call.stream:
        return answer
    progress.stream = answer
    async with aclosing(answer):
        async for _ in answer:
            pass
    return answer.result


async def _open_answer(call: MagicCall) -> Any:
    """Return the answer or its open stream."""
    client = background_loop.shared_client(**call.settings)
    if call.counts_usage:
        # open_counted_stream adds both options itself, and must be able to leave the count out for
        # servers that refuse it.
        arguments = replace(call, counts_usage=False).arguments
        del arguments["stream"]
        return await open_counted_stream(client, **arguments)
    return await getattr(client, call.task.method)(**call.arguments)


async def explain_call(call: MagicCall) -> Any:
    """Return what the call would send; nothing is sent."""
    return await background_loop.shared_client(**call.settings).explain(
        call.task.name, **call.arguments
    )


@dataclass
class AnswerDisplay:
    """Shows an answer; with `stream_text` its text appears while it arrives."""

    output: Output
    form: str = "auto"
    verbose: bool = False
    stream_text: bool = True

    def show_progress(self, call: MagicCall, progress: CallProgress) -> None:
        """Show the answer so far if an update is due."""
        text, note = progress.text if self.stream_text else "", progress.note
        if self.output.is_due(text, note):
            self.output.update(text, render.render_progress(call, text, self.form, note))

    def show_result(self, call: MagicCall, result: object) -> None:
        """Show the view that stays."""
        bundle = render.render_result(call, result, self.form, verbose=self.verbose)
        if not self.output.supports_media:
            saved = [f"Saved: {path}" for path in media_files.save_media(result)]
            bundle["text/plain"] = "\n".join([bundle["text/plain"], *saved])
        self.output.finish(bundle, render.build_metadata(call, result))

    def show_partial(self, call: MagicCall, result: object, note: str) -> None:
        """Show what arrived before the call ended early, with a note."""
        # Without its shape: half a JSON object cannot be shown as one.
        plain = MagicCall(call.task, call.inputs, call.params, call.model, call.settings)
        bundle = render.render_result(plain, result, "auto", note=note)
        # Also after an error: this mark makes a deferred output show what an assignment would hide.
        self.output.finish(bundle, render.build_metadata(call, result, stopped=True))


def run_in_foreground(
    call: MagicCall, session: Session, show: AnswerDisplay, keep: Callable[[Any], None]
) -> Any:
    """Run a call while the cell waits.

    Args:
        call: The call.
        session: Where the call and its answer are stored.
        show: Where the answer appears.
        keep: Receives the partial result when the user stops the call.

    Raises:
        KeyboardInterrupt: the user stopped it; what had arrived is shown and stored.
        HfWidgetsError: the call failed; what had arrived is shown.
    """
    progress = CallProgress()
    remember_call(call, session)
    future = background_loop.submit(perform_call(call, progress))
    try:
        result = poll_future(future, lambda: show.show_progress(call, progress))
    except KeyboardInterrupt:
        # Cancellation reaches the call on its loop; the connection is closed there.
        future.cancel()
        progress.closed.wait(CLOSE_TIMEOUT)
        _handle_stop(call, session, show, keep, progress.partial_result())
        raise
    except Exception:
        if (partial := progress.partial_result()) is not None:
            show.show_partial(call, partial, "broke off")
        raise
    store_result(call, session, result)
    return result


def _handle_stop(
    call: MagicCall,
    session: Session,
    show: AnswerDisplay,
    keep: Callable[[Any], None],
    partial: object,
) -> None:
    if partial is not None:
        keep(partial)
        store_result(call, session, partial)
    show.show_partial(call, "" if partial is None else partial, "stopped")


def poll_future(future: "concurrent.futures.Future[Any]", tick: Callable[[], None]) -> Any:
    """Wait for a future and call `tick` in between; an interrupt takes effect at once."""
    # A short wait on a plain future: awaiting or a long wait would hold back an interrupt.
    while not future.done():
        concurrent.futures.wait([future], timeout=POLL_INTERVAL)
        tick()
    return background_loop.wait_for(future)


def run_in_background(call: MagicCall, session: Session) -> BackgroundRun:
    """Start a call and return its handle."""
    progress = CallProgress()
    remember_call(call, session)
    future = background_loop.submit(with_short_errors(_run_to_end(call, session, progress)))
    run = session.add_run(call.label(), future, progress.partial_result)
    if call.chat is not None:
        session.chat_runs[call.chat] = run
    return run


async def with_short_errors(work: Awaitable[Any]) -> Any:
    """Await work; its error is shown without frames when the user reads the result."""
    try:
        return await work
    except HfWidgetsError as error:
        outputs.shorten_traceback(error)
        raise


async def _run_to_end(call: MagicCall, session: Session, progress: CallProgress) -> Any:
    try:
        result = await perform_call(call, progress)
    except asyncio.CancelledError:
        # The tokens that arrived are paid for, and the conversation goes on from them.
        if (partial := progress.partial_result()) is not None:
            store_result(call, session, partial)
        raise
    store_result(call, session, result)
    return build_answer(call, result)


def build_answer(call: MagicCall, result: object) -> Any:
    """Return the result, or with `--schema` the object that it describes."""
    return result if call.shape is None else schema.parse_reply(read_text(result) or "", call.shape)


def remember_call(call: MagicCall, session: Session) -> None:
    """Remember a call for `%hf code` and completion."""
    # In whole seconds, as recordings are dated: an answer that was recorded since counts as sent.
    call.started_at = datetime.now(UTC).replace(microsecond=0)
    session.remember_model(call.model)
    session.calls.append(CallRecord(call.task.name, call.arguments, call.settings))


def store_result(call: MagicCall, session: Session, result: object) -> None:
    """Count a call's usage and add its answer to the conversation."""
    session.count_usage(getattr(result, "meta", None), call.started_at)
    session.remember_task(call.model, call.task.name)
    if call.chat is not None:
        answer = {"role": "assistant", "content": read_text(result) or ""}
        session.chats[call.chat] = [*call.inputs["messages"], answer]
