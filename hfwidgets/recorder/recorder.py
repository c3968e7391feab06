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
from hfwidgets.calls.settings import InterceptedCall
from hfwidgets.core.event_stream import decoder_for_type
from hfwidgets.core.flow import Blocking, Flow, Infer, Reply
from hfwidgets.errors.secrets import redact_data
from hfwidgets.recorder import fingerprint
from hfwidgets.recorder.fingerprint import RequestFingerprint
from hfwidgets.recorder.store import Provenance, RecordingStore
from hfwidgets.results import Meta

MODES = ("auto", "record", "replay")

DEFAULT_FOLDER = Path(".hfwidgets") / "recordings"

MODE_VARIABLE = "HFWIDGETS_RECORDINGS"


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
        self.path = Path(DEFAULT_FOLDER if path is None else path).expanduser().absolute()
        here = Path.cwd()
        self.display_path = self.path.relative_to(here) if here in self.path.parents else self.path
        self.mode = mode or os.environ.get(MODE_VARIABLE) or "auto"
        if self.mode not in MODES:
            raise errors.ConfigurationError(
                f"mode is {self.mode!r}.{errors.did_you_mean(self.mode, MODES)} It is one of: "
                f"{', '.join(MODES)}."
            )
        self.store = RecordingStore(self.path)

    @property
    def blocks_requests(self) -> bool:
        """Whether nothing may be sent."""
        return self.mode == "replay"

    def __enter__(self) -> Self:
        settings.interceptors.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        settings.interceptors.remove(self)

    def __repr__(self) -> str:
        return f"<Recorder {self.display_path}: prompts and answers are kept there in clear>"

    def intercept(self, call: InterceptedCall, ask: Infer) -> Flow[Any]:
        """The answer to a task's wish: a recorded one, else the provider's, which is recorded.

        Raises:
            NotRecordedError: nothing may be sent and nothing is recorded.
        """
        question: RequestFingerprint = yield Blocking(
            functools.partial(fingerprint.build_fingerprint, ask, call.settings)
        )
        if self.mode != "record":
            found = yield Blocking(functools.partial(self.store.read, question))
            if found is not None:
                return (yield from self._replay(call, ask, found))
        if self.blocks_requests:
            raise (yield Blocking(functools.partial(self._build_missing_error, question)))
        raw = yield from call.ask_provider(ask)
        if ask.stream:
            call.stream_recorder = StreamRecorder(
                self.store, question, raw.headers.get("content-type", ""), call
            )
            return raw
        return (yield Blocking(functools.partial(self._store_answer, call, question, raw)))

    def blocked_error(self, method: str, url: str) -> errors.NotRecordedError:
        """The error for a request besides the tasks' own, while nothing may be sent."""
        return errors.NotRecordedError(
            f"Recordings are replayed, so {method} {fingerprint.bare_url(url)} was not sent: only "
            "what tasks answer is recorded. hf.recordings.off() or mode='auto' lets it through."
        )

    def _replay(self, call: InterceptedCall, ask: Infer, found: dict[str, Any]) -> Flow[Any]:
        about = found["served"]
        call.provenance = Provenance(
            about["provider"],
            about["model"],
            about["seconds"],
            datetime.datetime.fromisoformat(found["recorded"]),
            about["first_token_seconds"],
        )
        if not ask.stream:
            return (yield Blocking(functools.partial(self.store.files.unpack, found["answer"])))
        call.replayed_stream = ReplayedStream(found["chunks"])
        return Reply(200, {"content-type": "text/event-stream"})

    def _store_answer(self, call: InterceptedCall, question: RequestFingerprint, raw: Any) -> Any:
        """The answer as it will be read back, so that a replay is the same to the last key."""
        served = Provenance.from_meta_now(call.meta())
        packed = redact_data(self.store.files.pack(raw), fingerprint.collect_secrets(call.settings))
        self.store.write(question, served, answer=packed)
        call.provenance = served
        found = self.store.read(question)
        assert found is not None
        return self.store.files.unpack(found["answer"])

    def _build_missing_error(self, question: RequestFingerprint) -> errors.NotRecordedError:
        asked = question.description
        model = f" by {asked['model']}" if asked["model"] else ""
        text = json.dumps(asked["inputs"], ensure_ascii=False)
        short = text if len(text) <= 200 else f"{text[:200]}…"
        return errors.NotRecordedError(
            f"There is no recording of {asked['task']}{model} of {short} in {self.display_path} "
            f"({question.key}).{self.store.describe_nearest(question)} Recordings are "
            "replayed, so nothing "
            "was sent. To record it, run this once with mode='auto'; in a cell that is --cache, "
            "in pytest --hf-record."
        )


class StreamRecorder:
    """Records a stream while it is read; one that is left early is not kept."""

    def __init__(
        self,
        store: RecordingStore,
        question: RequestFingerprint,
        content_type: str,
        call: InterceptedCall,
    ) -> None:
        self._store, self._question, self._call = store, question, call
        self._cutter = decoder_for_type(content_type)
        self._events: list[bytes] = []

    def record(self, chunks: Iterator[bytes], meta: Meta) -> Iterator[bytes]:
        """The same bytes; once they have ended, they are kept."""
        for data in chunks:
            self._events += self._cutter.feed(data)
            yield data
        self._store_stream(meta)

    async def arecord(self, chunks: AsyncIterator[bytes], meta: Meta) -> AsyncIterator[bytes]:
        """The same, to await."""
        async for data in chunks:
            self._events += self._cutter.feed(data)
            yield data
        import anyio

        await anyio.to_thread.run_sync(self._store_stream, meta)

    def _store_stream(self, meta: Meta) -> None:
        chunks = [json.loads(event) for event in (*self._events, *self._cutter.finish())]
        meta.seconds = time.perf_counter() - self._call.start_time
        served = Provenance.from_meta_now(meta)
        hidden = fingerprint.collect_secrets(self._call.settings)
        packed = redact_data(self._store.files.pack(chunks), hidden)
        self._store.write(self._question, served, chunks=packed)
        served.apply_to_meta(meta)


class ReplayedStream:
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

    abort = discard = release
