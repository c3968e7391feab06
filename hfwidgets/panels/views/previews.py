"""What a page shows of images and audio: small copies and waveforms."""

import io
from typing import TYPE_CHECKING, TypeGuard

import msgspec

from hfwidgets import errors, media
from hfwidgets.core.run_flow import perform_blocking, run_flow
from hfwidgets.media import Media
from hfwidgets.panels.document.protocol import Part, Save
from hfwidgets.results.audio import Audio

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_IMAGE_SIDE = 1600
"""The longest side of an image on a page, in pixels: twice what fits, for dense screens."""

MAX_THUMBNAIL_SIDE = 160
"""The longest side of an image in a gallery, in pixels."""

MAX_PNG_PIXELS = 500_000
"""Opaque images with more pixels are sent as JPEG."""

WAVEFORM_BARS = 400
"""Bars of a waveform."""

MAX_WAVEFORM_BYTES = 64 << 20
"""Audio above this many bytes is played without a waveform."""

PageFile = tuple[bytes, str]
"""Bytes and MIME type."""


class AudioTrack(Part, kw_only=True):
    """Audio with what a player shows before it plays."""

    label: str
    id: str
    type: str | None
    seconds: float | None
    rate: int | None
    """Samples per second."""
    peaks: list[int]
    """The waveform, 0 to 100."""
    saves: list[Save] = msgspec.field(default_factory=list)


def is_image(value: object) -> "TypeGuard[Image]":
    """True if a value is a Pillow image, told by what it can do so that Pillow is not imported."""
    return hasattr(value, "getbbox") and hasattr(value, "mode")


def load_media(source: object, kind: str | None) -> Media:
    """Read an input as `Media`, blocking; URLs are not fetched.

    Raises:
        InputError: as for a call with this input.
    """
    return run_flow(media.load(source, kind), perform_blocking)


def text_file(text: str) -> PageFile:
    """Return text as a file."""
    return text.encode(), "text/plain"


def preview_image(image: "Image") -> PageFile:
    """Encode an image for the page, upright and at most 1,600 pixels wide and high."""
    from PIL import ImageOps

    image = ImageOps.exif_transpose(image) or image
    if max(image.size) > MAX_IMAGE_SIDE:
        # `thumbnail` scales in place.
        image = image.copy()
        image.thumbnail((MAX_IMAGE_SIDE, MAX_IMAGE_SIDE))
    return encode_image(image)


def make_thumbnail(image: "Image") -> PageFile:
    """Encode an image for a gallery, at most 160 pixels wide and high."""
    small = image.copy()
    small.thumbnail((MAX_THUMBNAIL_SIDE, MAX_THUMBNAIL_SIDE))
    return encode_image(small)


def encode_image(image: "Image") -> PageFile:
    """Encode an image as JPEG if it is large and opaque, else as PNG."""
    image = media.to_eight_bits(image)
    is_opaque = image.mode in ("RGB", "L")
    if is_opaque and image.width * image.height > MAX_PNG_PIXELS:
        out = io.BytesIO()
        image.save(out, "JPEG", quality=88)
        return out.getvalue(), "image/jpeg"
    return encode_png(image)


def encode_png(image: "Image") -> PageFile:
    """Encode an image in full size as PNG."""
    out = io.BytesIO()
    media.to_eight_bits(image).save(out, "PNG")
    return out.getvalue(), "image/png"


def preview_input(source: object, kind: str) -> PageFile | None:
    """Return what the page shows of an input; None for a URL, which is not fetched.

    Raises:
        InputError: as for a call with this input.
    """
    found = load_media(source, kind)
    if found.source is None:
        return None
    if kind == "image":
        return preview_image(media.open_upright(found))
    return found.read(), found.mime or "application/octet-stream"


def describe_audio(audio: Audio) -> AudioTrack:
    """Describe audio for a player; what cannot be decoded has neither duration nor waveform."""
    track = AudioTrack(label="", id="", type=audio.mime, seconds=None, rate=None, peaks=[])
    try:
        track.seconds, track.rate = audio.seconds, audio.sampling_rate
        track.peaks = compute_waveform(audio) if len(audio) <= MAX_WAVEFORM_BYTES else []
    except errors.OutputError:
        track.seconds, track.rate, track.peaks = None, None, []
    return track


def compute_waveform(audio: Audio) -> list[int]:
    """Return the loudest sample of each of up to 400 sections, scaled to 0 to 100."""
    import numpy as np

    samples = np.abs(media.mix_channels(audio.array))
    if samples.size == 0:
        return []
    # `reduceat` needs edges that increase, so at most one bar per sample.
    bars = min(WAVEFORM_BARS, samples.size)
    edges = np.linspace(0, samples.size, bars, endpoint=False).astype(int)
    peaks = np.maximum.reduceat(samples, edges)
    loudest = float(peaks.max()) or 1.0  # silence has a loudest sample of 0
    return [round(float(peak) / loudest * 100) for peak in peaks]
