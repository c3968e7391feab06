"""A tiny projector with random weights for the tests, by which a chat model is shown pictures.

It says nothing true of a picture; what a picture is does change what the model is shown. Source of
the format: GGUF version 3 and the names of llama.cpp's projectors of LLaVA's kind.
"""

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE, PATCH = 32, 8
TOKENS = (SIDE // PATCH) ** 2
"""The tokens that a picture takes."""

_ALIGNED = 32
_INNER, _WIDE = 32, 64
_NORMS = ("v.post_ln", "v.blk.0.ln1", "v.blk.0.ln2")


def written(path: Path, width: int) -> Path:
    """A projector's file for a chat model with embeddings of this width."""
    tensors = _tensors(width)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(_settings(width)))
    head += b"".join(_text(name) + _value(value) for name, value in _settings(width).items())
    data = b""
    for name, tensor in tensors.items():
        shape = struct.pack(f"<I{tensor.ndim}Q", tensor.ndim, *tensor.shape[::-1])
        head += _text(name) + shape + struct.pack("<IQ", 0, len(data))  # 0: 32-bit numbers
        data += _padded(tensor.astype("<f4").tobytes())
    path.write_bytes(_padded(head) + data)
    return path


def _settings(width: int) -> dict[str, Any]:
    vision = {
        "image_size": SIDE,
        "patch_size": PATCH,
        "embedding_length": _INNER,
        "feed_forward_length": _WIDE,
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


def _tensors(width: int) -> dict[str, NDArray[np.float64]]:
    random = np.random.default_rng(0)
    shapes = {
        "mm.0": (width, _INNER),
        "mm.2": (width, width),
        "v.blk.0.ffn_up": (_WIDE, _INNER),
        "v.blk.0.ffn_down": (_INNER, _WIDE),
        **{f"v.blk.0.attn_{name}": (_INNER, _INNER) for name in ("q", "k", "v", "out")},
    }
    made = {
        "v.patch_embd.weight": random.normal(size=(_INNER, 3, PATCH, PATCH)),
        "v.patch_embd.bias": np.zeros(_INNER),
        "v.position_embd.weight": random.normal(size=(TOKENS, _INNER)),
    }
    for name, shape in shapes.items():
        made[f"{name}.weight"] = random.normal(size=shape) / np.sqrt(shape[1])
        made[f"{name}.bias"] = np.zeros(shape[0])
    for name in _NORMS:
        made |= {f"{name}.weight": np.ones(_INNER), f"{name}.bias": np.zeros(_INNER)}
    return made


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % _ALIGNED)


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def _value(value: Any) -> bytes:
    """A setting's value after its type's number."""
    if isinstance(value, bool):
        return struct.pack("<I?", 7, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, str):
        return struct.pack("<I", 8) + _text(value)
    return struct.pack(f"<IIQ{len(value)}f", 9, 6, len(value), *value)
