"""The file that a run keeps its rows in, so that a second run does only the rest.

JSON lines: a header that names the task, the model and the parameters, then one line for each row
that has ended, in the order in which they ended. Media are files beside it, in `<name>.files/`.

A line is written in one piece and handed to the operating system before the row counts as done:
killing the process loses no finished row. The disk itself is waited for (fsync) once a second and
at the end: a loss of power may cost the last second. Rows that were put in, taken out or sorted
since find their answers by what was asked. Lines are only ever appended; one that was
torn is passed over, and its row is asked again. The file is for its owner alone, and one run's at a
time. It holds inputs and answers in clear, never a token.
"""

import contextlib
import json
import os
import re
import threading
from array import array
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from hfwidgets import errors
from hfwidgets.batch._row_index import AnswerIndex
from hfwidgets.batch._worker import Failure
from hfwidgets.errors.secrets import redact_data
from hfwidgets.recorder import fingerprint
from hfwidgets.recorder.media_files import MediaFiles
from hfwidgets.recorder.store import Provenance, utc_now

VERSION = 1

NO_OFFSET = -1


class Journal:
    """An open file of rows.

    Args:
        path: the file; it is made when it is not there.
        header: what the rows are answers to, in words that can be compared.
        hidden: texts that are never written.

    Raises:
        ConfigurationError: the file is of another task, model or parameters, or is no such file, or
            another run has it.
    """

    def __init__(self, path: Path, header: Mapping[str, Any], hidden: tuple[str, ...] = ()) -> None:
        self.path = path
        self.files = MediaFiles(path.with_name(f"{path.name}.files"))
        self._secrets = hidden
        self._offsets = array("q")
        self._keys = array("Q")
        self._failed_rows: set[int] = set()
        self._answer_index: AnswerIndex | None = None
        self._lock = threading.RLock()  # rows are taken on one thread and answered on another
        self._file, self._reader = _open_file(path)
        try:
            _lock_file(self._file, path)
            self._load_or_create(header)
        except BaseException:
            self._reader.close()
            os.close(self._file)
            raise

    def _load_or_create(self, header: Mapping[str, Any]) -> None:
        size = os.fstat(self._file).st_size
        if size == 0:
            self._append_line(
                {"hfwidgets": "rows", "version": VERSION, "began": _timestamp(), **header}
            )
            return
        line = self._reader.readline()
        _check_header(self.path, _parse_line(line), header)
        offset = len(line)
        for line in self._reader:
            self._index_line(_parse_line(line), offset)
            offset += len(line)
        if not line.endswith(b"\n"):
            os.write(self._file, b"\n")  # the torn line ends here, and is passed over from now on

    def _index_line(self, line: dict[str, Any] | None, offset: int) -> None:
        if line is None or not _is_row(line):
            return
        self._set_offset(line["row"], offset, line["key"])
        if "error" in line:
            self._failed_rows.add(line["row"])
        else:
            self._failed_rows.discard(line["row"])

    def _set_offset(self, index: int, offset: int, key: Any) -> None:
        missing = index + 1 - len(self._offsets)
        if missing > 0:
            self._offsets.extend([NO_OFFSET] * missing)
            self._keys.extend([0] * missing)
        self._offsets[index] = offset
        self._keys[index] = int(str(key), 16)

    def __len__(self) -> int:
        """The number of rows up to the last one that has a line."""
        return len(self._offsets)

    def state(self, index: int) -> str:
        """Whether a row is done, failed or pending."""
        if index >= len(self._offsets) or self._offsets[index] == NO_OFFSET:
            return "pending"
        return "failed" if index in self._failed_rows else "done"

    def has_answer(self, index: int, key: str) -> bool:
        """Whether the answer to this very row is there."""
        return self.state(index) == "done" and self._keys[index] == int(key, 16)

    def claim_answer(self, index: int, key: str) -> bool:
        """Whether there is an answer to this very row, to be asked of one row after the other.

        Once a row has changed, an answer that stood at another row is written down for this one.
        """
        with self._lock:
            if self._answer_index is None:
                if self.state(index) == "pending" or self._keys[index] == int(key, 16):
                    return self.has_answer(index, key)
                self._answer_index = AnswerIndex(self._iter_answers_from(index))
            return self._claim_moved(self._answer_index, index, key)

    def _iter_answers_from(self, index: int) -> Iterator[tuple[int, int]]:
        """Keys and offsets of the answers that stand at a row or behind it."""
        for at in range(index, len(self._offsets)):
            if self.state(at) == "done":
                yield self._keys[at], self._offsets[at]

    def _claim_moved(self, moved: AnswerIndex, index: int, key: str) -> bool:
        own = self._offsets[index] if index < len(self._offsets) else NO_OFFSET
        offset = moved.claim(int(key, 16))
        if offset is not None and offset != own:
            line = self._read_line_at(offset)
            self._set_offset(index, self._append_line({**line, "row": index}), key)
            self._failed_rows.discard(index)
        return offset is not None

    def read_line(self, index: int) -> dict[str, Any]:
        """A row's line, with its media still as files."""
        with self._lock:
            return self._read_line_at(self._offsets[index])

    def _read_line_at(self, offset: int) -> dict[str, Any]:
        self._reader.seek(offset)
        found: dict[str, Any] = json.loads(self._reader.readline())
        return found

    def write_answer(self, index: int, key: str, inputs: Any, raw: Any, served: Provenance) -> None:
        """Write a row's answer down."""
        about = {"model": served.model, "provider": served.provider, "seconds": served.seconds}
        line = {"row": index, "key": key, "at": _timestamp(), "served": about}
        answer = self.files.pack(raw)
        with self._lock:
            self._set_offset(
                index, self._append_line({**line, "inputs": inputs, "answer": answer}), key
            )
            self._failed_rows.discard(index)

    def write_failure(self, index: int, key: str, inputs: Any, failure: Failure) -> None:
        """Write down why a row has no answer."""
        why = {"kind": failure.kind, "message": failure.message, "status": failure.status}
        line = {"row": index, "key": key, "at": _timestamp(), "inputs": inputs, "error": why}
        with self._lock:
            self._set_offset(index, self._append_line(line), key)
            self._failed_rows.add(index)

    def _append_line(self, line: Mapping[str, Any]) -> int:
        """Write a line in one piece; returns where it begins."""
        whole = redact_data(dict(line), self._secrets)
        text = json.dumps(whole, ensure_ascii=False, default=_describe_opaque)
        data = text.encode("utf-8", "surrogatepass") + b"\n"
        written = os.write(self._file, data)
        while written < len(data):  # the disk is nearly full: the rest fits or raises
            written += os.write(self._file, data[written:])
        return os.lseek(self._file, 0, os.SEEK_CUR) - len(data)

    def sync(self) -> None:
        """Wait for the disk."""
        os.fsync(self._file)

    def close(self) -> None:
        """Wait for the disk and let others have the file; rows can still be read."""
        self.sync()
        os.close(self._file)  # which ends the lock


def parse_provenance(line: Mapping[str, Any]) -> Provenance:
    """Who gave the answer of a line, and when."""
    about = line["served"]
    when = datetime.fromisoformat(line["at"])
    return Provenance(about["provider"], about["model"], about["seconds"], when)


def parse_error(line: Mapping[str, Any]) -> errors.HfWidgetsError:
    """The error of a line."""
    why = line["error"]
    return Failure(why["kind"], why["message"], why["status"]).to_exception()


def serialize_inputs(arguments: Mapping[str, Any]) -> Any:
    """A row's arguments as a line holds them: plain data and paths; other media by their hash."""
    return {name: _serialize_input(value) for name, value in arguments.items()}


def _serialize_input(value: Any) -> Any:
    if isinstance(value, os.PathLike):
        return {"$path": os.fspath(value)}
    return fingerprint.to_plain(value)


def _describe_opaque(value: Any) -> Any:
    """What a line holds of an object that JSON cannot say."""
    return {"sha256": None, "type": type(value).__name__}


def restore_inputs(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that a line holds; KeyError for media that it knows by their hash only."""
    found: dict[str, Any] = {}
    for name, value in inputs.items():
        if isinstance(value, dict) and "sha256" in value:
            raise KeyError(name)
        is_path = isinstance(value, dict) and "$path" in value
        found[name] = Path(value["$path"]) if is_path else value
    return found


def row_key(arguments: Mapping[str, Any]) -> str:
    """What tells a row's arguments from others: 16 hexadecimal digits, never all zero."""
    plain = {name: _identity(value) for name, value in arguments.items()}
    return format(int(fingerprint.hash_plain(plain)[:16], 16) or 1, "016x")


def _identity(value: Any) -> Any:
    """A value for its hash: files by name, size and time, pictures and arrays by their content."""
    if isinstance(value, os.PathLike):
        with contextlib.suppress(OSError):
            about = Path(value).stat()
            return [os.fspath(value), about.st_size, about.st_mtime_ns]
        return os.fspath(value)
    pixels = getattr(value, "tobytes", None)
    if pixels is not None and not isinstance(value, memoryview):
        return [str(getattr(value, "size", "")), fingerprint.to_plain(pixels())]
    if hasattr(value, "columns") and (table := getattr(value, "to_dict", None)) is not None:
        value = table("list")
    if isinstance(value, (list, tuple)):
        return [_identity(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _identity(item) for key, item in value.items()}
    return fingerprint.to_plain(value)


def _open_file(path: Path) -> tuple[int, BinaryIO]:
    """The file to write to and to read from; ConfigurationError where it cannot be one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return file, path.open("rb")
    except OSError as error:
        raise errors.ConfigurationError(
            f"Rows cannot be kept in {path}: {error.strerror}. Pass resume= the path of a file."
        ) from error


def _is_row(line: Mapping[str, Any]) -> bool:
    """Whether a line says what became of a row; others, torn or edited by hand, are passed over."""
    row, key = line.get("row"), line.get("key")
    known = isinstance(key, str) and re.fullmatch(r"[0-9a-f]{16}", key) is not None
    return isinstance(row, int) and row >= 0 and known and ("answer" in line or "error" in line)


def _parse_line(line: bytes) -> dict[str, Any] | None:
    """A line's object; None for a torn one."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    whole = isinstance(found, dict) and line.endswith(b"\n")
    return found if whole else None


def _check_header(path: Path, found: dict[str, Any] | None, header: Mapping[str, Any]) -> None:
    if found is None or found.get("hfwidgets") != "rows":
        raise errors.ConfigurationError(
            f"{path} is not a file of rows: pass resume= another path, or delete it."
        )
    if found["version"] > VERSION:
        raise errors.ConfigurationError(f"{path} was written by a newer hfwidgets: upgrade.")
    plain = json.loads(json.dumps(header))
    changed = {name: value for name, value in plain.items() if found.get(name) != value}
    other = [f"{name} ({found.get(name)!r} there, {here!r} here)" for name, here in changed.items()]
    if other:
        raise errors.ConfigurationError(
            f"{path} holds the answers to something else: it differs in {', '.join(other)}. Pass "
            "resume= another path, or delete it."
        )


def _timestamp() -> str:
    return utc_now().isoformat()


def _lock_file(file: int, path: Path) -> None:
    """Lock the file for this process; the lock ends with it, however it ends."""
    try:
        import fcntl
    except ImportError:  # Windows, where two runs at once would ask the same rows twice
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise errors.ConfigurationError(
            f"Another run is writing to {path}: wait for its end, or pass resume= another path."
        ) from error
