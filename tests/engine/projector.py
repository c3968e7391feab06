"""Write a tiny projector with random weights, through which a chat model reads images.

Its embeddings mean nothing, but they differ from image to image. Source of the format: GGUF version
3 and the tensor names of llama.cpp's LLaVA projectors.
"""

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE, PATCH = 32, 8
TOKENS = (SIDE // PATCH) ** 2
"""Tokens per image."""

_ALIGNMENT = 32
_HIDDEN_SIZE, _FEED_FORWARD_SIZE = 32, 64
_NORMS = ("v.post_ln", "v.blk.0.ln1", "v.blk.0.ln2")


def write_projector(path: Path, width: int) -> Path:
    """Write a projector file for a chat model with embeddings of this width."""
    tensors, metadata = _make_tensors(width), _make_metadata(width)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    head += b"".join(_pack_text(name) + _pack_value(value) for name, value in metadata.items())
    data = b""
    for name, tensor in tensors.items():
        shape = struct.pack(f"<I{tensor.ndim}Q", tensor.ndim, *tensor.shape[::-1])
        # The type 0 means 32-bit floats; offsets count from the start of the aligned data.
        head += _pack_text(name) + shape + struct.pack("<IQ", 0, len(data))
        data += _pad(tensor.astype("<f4").tobytes())
    path.write_bytes(_pad(head) + data)
    return path


def _make_metadata(width: int) -> dict[str, Any]:
    vision = {
        "image_size": SIDE,
        "patch_size": PATCH,
        "embedding_length": _HIDDEN_SIZE,
        "feed_forward_length": _FEED_FORWARD_SIZE,
        "projection_dim": width,
        "block_count": 1,
        "attention.head_count": 2,
        "attention.layer_norm_epsilon": 1e-5,
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
    }
    return {
        "general.architecture": "clip",
        "general.type": "mmproj",
        "clip.has_vision_encoder": True,
        "clip.projector_type": "mlp",
        "clip.use_gelu": True,
        **{f"clip.vision.{name}": value for name, value in vision.items()},
    }


def _make_tensors(width: int) -> dict[str, NDArray[np.float64]]:
    random = np.random.default_rng(0)
    shapes = {
        "mm.0": (width, _HIDDEN_SIZE),
        "mm.2": (width, width),
        "v.blk.0.ffn_up": (_FEED_FORWARD_SIZE, _HIDDEN_SIZE),
        "v.blk.0.ffn_down": (_HIDDEN_SIZE, _FEED_FORWARD_SIZE),
        **{f"v.blk.0.attn_{name}": (_HIDDEN_SIZE, _HIDDEN_SIZE) for name in ("q", "k", "v", "out")},
    }
    tensors = {
        "v.patch_embd.weight": random.normal(size=(_HIDDEN_SIZE, 3, PATCH, PATCH)),
        "v.patch_embd.bias": np.zeros(_HIDDEN_SIZE),
        "v.position_embd.weight": random.normal(size=(TOKENS, _HIDDEN_SIZE)),
    }
    for name, shape in shapes.items():
        tensors[f"{name}.weight"] = random.normal(size=shape) / np.sqrt(shape[1])
        tensors[f"{name}.bias"] = np.zeros(shape[0])
    for name in _NORMS:
        tensors |= {f"{name}.weight": np.ones(_HIDDEN_SIZE), f"{name}.bias": np.zeros(_HIDDEN_SIZE)}
    return tensors


def _pad(data: bytes) -> bytes:
    return data + bytes(-len(data) % _ALIGNMENT)


def _pack_text(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def _pack_value(value: Any) -> bytes:
    """Pack a metadata value, after the number of its type."""
    if isinstance(value, bool):
        return struct.pack("<I?", 7, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, str):
        return struct.pack("<I", 8) + _pack_text(value)
    return struct.pack(f"<IIQ{len(value)}f", 9, 6, len(value), *value)
