"""Read and write a folder of recordings: one JSON file per answer, media in `files/`."""

import contextlib
import datetime
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from hfwidgets import errors
from hfwidgets.core.meta import Meta
from hfwidgets.errors.secrets import redact_data
from hfwidgets.recorder.fingerprint import RequestFingerprint
from hfwidgets.recorder.media_files import MediaFiles, to_pretty_json, write_atomic
from hfwidgets.results import Elements
from hfwidgets.results.record import Record

VERSION = 1
FILES_FOLDER = "files"
MAX_COMPARED = 200
"""How many recordings are searched for the one nearest to a request without a recording."""

_NAME = re.compile(r"[0-9a-f]{32}\.json")
_MEDIA_NAME = re.compile(r"[0-9a-f]{32}\.")

# The lines that git writes where two branches differ: ours, the base in some styles, theirs.
_MERGE_CONFLICT = re.compile(
    rb"^<<<<<<<[^\n]*\n(.*?)(?:^\|{7}[^\n]*\n.*?)?^=======\r?\n.*?^>>>>>>>[^\n]*(?:\n|\Z)",
    re.DOTALL | re.MULTILINE,
)

# What reading a file may raise that is not in the form that `RecordingStore.write` gives it.
_READ_ERRORS = (OSError, ValueError, TypeError, KeyError, RecursionError)


class StoredOrigin(TypedDict):
    """Who gave a stored answer, as the file says it."""

    provider: str
    model: str | None
    seconds: float
    first_token_seconds: float | None


class StoredAnswer(TypedDict):
    """The content of a recording's file; `answer` or, for a stream, `chunks` is there."""

    version: int
    asked: dict[str, Any]
    recorded: str
    served: StoredOrigin
    answer: NotRequired[Any]
    chunks: NotRequired[list[Any]]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who gave an answer, how long it took in seconds, and when it was recorded, if it was."""

    provider: str
    model: str | None
    seconds: float
    recorded: datetime.datetime | None = None
    first_token_seconds: float | None = None

    @classmethod
    def from_meta_now(cls, meta: Meta) -> "Provenance":
        """Return what is stored about a call that was answered just now."""
        return replace(cls.from_meta(meta), recorded=utc_now())

    @classmethod
    def from_meta(cls, meta: Meta) -> "Provenance":
        """Return what a result's meta holds."""
        first = meta.first_token_seconds
        return cls(
            meta.provider,
            meta.model,
            round(meta.seconds, 3),
            meta.recorded,
            None if first is None else round(first, 3),
        )

    def apply_to_meta(self, meta: Meta) -> None:
        """Write it on a result's meta."""
        meta.set_origin(self.provider, self.model)
        meta.seconds, meta.first_token_seconds = self.seconds, self.first_token_seconds
        meta.recorded = self.recorded


def utc_now() -> datetime.datetime:
    """Return the time in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)


class Recording(Record):
    """One recorded answer: its request, who answered, when it was recorded, in which file."""

    task: str
    model: str | None
    provider: str | None
    inputs: str
    recorded: str
    file: str


class RecordingStore:
    """A folder of recordings."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = MediaFiles(folder / FILES_FOLDER)

    def answer_path(self, request: RequestFingerprint) -> Path:
        """Return the path of the recording of a request, whether or not there is one."""
        return self.folder / request.task / f"{request.key}.json"

    def read(self, request: RequestFingerprint) -> StoredAnswer | None:
        """Return the recorded answer to a request, its media still as files; None without one.

        Raises:
            ConfigurationError: A newer version of hfwidgets recorded it.
            OutputError: The file cannot be read.
        """
        path = self.answer_path(request)
        try:
            found = load_recording(path)
            # In an edited file the version may be missing or a text, which counts as unreadable.
            is_newer = found["version"] > VERSION
        except (FileNotFoundError, NotADirectoryError):
            return None
        except _READ_ERRORS as error:
            raise errors.OutputError(
                f"The recording {path} cannot be read ({type(error).__name__}: {error}).",
                advice="If a merge left marks in it, resolve them; else delete it and record it "
                "again.",
            ) from error
        if is_newer:
            raise errors.ConfigurationError(
                f"{path} was recorded by a newer version of hfwidgets.",
                advice="Upgrade hfwidgets, or record the answer again.",
            )
        return found

    def is_torn(self, request: RequestFingerprint) -> bool:
        """True if a recording holds less than it should, as after a loss of power.

        Such a file is worth nothing; one that a merge left marks in is worth repairing.
        """
        try:
            data = self.answer_path(request).read_bytes()
        except OSError:
            return False
        # The format ends with a brace, and its writing is not waited for (fsync).
        return b"<<<<<<<" not in data and not data.rstrip().endswith(b"}")

    def write(
        self,
        request: RequestFingerprint,
        served: Provenance,
        secrets: tuple[str, ...],
        *,
        answer: Any = None,
        chunks: list[Any] | None = None,
    ) -> None:
        """Write an answer whose media are packed already.

        Args:
            request: What was asked.
            served: Who answered.
            secrets: The secrets of the call, which neither request nor answer repeats in the file.
            answer: A whole answer, unless `chunks` is passed.
            chunks: The chunks of a stream.

        Raises:
            OSError: The disk is full, or the folder cannot be written to.
            TypeError, ValueError: The answer cannot be written as JSON.
        """
        found = {
            "asked": redact_data(request.description, secrets),
            "recorded": (served.recorded or utc_now()).isoformat(),
            "served": {
                "model": served.model,
                "provider": served.provider,
                "seconds": served.seconds,
                "first_token_seconds": served.first_token_seconds,
            },
            "version": VERSION,
            **redact_data({"answer": answer} if chunks is None else {"chunks": chunks}, secrets),
        }
        text = to_pretty_json(found)
        # A server's half of a surrogate pair is not UTF-8, but an answer all the same.
        write_atomic(self.answer_path(request), text.encode("utf-8", "surrogatepass"))

    def iter_paths(self) -> Iterator[Path]:
        """Yield the files of all recordings, by task and name."""
        for path in sorted(self.folder.glob("*/*.json")):
            if _NAME.fullmatch(path.name):
                yield path

    def list(self) -> Elements[Recording]:
        """Return all recordings, the latest first."""
        found = [_list_entry(path) for path in self.iter_paths()]
        return Elements(sorted(found, key=lambda row: str(row["recorded"]), reverse=True))

    def clear(self) -> int:
        """Delete all recordings and their files, and nothing else; return their number."""
        recordings = list(self.iter_paths())
        files = (self.folder / FILES_FOLDER).glob("*.*")
        # The folder may be the user's and hold other files: only names that we form are deleted.
        media = [path for path in files if _MEDIA_NAME.match(path.name)]
        for path in (*recordings, *media):
            path.unlink(missing_ok=True)
        for folder in {path.parent for path in (*recordings, *media)}:
            with contextlib.suppress(OSError):  # not empty, or another kernel records into it
                folder.rmdir()
        return len(recordings)

    def describe_nearest(self, request: RequestFingerprint) -> str:
        """Return a sentence on how the most similar recording differs; empty without any."""
        best: list[str] | None = None
        for path in list((self.folder / request.task).glob("*.json"))[:MAX_COMPARED]:
            try:
                found = _find_differences(request.description, load_recording(path)["asked"])
            # In an edited file the request may be any JSON, such as a list, which has no `get`.
            except (*_READ_ERRORS, AttributeError):
                continue
            if best is None or len(found) < len(best):
                best = found
        return f"The nearest recording differs in {', '.join(best)}." if best else ""


def load_recording(path: Path) -> StoredAnswer:
    """Return the content of a file; where git left both sides of a merge in it, this branch's.

    Both sides are answers to the same request. No line of JSON can look like git's marks.

    Raises:
        OSError, ValueError, TypeError: The file cannot be read.
    """
    found: StoredAnswer = json.loads(_MERGE_CONFLICT.sub(rb"\1", path.read_bytes()))
    return found


def _list_entry(path: Path) -> Recording:
    """Return a recording's row; for one that cannot be read, the cause in place of its inputs."""
    try:
        return _build_recording(load_recording(path), path)
    except _READ_ERRORS:
        why = "(cannot be read: resolve the marks that a merge left, or delete it)"
        task, file = path.parent.name, f"{path.parent.name}/{path.name}"
        return Recording(
            task=task, model=None, provider=None, inputs=why, recorded="unknown", file=file
        )


def _build_recording(found: StoredAnswer, path: Path) -> Recording:
    asked = found["asked"]
    text = json.dumps(asked["inputs"], ensure_ascii=False)
    return Recording(
        task=asked["task"],
        model=asked["model"] or found["served"]["model"],
        provider=asked["provider"] or found["served"]["provider"],
        inputs=text if len(text) <= 80 else f"{text[:80]}…",
        recorded=found["recorded"],
        file=f"{path.parent.name}/{path.name}",
    )


def _find_differences(asked: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    names = dict.fromkeys([*asked, *other])
    unlike = [n for n in names if n != "parameters" and asked.get(n) != other.get(n)]
    found = [n if n == "inputs" else _describe_difference(n, asked, other) for n in unlike]
    mine, theirs = asked.get("parameters") or {}, other.get("parameters") or {}
    changed = (n for n in dict.fromkeys([*mine, *theirs]) if mine.get(n) != theirs.get(n))
    return found + [_describe_difference(n, mine, theirs) for n in changed]


def _describe_difference(name: str, here: Mapping[str, Any], there: Mapping[str, Any]) -> str:
    return f"{name} ({_shorten(there.get(name))} there, {_shorten(here.get(name))} here)"


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
