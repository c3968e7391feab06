"""Stores a run's rows in a file, so that a second run processes only the rest.

The format is JSON lines: a header that names the task, the model and the parameters, then one line
per row that has ended, in the order in which they ended. Media are files in `<name>.files/`.

    {"hfwidgets": "rows", "version": 1, "began": ..., "task": ..., "model": ..., ...}
    {"row": 0, "key": "0f3c...", "at": ..., "served": {...}, "inputs": {...}, "answer": ...}
    {"row": 1, "key": "9a40...", "at": ..., "inputs": {...}, "error": {...}}

What a reader may rely on:

* A line is written in one piece and handed to the operating system before its row counts as done:
  killing the process loses no finished row. The disk is synchronized (fsync) once a second and at
  the end, so a power failure may cost the last second.
* Lines are only appended. The last line of a row counts. A line that was torn by a crash or a full
  disk, and any line that is not a row, is skipped, and its row is processed again.
* Rows that were inserted, removed or sorted since find their answers by their key.
* The file is readable by its owner only, and one run has it at a time. It holds inputs and answers
  in clear text, but never a token.
"""

import contextlib
import errno
import io
import json
import os
import re
import threading
from array import array
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import msgspec

from hfwidgets import errors
from hfwidgets.batch._row_arguments import Arguments
from hfwidgets.batch._row_index import AnswerIndex
from hfwidgets.batch._worker import Failure
from hfwidgets.calls.known_secrets import secrets_in_url
from hfwidgets.calls.settings import is_url
from hfwidgets.errors.secrets import redact_data
from hfwidgets.recorder import fingerprint
from hfwidgets.recorder.media_files import MediaFiles
from hfwidgets.recorder.store import Provenance, utc_now

VERSION = 1

MAX_ROW_GAP = 1_000_000
"""By how much a row's number may exceed the number of lines before it; a larger one is junk."""

NO_LINE = 0
"""Stands for the missing line of a pending row: at offset 0 is the header."""

MAX_INT32 = 2**31 - 1

_KEY = re.compile(rb'\{"row": \d+, "key": "([0-9a-f]{16})"')
"""Matches the start of a line as this module writes it."""

_UNWRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT)
"""Errors of a disk or folder that does not accept data; others mean that the path is wrong."""


class AnswerOrigin(msgspec.Struct, frozen=True):
    """Who answered a row, and in how many seconds."""

    provider: str
    model: str | None = None
    seconds: float = 0.0


class RowLine(msgspec.Struct, frozen=True, kw_only=True):
    """One row's line.

    Attributes:
        row: The row's position among the rows, from 0.
        key: The hash of its arguments, see `_row_identity`.
        at: When the row ended.
        inputs: Its arguments, see `serialize_inputs`.
        served: Who answered, None for a failed row.
        answer: The provider's raw answer with its media as files, unset for a failed row.
        error: Why the row failed, None for an answered one.
    """

    row: Annotated[int, msgspec.Meta(ge=0)]
    key: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{16}\Z")]
    at: datetime
    inputs: dict[str, Any]
    served: AnswerOrigin | None = None
    answer: Any = msgspec.UNSET
    error: Failure | None = None

    @property
    def provenance(self) -> Provenance:
        """Return who gave the answer, and when."""
        assert self.served is not None
        served = self.served
        return Provenance(served.provider, served.model, served.seconds, self.at)

    @property
    def is_whole(self) -> bool:
        """True if the line holds an answer with its origin, or an error."""
        return self.error is not None or (
            self.served is not None and self.answer is not msgspec.UNSET
        )


class Journal:
    """An open file of rows.

    Memory holds 4 bytes per row, 8 in a file above 2 GiB: where its line begins. The lines stay on
    disk, and with them the keys.

    Args:
        path: The file; it is created if missing.
        header: What the rows are answers to; a file with another header is refused.
        hidden: Texts that are never written.

    Attributes:
        path: The file.
        files: The folder of the rows' media.
        storage_error: Why the file cannot be written, None while it can be.

    Raises:
        ConfigurationError: the file belongs to another task, model or parameters, is not a file of
            rows, or is in use by another run.
    """

    def __init__(self, path: Path, header: Mapping[str, Any], hidden: tuple[str, ...] = ()) -> None:
        self.path = path
        self.files = MediaFiles(path.with_name(f"{path.name}.files"))
        self.storage_error: OSError | None = None
        self._secrets = hidden
        # Where the rows' lines begin; negative for a failed row. A typed array, since a run may
        # have millions of rows: a list of integers would take ten times the memory.
        self._lines = array("i")
        # Answers whose row was taken by another one: lines by key. They are found again, whether
        # the rows were cut off by a limit or come later in the same file.
        self._displaced: dict[int, int] = {}
        self._answer_index: AnswerIndex | None = None
        self._lock = threading.RLock()  # rows are read in one thread and answered in another
        # Bytes that must precede the next line: a header that could not be written yet, or the
        # end of a torn line. Both are written together with that line.
        self._prefix = b""
        self._file: int | None = None
        # Stands in for a file that cannot be read: it holds no rows.
        self._reader: BinaryIO = io.BytesIO()
        try:
            self._open()
            self._load(header)
        except BaseException:
            self._reader.close()
            if self._file is not None:
                os.close(self._file)
            raise

    def _open(self) -> None:
        """Open the file for appending and for reading; without write access, for reading only."""
        try:
            # A pipe or device would block, or never end when it is read.
            if self.path.exists() and not (self.path.is_file() or self.path.is_dir()):
                raise OSError(errno.EINVAL, "It is not a regular file")
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            # A disk that accepts no data may still hold an earlier run's answers: this run reads
            # them, and its own rows stay in memory.
            if error.errno not in _UNWRITABLE:
                raise errors.ConfigurationError(
                    f"Rows cannot be stored in {str(self.path)[:200]}: {error.strerror}. Pass "
                    "resume= the path of a file."
                ) from error
            self.storage_error = error
        else:
            _lock_file(self._file, self.path)
        with contextlib.suppress(OSError):
            self._reader = self.path.open("rb")

    def _load(self, header: Mapping[str, Any]) -> None:
        line = self._reader.readline()
        if not line:
            began = {"hfwidgets": "rows", "version": VERSION, "began": _timestamp()}
            self._prefix = self._encode({**began, **header})
            with contextlib.suppress(OSError):  # it is tried again with the first row
                self._append(b"")
            return
        _check_header(self.path, _parse_object(line), header)
        offset, count = len(line), 0
        for line in self._reader:
            # Without the bound, one damaged number would extend the arrays by billions of items.
            if (row := parse_line(line)) is not None and row.row <= count + MAX_ROW_GAP:
                self._set_offset(row.row, offset, row.key, is_failed=row.error is not None)
                count += 1
            offset += len(line)
            self._reader.seek(offset)  # another line may have been read, for its key
        # The last line that was read. It is not a torn header: that one was refused above.
        if not line.endswith(b"\n"):
            self._prefix = b"\n"  # ends the torn line, which is skipped from then on

    def _set_offset(self, index: int, offset: int, key: str, *, is_failed: bool) -> None:
        if offset > MAX_INT32 and self._lines.typecode == "i":
            self._lines = array("q", self._lines)
        missing = index + 1 - len(self._lines)
        if missing > 0:
            self._lines.extend([NO_LINE] * missing)
        if self.state(index) == "done":
            old = self._read_key(index)
            if old is not None and old != key:
                self._displaced[int(old, 16)] = self._lines[index]
        self._lines[index] = -offset if is_failed else offset
        if not is_failed and self._displaced:
            self._displaced.pop(int(key, 16), None)

    def _read_key(self, index: int) -> str | None:
        """Return the key of a row's line; None without a line."""
        if index >= len(self._lines) or self._lines[index] == NO_LINE:
            return None
        line = self._read_bytes_at(abs(self._lines[index]))
        # The whole of a line may be long, and a resumed run reads the keys of all.
        if (found := _KEY.match(line)) is not None:
            return found[1].decode()
        parsed = parse_line(line)
        return parsed.key if parsed is not None else None

    def __len__(self) -> int:
        """Return the number of rows up to the last one that has a line."""
        return len(self._lines)

    def state(self, index: int) -> str:
        """Return `done`, `failed` or `pending`."""
        if index >= len(self._lines) or self._lines[index] == NO_LINE:
            return "pending"
        return "failed" if self._lines[index] < 0 else "done"

    def has_answer(self, index: int, key: str) -> bool:
        """True if the row is answered and its arguments are still those that were answered."""
        with self._lock:
            return self.state(index) == "done" and self._read_key(index) == key

    def claim_answer(self, index: int, key: str) -> bool:
        """True if a stored answer belongs to this row; it then stands in the row's place.

        Rows must be claimed one after the other. While all rows are where they were, that is a
        look at the row's own line. From the first row on that has another line, or none, answers
        are looked up by their keys, and an answer found at another row is copied to this one.
        """
        with self._lock:
            if self._answer_index is None:
                if self._read_key(index) == key:
                    return self.state(index) == "done"
                # The rows before this one have claimed the answers at their own places.
                self._answer_index = AnswerIndex(self._iter_answers_from(index))
            return self._claim_moved(self._answer_index, index, key)

    def _iter_answers_from(self, index: int) -> Iterator[tuple[int, int]]:
        """Yield keys and offsets of the answers at this row, after it, and without a row."""
        for at in range(index, len(self._lines)):
            if self.state(at) == "done" and (key := self._read_key(at)) is not None:
                yield int(key, 16), self._lines[at]
        if not self._displaced:
            return
        # An answer that was moved is at its new row, too.
        placed = {self._read_key(at) for at in range(len(self._lines))}
        for number, offset in self._displaced.items():
            if f"{number:016x}" not in placed:
                yield number, offset

    def _claim_moved(self, answers: AnswerIndex, index: int, key: str) -> bool:
        own = self._lines[index] if index < len(self._lines) else NO_LINE
        offset = answers.claim(int(key, 16))
        if offset is None:
            return False
        if offset != own:
            # Without a copy (the disk is full) the row still reads the line where it is.
            with contextlib.suppress(OSError, ValueError):
                line = json.loads(self._read_bytes_at(offset))
                offset = self._append(self._encode({**line, "row": index}))
            self._set_offset(index, offset, key, is_failed=False)
        return True

    def read_line(self, index: int) -> RowLine:
        """Return a row's line, with its media still as files.

        Raises:
            OutputError: the file was changed by something else since.
        """
        with self._lock:
            # The reader has one position, which another read or a failed write would move.
            line = parse_line(self._read_bytes_at(abs(self._lines[index])))
        if line is None:
            raise errors.OutputError(f"Row {index} cannot be read: {self.path} was changed.")
        return line

    def _read_bytes_at(self, offset: int) -> bytes:
        if self._reader.closed:  # the run has ended, and its result reads a row now and then
            with self.path.open("rb") as reader:
                reader.seek(offset)
                return reader.readline()
        self._reader.seek(offset)
        return self._reader.readline()

    def write_answer(
        self, index: int, key: str, inputs: Arguments, raw: Any, served: Provenance
    ) -> None:
        """Store a row's answer.

        Raises:
            OSError: the disk does not accept it; the file then ends with its last whole line.
        """
        origin = {"model": served.model, "provider": served.provider, "seconds": served.seconds}
        line = {"row": index, "key": key, "at": _timestamp(), "served": origin, "inputs": inputs}
        self._write_row(index, key, {**line, "answer": self.files.pack(raw)}, is_failed=False)

    def write_failure(self, index: int, key: str, inputs: Arguments, failure: Failure) -> None:
        """Store why a row has no answer; raises OSError as `write_answer` does."""
        reason = {"kind": failure.kind, "message": failure.message, "status": failure.status}
        line = {"row": index, "key": key, "at": _timestamp(), "inputs": inputs, "error": reason}
        self._write_row(index, key, line, is_failed=True)

    def _write_row(self, index: int, key: str, line: Mapping[str, Any], *, is_failed: bool) -> None:
        with self._lock:
            offset = self._append(self._encode(line))
            self._set_offset(index, offset, key, is_failed=is_failed)

    def _encode(self, line: Mapping[str, Any]) -> bytes:
        # A row may have an endpoint of its own, whose server repeats the key.
        model = line.get("inputs", {}).get("model")
        own = secrets_in_url(model) if isinstance(model, str) and is_url(model) else []
        plain = redact_data(dict(line), (*self._secrets, *own))
        text = json.dumps(plain, ensure_ascii=False, default=_describe_opaque)
        return text.encode("utf-8", "surrogatepass") + b"\n"  # a lone surrogate of a server's text

    def _append(self, data: bytes) -> int:
        """Append a line and return its offset; OSError leaves no half line for the next to join."""
        if self._file is None:
            raise self.storage_error or OSError(errno.EBADF, "The run has ended")
        # O_APPEND writes at the end, and the lock admits one writer at a time, so the size before
        # the write is where the data begins.
        end = os.fstat(self._file).st_size
        rest = memoryview(self._prefix + data)
        try:
            while rest:  # a disk that is nearly full accepts a part, and fails with the next one
                rest = rest[os.write(self._file, rest) :]
        # An interrupt between two writes leaves half a line, just as a full disk does.
        except BaseException as error:
            if isinstance(error, OSError):
                self.storage_error = error
            self._cut_off(self._file, end)
            raise
        offset = end + len(self._prefix)
        # A write that succeeds shows that the disk accepts data again.
        self._prefix, self.storage_error = b"", None
        return offset

    def _cut_off(self, file: int, end: int) -> None:
        try:
            os.ftruncate(file, end)
        except OSError:
            # What cannot be cut off is ended by a line break and skipped as a torn line. An empty
            # file still needs its header, which is in the prefix already.
            if os.fstat(file).st_size != end and end:
                self._prefix = b"\n"
        self._reader.seek(0, os.SEEK_END)  # drops what was read ahead of the part cut off

    def sync(self) -> None:
        """Wait until the disk has everything; an OSError is kept in `storage_error`."""
        if self._file is not None:
            try:
                os.fsync(self._file)
            except OSError as error:
                self.storage_error = error

    def close(self) -> None:
        """Synchronize the disk and release the file; rows can still be read."""
        # Before the lock is taken, since an fsync may take seconds.
        self.sync()
        with self._lock:
            self._reader.close()
            if self._file is not None:
                os.close(self._file)  # which ends the lock
                self._file = None


def serialize_inputs(arguments: Arguments) -> dict[str, Any]:
    """Return a row's arguments as a line holds them: plain data, paths, other media by hash."""
    return {name: _serialize_input(value) for name, value in arguments.items()}


def _serialize_input(value: object) -> Any:
    if isinstance(value, os.PathLike):
        return {"$path": os.fspath(value)}
    return fingerprint.to_plain(value)


def _describe_opaque(value: object) -> dict[str, str | None]:
    """Describe an object that JSON cannot hold, in the form of media that are known by hash."""
    return {"sha256": None, "type": type(value).__name__}


def restore_inputs(inputs: Mapping[str, Any]) -> Arguments:
    """Return the arguments that a line holds; KeyError for media that it knows by hash only."""
    found: Arguments = {}
    for name, value in inputs.items():
        if isinstance(value, dict) and "sha256" in value:
            raise KeyError(name)
        is_path = isinstance(value, dict) and "$path" in value
        found[name] = Path(value["$path"]) if is_path else value
    return found


def parse_line(data: bytes) -> RowLine | None:
    """Return the row of a line; None for a torn line and for one that is not a row."""
    found = _parse_object(data)
    if found is None or isinstance(found.get("row"), bool):
        return None
    try:
        line = msgspec.convert(found, RowLine)
    except msgspec.ValidationError:
        return None
    return line if line.is_whole else None


def _parse_object(line: bytes) -> dict[str, Any] | None:
    """Return a line's object; None for a torn one and for what is not an object."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and line.endswith(b"\n") else None


def _check_header(path: Path, found: dict[str, Any] | None, header: Mapping[str, Any]) -> None:
    version = found.get("version") if found is not None else None
    if found is None or found.get("hfwidgets") != "rows" or not isinstance(version, int):
        raise errors.ConfigurationError(
            f"{path} is not a file of rows: pass resume= another path, or delete it."
        )
    if version > VERSION:
        raise errors.ConfigurationError(f"{path} was written by a newer hfwidgets: upgrade.")
    # The stored header went through JSON, which turns tuples into lists.
    plain = json.loads(json.dumps(header))
    other = [
        f"{name} ({found.get(name)!r} there, {value!r} here)"
        for name, value in plain.items()
        if found.get(name) != value
    ]
    if other:
        raise errors.ConfigurationError(
            f"{path} holds answers to something else: it differs in {', '.join(other)}. Pass "
            "resume= another path, or delete it."
        )


def _timestamp() -> str:
    return utc_now().isoformat()


def _lock_file(file: int, path: Path) -> None:
    """Lock the file for this process; the system releases the lock however the process ends."""
    try:
        import fcntl
    except ImportError:  # Windows, where two runs at once would process the same rows twice
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise errors.ConfigurationError(
            f"Another run is writing to {path}: wait for its end, or pass resume= another path."
        ) from error
    except OSError:  # a file system without locks, as some network drives are
        return
