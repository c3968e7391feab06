"""What stands between a task and its provider while answers are recorded or replayed."""

import asyncio
import datetime
import functools
import json
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Self

from hfwidgets import errors
from hfwidgets.calls import settings
from hfwidgets.calls.call import Call
from hfwidgets.core.event_stream import cutter
from hfwidgets.core.flow import Do, Flow, Infer, Reply
from hfwidgets.recorder import fingerprint
from hfwidgets.recorder.fingerprint import Question
from hfwidgets.recorder.store import Served, Store
from hfwidgets.results import Meta

MODES = ("auto", "record", "replay")

FOLDER = Path(".hfwidgets") / "recordings"

VARIABLE = "HFWIDGETS_RECORDINGS"


class Recorder:
    """A folder of recordings and how it is used; as a context manager, for all calls in a block.

    Blocks hold for the whole process, its threads included, so that with replay nothing goes out.

    Args:
        path: the folder; left out, `.hfwidgets/recordings` in the working folder.
        mode: `auto` takes what is recorded and records the rest; `record` asks anew; `replay` sends
            nothing. Left out, what the environment variable HFWIDGETS_RECORDINGS says, else `auto`.

    Raises:
        ConfigurationError: there is no such mode.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, mode: str | None = None) -> None:
        self.path = Path(FOLDER if path is None else path).expanduser().absolute()
        here = Path.cwd()
        self.shown = self.path.relative_to(here) if here in self.path.parents else self.path
        self.mode = mode or os.environ.get(VARIABLE) or "auto"
        if self.mode not in MODES:
            raise errors.ConfigurationError(
                f"mode is {self.mode!r}.{errors.near(self.mode, MODES)} It is one of: "
                f"{', '.join(MODES)}."
            )
        self.store = Store(self.path)

    @property
    def silent(self) -> bool:
        """Whether nothing may be sent."""
        return self.mode == "replay"

    def __enter__(self) -> Self:
        settings.answerers.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        settings.answerers.remove(self)

    def __repr__(self) -> str:
        return f"<Recorder {self.shown}: prompts and answers are kept there in clear>"

    def answered(self, call: Call, ask: Infer) -> Flow[Any]:
        """The answer to a task's wish: a recorded one, else the provider's, which is recorded.

        Raises:
            NotRecordedError: nothing may be sent and nothing is recorded.
        """
        question: Question = yield Do(functools.partial(fingerprint.of, ask, call.settings))
        if self.mode != "record":
            found = yield Do(functools.partial(self.store.read, question))
            if found is not None:
                return (yield from self._replayed(call, ask, found))
        if self.silent:
            raise (yield Do(functools.partial(self._missing, question)))
        raw = yield from call.asked(ask)
        if ask.stream:
            call.tape = Tape(self.store, question, raw.headers.get("content-type", ""), call)
            return raw
        return (yield Do(functools.partial(self._kept, call, question, raw)))

    def refusal(self, method: str, url: str) -> errors.NotRecordedError:
        """The error for a request besides the tasks' own, while nothing may be sent."""
        return errors.NotRecordedError(
            f"Recordings are replayed, so {method} {fingerprint.bare_url(url)} was not sent: only "
            "what tasks answer is recorded. hf.recordings.off() or mode='auto' lets it through."
        )

    def _replayed(self, call: Call, ask: Infer, found: dict[str, Any]) -> Flow[Any]:
        about = found["served"]
        call.served = Served(
            about["provider"],
            about["model"],
            about["seconds"],
            datetime.datetime.fromisoformat(found["recorded"]),
            about["first_token_seconds"],
        )
        if not ask.stream:
            return (yield Do(functools.partial(self.store.files.unpacked, found["answer"])))
        call.replay = Replay(found["chunks"])
        return Reply(200, {"content-type": "text/event-stream"})

    def _kept(self, call: Call, question: Question, raw: Any) -> Any:
        """The answer as it will be read back, so that a replay is the same to the last key."""
        served = Served.now(call.meta())
        packed = fingerprint.masked(
            self.store.files.packed(raw), fingerprint.secrets(call.settings)
        )
        self.store.write(question, served, answer=packed)
        call.served = served
        found = self.store.read(question)
        assert found is not None
        return self.store.files.unpacked(found["answer"])

    def _missing(self, question: Question) -> errors.NotRecordedError:
        asked = question.shown
        model = f" by {asked['model']}" if asked["model"] else ""
        text = json.dumps(asked["inputs"], ensure_ascii=False)
        short = text if len(text) <= 200 else f"{text[:200]}…"
        return errors.NotRecordedError(
            f"There is no recording of {asked['task']}{model} of {short} in {self.shown} "
            f"({question.key}).{self.store.nearest(question)} Recordings are replayed, so nothing "
            "was sent. To record it, run this once with mode='auto'; in a cell that is --cache, "
            "in pytest --hf-record."
        )


class Tape:
    """Records a stream while it is read; one that is left early is not kept."""

    def __init__(self, store: Store, question: Question, content_type: str, call: Call) -> None:
        self._store, self._question, self._call = store, question, call
        self._cut = cutter(content_type)
        self._events: list[bytes] = []

    def record(self, chunks: Iterator[bytes], meta: Meta) -> Iterator[bytes]:
        """The same bytes; once they have ended, they are kept."""
        for data in chunks:
            self._events += self._cut.feed(data)
            yield data
        self._keep(meta)

    async def arecord(self, chunks: AsyncIterator[bytes], meta: Meta) -> AsyncIterator[bytes]:
        """The same, to await."""
        async for data in chunks:
            self._events += self._cut.feed(data)
            yield data
        import anyio

        await anyio.to_thread.run_sync(self._keep, meta)

    def _keep(self, meta: Meta) -> None:
        chunks = [json.loads(event) for event in (*self._events, *self._cut.finish())]
        meta.seconds = time.perf_counter() - self._call.started
        served = Served.now(meta)
        hidden = fingerprint.secrets(self._call.settings)
        packed = fingerprint.masked(self._store.files.packed(chunks), hidden)
        self._store.write(self._question, served, chunks=packed)
        served.mark(meta)


class Replay:
    """A recorded stream, as a connection that gives its bytes without waiting."""

    def __init__(self, chunks: list[Any]) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            yield b"data: " + json.dumps(chunk).encode() + b"\n\n"
        yield b"data: [DONE]\n\n"

    async def aiter(self) -> AsyncIterator[bytes]:
        """The bytes, to await; other work gets its turn between them."""
        for data in self:
            yield data
            await asyncio.sleep(0)

    async def aclose(self) -> None:
        """Nothing is open."""

    def release(self) -> None:
        """Nothing is open."""

    hang_up = drop = release
