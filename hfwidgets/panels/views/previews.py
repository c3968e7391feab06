"""What a page is shown of pictures and sounds: small copies and waveforms."""

import io
from typing import TYPE_CHECKING, Any

from hfwidgets import errors, media
from hfwidgets.core.run_flow import perform_blocking, run_flow
from hfwidgets.media import Media
from hfwidgets.results.audio import Audio

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_IMAGE_SIDE = 1600
"""The longest side of a picture on a page, in pixels: twice what fits, for dense screens."""

WAVEFORM_BARS = 400
"""How many bars a waveform has."""

MAX_WAVEFORM_BYTES = 64 << 20
"""Sounds above this many bytes are played, but not drawn."""

PageFile = tuple[bytes, str]
"""Bytes and MIME type."""


def load_media(source: Any, kind: str | None) -> Media:
    """What a user gave, as `Media`; URLs are left unfetched, errors are a call's; may block."""
    return run_flow(media.load(source, kind), perform_blocking)


def preview_image(image: "Image") -> PageFile:
    """A picture as the page shows it: at most 1,600 pixels wide and high, PNG or JPEG."""
    from PIL import ImageOps

    image = ImageOps.exif_transpose(image) or image
    if max(image.size) > MAX_IMAGE_SIDE:
        image = image.copy()
        image.thumbnail((MAX_IMAGE_SIDE, MAX_IMAGE_SIDE))
    return encode_image(image)


def make_thumbnail(image: "Image") -> PageFile:
    """A picture for a gallery, at most 160 pixels wide and high."""
    small = image.copy()
    small.thumbnail((160, 160))
    return encode_image(small)


def encode_image(image: "Image") -> PageFile:
    """A picture as a file: JPEG for large opaque ones, else PNG."""
    out = io.BytesIO()
    opaque = image.mode in ("RGB", "L")
    if opaque and image.width * image.height > 500_000:
        image.save(out, "JPEG", quality=88)
        return out.getvalue(), "image/jpeg"
    plain = image if image.mode in ("1", "L", "LA", "P", "RGB", "RGBA") else image.convert("RGB")
    plain.save(out, "PNG")
    return out.getvalue(), "image/png"


def encode_png(image: "Image") -> PageFile:
    """A picture in full size, as PNG."""
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue(), "image/png"


def preview_input(source: Any, kind: str) -> PageFile | None:
    """What the page shows of an input; None for a URL that nobody fetched. InputError as it is."""
    found = load_media(source, kind)
    if found.source is None:
        return None
    if kind == "image":
        return preview_image(media.open_upright(found))
    return found.read(), found.mime or "application/octet-stream"


def describe_audio(sound: Audio) -> dict[str, Any]:
    """What a player shows of a sound before it is played: seconds, rate and waveform."""
    try:
        seconds, rate = sound.seconds, sound.sampling_rate
        peaks = compute_waveform(sound) if len(sound) <= MAX_WAVEFORM_BYTES else []
    except errors.OutputError:
        return {"type": sound.mime, "seconds": None, "rate": None, "peaks": []}
    return {"type": sound.mime, "seconds": seconds, "rate": rate, "peaks": peaks}


def compute_waveform(sound: Audio) -> list[int]:
    """The loudest sample of each of up to 400 stretches, from 0 to 100."""
    import numpy as np

    samples = np.abs(sound.array if sound.array.ndim == 1 else sound.array.mean(axis=1))
    if samples.size == 0:
        return []
    edges = np.linspace(0, samples.size, min(WAVEFORM_BARS, samples.size), endpoint=False).astype(
        int
    )
    peaks = np.maximum.reduceat(samples, edges)
    top = float(peaks.max()) or 1.0
    return [round(float(peak) / top * 100) for peak in peaks]
