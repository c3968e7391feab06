"""Record and replay answers: the interceptor between a task and its provider."""

import contextlib
import datetime
import functools
import json
import os
import time
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any, Self

from hfwidgets import errors
from hfwidgets.calls import settings
from hfwidgets.calls.settings import InterceptedCall
from hfwidgets.core.event_stream import AnswerStream
from hfwidgets.core.flow import Blocking, Flow, Infer, Reply
from hfwidgets.core.paths import to_path
from hfwidgets.errors.excerpt import show_value
from hfwidgets.errors.secrets import redact
from hfwidgets.errors.user_warnings import warn
from hfwidgets.recorder.fingerprint import RequestFingerprint, bare_url, build_fingerprint
from hfwidgets.recorder.media_files import to_pretty_json
from hfwidgets.recorder.store import Provenance, RecordingStore, StoredAnswer
from hfwidgets.results import Meta

MODES = ("auto", "record", "replay")

DEFAULT_FOLDER = Path(".hfwidgets") / "recordings"

MODE_VARIABLE = "HFWIDGETS_RECORDINGS"

MAX_SHOWN_INPUTS = 200
"""Characters of a request's inputs that an error repeats."""


class Recorder:
    """A folder of recordings and how it is used; as a context manager, for all calls in a block.

    A block applies to the whole process, its threads included, so that replaying sends nothing.

    Args:
        path: The folder; by default `.hfwidgets/recordings` in the working folder.
        mode: `auto` replays what is recorded and records the rest; `record` asks for everything
            again; `replay` sends nothing. By default the environment variable
            HFWIDGETS_RECORDINGS, else `auto`.

    Raises:
        ConfigurationError: The mode is unknown.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, mode: str | None = None) -> None:
        # Absolute, so that the folder stays the same when the program changes its working folder.
        self.path = to_path("path", DEFAULT_FOLDER if path is None else path).absolute()
        here = Path.cwd()
        self.display_path = self.path.relative_to(here) if here in self.path.parents else self.path
        self.mode = os.environ.get(MODE_VARIABLE) or "auto" if mode is None else mode
        if not isinstance(self.mode, str) or self.mode not in MODES:
            raise errors.ConfigurationError(
                f"Unknown mode {show_value(self.mode)}.{errors.did_you_mean(self.mode, MODES)}",
                advice=f"Choose one of: {', '.join(MODES)}.",
            )
        self.store = RecordingStore(self.path)
        self._has_warned = False

    @property
    def blocks_requests(self) -> bool:
        """True if nothing may be sent."""
        return self.mode == "replay"

    def __enter__(self) -> Self:
        settings.interceptors.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        # Blocks in several threads may end in any order, so the last one need not be this one.
        settings.interceptors.remove(self)

    def __repr__(self) -> str:
        return f"<Recorder {self.display_path}: stores prompts and answers in clear>"

    def intercept(self, call: InterceptedCall, ask: Infer) -> Flow[Any]:
        """Return a recorded answer, else the provider's, which is then recorded.

        Raises:
            NotRecordedError: Nothing may be sent, and nothing is recorded.
        """
        # Media are read and hashed, which may take long: not on an event loop.
        request: RequestFingerprint = yield Blocking(
            functools.partial(build_fingerprint, ask, call.settings)
        )
        if self.mode != "record":
            found = yield Blocking(functools.partial(self._find_recording, request))
            if found is not None:
                return (yield from self._replay(call, ask, found))
        if self.blocks_requests:
            raise (yield Blocking(functools.partial(self._build_missing_error, request)))
        raw = yield from call.ask_provider(ask)
        # A stream is stored by the one who reads it, once it has ended.
        if ask.stream:
            call.stream_recorder = RecordedStream(
                self, request, raw.headers.get("content-type", ""), call
            )
            return raw
        try:
            return (yield Blocking(functools.partial(self._store_answer, call, request, raw)))
        except (OSError, TypeError, ValueError, RecursionError) as error:
            self.warn_not_stored(error)
            return raw

    def warn_not_stored(self, error: Exception) -> None:
        """Warn, once per recorder, that answers are returned but not recorded.

        The answer was paid for: whatever keeps it off the disk must not keep it from the caller.
        """
        if not self._has_warned:
            self._has_warned = True
            # The system's own text; the exception's would repeat a path of a temporary file.
            cause = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
            warn(
                f"This answer was not recorded in {self.display_path}: {redact(cause)}. Calls "
                "return their answers all the same; those that cannot be stored are sent again "
                "the next time."
            )

    def blocked_error(self, method: str, url: str) -> errors.NotRecordedError:
        """Build the error for a request besides the tasks' own, while nothing may be sent."""
        return errors.NotRecordedError(
            f"Recordings are replayed, so {method} {bare_url(url)} was not sent: only the answers "
            "of tasks are recorded.",
            advice="hf.recordings.off() or mode='auto' allows it.",
        )

    def _find_recording(self, request: RequestFingerprint) -> StoredAnswer | None:
        try:
            return self.store.read(request)
        except errors.OutputError as error:
            # A torn file holds no answer, and asking again replaces it. A folder that cannot be
            # read must not keep a program from its answers either: storing them will warn.
            is_unreadable = isinstance(error.__cause__, OSError)
            if self.mode == "auto" and (is_unreadable or self.store.is_torn(request)):
                return None
            raise

    def _replay(self, call: InterceptedCall, ask: Infer, found: StoredAnswer) -> Flow[Any]:
        served = found["served"]
        call.provenance = Provenance(
            served["provider"],
            served["model"],
            served["seconds"],
            datetime.datetime.fromisoformat(found["recorded"]),
            served["first_token_seconds"],
        )
        if not ask.stream:
            return (yield Blocking(functools.partial(self.store.files.unpack, found.get("answer"))))
        # The task reads the stream's bytes as if they came from a server.
        call.replayed_stream = StoredStream(found.get("chunks", []))
        return Reply(200, {"content-type": "text/event-stream"})

    def _store_answer(self, call: InterceptedCall, request: RequestFingerprint, raw: Any) -> Any:
        """Write an answer and return it as a replay will: the same to the order of its keys.

        Only the file is freed of secrets; the caller gets what the server sent.
        """
        served = Provenance.from_meta_now(call.meta())
        packed = self.store.files.pack(raw)
        self.store.write(request, served, call.collect_secrets(), answer=packed)
        # Through JSON, as a replay: keys in the file's order, tuples as lists.
        answer = self.store.files.unpack(json.loads(to_pretty_json(packed)))
        call.provenance = served
        return answer

    def _build_missing_error(self, request: RequestFingerprint) -> errors.NotRecordedError:
        asked = request.description
        model = f" by {asked['model']}" if asked["model"] else ""
        text = json.dumps(asked["inputs"], ensure_ascii=False)
        inputs = text if len(text) <= MAX_SHOWN_INPUTS else f"{text[:MAX_SHOWN_INPUTS]}…"
        nearest = self.store.describe_nearest(request)
        return errors.NotRecordedError(
            f"No recording of {asked['task']}{model} of {inputs} in {self.display_path} "
            f"({request.key}), and nothing is sent while recordings are replayed.",
            advice=f"{nearest} To record it, run this once with mode='auto', in a cell with "
            "--cache, in pytest with --hf-record.".lstrip(),
        )


class RecordedStream:
    """Records a stream while it is read; one that is left early is not stored."""

    def __init__(
        self,
        recorder: Recorder,
        request: RequestFingerprint,
        content_type: str,
        call: InterceptedCall,
    ) -> None:
        self._recorder, self._request, self._call = recorder, request, call
        self._decoder = AnswerStream(content_type)
        self._events: list[bytes] = []

    def record(self, chunks: Iterator[bytes], meta: Meta) -> Iterator[bytes]:
        """Pass the bytes on; once they have ended, store them."""
        for data in chunks:
            self._events += self._decoder.feed(data)
            yield data
        # Not in a `finally`: a stream that was left early is incomplete and must not be replayed.
        self._warn(self._store(meta))

    async def arecord(
        self, chunks: AsyncGenerator[bytes, None], meta: Meta
    ) -> AsyncGenerator[bytes, None]:
        """Pass the bytes on, awaiting them; once they have ended, store them."""
        async with contextlib.aclosing(chunks):
            async for data in chunks:
                self._events += self._decoder.feed(data)
                yield data
        import anyio

        self._warn(await anyio.to_thread.run_sync(self._store, meta))

    def _warn(self, error: Exception | None) -> None:
        if error is not None:
            self._recorder.warn_not_stored(error)

    def _store(self, meta: Meta) -> Exception | None:
        """Write the stream; return what prevents it, since its reader has the answer already."""
        store = self._recorder.store
        try:
            events = (*self._events, *self._decoder.finish())
            chunks = store.files.pack([json.loads(event) for event in events])
            # A stream ends with its last byte, long after its reply began.
            meta.seconds = time.perf_counter() - self._call.start_time
            served = Provenance.from_meta_now(meta)
            store.write(self._request, served, self._call.collect_secrets(), chunks=chunks)
        except (OSError, TypeError, ValueError, RecursionError) as error:
            return error
        # The live result shows the rounded times that a replay will show.
        served.apply_to_meta(meta)
        return None


class StoredStream:
    """A recorded stream, in the form of a connection that yields its bytes without waiting."""

    def __init__(self, chunks: list[Any]) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            yield b"data: " + json.dumps(chunk).encode() + b"\n\n"
        yield b"data: [DONE]\n\n"

    async def aiter(self) -> AsyncGenerator[bytes, None]:
        """Yield the bytes, and let other tasks run between them."""
        from anyio.lowlevel import checkpoint

        for data in self:
            yield data
            await checkpoint()

    async def aclose(self) -> None:
        """Do nothing: no connection is open."""

    def release(self) -> None:
        """Do nothing: no connection is open."""

    abort = discard = release
