"""What tells rows apart: a hash of their arguments."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hfwidgets.batch._row_arguments import Arguments
from hfwidgets.core.missing import is_missing
from hfwidgets.recorder import fingerprint


def row_key(arguments: Arguments) -> str:
    """Return the hash that identifies a row's arguments: 16 hexadecimal digits, never all zero.

    Raises:
        InputError: an argument is neither JSON, nor a medium, nor a table.
    """
    plain = {name: _identity(value) for name, value in arguments.items()}
    # 16 digits are 64 bits, one item of the array of keys, where 0 marks a row without a line.
    return format(int(fingerprint.hash_plain(plain)[:16], 16) or 1, "016x")


def _identity(value: Any) -> Any:
    """Return plain data that equals for equal values only.

    Files are identified by name, size and time, so that a folder of large files is not read twice;
    images and arrays by their content and its shape, tables by their columns.
    """
    if is_missing(value):
        return None
    if isinstance(value, os.PathLike):
        with contextlib.suppress(OSError):
            about = Path(value).stat()
            return [os.fspath(value), about.st_size, about.st_mtime_ns]
        # The call itself reports a missing file, so here its path is enough.
        return os.fspath(value)
    if hasattr(value, "columns") and (table := getattr(value, "to_dict", None)) is not None:
        value = table("list")
    if isinstance(value, (list, tuple)):
        return [_identity(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _identity(item) for key, item in value.items()}
    if isinstance(value, (bytes, bytearray, memoryview)) or not hasattr(value, "tobytes"):
        return fingerprint.to_plain(value)
    if hasattr(value, "getpalette"):  # a Pillow image: in mode P the palette is part of the content
        palette = value.getpalette() if value.mode == "P" else None
        return [value.mode, list(value.size), palette, fingerprint.to_plain(value.tobytes())]
    # A numpy number has bytes as an array does, but must equal the same number of Python's.
    if getattr(value, "ndim", None) == 0:
        return fingerprint.to_plain(value)
    dtype = getattr(value, "dtype", None)
    if getattr(dtype, "hasobject", False):  # whose bytes are addresses, different in each process
        return [list(value.shape), _identity(value.tolist())]
    shape = list(getattr(value, "shape", ()))
    return [str(dtype), shape, fingerprint.to_plain(value.tobytes())]
