"""The folder of recordings: one JSON file an answer, media in `files/` beside."""

import contextlib
import datetime
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hfwidgets import errors
from hfwidgets.core.meta import Meta
from hfwidgets.recorder.fingerprint import RequestFingerprint
from hfwidgets.recorder.media_files import MediaFiles, to_pretty_json, write_atomic
from hfwidgets.results import Elements
from hfwidgets.results.record import Record

VERSION = 1
FILES_FOLDER = "files"
MAX_COMPARED = 200
"""How many recordings are looked through for the one nearest to a question without any."""

_NAME = re.compile(r"[0-9a-f]{32}\.json")

_MERGE_CONFLICT = re.compile(
    rb"^<<<<<<<[^\n]*\n(.*?)(?:^\|{7}[^\n]*\n.*?)?^=======\r?\n.*?^>>>>>>>[^\n]*(?:\n|\Z)",
    re.DOTALL | re.MULTILINE,
)
"""What git writes where two branches differ: ours, the base for some styles, theirs."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who gave an answer, how long it took in seconds, and when, for one that is kept."""

    provider: str
    model: str | None
    seconds: float
    recorded: datetime.datetime | None = None
    first_token_seconds: float | None = None

    @classmethod
    def from_meta_now(cls, meta: Meta) -> "Provenance":
        """What is kept of a call that has just been answered."""
        return replace(cls.from_meta(meta), recorded=utc_now())

    @classmethod
    def from_meta(cls, meta: Meta) -> "Provenance":
        """What a result knows of it."""
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
    """The moment, to the second, in UTC."""
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)


class Recording(Record):
    """One recorded answer: what was asked, who answered, when it was recorded, in which file."""

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

    def answer_path(self, question: RequestFingerprint) -> Path:
        """Where the answer to a question is, or would be."""
        return self.folder / question.task / f"{question.key}.json"

    def read(self, question: RequestFingerprint) -> dict[str, Any] | None:
        """The recorded answer to a question, its media still as files; None when there is none."""
        path = self.answer_path(question)
        try:
            found = load_recording(path)
            if found["version"] > VERSION:
                raise errors.ConfigurationError(
                    f"{path} was recorded by a newer hfwidgets: upgrade, or record it anew."
                )
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError) as error:
            if isinstance(error, errors.HfWidgetsError):
                raise
            raise errors.OutputError(
                f"The recording {path} cannot be read ({type(error).__name__}: {error}). If a "
                "merge left marks in it, mend them; else delete it and record it anew."
            ) from error
        return found

    def write(self, question: RequestFingerprint, served: Provenance, **answer: Any) -> None:
        """Keep an answer: `answer=` a whole one, or `chunks=` a stream's; both packed already."""
        found = {
            "asked": question.description,
            "recorded": (served.recorded or utc_now()).isoformat(),
            "served": {
                "model": served.model,
                "provider": served.provider,
                "seconds": served.seconds,
                "first_token_seconds": served.first_token_seconds,
            },
            "version": VERSION,
            **answer,
        }
        write_atomic(
            self.answer_path(question), to_pretty_json(found).encode("utf-8", "surrogatepass")
        )

    def iter_paths(self) -> Iterator[Path]:
        """The files of all recordings, by task and name."""
        for path in sorted(self.folder.glob("*/*.json")):
            if _NAME.fullmatch(path.name):
                yield path

    def list(self) -> Elements[Recording]:
        """All recordings, the latest first."""
        found = [_list_entry(path) for path in self.iter_paths()]
        return Elements(sorted(found, key=lambda row: str(row["recorded"]), reverse=True))

    def clear(self) -> int:
        """Delete all recordings and their files, nothing else; returns how many there were."""
        gone = list(self.iter_paths())
        media = [
            p
            for p in (self.folder / FILES_FOLDER).glob("*.*")
            if re.match(r"[0-9a-f]{32}\.", p.name)
        ]
        for path in (*gone, *media):
            path.unlink(missing_ok=True)
        for folder in {path.parent for path in (*gone, *media)}:
            with contextlib.suppress(OSError):  # not empty, or another kernel records into it
                folder.rmdir()
        return len(gone)

    def describe_nearest(self, question: RequestFingerprint) -> str:
        """How the most similar recording of the task differs, as a sentence; empty without any."""
        best: list[str] | None = None
        for path in list((self.folder / question.task).glob("*.json"))[:MAX_COMPARED]:
            try:
                asked = load_recording(path)["asked"]
            except (OSError, ValueError, TypeError, KeyError):
                continue
            found = _find_differences(question.description, asked)
            if best is None or len(found) < len(best):
                best = found
        return f" The nearest recording differs in {', '.join(best)}." if best else ""


def load_recording(path: Path) -> dict[str, Any]:
    """What a file holds; where git left both sides of a merge in it, this branch's.

    Both are answers to the same question. In JSON no line of a text can look like git's marks.
    """
    found: dict[str, Any] = json.loads(_MERGE_CONFLICT.sub(rb"\1", path.read_bytes()))
    return found


def _list_entry(path: Path) -> Recording:
    """A recording's row; one that cannot be read says so in place of its inputs."""
    try:
        return _build_recording(load_recording(path), path)
    except (OSError, ValueError, TypeError, KeyError):
        why = "(cannot be read: mend the marks that a merge left, or delete it)"
        task, file = path.parent.name, f"{path.parent.name}/{path.name}"
        return Recording(
            task=task, model=None, provider=None, inputs=why, recorded="unknown", file=file
        )


def _build_recording(found: dict[str, Any], path: Path) -> Recording:
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


def _find_differences(asked: dict[str, Any], other: dict[str, Any]) -> list[str]:
    names = dict.fromkeys([*asked, *other])
    unlike = [n for n in names if n != "parameters" and asked.get(n) != other.get(n)]
    found = [n if n == "inputs" else _describe_difference(n, asked, other) for n in unlike]
    mine, theirs = asked.get("parameters") or {}, other.get("parameters") or {}
    changed = (n for n in dict.fromkeys([*mine, *theirs]) if mine.get(n) != theirs.get(n))
    return found + [_describe_difference(n, mine, theirs) for n in changed]


def _describe_difference(name: str, here: Mapping[str, Any], there: Mapping[str, Any]) -> str:
    return f"{name} ({_shorten(there.get(name))} there, {_shorten(here.get(name))} here)"


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
