"""Read the tensors of a PyTorch file (the format before 1.6) without PyTorch.

Source: torch/serialization.py, `_legacy_save`: five pickles (a magic number, a version, facts about
the machine, the object, the storages' keys), then each storage as its length and its numbers. The
unpickler accepts only dictionaries and tensors, so nothing in the file is executed.
"""

import pickle
import struct
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

# A hand-written reader, because the only library that reads this format is torch itself: 200 MB for
# one file of 19 MB, while safetensors covers newer files only.
_TYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}


@dataclass(frozen=True, slots=True)
class _Storage:
    key: str
    kind: str


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A tensor's place in its storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @classmethod
    def rebuild(cls, *arguments: Any) -> "_Tensor":
        """Stand in for torch._utils._rebuild_tensor_v2; gradients and hooks are ignored."""
        return cls(*arguments[:4])

    def read_from(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """Return the tensor; ValueError when it reaches beyond its storage."""
        # Strides come from the file: unchecked, as_strided would read memory outside the buffer.
        last = sum((side - 1) * step for side, step in zip(self.shape, self.strides, strict=True))
        if min((self.offset, *self.strides)) < 0 or self.offset + last >= len(numbers):
            raise ValueError("a tensor of the file reaches beyond its storage")
        steps = [step * numbers.itemsize for step in self.strides]
        start = numbers[self.offset :]
        return np.ascontiguousarray(np.lib.stride_tricks.as_strided(start, self.shape, steps))


class _TensorUnpickler(pickle.Unpickler):
    """An unpickler that accepts only dictionaries and tensors."""

    def find_class(self, module: str, name: str) -> Any:
        """Return the stand-in for a name of the file; UnpicklingError for any other name."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _Tensor.rebuild
        if module == "torch" and name in _TYPES:
            return _TYPES[name]
        raise pickle.UnpicklingError(f"{module}.{name} is not allowed in a weights file")

    def persistent_load(self, pid: Any) -> _Storage:
        """Return the storage that a persistent id refers to: ("storage", type, key, ...)."""
        return _Storage(pid[2], pid[1])


def load_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """Return all tensors of a state dictionary by name."""
    with path.open("rb") as file:
        _magic, _version, _machine, state, keys = (_TensorUnpickler(file).load() for _ in range(5))
        # A storage states only its length; the kind of its numbers stands in its tensors.
        kinds = {tensor.storage.key: tensor.storage.kind for tensor in state.values()}
        storages = {key: _read_storage(file, kinds[key]) for key in keys}
    return {name: tensor.read_from(storages[tensor.storage.key]) for name, tensor in state.items()}


def _read_storage(file: BinaryIO, kind: str) -> NDArray[Any]:
    """Read the next storage: its element count as int64, then its elements."""
    [count] = struct.unpack("<q", file.read(8))
    return np.frombuffer(file.read(count * np.dtype(kind).itemsize), kind)
