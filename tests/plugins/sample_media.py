"""Small images and audio for tests, and a driver for flows that only do local work."""

import base64
import io
import math
import struct
import wave
from typing import Any

from PIL import Image

from hfwidgets.core.flow import Flow
from hfwidgets.core.run_flow import perform_blocking, run_flow


def make_image(size: tuple[int, int] = (40, 30), color: str = "red") -> Image.Image:
    return Image.new("RGB", size, color)


def encode_image(image: Image.Image | None = None, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    (image or make_image()).save(out, kind, **options)
    return out.getvalue()


def make_mask_base64(
    size: tuple[int, int] = (40, 30), box: tuple[int, int, int, int] = (10, 5, 20, 15)
) -> str:
    mask = Image.new("L", size, 0)
    mask.paste(255, box)
    return base64.b64encode(encode_image(mask)).decode()


def make_noise_png(side: int) -> bytes:
    """Return a PNG that does not compress: side * side * 3 bytes and a little more."""
    import random

    pixels = random.Random(1).randbytes(side * side * 3)
    return encode_image(Image.frombytes("RGB", (side, side), pixels))


def make_wav(seconds: float = 1.0, rate: int = 8000) -> bytes:
    out = io.BytesIO()
    count = int(seconds * rate)
    samples = (round(9000 * math.sin(2 * math.pi * 440 * n / rate)) for n in range(count))
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return out.getvalue()


def run_local(flow: Flow[Any]) -> Any:
    """Return the result of a flow whose steps are all local work."""
    return run_flow(flow, perform_blocking)
